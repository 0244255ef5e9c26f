"""Copies of pictures: exact ones, and nearly equal crops of different people."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from visavis.train import copies
from visavis.train.copies import find_near_copies, make_thumb, screen_copies
from visavis.types import RGB


def thumbs_of(pixels: RGB) -> NDArray[np.uint8]:
    return np.stack([make_thumb(crop) for crop in pixels])


def in_jpeg(crop: RGB, quality: int) -> RGB:
    file = io.BytesIO()
    Image.fromarray(np.asarray(crop)).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def test_copies_of_one_person_count_once_and_those_of_two_people_not_at_all() -> None:
    labels = np.array([0, 0, 0, 1, 1, 2])
    used = np.array([True, True, True, True, False, True])
    screening = screen_copies(["a", "a", "b", "b", "a", ""], labels, used, "row {}".format)
    assert screening.used.tolist() == [True, False, False, False, False, True]
    assert screening.notes == (
        "1 picture is in the folders of several people, and left out: row 2 = row 3.",
        "1 photo is a copy of another photo of the same person, and left out.",
    )


def test_nearly_equal_crops_of_two_people_are_detected() -> None:
    patterns = np.random.default_rng(0).integers(0, 256, (200, 8, 8, 3)).astype(np.uint8)
    smooth = np.array([np.asarray(Image.fromarray(pattern).resize((32, 32))) for pattern in patterns])
    labels = np.arange(200) // 5
    smooth[7] = in_jpeg(smooth[150], 60)  # of person 1 and person 30
    smooth[8] = smooth[9]  # of one person
    pairs = find_near_copies(smooth, thumbs_of(smooth), labels, np.arange(200))
    assert pairs == {7: 150, 150: 7}
    assert find_near_copies(smooth, thumbs_of(smooth), labels, np.delete(np.arange(200), 150)) == {}


def test_the_search_agrees_with_comparing_everything() -> None:
    """Also over the edges of blocks, and where distances are near the limit."""
    rng = np.random.default_rng(3)
    base = rng.uniform(60, 200, (150, 8, 8, 1)).repeat(3, axis=3)
    pixels = np.concatenate([base, base + rng.normal(0, 1, base.shape) * rng.uniform(2, 10, (150, 1, 1, 1))])
    pixels = np.clip(pixels, 0, 255).round().astype(np.uint8)
    pixels[..., 1:] = pixels[..., :1]
    order, labels = rng.permutation(300), np.arange(300)
    apart = np.sqrt(np.square(pixels[:150, :, :, 0].astype(float) - pixels[150:, :, :, 0]).mean(axis=(1, 2)))
    expected = {int(n) for n in np.flatnonzero(apart <= copies.NEAR)}
    assert 20 < len(expected) < 130
    place = np.argsort(order)
    pixels = pixels[order]
    rows, columns = copies.ROWS, copies.COLUMNS
    try:
        copies.ROWS, copies.COLUMNS = 7, 11
        pairs = find_near_copies(pixels, thumbs_of(pixels), labels, np.arange(300))
    finally:
        copies.ROWS, copies.COLUMNS = rows, columns
    both = {(int(place[n]), int(place[n + 150])) for n in expected}
    assert set(pairs.items()) == both | {(b, a) for a, b in both}


def test_flat_crops_are_not_compared() -> None:
    pixels = np.zeros((4, 16, 16, 3), np.uint8)
    assert find_near_copies(pixels, thumbs_of(pixels), np.arange(4), np.arange(4)) == {}


def test_above_the_limit_nothing_is_searched_and_the_note_says_so() -> None:
    used = np.ones(copies.COMPARED + 1, np.bool_)
    pixels = np.zeros((1, 8, 8, 3), np.uint8)
    screening = copies.screen_near_copies(pixels, thumbs_of(pixels), np.arange(len(used)), used, str)
    assert screening.used.all()
    assert screening.notes == ("nearly equal pictures were not looked for: there are more than 50,000.",)
