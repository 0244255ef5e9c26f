"""Views of a crop: what they are, in which order, and what summing them makes of a mirrored crop."""

from __future__ import annotations

import numpy as np
import pytest

from golden import chips
from visavis.embedders import _views
from visavis.errors import UsageError

SIDE = 31
"""Odd, so that one pixel is in the middle of a crop."""


def pictures(crops: np.ndarray, count: int) -> list[np.ndarray]:
    return list(_views.views_of(crops, count))


@pytest.fixture(scope="module")
def drawn() -> np.ndarray:
    return chips.chips()[:3]


def dot(x: int, y: int) -> np.ndarray:
    crop = np.zeros((1, SIDE, SIDE, 3), np.uint8)
    crop[0, y, x] = 255
    return crop


def center(crop: np.ndarray) -> tuple[float, float]:
    weight = crop[0, :, :, 0].astype(float)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    return (weight * columns).sum() / weight.sum(), (weight * rows).sum() / weight.sum()


@pytest.mark.parametrize("count", _views.COUNTS)
def test_there_are_as_many_as_asked_all_of_one_shape(drawn: np.ndarray, count: int) -> None:
    found = pictures(drawn, count)
    assert len(found) == count
    assert {(one.shape, one.dtype) for one in found} == {(drawn.shape, np.dtype(np.uint8))}


def test_fewer_are_the_first_of_more(drawn: np.ndarray) -> None:
    every = pictures(drawn, max(_views.COUNTS))
    for count in _views.COUNTS:
        for one, other in zip(pictures(drawn, count), every[:count], strict=True):
            np.testing.assert_array_equal(one, other)


def test_the_crop_comes_first_and_its_mirror_image_second(drawn: np.ndarray) -> None:
    plain, mirrored = pictures(drawn, 2)
    np.testing.assert_array_equal(plain, drawn)
    np.testing.assert_array_equal(mirrored, drawn[:, :, ::-1])


def test_no_two_are_the_same(drawn: np.ndarray) -> None:
    every = pictures(drawn, max(_views.COUNTS))
    for i, one in enumerate(every):
        assert not any(np.array_equal(one, other) for other in every[:i])


@pytest.mark.parametrize("count", [count for count in _views.COUNTS if count % 2 == 0])
def test_those_of_a_mirrored_crop_are_the_same_in_another_order(drawn: np.ndarray, count: int) -> None:
    straight, mirrored = pictures(drawn, count), pictures(drawn[:, :, ::-1], count)
    swapped = [one for pair in zip(straight[1::2], straight[::2], strict=True) for one in pair]
    for one, other in zip(mirrored, swapped, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_middle_stays_and_all_else_moves_away_from_it() -> None:
    middle = SIDE // 2
    for number, one in enumerate(pictures(dot(middle, middle), max(_views.COUNTS))):
        assert center(one) == pytest.approx((middle, middle), abs=0.02), number
    for number, one in enumerate(pictures(dot(middle + 8, middle - 4), max(_views.COUNTS))):
        zoom = 1 if number < 2 else _views.ZOOM
        right, down = 8 * zoom, -4 * zoom
        expected = (middle + (right if number % 2 == 0 else -right), middle + down)
        assert center(one) == pytest.approx(expected, abs=0.1), number


def test_they_are_the_same_each_time_and_crops_are_only_read(drawn: np.ndarray) -> None:
    frozen = drawn.copy()
    frozen.setflags(write=False)
    count = max(_views.COUNTS)
    for one, other in zip(pictures(frozen, count), pictures(frozen, count), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(frozen, drawn)


def test_no_crops_are_no_crops_in_every_view(drawn: np.ndarray) -> None:
    assert [one.shape for one in pictures(drawn[:0], max(_views.COUNTS))] == [drawn[:0].shape] * max(_views.COUNTS)


def test_embeddings_are_summed_and_then_scaled(drawn: np.ndarray) -> None:
    """By a network that answers with the mean of the left half and of the right one: its mirror image swaps them."""

    def halves(crops: np.ndarray) -> np.ndarray:
        return np.stack([half.mean(axis=(1, 2, 3)) for half in np.split(crops, 2, axis=2)], axis=1).astype(np.float32)

    crops = np.zeros((1, 4, 4, 3), np.uint8)
    crops[:, :, :2], crops[:, :, 2:] = 30, 40
    one = _views.embed_views(halves, crops, views=1, model="halves")
    two = _views.embed_views(halves, crops, views=2, model="halves")
    np.testing.assert_allclose(one, [[0.6, 0.8]], atol=1e-6)
    np.testing.assert_allclose(two, [[0.5**0.5, 0.5**0.5]], atol=1e-6)


@pytest.mark.parametrize(("views", "expected"), [(1, "net@1"), (2, "net"), (4, "net@4")])
def test_the_default_number_goes_without_saying(views: int, expected: str) -> None:
    assert _views.model_id("net", views, default=2) == expected


@pytest.mark.parametrize("views", [-1, 0, 3, 5, 1000])
def test_other_numbers_are_refused_and_those_there_are_named(views: int) -> None:
    with pytest.raises(UsageError, match=rf"^net has no {views} views: choose from 1, 2, .*\.$"):
        _views.model_id("net", views, default=2)
