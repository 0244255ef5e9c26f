"""Worsened copies of photos, by kind and strength, on which the effect of poor photos on distances is measured.

A copy is a pure function of a photo, a face in it, a strength and a seed. It is a photo in which the face has to be
detected anew, as in a photo of a user. A blur is stated for a face of ``SIDE`` pixels and scaled to the face; JPEG
compression and noise apply to the photo's own pixels. Some kinds combine two damages, since the second may hide the
traces of the first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from visavis._pixels import whole_pixels
from visavis.types import RGB, Floats

SIDE = 125.0
"""Median of the longer side of a face's box in LFW's photos, in pixels."""
AROUND = 1.0
"""Margin kept around the face's box on each side, in sides of the box; the rest is cut off first."""

Apply = Callable[[RGB, float, float, np.random.Generator], RGB]
"""Function that makes a copy from a picture, the longer side of its face in pixels, a strength and a generator."""


@dataclass(frozen=True, slots=True)
class Degradation:
    """A kind of damage. ``mild`` and ``harsh`` are the ends of its strengths, which are spaced by ratio.

    ``parts`` names the parts of a :class:`~visavis.types.Quality` that measure the damage; it is empty for damage that
    is not visible in the picture.
    """

    name: str
    mild: float
    harsh: float
    parts: tuple[str, ...]
    apply: Apply

    def strength(self, share: float) -> float:
        """Return the strength at a share from 0 (mild) to 1 (harsh)."""
        return float(self.mild * (self.harsh / self.mild) ** share)


def degrade(picture: RGB, box: Floats, kind: Degradation, strength: float, *, seed: int = 0) -> RGB:
    """Return a worsened copy of the surroundings of a face's box ``(h, w, 3)``; equal seeds give equal copies."""
    side = float((box[2:] - box[:2]).max())
    margin = np.array([-1, -1, 1, 1], np.float32) * np.float32(AROUND * side)
    left, top, right, bottom = whole_pixels(box + margin, picture.shape[1], picture.shape[0])
    surroundings = np.ascontiguousarray(picture[top:bottom, left:right])
    return np.ascontiguousarray(kind.apply(surroundings, side, strength, np.random.default_rng(seed)))


def _scale(picture: RGB, across: float, down: float) -> RGB:
    from visavis.opencv import cv2

    height, width = picture.shape[:2]
    size = max(round(width * across), 1), max(round(height * down), 1)
    interpolation = cv2.INTER_AREA if across * down < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size, interpolation=interpolation), np.uint8)


def _shrink(picture: RGB, side: float, pixels: float, rng: np.random.Generator) -> RGB:
    """Reduce the photo until the longer side of the face has ``pixels`` pixels."""
    scale = min(pixels / side, 1.0)
    return _scale(picture, scale, scale)


def _shrink_and_enlarge(picture: RGB, side: float, pixels: float, rng: np.random.Generator) -> RGB:
    """Reduce the photo and enlarge it again."""
    from visavis.opencv import cv2

    height, width = picture.shape[:2]
    small = _shrink(picture, side, pixels, rng)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _blur(picture: RGB, side: float, sigma: float, rng: np.random.Generator) -> RGB:
    from visavis.opencv import cv2

    blur = cv2.GaussianBlur(picture, (0, 0), sigma * side / SIDE)
    return np.asarray(blur, np.uint8)


def _compress(picture: RGB, side: float, quality: float, rng: np.random.Generator) -> RGB:
    from visavis.opencv import cv2

    settings = [cv2.IMWRITE_JPEG_QUALITY, round(quality)]
    data = cv2.imencode(".jpg", picture[:, :, ::-1], settings)[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)[:, :, ::-1]


def _add_noise(picture: RGB, side: float, sigma: float, rng: np.random.Generator) -> RGB:
    """Add noise with a standard deviation of ``sigma`` gray levels to every pixel and channel."""
    grain = rng.normal(0, sigma, picture.shape)
    return np.clip(np.round(picture + grain), 0, 255).astype(np.uint8)


def _darken(picture: RGB, side: float, share: float, rng: np.random.Generator) -> RGB:
    """Keep a share of the light."""
    return np.round(picture * np.float32(share)).astype(np.uint8)


