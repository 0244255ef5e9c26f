"""Worse copies of a photo: what each kind does, by what can be counted in the pixels."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

import pictures
from visavis.evaluate.degradations import AROUND, DEGRADATIONS, SIDE, degraded
from visavis.quality import PARTS

PICTURE = np.ascontiguousarray(cv2.GaussianBlur(pictures.drawn_face(), (0, 0), 1.5))
BOX = np.array([65.5, 65.5, 190.5, 190.5], np.float32)
"""A face of ``SIDE`` pixels: what is kept around it is the whole picture."""


RANDOM = {
    "noisy", "noisy, resized", "small, noisy", "compressed, resized", "compressed, turned", "compressed twice",
    "pale, noisy",
}  # fmt: skip


def copy(name: str, strength: float, *, seed: int = 0) -> np.ndarray:
    return degraded(PICTURE, BOX, DEGRADATIONS[name], strength, seed=seed)


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
    found = degraded(PICTURE, box, DEGRADATIONS["dark"], 1.0)
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
    found = degraded(gray, BOX, DEGRADATIONS["noisy"], 20)
    assert found.astype(float).std() == pytest.approx(20, rel=0.02)


def test_a_blur_grows_with_the_face() -> None:
    kind = DEGRADATIONS["blurred"]
    found = degraded(PICTURE, BOX, kind, 3)
    assert (found == cv2.GaussianBlur(PICTURE, (0, 0), 3)).all()
    half = degraded(PICTURE, np.array([97, 97, 159.5, 159.5], np.float32), kind, 3)
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
    found = degraded(gray, BOX, DEGRADATIONS["small, noisy"], 20)
    assert found.shape[0] < PICTURE.shape[0]
    assert found.astype(float).std() == pytest.approx(20, rel=0.05)
