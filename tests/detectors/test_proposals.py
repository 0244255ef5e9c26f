"""Thinning of cells is suppression of their boxes; which cells of a canvas belong to which tile."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from example_counts import examples
from visavis import runtime
from visavis.boxes import suppress, thin_cells
from visavis.detectors import _proposals
from visavis.detectors._proposals import CELL, STRIDE, propose
from visavis.detectors._pyramid import Level, levels, scales


def cells_of(pyramid: list[Level], count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Distinct cells (column, row) of random levels, their scores, of which many are equal, levels and boxes."""
    rng = np.random.default_rng(seed)
    numbers = rng.integers(0, len(pyramid), count)
    sides = np.array([((level.width - CELL) // STRIDE + 1, (level.height - CELL) // STRIDE + 1) for level in pyramid])
    spots = np.column_stack([numbers, rng.integers(0, np.minimum(sides[numbers], 12))])
    spots = rng.permutation(np.unique(spots, axis=0))
    numbers, cells = spots[:, 0], spots[:, 1:]
    at = np.array([level.scale for level in pyramid])[numbers]
    boxes = np.concatenate([(cells * STRIDE + 1) / at - 1, (cells * STRIDE + CELL) / at], axis=1).astype(np.float32)
    return cells, rng.integers(0, 9, len(cells)).astype(np.float32), numbers, boxes


@settings(max_examples=examples(150), deadline=None)
@given(st.integers(12, 700), st.integers(12, 700), st.floats(12, 60), st.integers(0, 400), st.integers(0, 9999))
@example(20, 191, 12.0625, 9, 0)
def test_thinning_is_suppression_within_and_across_levels(
    width: int, height: int, min_face: float, count: int, seed: int
) -> None:
    picture = np.zeros((height, width, 3), np.uint8)
    pyramid = levels(picture, cell=CELL, min_face=min_face)
    if not pyramid:
        return
    assert _proposals._can_thin(pyramid)
    cells, scores, numbers, boxes = cells_of(pyramid, count, seed)
    # Cells two apart at scale 1 overlap by exactly one half, which rounding may exceed.
    within = suppress(boxes, scores, limit=_proposals.NMS_LEVEL + 1e-6, groups=numbers)
    across = within[suppress(boxes[within], scores[within], limit=_proposals.NMS_ACROSS)]
    assert thin_cells(cells, scores, numbers).tolist() == across.tolist()


def test_boxes_of_enlarged_pictures_overlap_farther() -> None:
    assert not _proposals._can_thin(levels(np.zeros((30, 30, 3), np.uint8), cell=CELL, min_face=6))
    assert next(scales(30, 30, cell=CELL, min_face=6)) == 2


def test_thinning_by_hand() -> None:
    cells = np.array([(5, 5), (6, 6), (7, 7), (7, 5), (9, 5), (0, 0), (3, 0), (0, 0)])
    scores = np.array([3, 2, 1, 3, 1, 5, 4, 0], np.float32)
    # (6, 6) goes for (5, 5), so (7, 7) stays; (3, 0) is no neighbor of (0, 0); the last is of another group.
    groups = np.array([0, 0, 0, 0, 0, 0, 0, 1])
    assert thin_cells(cells, scores, groups).tolist() == [5, 6, 0, 3, 2, 4, 7]
    assert thin_cells(np.empty((0, 2), int), np.empty(0, np.float32), np.empty(0, int)).tolist() == []


class Bright:
    """Stands for the first network: the logit of a cell is how bright its upper left pixel is."""

    def run(self, pixels: np.ndarray) -> list[np.ndarray]:
        rows, columns = ((side - CELL) // STRIDE + 1 for side in pixels.shape[1:3])
        heads = np.zeros((1, 5, rows, columns), np.float32)
        heads[0, 0] = pixels[0, : 2 * rows : 2, : 2 * columns : 2, 0] / 16 - 8.0
        return [heads]


@pytest.mark.parametrize("threads", [1, 2])
def test_every_bright_cell_is_proposed_once_in_its_place(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a level is cut into tiles, and several lie on one canvas."""
    monkeypatch.setattr(_proposals, "TILE", 60)
    monkeypatch.setattr(_proposals, "CANVAS_AREA", 6_000)
    rng = np.random.default_rng(3)
    pyramids, expected = [], []
    for number, (width, height) in enumerate([(200, 90), (64, 151)]):
        pixels = np.zeros((height, width, 3), np.uint8)
        spots = rng.permutation((width // 8 - 2) * (height // 8 - 2))[:40]
        xs, ys = (spots % (width // 8 - 2)) * 8, (spots // (width // 8 - 2)) * 8
        pixels[ys, xs, 0] = rng.permutation(80)[:40] + 160
        pyramids.append([Level(pixels, np.ones(2, np.float32))])
        expected += [(number, x, y, x + 12, y + 12, pixels[y, x, 0] / 16 - 8) for x, y in zip(xs, ys, strict=True)]
    found = propose(Bright(), runtime.Workers(threads), pyramids)  # type: ignore[arg-type]
    rows = np.column_stack([found.pictures, found.boxes, found.scores]).tolist()
    assert sorted(rows) == sorted([float(value) for value in row] for row in expected)
    assert found.scores.tolist() == sorted(found.scores.tolist(), reverse=True)


def test_of_no_pictures_and_of_small_ones_nothing_is_proposed() -> None:
    for pyramids in ([], [[]]):
        found = propose(Bright(), runtime.Workers(1), pyramids)  # type: ignore[arg-type]
        assert found.boxes.shape == (0, 4)
        assert len(found.scores) == len(found.pictures) == 0