def _reduce_contrast(picture: RGB, side: float, share: float, rng: np.random.Generator) -> RGB:
    """Keep a share of the contrast, around medium gray."""
    return np.round(picture * np.float32(share) + np.float32(128 * (1 - share))).astype(np.uint8)


def _narrow_width(picture: RGB, side: float, factor: float, rng: np.random.Generator) -> RGB:
    return _scale(picture, 1 / factor, 1)


def _reduce_height(picture: RGB, side: float, factor: float, rng: np.random.Generator) -> RGB:
    return _scale(picture, 1, 1 / factor)


def _resize(picture: RGB, least: float, most: float, rng: np.random.Generator) -> RGB:
    scale = rng.uniform(least, most)
    return _scale(picture, scale, scale)


def _add_noise_and_resize(picture: RGB, side: float, sigma: float, rng: np.random.Generator) -> RGB:
    return _resize(_add_noise(picture, side, sigma, rng), 0.4, 2.0, rng)


def _shrink_and_add_noise(picture: RGB, side: float, sigma: float, rng: np.random.Generator) -> RGB:
    return _add_noise(_shrink(picture, side, rng.uniform(30, 90), rng), side, sigma, rng)


def _compress_and_resize(picture: RGB, side: float, quality: float, rng: np.random.Generator) -> RGB:
    return _resize(_compress(picture, side, quality, rng), 0.5, 1.5, rng)


