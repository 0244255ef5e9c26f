"""Faces ranked by their distance from one: of arrays, and of photographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import visavis
from visavis import lookalikes
from visavis.errors import NoFaceError, UsageError
from visavis.types import Lookalike, PhotoFaces


def lookalike(photo: str, distance: float) -> Lookalike:
    return Lookalike(photo, 1, np.zeros(4, np.float32), distance, 1.0, "")


def test_the_nearest_come_first_and_equal_ones_by_name() -> None:
    given = [lookalike("z", 0.2), lookalike("b", 0.1), lookalike("a", 0.2), lookalike("c", 0.3)]
    assert [one.photo for one in lookalikes.best(given)] == ["b", "a", "z", "c"]
    assert [one.photo for one in lookalikes.best(given, top=2)] == ["b", "a"]


def test_none() -> None:
    vector = np.array([1, 0], np.float32)
    assert lookalikes.nearest_face(vector, PhotoFaces("a", "no_face")) is None
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
