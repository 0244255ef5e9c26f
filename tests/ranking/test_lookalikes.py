"""Faces ranked by their distance from one: of arrays, and of photographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import visavis
from visavis.errors import NoFaceError, UsageError
from visavis.ranking import lookalikes
from visavis.types import Face, Lookalike, PhotoFaces

NEAR = (("c", 0.3), ("z", 0.2), ("a", 0.2), ("b", 0.1))


def at_angles(*degrees: float) -> np.ndarray:
    turns = np.radians(degrees)
    return np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32)


def test_of_a_photo_the_nearest_face() -> None:
    boxes = [Face(np.full(4, side, np.float32), 0.9, np.zeros((5, 2), np.float32)) for side in (1, 2)]
    found = lookalikes.nearest_face(
        at_angles(0)[0], PhotoFaces("b", "ok", faces=tuple(boxes), embeddings=at_angles(80, 10))
    )
    assert found is not None
    assert (found.photo, found.number, found.box.tolist()) == ("b", 2, [2, 2, 2, 2])
    assert found.distance == pytest.approx(1 - np.cos(np.radians(10)), abs=1e-6)


def test_the_nearest_come_first_and_equal_ones_by_name() -> None:
    given = [Lookalike(name, 1, np.zeros(4, np.float32), distance, 1.0) for name, distance in NEAR]
    assert [one.photo for one in lookalikes.select_best(given)] == ["b", "a", "z", "c"]
    assert [one.photo for one in lookalikes.select_best(given, top=2)] == ["b", "a"]


def test_none() -> None:
    assert lookalikes.nearest_face(at_angles(0)[0], PhotoFaces("a", "no_face")) is None
    with pytest.raises(UsageError, match="top is a whole number of 1 or more"):
        lookalikes.select_best([], top=0)


def test_photographs(data: Path) -> None:
    """Obama's other photos before Biden's; his own photo is not among them."""
    folder = data / "photos" / "presidents"
    photos = [str(folder / f"{name}.jpg") for name in ("biden", "obama", "obama2", "obama3")]
    found = visavis.similar(photos[1], [*photos, str(folder / "gone.jpg")], top=5)
    assert {Path(one.photo).stem for one in found[:2]} == {"obama2", "obama3"}
    assert Path(found[2].photo).stem == "biden"
    assert len(found) == 3
    assert found[0].distance < 0.3
    assert found[2].distance > 0.8
    with pytest.raises(NoFaceError):
        visavis.similar(np.zeros((60, 60, 3), np.uint8), photos)
