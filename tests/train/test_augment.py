"""Changes of pictures: what is off changes nothing, what is on stays within what it says, and seeds fix it."""

from __future__ import annotations

import numpy as np
import pytest

from visavis.train.augment import GRAY, NONE, Augmentation, augment


def pictures(count: int = 40, size: int = 24) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, size, size, 3), np.uint8)


def changed(how: Augmentation, seed: int = 0, given: np.ndarray | None = None) -> np.ndarray:
    return augment(pictures() if given is None else given, how, np.random.default_rng(seed))


def test_nothing_on_changes_nothing() -> None:
    assert np.array_equal(changed(NONE), pictures())


def test_half_of_the_pictures_are_mirrored() -> None:
    got, given = changed(Augmentation(flip=True)), pictures()
    mirrored = [np.array_equal(a, b[:, ::-1]) for a, b in zip(got, given, strict=True)]
    same = [np.array_equal(a, b) for a, b in zip(got, given, strict=True)]
    assert all(a != b for a, b in zip(mirrored, same, strict=True))
    assert 10 < sum(mirrored) < 30


@pytest.mark.parametrize(
    "how",
    [
        {"shift": 0.1}, {"scale": 0.1}, {"color": 0.3}, {"blur": 2.0}, {"jpeg": 20}, {"cutout": 0.4},
        {"flip": True, "shift": 0.1, "scale": 0.1, "color": 0.3, "blur": 2.0, "jpeg": 20, "cutout": 0.4},
    ],
    ids=str,
)  # fmt: skip
def test_each_change_is_random_and_follows_from_the_seed(how: dict[str, float]) -> None:
    setting = Augmentation(**{"flip": False, **how})  # type: ignore[arg-type]
    got = changed(setting)
    assert got.shape == pictures().shape
    assert got.dtype == np.uint8
    assert np.array_equal(got, changed(setting))
    assert not np.array_equal(got, changed(setting, seed=1))
    assert not np.array_equal(got, pictures())


def test_a_shift_moves_by_up_to_its_part() -> None:
    given = np.full((50, 41, 41, 3), 0, np.uint8)
    given[:, 19:22, 19:22] = 255
    got = changed(Augmentation(flip=False, shift=0.1), given=given).astype(int)
    places = np.array([np.unravel_index(np.argmax(picture[..., 0]), (41, 41)) for picture in got])
    assert np.abs(places - 20).max() <= 6
    assert np.abs(places - 20).max() >= 2


def test_a_scale_keeps_the_middle() -> None:
    given = np.full((20, 41, 41, 3), 0, np.uint8)
    given[:, 15:26, 15:26] = 255
    got = changed(Augmentation(flip=False, scale=0.3), given=given)
    areas = (got[..., 0] > 190).sum(axis=(1, 2))
    rows, columns = np.indices((41, 41))
    for picture in got:
        bright = (picture[..., 0] > 190) & (np.abs(rows - 20) < 15) & (np.abs(columns - 20) < 15)
        assert abs(rows[bright].mean() - 20) < 0.6
        assert abs(columns[bright].mean() - 20) < 0.6
    assert areas.min() < 121 * 0.8
    assert areas.max() > 121 * 1.2


def test_cut_out_squares_are_gray_and_within_their_part() -> None:
    given = np.full((50, 20, 20, 3), 255, np.uint8)
    got = changed(Augmentation(flip=False, cutout=0.5), given=given)
    gray = (got == GRAY).all(axis=3).sum(axis=(1, 2))
    sides = np.sqrt(gray)
    assert np.array_equal(sides, np.round(sides))
    assert sides.max() <= 10
    assert sides.max() >= 8


def test_color_of_gray_pictures_stays_gray() -> None:
    """The saturation of gray is 0 whatever it is multiplied with; rows of the matrix sum to the contrast."""
    given = np.full((20, 8, 8, 3), 100, np.uint8)
    got = changed(Augmentation(flip=False, color=0.4), given=given).astype(int)
    assert np.ptp(got, axis=3).max() <= 1
    assert got.min() < 80
    assert got.max() > 120


def test_a_change_switched_off_leaves_the_others_alike() -> None:
    flips = [np.array_equal(a, b) for a, b in zip(changed(Augmentation(flip=True)), pictures(), strict=True)]
    both = changed(Augmentation(flip=True, cutout=0.2))
    rest = [(a != GRAY).all(axis=2) for a in both]
    same = [bool((a[m] == b[m]).all()) for a, b, m in zip(both, pictures(), rest, strict=True)]
    assert same == flips
