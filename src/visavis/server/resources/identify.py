"""Identification: the people of a gallery in photos."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from visavis import defaults
from visavis.server.photo_answers import PhotoLine, QualityFace, explain_quality
from visavis.server.photo_input import OnePhoto, photo_body
from visavis.server.problems import responses
from visavis.server.resources import V1
from visavis.server.resources.options import MIN_FACE, MinFace, ReadGallery, SearchFpir, Threshold, Top
from visavis.server.routes import Router
from visavis.server.schema import model_of
from visavis.types import Identification, PhotoFaces

router = Router(prefix=V1, tags=["photos"])


class IdentifiedPhotoAnswer(PhotoLine):
    """A photo with an answer for each face; ``name`` and ``person_id`` are null for an unknown face.

    ``detected`` are the faces as /quality answers them, and ``width`` and ``height`` those of the photo, if wanted.
    """

    faces: list[model_of(Identification)]  # type: ignore[valid-type]
    detected: tuple[QualityFace, ...] = ()


class IdentifiedPhotos(BaseModel):
    """An answer for each photo, in the order of the request."""

    photos: list[IdentifiedPhotoAnswer]


@router.post(
    "/identify",
    response_model=IdentifiedPhotos,
    response_model_exclude_unset=True,
    responses=responses(404, 413, 415),
    openapi_extra=photo_body(many=["photo"]),
)
def identify(  # noqa: PLR0913 - those of the gallery
    photos: OnePhoto,
    gallery: ReadGallery,
    fpir: SearchFpir,
    threshold: Threshold = None,
    margin: float = 0.0,
    top: Top = defaults.TOP_NAMES,
    min_face: MinFace = MIN_FACE,
    *,
    repeats: bool = False,
    detected: bool = False,
) -> dict[str, Any]:
    """Name the faces of one photo or several, or answer that they are unknown.

    With ``detected``, also return the faces as /quality does.
    """
    answers = gallery.identify_photos(
        photos.all("photo"), fpir=fpir, threshold=threshold, margin=margin, top=top, min_face=min_face, repeats=repeats
    )
    if detected:
        return {"photos": [{**answer.to_dict(), **_describe_faces(answer.photo)} for answer in answers]}
    return {"photos": [answer.to_dict() for answer in answers]}


def _describe_faces(photo: PhotoFaces) -> dict[str, Any]:
    line = explain_quality(replace(photo, embeddings=None))
    return {"detected": line["faces"], "width": line["width"], "height": line["height"]}
