"""Rankings: look-alikes among photos or in a gallery, and the most characteristic photo of a person."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Query
from pydantic import BaseModel

from visavis import defaults, images
from visavis.defaults import EMBEDDER
from visavis.plain import plain
from visavis.ranking import lookalikes, representatives
from visavis.server.auth import ServicesOf
from visavis.server.photo_answers import hide_folders
from visavis.server.photo_input import OnePhoto, PhotoInput, photo_body, photo_input
from visavis.server.problems import responses
from visavis.server.resources import V1
from visavis.server.resources.options import MIN_FACE, FaceNumber, MinFace, Reader, ReadGallery
from visavis.server.routes import Router
from visavis.verification import largest_embedding, require_faces

router = Router(prefix=V1, tags=["photos"])
PhotoAndOthers = Annotated[PhotoInput, Depends(photo_input("photo", "others", fields=()), scope="function")]
TopFaces = Annotated[int, Query(ge=1, le=1000, description="Number of look-alikes.")]


class LookalikeAnswer(BaseModel):
    """A face and its distance: ``face`` is its number in a photo of the request, the others are of a gallery."""

    photo: str
    box: list[float] | None
    distance: float
    quality: float | None
    sha256: str | None
    captured: str | None
    face: int | None = None
    template_id: int | None = None
    person_id: int | None = None
    name: str | None = None


class Lookalikes(BaseModel):
    """Look-alikes, the nearest first."""

    faces: list[LookalikeAnswer]


class CharacteristicAnswer(BaseModel):
    """A face of a photo, its distance from the mean of the person, and whether it is an outlier."""

    photo: str
    face: int
    box: list[float]
    score: float
    landmarks: list[list[float]]
    distance: float
    quality: float
    outlier: bool
    sha256: str | None


class Characteristics(BaseModel):
    """A face of each photo, the most characteristic first."""

    faces: list[CharacteristicAnswer]


@router.post(
    "/similar",
    response_model=Lookalikes,
    response_model_exclude_unset=True,
    responses=responses(413, 415),
    openapi_extra=photo_body("photo", many=["others"]),
)
def rank_photos(
    photos: PhotoAndOthers,
    services: ServicesOf,
    _: Reader,
    top: TopFaces = defaults.TOP_LOOKALIKES,
    min_face: MinFace = MIN_FACE,
) -> dict[str, Any]:
    """Rank the photos ``others`` by the distance of their nearest face to the largest face of ``photo``."""
    ranking = lookalikes.rank_photos(
        services.recognizer(EMBEDDER), photos.only("photo"), photos.all("others"), top=top, min_face=min_face
    )
    return {"faces": [face.to_dict() for face in ranking]}


@router.post(
    "/gallery/similar",
    response_model=Lookalikes,
    response_model_exclude_unset=True,
    responses=responses(404, 413, 415),
    openapi_extra=photo_body("photo"),
)
def rank_stored_faces(
    photos: OnePhoto,
    gallery: ReadGallery,
    top: TopFaces = defaults.TOP_LOOKALIKES,
    min_face: MinFace = MIN_FACE,
    face: FaceNumber = None,
) -> dict[str, Any]:
    """Rank all faces of a gallery, named or not, by their distance to the largest face of ``photo``.

    ``face`` chooses another face than the largest.
    """
    photo = images.read(photos.only("photo"))
    (answer,) = gallery.recognizer.represent([photo], min_face=min_face)
    faces = require_faces(answer)
    probe = largest_embedding(faces if face is None else faces.select(face))
    (ranking,) = gallery.lookalikes(probe, top=top, besides=photo.sha256)
    return {"faces": hide_folders([face.to_dict() for face in ranking])}


@router.post(
    "/representative",
    response_model=Characteristics,
    responses=responses(413, 415),
    openapi_extra=photo_body(many=["photo"]),
)
def representative(photos: OnePhoto, services: ServicesOf, _: Reader, min_face: MinFace = MIN_FACE) -> dict[str, Any]:
    """Rank the photos of one person by how characteristic they are; one of another person is an outlier."""
    recognizer = services.recognizer(EMBEDDER)
    rows = representatives.collect_faces(recognizer.represent(photos.all("photo"), min_face=min_face))
    ranking = representatives.rank_faces(rows, model=recognizer.model)
    return {"faces": [{**plain(characteristic.face), **characteristic.to_dict()} for characteristic in ranking]}
