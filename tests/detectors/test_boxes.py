"""Overlaps by hand, suppression against the plain double loop, moving and squaring by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from example_counts import examples
from visavis.boxes import make_squares, overlaps, shift_edges, suppress


def boxes(*rows: tuple[float, float, float, float]) -> np.ndarray:
    return np.array(rows, np.float32).reshape(-1, 4)


# --- overlaps


@pytest.mark.parametrize(
    ("a", "b", "of_union", "of_smaller"),
    [
        ((0, 0, 10, 10), (0, 0, 10, 10), 1, 1),
        ((0, 0, 10, 10), (5, 0, 15, 10), 50 / 150, 0.5),
        ((0, 0, 10, 10), (2, 2, 4, 4), 4 / 100, 1),
        ((0, 0, 10, 10), (10, 0, 20, 10), 0, 0),  # they touch
        ((0, 0, 10, 10), (11, 11, 20, 20), 0, 0),
        ((0, 0, 10, 10), (-5, -5, 5, 5), 25 / 175, 0.25),
        ((0, 0, 4, 2), (1, 1, 3, 9), 2 / 22, 2 / 8),
        ((3, 3, 3, 3), (3, 3, 3, 3), 0, 0),  # both empty
        ((0, 0, 10, 10), (5, 5, 5, 5), 0, 0),
    ],
)
def test_overlaps_by_hand(a: tuple[float, ...], b: tuple[float, ...], of_union: float, of_smaller: float) -> None:
    assert overlaps(boxes(a), boxes(b))[0, 0] == pytest.approx(of_union, abs=1e-6)
    assert overlaps(boxes(b), boxes(a))[0, 0] == pytest.approx(of_union, abs=1e-6)
    assert overlaps(boxes(a), boxes(b), of_smaller=True)[0, 0] == pytest.approx(of_smaller, abs=1e-6)


def test_overlaps_of_all_pairs() -> None:
    a, b = boxes((0, 0, 2, 2), (1, 1, 3, 3), (9, 9, 10, 10)), boxes((0, 0, 2, 2), (8, 8, 10, 10))
    np.testing.assert_allclose(overlaps(a, b), [[1, 0], [1 / 7, 0], [0, 1 / 4]], atol=1e-6)
    assert overlaps(a, boxes()).shape == (3, 0)
    assert overlaps(boxes(), b).shape == (0, 2)


def test_overlaps_leave_their_arguments_alone() -> None:
    a, b = boxes((0, 0, 2, 2), (1, 1, 3, 3)), boxes((0, 0, 2, 2))
    kept = a.copy(), b.copy()
    overlaps(a, b)
    overlaps(a, b, of_smaller=True)
    np.testing.assert_array_equal(a, kept[0])
    np.testing.assert_array_equal(b, kept[1])


# --- suppression


def plain(rows: np.ndarray, scores: np.ndarray, limit: float, groups: np.ndarray | None, of_smaller: bool) -> list[int]:
    """The definition: take the best that is left, drop what it covers, go on."""
    kept: list[int] = []
    for i in sorted(range(len(rows)), key=lambda i: -scores[i]):
        rivals = [k for k in kept if groups is None or groups[k] == groups[i]]
        if all(overlaps(rows[k : k + 1], rows[i : i + 1], of_smaller=of_smaller)[0, 0] <= limit for k in rivals):
            kept.append(i)
    return kept


@st.composite
def scenes(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes on a small grid, so that many overlap, with scores of which many are equal, in three groups."""
    count = draw(st.integers(0, 40))
    corners = draw(arrays.arrays(np.int8, (count, 2), elements=st.integers(0, 12)))
    sides = draw(arrays.arrays(np.int8, (count, 2), elements=st.integers(0, 8)))
    scores = draw(arrays.arrays(np.int8, count, elements=st.integers(0, 5)))
    groups = draw(arrays.arrays(np.int64, count, elements=st.integers(-1, 1)))
    rows = np.concatenate([corners, corners + sides], axis=1).astype(np.float32).reshape(-1, 4)
    return rows, scores.astype(np.float32), groups


@settings(max_examples=examples(150), deadline=None)
@given(
    scenes(), st.sampled_from([0.0, 0.25, 0.5, 0.7, 1.0]), st.booleans(), st.booleans(), st.sampled_from([2, 7, 256])
)
def test_suppression_is_the_plain_double_loop(
    scene: tuple[np.ndarray, np.ndarray, np.ndarray], limit: float, grouped: bool, of_smaller: bool, chunk: int
) -> None:
    rows, scores, groups = scene
    some = groups if grouped else None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("visavis.boxes.CHUNK", chunk)
        found = suppress(rows, scores, limit=limit, groups=some, of_smaller=of_smaller)
    assert found.tolist() == plain(rows, scores, limit, some, of_smaller)


@pytest.mark.parametrize("of_smaller", [False, True])
def test_suppression_of_more_than_a_chunk(of_smaller: bool) -> None:
    rng = np.random.default_rng(4)
    corners = rng.uniform(0, 60, (700, 2))
    rows = np.concatenate([corners, corners + rng.uniform(3, 15, (700, 2))], axis=1).astype(np.float32)
    scores, groups = rng.normal(size=700).astype(np.float32), rng.integers(0, 3, 700)
    found = suppress(rows, scores, limit=0.4, groups=groups, of_smaller=of_smaller)
    assert found.tolist() == plain(rows, scores, 0.4, groups, of_smaller)
    assert 20 < len(found) < 680


def test_equal_scores_keep_their_order() -> None:
    rows = boxes((0, 0, 9, 9), (1, 0, 10, 9), (50, 50, 60, 60), (0, 0, 9, 9))
    assert suppress(rows, np.ones(4, np.float32), limit=0.5).tolist() == [0, 2]


def test_a_box_that_is_gone_removes_nothing() -> None:
    rows = boxes((0, 0, 10, 10), (4, 0, 14, 10), (8, 0, 18, 10))  # each overlaps its neighbor by 6 / 14
    scores = np.array([3, 2, 1], np.float32)
    assert suppress(rows, scores, limit=0.4).tolist() == [0, 2]


def test_overlap_of_just_the_limit_stays() -> None:
    rows = boxes((0, 0, 10, 10), (0, 0, 10, 5))
    assert suppress(rows, np.array([1, 0], np.float32), limit=0.5).tolist() == [0, 1]


@pytest.mark.parametrize("groups", [None, np.empty(0, np.int64)])
def test_nothing_to_suppress(groups: np.ndarray | None) -> None:
    assert suppress(boxes(), np.empty(0, np.float32), limit=0.5, groups=groups).tolist() == []


# --- moving and squaring


def test_edges_move_by_parts_of_the_sides() -> None:
    offsets = boxes((0.1, -0.5, 0, 1), (0, 0, 0, 0))
    found = shift_edges(boxes((10, 20, 30, 60), (1, 2, 3, 4)), offsets)
    np.testing.assert_allclose(found, [[12, 0, 30, 100], [1, 2, 3, 4]])


def test_squares_about_the_center_of_the_longer_side() -> None:
    found = make_squares(boxes((0, 0, 10, 4), (0, 0, 4, 10), (5, 5, 7, 7)))
    np.testing.assert_allclose(found, [[0, -3, 10, 7], [-3, 0, 7, 10], [5, 5, 7, 7]])
    assert make_squares(boxes()).shape == (0, 4)
