"""Packing: every rectangle once, inside its canvas, apart from the others, on even corners."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from example_counts import examples
from visavis.detectors._canvas import Canvas, pack

Sizes = tuple[tuple[int, int], ...]
EVEN = st.one_of(st.integers(6, 10), st.integers(6, 170)).map(lambda half: 2 * half)


def assert_packed(canvases: tuple[Canvas, ...], sizes: Sizes) -> None:
    placed = sorted(place.index for canvas in canvases for place in canvas.places)
    assert placed == list(range(len(sizes)))
    for canvas in canvases:
        assert canvas.width % 2 == canvas.height % 2 == 0
        seen = np.zeros((canvas.height, canvas.width), int)
        for place in canvas.places:
            width, height = sizes[place.index]
            assert place.x % 2 == place.y % 2 == 0
            assert 0 <= place.x <= canvas.width - width
            assert 0 <= place.y <= canvas.height - height
            seen[place.y : place.y + height, place.x : place.x + width] += 1
        assert seen.max() <= 1  # no pixel belongs to two


@settings(max_examples=examples(150), deadline=None)
@given(st.lists(st.tuples(EVEN, EVEN), max_size=30).map(tuple), st.sampled_from([1, 5_000, 80_000, 10**9]))
def test_rectangles_lie_apart(sizes: Sizes, area: int) -> None:
    assert_packed(pack(sizes, area=area), sizes)


def test_a_canvas_is_closed_before_it_is_too_full() -> None:
    sizes = ((100, 100),) * 10
    canvases = pack(sizes, area=40_000)
    assert [len(canvas.places) for canvas in canvases] == [4, 4, 2]


def test_a_rectangle_larger_than_the_area_has_a_canvas_of_its_own() -> None:
    (first, second) = pack(((330, 330), (12, 12)), area=80_000)
    assert (first.width, first.height) == (330, 330)
    assert (second.width, second.height) == (12, 12)


def test_a_pyramid_wastes_little() -> None:
    levels = tuple((2 * round(320 * 0.709**n), 2 * round(240 * 0.709**n)) for n in range(8))
    (canvas,) = pack(levels, area=10**9)
    used = sum(width * height for width, height in levels)
    assert used / (canvas.width * canvas.height) > 0.85


@pytest.mark.parametrize("area", [1, 80_000])
def test_nothing_to_pack(area: int) -> None:
    assert pack((), area=area) == ()
