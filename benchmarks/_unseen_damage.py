"""Damage that no calibration has seen: whether what was measured on other damage holds for it."""

from __future__ import annotations

import numpy as np

from visavis.evaluate.data.degradations import DEGRADATIONS, SIDE, Degradation
from visavis.types import RGB


def _after(picture: RGB, side: float, steps: list[tuple[str, float]], rng: np.random.Generator) -> RGB:
    """Damage a picture by kinds and strengths, one after the other."""
    for name, strength in steps:
        picture = np.ascontiguousarray(DEGRADATIONS[name].apply(picture, side, strength, rng))
    return picture


def _small_noisy_enlarged(picture: RGB, side: float, sigma: float, rng: np.random.Generator) -> RGB:
    import cv2

    steps = [("small", rng.uniform(30, 90)), ("noisy", sigma)]
    return np.asarray(cv2.resize(_after(picture, side, steps, rng), None, fx=2, fy=2), np.uint8)


def _small_compressed(picture: RGB, side: float, quality: float, rng: np.random.Generator) -> RGB:
    return _after(picture, side, [("small", rng.uniform(30, 90)), ("compressed", quality)], rng)


def _noisy_blurred(picture: RGB, side: float, sigma: float, rng: np.random.Generator) -> RGB:
    return _after(picture, side, [("noisy", sigma), ("blurred", rng.uniform(0.7, 2))], rng)


def _noisy_compressed(picture: RGB, side: float, sigma: float, rng: np.random.Generator) -> RGB:
    return _after(picture, side, [("noisy", sigma), ("compressed", rng.uniform(4, 30))], rng)


def _brightened(picture: RGB, side: float, share: float, rng: np.random.Generator) -> RGB:
    """Take a dark, noisy photo and stretch it to full brightness, as a camera does at night."""
    dark = _after(picture, side, [("dark", share), ("noisy", rng.uniform(1, 5))], rng)
    return np.clip(np.round(dark * np.float32(255 / max(dark.max(), 1))), 0, 255).astype(np.uint8)


def _few_colors(picture: RGB, side: float, colors: float, rng: np.random.Generator) -> RGB:
    """Keep so many colors, chosen for the photo and not dithered, as a GIF does."""
    from PIL import Image

    return np.asarray(Image.fromarray(picture).quantize(round(colors), dither=Image.Dither.NONE).convert("RGB"))


def _frosted(picture: RGB, side: float, pixels: float, rng: np.random.Generator) -> RGB:
    """Take each pixel from up to so many pixels away, as frosted glass does."""
    reach = pixels * side / SIDE
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]]
    moved = np.round(rng.uniform(-reach, reach, (2, *rows.shape))).astype(int)
    return picture[np.clip(rows + moved[0], 0, len(rows) - 1), np.clip(columns + moved[1], 0, rows.shape[1] - 1)]


UNSEEN = {
    kind.name: kind
    for kind in (
        Degradation("small, noisy, enlarged", 10, 70, (), _small_noisy_enlarged),
        Degradation("small, compressed", 20, 2, (), _small_compressed),
        Degradation("noisy, blurred", 20, 120, (), _noisy_blurred),
        Degradation("noisy, compressed", 10, 60, (), _noisy_compressed),
        Degradation("dark, noisy, bright", 0.3, 0.06, (), _brightened),
        Degradation("few colors", 16, 4, (), _few_colors),
        Degradation("frosted", 1, 6, (), _frosted),
    )
}
"""Kinds by name."""
