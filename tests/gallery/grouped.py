"""A gallery with groups of faces whose distances are known."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from visavis import Gallery
from visavis.compare import Calibration
from visavis.gallery.types import FaceCrop, IndexedPhoto, Template

TABLE = Calibration("sface", (0.1, 0.001), (0.9, 0.5), -20, 12)
"""Ten strangers in a thousand are within 0.767 of each other, one within 0.5."""
LENGTH = 128


def make_embedding(axis: int, own: int, *, near: tuple[int, float] | None = None) -> np.ndarray:
    """A face of an axis' person: 0.2 from its others, 1 from other people, 1 - x from those of ``near`` (axis, x)."""
    row = np.zeros(LENGTH, np.float32)
    row[axis], row[64 + own % 64] = np.sqrt(0.8), np.sqrt(0.2)
    if near is not None:
        row[axis], row[near[0]] = np.sqrt(0.8 - near[1] ** 2 / 0.8), near[1] / np.sqrt(0.8)
    return row


def make_crop() -> FaceCrop:
    """A gray picture of a face."""
    file = io.BytesIO()
    Image.new("RGB", (64, 64), (120, 120, 120)).save(file, "PNG")
    return FaceCrop(file.getvalue(), np.array([16, 16, 48, 48], np.float32), np.zeros((5, 2), np.float32))


def add_group(
    gallery: Gallery, number: int, embeddings: list[np.ndarray], *, quality: list[float] | None = None
) -> list[int]:
    """Index a photo for each face, and put the faces in a cluster; return their ids."""
    qualities = quality or [0.9] * len(embeddings)
    photos = [
        IndexedPhoto(
            f"/photos/{number}-{place}.jpg",
            f"{number:032x}{place:032x}",
            "ok",
            (Template(row, None, "", np.array([0, 0, 40, 40], np.float32), score, make_crop()),),
        )
        for place, (row, score) in enumerate(zip(embeddings, qualities, strict=True))
    ]
    before = {*gallery.faces().ids.tolist()}
    gallery.add_photos(photos)
    ids = [face for face in gallery.faces().ids.tolist() if face not in before]
    gallery.set_clusters(ids, [number] * len(ids))
    return ids