def _compress_and_turn(picture: RGB, side: float, quality: float, rng: np.random.Generator) -> RGB:
    """Compress the photo and turn it by up to 20 degrees to either side."""
    from visavis.opencv import cv2

    height, width = picture.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-20, 20), 1)
    compressed = _compress(picture, side, quality, rng)
    return np.asarray(cv2.warpAffine(compressed, turn, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _compress_twice(picture: RGB, side: float, quality: float, rng: np.random.Generator) -> RGB:
    """Compress the photo, resize it a little, and compress it again."""
    resized = _resize(_compress(picture, side, quality, rng), 0.8, 1.2, rng)
    return _compress(resized, side, quality, rng)


def _reduce_contrast_and_add_noise(picture: RGB, side: float, share: float, rng: np.random.Generator) -> RGB:
    return _add_noise(_reduce_contrast(picture, side, share, rng), side, rng.uniform(3, 20), rng)


def _blur_motion(picture: RGB, side: float, length: float, rng: np.random.Generator) -> RGB:
    """Blur the photo along a line of this length, in any direction, like motion of the camera or the head."""
    from visavis.opencv import cv2

    reach = length * side / SIDE / 2
    size = 2 * round(reach) + 3
    angle = rng.uniform(0, np.pi)
    step = reach * np.array([np.cos(angle), np.sin(angle)])
    ends = np.round(((size - 1) / 2 + np.array([-step, step])) * 16).astype(int)
    start, end = ((int(x), int(y)) for x, y in ends)
    line = cv2.line(np.zeros((size, size, 1), np.uint8), start, end, (255,), 1, cv2.LINE_AA, shift=4)[..., 0]
    kernel = line.astype(np.float32) / line.sum(dtype=np.float32)
    return np.asarray(cv2.filter2D(picture, -1, kernel, borderType=cv2.BORDER_REPLICATE), np.uint8)


def _double(picture: RGB, side: float, pixels: float, rng: np.random.Generator) -> RGB:
    """Blend the photo with a copy of it, shifted by ``pixels`` in any direction."""
    from visavis.opencv import cv2

    angle, weight = rng.uniform(0, 2 * np.pi), rng.uniform(0.3, 0.5)
    across, down = pixels * side / SIDE * np.array([np.cos(angle), np.sin(angle)])
    shift = np.array([[1, 0, across], [0, 1, down]], np.float32)
    size = picture.shape[1], picture.shape[0]
    shifted = cv2.warpAffine(picture, shift, size, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.addWeighted(picture, 1 - weight, shifted, weight, 0), np.uint8)


def _pixelate(picture: RGB, side: float, pixels: float, rng: np.random.Generator) -> RGB:
    """Make squares of one color with a side of ``pixels``."""
    from visavis.opencv import cv2

    height, width = picture.shape[:2]
    scale = min(SIDE / (pixels * side), 1.0)
    return np.asarray(cv2.resize(_scale(picture, scale, scale), (width, height), interpolation=cv2.INTER_NEAREST))


def _posterize(picture: RGB, side: float, levels: float, rng: np.random.Generator) -> RGB:
    """Keep ``levels`` evenly spaced levels of each channel; with a fraction the darkest step is narrower."""
    step = np.float32(255 / (levels - 1))
    return np.clip(np.round(np.round(picture / step) * step), 0, 255).astype(np.uint8)


def _smooth(picture: RGB, side: float, pixels: float, rng: np.random.Generator) -> RGB:
    """Replace each pixel twice by the median around it, as beauty filters and old denoisers do."""
    from visavis.opencv import cv2

    size = 2 * round((pixels * side / SIDE - 1) / 2) + 1
    return np.asarray(cv2.medianBlur(cv2.medianBlur(picture, max(size, 3)), max(size, 3)), np.uint8)


def _vignette(picture: RGB, side: float, strength: float, rng: np.random.Generator) -> RGB:
    """Darken the photo away from a point near the face, by exp(-strength) at a distance of one side of the face."""
    height, width = picture.shape[:2]
    center = np.array([height, width]) / 2 + rng.uniform(-0.3, 0.3, 2) * side
    down, across = (np.arange(length) - middle for length, middle in zip((height, width), center, strict=True))
    light = np.exp(-strength * (down[:, None] ** 2 + across**2) / side**2).astype(np.float32)
    return np.asarray(np.round(picture * light[..., None]), np.uint8)


def _wave(picture: RGB, side: float, pixels: float, rng: np.random.Generator) -> RGB:
    """Bend the photo in waves of ``pixels``, like water or old glass."""
    from visavis.opencv import cv2

    scale = side / SIDE
    down, across = np.mgrid[: picture.shape[0], : picture.shape[1]].astype(np.float32)
    length, (first, second) = 2 * np.pi / (20 * scale), rng.uniform(0, 2 * np.pi, 2)
    x = across + pixels * scale * np.sin(down * length + first)
    y = down + pixels * scale * np.sin(across * length + second)
    bent = cv2.remap(picture, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR)
    return np.asarray(bent, np.uint8)


def _add_blotches(picture: RGB, side: float, sigma: float, rng: np.random.Generator) -> RGB:
    """Add noise in blotches of five pixels, as in denoised night photos."""
    from visavis.opencv import cv2

    height, width = picture.shape[:2]
    coarse = rng.normal(0, sigma, (max(height // 5, 1), max(width // 5, 1), 3)).astype(np.float32)
    grain = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(np.round(picture + grain), 0, 255).astype(np.uint8)


DEGRADATIONS = {
    kind.name: kind
    for kind in (
        Degradation("small", 60, 18, ("size",), _shrink),
        Degradation("enlarged", 60, 10, ("sharpness",), _shrink_and_enlarge),
        Degradation("blurred", 1, 7, ("sharpness",), _blur),
        Degradation("compressed", 30, 2, ("compression",), _compress),
        Degradation("noisy", 8, 80, ("clarity",), _add_noise),
        Degradation("dark", 0.5, 0.06, ("exposure",), _darken),
        Degradation("pale", 0.5, 0.12, ("exposure",), _reduce_contrast),
        Degradation("narrow", 1.15, 2.5, ("proportions",), _narrow_width),
        Degradation("wide", 1.15, 2.5, ("proportions",), _reduce_height),
        Degradation("noisy, resized", 10, 90, (), _add_noise_and_resize),
        Degradation("small, noisy", 10, 70, (), _shrink_and_add_noise),
        Degradation("compressed, resized", 15, 2, (), _compress_and_resize),
        Degradation("compressed, turned", 15, 2, (), _compress_and_turn),
        Degradation("compressed twice", 15, 3, ("compression",), _compress_twice),
        Degradation("pale, noisy", 0.5, 0.12, ("exposure", "clarity"), _reduce_contrast_and_add_noise),
        Degradation("moved", 6, 30, ("sharpness",), _blur_motion),
        Degradation("doubled", 3, 16, (), _double),
        Degradation("pixelated", 3, 12, (), _pixelate),
        Degradation("posterized", 6, 2, (), _posterize),
        Degradation("smoothed", 5, 15, ("sharpness",), _smooth),
        Degradation("vignetted", 1, 8, (), _vignette),
        Degradation("waved", 1, 5, (), _wave),
        Degradation("blotched", 10, 60, (), _add_blotches),
    )
}
"""Kinds of damage by name."""
