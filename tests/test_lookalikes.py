"""Faces ranked by their distance from one: of arrays, and of photographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import visavis
from visavis import lookalikes
from visavis.errors import NoFaceError, UsageError
from visavis.types import Faces, PhotoFaces


def at_angles(*degrees: float) -> np.ndarray:
    turns = np.radians(degrees)
    return np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32)


def faces(photos: list[str], *degrees: float) -> Faces:
    n = len(photos)
    numbers = np.array([photos[:row].count(name) + 1 for row, name in enumerate(photos)], np.int64)
    return Faces(
        tuple(photos), numbers, np.zeros((n, 4), np.float32), at_angles(*degrees).reshape(n, 2),
        np.ones(n, np.float32), np.full(n, -1),
    )  # fmt: skip


def test_of_each_photo_the_nearest_face() -> None:
    given = faces(["a", "b", "b", "c"], 30, 80, 10, 20)
    found = lookalikes.nearest_of(at_angles(0)[0], given)
    assert [(one.photo, one.number) for one in found] == [("b", 2), ("c", 1), ("a", 1)]
    assert [one.distance for one in found] == pytest.approx(1 - np.cos(np.radians([10, 20, 30])), abs=1e-6)
    assert [one.photo for one in lookalikes.nearest_of(at_angles(0)[0], given, top=2)] == ["b", "c"]


def test_equal_ones_are_ranked_by_name() -> None:
    assert [one.photo for one in lookalikes.nearest_of(at_angles(0)[0], faces(["z", "a"], 10, 10))] == ["a", "z"]


def test_none() -> None:
    assert lookalikes.nearest_of(at_angles(0)[0], faces([])) == []
    assert lookalikes.nearest_face(at_angles(0)[0], PhotoFaces("a", "no_face")) is None
    with pytest.raises(UsageError, match="top is a whole number of 1 or more"):
        lookalikes.best([], top=0)


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
