"""Detection: the faces of photos, with their landmarks and quality."""

from __future__ import annotations

from typing import Any

from visavis.defaults import EMBEDDER
from visavis.server.auth import ServicesOf
from visavis.server.photo_answers import PhotoAnswers
from visavis.server.photo_input import OnePhoto, photo_body
from visavis.server.problems import responses
from visavis.server.resources import V1
from visavis.server.resources.options import MIN_FACE, MinFace, Reader
from visavis.server.routes import Router

router = Router(prefix=V1, tags=["photos"])


@router.post(
    "/detect",
    response_model=PhotoAnswers,
    response_model_exclude_unset=True,
    responses=responses(413, 415),
    openapi_extra=photo_body(many=["photo"]),
)
def detect(
    photos: OnePhoto, services: ServicesOf, _: Reader, min_face: MinFace = MIN_FACE, *, embeddings: bool = False
) -> dict[str, Any]:
    """Find the faces of one photo or several; a photo without a face has an empty list."""
    recognizer = services.recognizer(EMBEDDER)
    find = recognizer.represent if embeddings else recognizer.detect
    return {"photos": [answer.to_dict() for answer in find(photos.all("photo"), min_face=min_face)]}
