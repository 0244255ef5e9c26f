"""Detection: the faces of photos, with their landmarks and quality."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from visavis.defaults import EMBEDDER
from visavis.server.auth import ServicesOf
from visavis.server.photo_input import OnePhoto, photo_body
from visavis.server.problems import responses
from visavis.server.resources.options import MIN_FACE, MinFace, Reader

router = APIRouter(tags=["photos"])


class FaceAnswer(BaseModel):
    """A face: ``box`` is x1, y1, x2, y2 in pixels, ``landmarks`` five points, ``quality`` from 0 to 1."""

    box: list[float]
    score: float
    landmarks: list[list[float]]
    quality: float | None = None
    quality_parts: dict[str, float] | None = None
    embedding: list[float] | None = None


class PhotoAnswer(BaseModel):
    """A photo with its faces; ``status`` is "ok", "no_face" or why it cannot be used, with a ``message``."""

    photo: str
    status: str
    captured: str | None = None
    width: int | None = None
    height: int | None = None
    faces: list[FaceAnswer]
    notes: list[str] | None = None
    message: str | None = None


class PhotoAnswers(BaseModel):
    """An answer for each photo, in the order of the request."""

    photos: list[PhotoAnswer]


@router.post(
    "/detect",
    response_model=PhotoAnswers,
    response_model_exclude_none=True,
    responses=responses(413, 415),
    openapi_extra=photo_body("photo", many=True),
)
def detect(
    photos: OnePhoto, services: ServicesOf, _: Reader, min_face: MinFace = MIN_FACE, *, embeddings: bool = False
) -> dict[str, Any]:
    """Find the faces of one photo or several; a photo without a face has an empty list."""
    recognizer = services.recognizer(EMBEDDER)
    find = recognizer.represent if embeddings else recognizer.detect
    return {"photos": [answer.to_dict() for answer in find(photos.all("photo"), min_face=min_face)]}
