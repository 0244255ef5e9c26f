"""Forms of the answers about photos: a line for each photo, with its faces."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from visavis.plain import plain
from visavis.types import PhotoFaces

_FOLDERS = re.compile(r".*[/\\]", re.DOTALL)


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


def hide_folders(value: Any) -> Any:
    """Return an answer about stored photos, of their paths only the names of the files."""
    if isinstance(value, list):
        return [hide_folders(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _FOLDERS.sub("", item) if key == "photo" and isinstance(item, str) else hide_folders(item)
        for key, item in value.items()
        if key != "metadata"
    } | ({"metadata": value["metadata"]} if "metadata" in value else {})
