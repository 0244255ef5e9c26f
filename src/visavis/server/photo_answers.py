"""Forms of the answers about photos: a line for each photo, with its faces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, cast

from pydantic import BaseModel

from visavis.images import strip_folders
from visavis.plain import plain
from visavis.quality import reasons, worst_parts
from visavis.types import PhotoFaces

T = TypeVar("T")


class PhotoLine(BaseModel):
    """A photo: ``status`` is "ok", "no_face" or why it cannot be used, with a ``message``."""

    photo: str
    status: str
    captured: str | None = None
    width: int | None = None
    height: int | None = None
    notes: list[str] = []
    message: str = ""


class FaceAnswer(BaseModel):
    """A face: ``box`` is x1, y1, x2, y2 in pixels, ``landmarks`` five points, ``quality`` from 0 to 1."""

    box: list[float]
    score: float
    landmarks: list[list[float]]
    quality: float = 0.0
    quality_parts: dict[str, float] = {}
    embedding: list[float] = []


class QualityFace(FaceAnswer):
    """A face with the ``reasons`` why its quality is low, the worst first; ``worst_parts`` are their names."""

    reasons: list[str]
    worst_parts: list[str]


class PhotoAnswer(PhotoLine):
    """A photo with its faces."""

    faces: list[FaceAnswer]


class PhotoAnswers(BaseModel):
    """An answer for each photo, in the order of the request."""

    photos: list[PhotoAnswer]


def add_to_faces(photo: PhotoFaces, rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the line of a photo with further values for each face."""
    line = photo.to_dict()
    faces = [{**face, **plain(row)} for face, row in zip(line["faces"], rows, strict=True)]
    return {**line, "faces": faces}


def explain_quality(photo: PhotoFaces) -> dict[str, Any]:
    """Return the line of a photo whose faces are each a :class:`QualityFace`."""
    rows = [
        {"reasons": reasons(quality, face), "worst_parts": worst_parts(quality)}
        for quality, face in zip(photo.quality, photo.faces, strict=True)
    ]
    return add_to_faces(photo, rows)


def hide_folders(value: T) -> T:
    """Return an answer about stored photos, of their paths only the names of the files."""
    return cast(T, _hide(value))


def _hide(value: Any) -> Any:
    if isinstance(value, list):
        return [_hide(item) for item in value]
    return {key: _hide_in_field(key, item) for key, item in value.items()} if isinstance(value, dict) else value


def _hide_in_field(key: str, value: Any) -> Any:
    if key == "metadata":  # the user's own
        return value
    return strip_folders(value) if key == "photo" and isinstance(value, str) else _hide(value)
