"""Explanations: why a person was, or was not, recognized in a photo."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query

from visavis.gallery.check_text import NAME_LENGTH
from visavis.gallery.feedback_types import Explanation
from visavis.server.photo_answers import hide_folders
from visavis.server.photo_input import OnePhoto, photo_body
from visavis.server.problems import responses
from visavis.server.resources import V1
from visavis.server.resources.options import MIN_FACE, MinFace, ReadGallery, SearchFpir, Threshold
from visavis.server.routes import Router
from visavis.server.schema import model_of

router = Router(prefix=V1, tags=["photos"])

PersonReference = Annotated[
    str, Query(min_length=1, max_length=NAME_LENGTH, description="The person expected: an id, or a unique name.")
]


@router.post(
    "/why",
    response_model=model_of(Explanation),
    responses=responses(404, 413, 415),
    openapi_extra=photo_body("photo"),
)
def why(
    photos: OnePhoto,
    gallery: ReadGallery,
    person: PersonReference,
    fpir: SearchFpir,
    threshold: Threshold = None,
    min_face: MinFace = MIN_FACE,
) -> dict[str, Any]:
    """Explain why the person was, or was not, recognized in a photo, and what would help."""
    answer = gallery.why(photos.only("photo"), person, fpir=fpir, threshold=threshold, min_face=min_face)
    return hide_folders(answer.to_dict())
