"""dlib's five points, against dlib's own on a drawn face."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from golden import chips
from visavis.errors import WeightsError
from visavis.landmarks import find_points, five_points
from visavis.weights import spec, store
from visavis.weights.readers import dlib_dat

GOLDEN = Path(__file__).parent / "golden" / "dlib_resnet.npz"
ROUNDING = 0.52
"""dlib gives whole pixels, so half a pixel is its own rounding."""


def test_points_of_a_drawn_face_are_dlibs() -> None:
    with np.load(GOLDEN) as golden:
        boxes, expected = golden["scene_rects"].astype(np.float32), golden["scene_points"]
    found = find_points(five_points(), chips.scene(), boxes)
    assert found.shape == (6, 5, 2)
    assert np.abs(found - expected).max() <= ROUNDING


def test_faces_do_not_influence_each_other() -> None:
    with np.load(GOLDEN) as golden:
        boxes = golden["scene_rects"].astype(np.float32)
    together = find_points(five_points(), chips.scene(), boxes)
    alone = [find_points(five_points(), chips.scene(), box[None])[0] for box in boxes]
    np.testing.assert_array_equal(together, np.stack(alone))


def test_points_move_with_the_picture() -> None:
    with np.load(GOLDEN) as golden:
        boxes = golden["scene_rects"].astype(np.float32)
    picture = np.pad(chips.scene(), ((32, 32), (64, 64), (0, 0)))
    moved = find_points(five_points(), picture, boxes + np.array([64, 32, 64, 32], np.float32))
    still = find_points(five_points(), chips.scene(), boxes)
    np.testing.assert_allclose(moved - np.array([64, 32]), still, atol=0.02)


@pytest.mark.parametrize("sixteenths", range(16))
def test_a_file_cut_short_is_refused(tmp_path: Path, sixteenths: int) -> None:
    whole = store.find(spec.DLIB_5_POINTS).read_bytes()[:200_000]
    path = tmp_path / "cut.dat"
    path.write_bytes(whole[: len(whole) * sixteenths // 16])
    with pytest.raises(WeightsError, match=r"cut\.dat is damaged or not dlib's"):
        dlib_dat.read_shape_predictor(path)
