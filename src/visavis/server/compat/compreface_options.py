"""What CompreFace's requests have in common: the key's gallery, photos, query parameters and the form of faces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query

from visavis.gallery.gallery import Gallery
from visavis.server.auth import Principal, ServicesOf
from visavis.server.compat import compreface_errors as errors
from visavis.server.compat.people import gallery_of
from visavis.server.compat.selected_faces import SelectedFaces, find_faces
from visavis.server.photo_input import NamedPhoto, PhotoInput, photo_input
from visavis.server.resources.options import Enroller, Reader
from visavis.server.services import Services
from visavis.server.state.subjects import EmptySubjects

PREFIX = "/api/v1"

PhotoFile = Annotated[PhotoInput, Depends(photo_input("file"), scope="function")]
TwoPhotos = Annotated[PhotoInput, Depends(photo_input("source_image", "target_image"), scope="function")]
LeastScore = Annotated[float, Query(alias="det_prob_threshold", ge=0, le=1)]
Subject = Annotated[str | None, Query()]


@dataclass(frozen=True, slots=True)
class Collection:
    """What a key's requests are about: a gallery, and the subjects of it that have no face yet."""

    gallery: Gallery
    empty: EmptySubjects


def open_collection(services: Services, principal: Principal) -> Collection:
    """Return the collection of a key."""
    name = gallery_of(principal)
    return Collection(services.gallery(name), EmptySubjects(services.database, name))


def read_collection(services: ServicesOf, principal: Reader) -> Collection:
    """Return the collection of a request that asks."""
    return open_collection(services, principal)


def change_collection(services: ServicesOf, principal: Enroller) -> Collection:
    """Return the collection of a request that changes subjects."""
    return open_collection(services, principal)


ReadCollection = Annotated[Collection, Depends(read_collection)]
ChangeCollection = Annotated[Collection, Depends(change_collection)]


@dataclass(frozen=True, slots=True)
class FaceOptions:
    """Query parameters of requests that look for faces; ``limit`` 0: all faces.

    Of the ``plugins`` there are landmarks and calculator; others, and ``undefined``, are passed over.
    """

    limit: int
    min_score: float
    plugins: frozenset[str]
    status: bool


def read_face_options(
    limit: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    det_prob_threshold: LeastScore = 0.0,
    face_plugins: str = "",
    *,
    status: bool = False,
) -> FaceOptions:
    """Return the options of a request."""
    plugins = frozenset(plugin.strip().lower() for plugin in face_plugins.split(","))
    return FaceOptions(limit, det_prob_threshold, plugins, status)


FaceOptionsOf = Annotated[FaceOptions, Depends(read_face_options)]


def require_part(photos: PhotoInput, name: str) -> NamedPhoto:
    """Return the photo of a part; raises CompreFaceError where it is missing."""
    parts = photos.photos.get(name, ())
    if not parts:
        raise errors.CompreFaceError(400, errors.MISSING_PART, f"Required part {name} is missing")
    return parts[0]


def require_faces(gallery: Gallery, photo: NamedPhoto, options: FaceOptions, *, embed: bool = True) -> SelectedFaces:
    """Return the faces of a photo; raises CompreFaceError where there is none."""
    embed = embed or "calculator" in options.plugins
    selected = find_faces(gallery.recognizer, photo, min_score=options.min_score, limit=options.limit, embed=embed)
    if not selected.answer.faces:
        raise errors.no_face()
    return selected


def describe_face(selected: SelectedFaces, index: int, options: FaceOptions) -> dict[str, Any]:
    """Return a face in CompreFace's form, with what the options ask for."""
    face = selected.answer.faces[index]
    content: dict[str, Any] = {"box": {"probability": round(face.score, 5), **selected.box(index)}}
    if "landmarks" in options.plugins:
        content["landmarks"] = [[round(float(x)), round(float(y))] for x, y in face.landmarks]
    if "calculator" in options.plugins and selected.answer.embeddings is not None:
        content["embedding"] = selected.answer.embeddings[index].tolist()
    if options.status:
        content["execution_time"] = {"detector": selected.detection_ms, "calculator": selected.embedding_ms}
    return content


def add_versions(content: dict[str, Any], gallery: Gallery, options: FaceOptions) -> dict[str, Any]:
    """Return an answer with the names of the networks, where the options ask for the status."""
    if not options.status:
        return content
    recognizer = gallery.recognizer
    return {**content, "plugins_versions": {"detector": recognizer.detector_name, "calculator": recognizer.model}}
