"""Worse copies of a photo: what each kind does, by what can be counted in the pixels."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

import pictures
from visavis.evaluate.data.degradations import AROUND, DEGRADATIONS, SIDE, degrade
from visavis.quality import PARTS

PICTURE = np.ascontiguousarray(cv2.GaussianBlur(pictures.drawn_face(), (0, 0), 1.5))
BOX = np.array([65.5, 65.5, 190.5, 190.5], np.float32)
"""A face of ``SIDE`` pixels: what is kept around it is the whole picture."""


RANDOM = {
    "noisy", "noisy, resized", "small, noisy", "compressed, resized", "compressed, turned", "compressed twice",
    "pale, noisy", "moved", "doubled", "vignetted", "waved", "blotched",
}  # fmt: skip


def copy(name: str, strength: float, *, seed: int = 0) -> np.ndarray:
    return degrade(PICTURE, BOX, DEGRADATIONS[name], strength, seed=seed)


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_copies_repeat_by_their_seed_and_are_pictures(name: str) -> None:
    kind = DEGRADATIONS[name]
    first, again = copy(name, kind.harsh, seed=3), copy(name, kind.harsh, seed=3)
    assert (first == again).all()
    assert (first.dtype, first.ndim, first.shape[2]) == (np.uint8, 3, 3)
    assert first.flags.c_contiguous
    assert np.array_equal(copy(name, kind.harsh, seed=4), first) != (name in RANDOM)


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_strengths_go_from_mild_to_harsh_by_ratio(name: str) -> None:
    kind = DEGRADATIONS[name]
    assert [kind.strength(0), kind.strength(1)] == pytest.approx([kind.mild, kind.harsh])
    assert kind.strength(0.5) ** 2 == pytest.approx(kind.mild * kind.harsh)
    assert {*kind.parts} <= {*PARTS}


def test_what_is_far_from_the_face_is_cut_off() -> None:
    box = np.array([100, 110, 140, 160], np.float32)
    found = degrade(PICTURE, box, DEGRADATIONS["dark"], 1.0)
    margin = round(AROUND * 50)
    assert (found == PICTURE[110 - margin : 160 + margin, 100 - margin : 140 + margin]).all()


@pytest.mark.parametrize(
    ("name", "strength", "shape"), [("small", 25, (51, 51)), ("narrow", 2, (256, 128)), ("wide", 2, (128, 256))]
)
def test_sizes(name: str, strength: float, shape: tuple[int, int]) -> None:
    assert copy(name, strength).shape[:2] == shape


def test_a_photo_is_never_made_larger_to_be_small() -> None:
    assert copy("small", 2 * SIDE).shape == PICTURE.shape


def test_light_and_contrast() -> None:
    assert (copy("dark", 0.5) == np.round(PICTURE * 0.5)).all()
    pale = copy("pale", 0.25).astype(float)
    assert abs(pale - (128 + 0.25 * (PICTURE.astype(float) - 128))).max() <= 0.5


def test_noise_has_its_deviation() -> None:
    gray = np.full_like(PICTURE, 128)
    found = degrade(gray, BOX, DEGRADATIONS["noisy"], 20)
    assert found.astype(float).std() == pytest.approx(20, rel=0.02)


def test_a_blur_grows_with_the_face() -> None:
    kind = DEGRADATIONS["blurred"]
    found = degrade(PICTURE, BOX, kind, 3)
    assert (found == cv2.GaussianBlur(PICTURE, (0, 0), 3)).all()
    half = degrade(PICTURE, np.array([97, 97, 159.5, 159.5], np.float32), kind, 3)
    middle = PICTURE[34:222, 34:222]
    assert abs(half.astype(int) - cv2.GaussianBlur(middle, (0, 0), 1.5))[5:-5, 5:-5].max() <= 1


def test_an_enlarged_copy_has_the_size_and_not_the_detail() -> None:
    found = copy("enlarged", 12)
    assert found.shape == PICTURE.shape
    assert cv2.Laplacian(found, cv2.CV_64F).std() < 0.5 * cv2.Laplacian(PICTURE, cv2.CV_64F).std()


def test_a_stronger_compression_takes_more_away() -> None:
    away = [abs(copy("compressed", quality).astype(int) - PICTURE).mean() for quality in (30, 10, 4)]
    assert away == sorted(away)
    assert away[0] > 0


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [("noisy, resized", 0.4, 2.0), ("compressed, resized", 0.5, 1.5), ("compressed twice", 0.8, 1.2)],
)
def test_two_damages_change_the_size(name: str, least: float, most: float) -> None:
    scales = [copy(name, 10, seed=seed).shape[0] / PICTURE.shape[0] for seed in range(20)]
    assert least - 0.01 <= min(scales) < (least + most) / 2 < max(scales) <= most + 0.01


def test_a_small_noisy_photo_has_the_noise_of_its_own_pixels() -> None:
    gray = np.full_like(PICTURE, 128)
    found = degrade(gray, BOX, DEGRADATIONS["small, noisy"], 20)
    assert found.shape[0] < PICTURE.shape[0]
    assert found.astype(float).std() == pytest.approx(20, rel=0.05)


def test_a_moved_photo_keeps_what_is_constant_and_loses_detail_along_one_line() -> None:
    assert (degrade(np.full_like(PICTURE, 77), BOX, DEGRADATIONS["moved"], 25, seed=1) == 77).all()
    stripes = np.zeros_like(PICTURE)
    stripes[:, ::2] = 255
    kept = [degrade(stripes, BOX, DEGRADATIONS["moved"], 25, seed=seed).astype(float).std() for seed in range(30)]
    assert max(kept) < 60
    point = np.zeros_like(PICTURE)
    point[128, 128] = 255
    trace = degrade(point, BOX, DEGRADATIONS["moved"], 20, seed=2)[..., 0]
    rows, columns = np.nonzero(trace)
    assert np.hypot(np.ptp(rows), np.ptp(columns)) == pytest.approx(20, abs=3)
    assert trace.sum() == pytest.approx(255, rel=0.15)


def test_a_doubled_photo_is_the_sum_of_two() -> None:
    point = np.zeros_like(PICTURE)
    point[128, 128] = 200
    double = degrade(point, BOX, DEGRADATIONS["doubled"], 12, seed=5)[..., 0].astype(float)
    here = double[128, 128]
    assert 100 <= here <= 140
    double[128, 128] = 0
    assert double.sum() + here == pytest.approx(200, abs=3)
    rows, columns = np.nonzero(double)
    assert np.hypot(rows - 128, columns - 128).min() > 10


def test_a_pixelated_photo_has_squares_of_one_color() -> None:
    squares = copy("pixelated", 8)
    assert len(np.unique(squares.reshape(-1, 3), axis=0)) <= 32 * 32
    assert (squares[1:7, 1:7] == squares[1, 1]).all()
    assert squares[:, 0].mean() == pytest.approx(PICTURE[:, :8].mean(), abs=3)


@pytest.mark.parametrize(("levels", "kept"), [(2, [0, 255]), (4, [0, 85, 170, 255])])
def test_a_posterized_photo_has_so_many_levels(levels: float, kept: list[int]) -> None:
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2).repeat(256, axis=0)
    assert np.unique(degrade(ramp, BOX, DEGRADATIONS["posterized"], levels)).tolist() == kept


def test_a_smoothed_photo_loses_points_and_keeps_edges() -> None:
    edge = np.zeros_like(PICTURE)
    edge[:, 128:] = 200
    spotted = edge.copy()
    spotted[::9, ::9] = 255
    assert (degrade(spotted, BOX, DEGRADATIONS["smoothed"], 7)[8:-8, 8:-8] == edge[8:-8, 8:-8]).mean() > 0.99


def test_a_vignetted_photo_is_dark_away_from_the_face() -> None:
    white = np.full_like(PICTURE, 255)
    light = degrade(white, BOX, DEGRADATIONS["vignetted"], 2, seed=1)[..., 0].astype(float)
    assert light.max() == 255
    row, column = np.unravel_index(light.argmax(), light.shape)
    assert np.hypot(row - 127.5, column - 127.5) < 0.45 * 125
    away = light[row, (column + 62) % 256 if column < 128 else column - 62]
    assert away == pytest.approx(255 * np.exp(-2 * (62 / 125) ** 2), abs=4)


def test_a_waved_photo_keeps_its_colors_and_moves_them_by_no_more_than_the_wave() -> None:
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2).repeat(256, axis=0)
    moved = (degrade(ramp, BOX, DEGRADATIONS["waved"], 4, seed=3).astype(float) - ramp)[10:-10, 10:-10, 0]
    assert abs(moved).max() == pytest.approx(4, abs=1)
    assert np.median(abs(moved)) > 1


def test_blotches_have_a_deviation_and_are_wider_than_a_pixel() -> None:
    gray = np.full_like(PICTURE, 128)
    blotched = degrade(gray, BOX, DEGRADATIONS["blotched"], 20).astype(float)
    assert 10 < blotched.std() < 25
    assert np.corrcoef(blotched[:, :-1].ravel(), blotched[:, 1:].ravel())[0, 1] > 0.9
