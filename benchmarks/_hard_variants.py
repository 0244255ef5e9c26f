"""Photos of faces made hard: cut, turned, squeezed, covered, small, blurred, noisy.

Each variant is a pure function of a photo and of the face's landmarks in it. It returns the changed picture together
with the place of every landmark in it, so that a detector's landmarks there can be compared with those in the photo.
Lengths are in eye distances (see :func:`visavis.quality.eye_distance`), so they mean the same for faces of any size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.quality import eye_distance
from visavis.types import RGB, Floats

BROWS, BESIDE_EYE, CHIN = 0.4, 0.3, 0.35
"""Distance of the edge above the eyes, beside an eye, and below the mouth."""
LENS = (0.42, 0.3)
"""Half axes of a lens of the sunglasses."""
MASK = np.array(
    [(-0.95, 0.5), (0, 0.3), (0.95, 0.5), (0.85, 1.25), (0.5, 1.65), (0, 1.8), (-0.5, 1.65), (-0.85, 1.25)], np.float32
)
"""Corners of a mask, from the middle of the eyes: to the side along the eyes, and down."""
MASK_COLOR, LENS_COLOR = (168, 196, 214), (18, 18, 20)
BLUR = 0.1
"""Standard deviation of the blur."""
DARK, NOISE, JPEG_QUALITY = 0.08, 40.0, 10
"""Share of the light left; standard deviation of the noise in gray levels of 255."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A picture ``(h, w, 3)`` and the face in it: ``box (4,)`` and ``landmarks (5, 2)`` in its pixels."""

    pixels: RGB
    box: Floats
    landmarks: Floats

    @property
    def eye_distance(self) -> float:
        """Distance of the eyes in pixels."""
        return eye_distance(self.landmarks)


@dataclass(frozen=True, slots=True, eq=False)
class HardPhoto:
    """A changed picture, and where the ``landmarks (5, 2)`` of the face lie in it, seen or not."""

    pixels: RGB
    landmarks: Floats


Variant = Callable[[Subject, int], HardPhoto]
"""Makes one hard photo; the number of the photo seeds what is random."""


def unchanged(subject: Subject, seed: int) -> HardPhoto:
    """Return the photo as it is."""
    return HardPhoto(subject.pixels, subject.landmarks)


def cut_at_brows(subject: Subject, seed: int) -> HardPhoto:
    """Cut everything above the brows off."""
    return _cropped(subject, top=subject.landmarks[:2, 1].min() - BROWS * subject.eye_distance)


def cut_at_chin(subject: Subject, seed: int) -> HardPhoto:
    """Cut everything from the chin down off."""
    return _cropped(subject, bottom=subject.landmarks[3:, 1].max() + CHIN * subject.eye_distance)


def cut_left(subject: Subject, seed: int) -> HardPhoto:
    """Cut everything left of the left eye off."""
    return _cropped(subject, left=subject.landmarks[:, 0].min() - BESIDE_EYE * subject.eye_distance)


def cut_right(subject: Subject, seed: int) -> HardPhoto:
    """Cut everything right of the right eye off."""
    return _cropped(subject, right=subject.landmarks[:, 0].max() + BESIDE_EYE * subject.eye_distance)


def tight(subject: Subject, seed: int) -> HardPhoto:
    """Keep the face's box alone."""
    left, top, right, bottom = subject.box
    return _cropped(subject, left=left, top=top, right=right, bottom=bottom)


def turned(degrees: int) -> Variant:
    """Make a variant that turns the photo clockwise; the canvas grows, its corners are black."""

    def turn(subject: Subject, seed: int) -> HardPhoto:
        height, width = subject.pixels.shape[:2]
        angle = np.deg2rad(degrees)
        linear = np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
        size = np.ceil(np.abs(linear) @ (width, height) - 1e-6).astype(int)
        shift = (size - 1) / 2 - linear @ ((width - 1) / 2, (height - 1) / 2)
        return _warped(subject, np.column_stack([linear, shift]), (int(size[0]), int(size[1])))

    return turn


def squeezed(across: float, down: float) -> Variant:
    """Make a variant that scales width and height by different factors."""

    def squeeze(subject: Subject, seed: int) -> HardPhoto:
        return _resized(subject, across, down)

    return squeeze


def small(pixels: int) -> Variant:
    """Make a variant that reduces the photo until the longer side of the face's box has so many pixels."""

    def reduce(subject: Subject, seed: int) -> HardPhoto:
        scale = pixels / max(subject.box[2] - subject.box[0], subject.box[3] - subject.box[1])
        return _resized(subject, scale, scale)

    return reduce


def sunglasses(subject: Subject, seed: int) -> HardPhoto:
    """Draw dark glasses over the eyes."""
    pixels = subject.pixels.copy()
    eyes, apart = subject.landmarks[:2], subject.eye_distance
    slope = np.rad2deg(np.arctan2(*(eyes[1] - eyes[0])[::-1]))
    for eye in eyes:
        axes = (round(LENS[0] * apart), round(LENS[1] * apart))
        cv2.ellipse(pixels, _pixel(eye), axes, float(slope), 0, 360, LENS_COLOR, -1, cv2.LINE_AA)
    thickness = max(round(0.12 * apart), 1)
    outer = (eyes - eyes.mean(axis=0)) * 1.9 + eyes.mean(axis=0)
    cv2.line(pixels, _pixel(outer[0]), _pixel(outer[1]), LENS_COLOR, thickness, cv2.LINE_AA)
    return HardPhoto(pixels, subject.landmarks)


def mask(subject: Subject, seed: int) -> HardPhoto:
    """Draw a mask over nose, mouth and chin."""
    pixels = subject.pixels.copy()
    eyes, mouth = subject.landmarks[:2].mean(axis=0), subject.landmarks[3:].mean(axis=0)
    down = (mouth - eyes) / np.linalg.norm(mouth - eyes)
    across = np.array((down[1], -down[0]))
    corners = eyes + subject.eye_distance * (MASK[:, :1] * across + MASK[:, 1:] * down)
    cv2.fillPoly(pixels, [np.round(corners).astype(np.int32)], MASK_COLOR, cv2.LINE_AA)
    return HardPhoto(pixels, subject.landmarks)


def blurred(subject: Subject, seed: int) -> HardPhoto:
    """Blur the photo."""
    blur = cv2.GaussianBlur(subject.pixels, (0, 0), BLUR * subject.eye_distance)
    return HardPhoto(np.asarray(blur, np.uint8), subject.landmarks)


def compressed(subject: Subject, seed: int) -> HardPhoto:
    """Save the photo as a JPEG of low quality."""
    _, data = cv2.imencode(".jpg", subject.pixels[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    pixels = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)[:, :, ::-1]
    return HardPhoto(np.ascontiguousarray(pixels), subject.landmarks)


def dark(subject: Subject, seed: int) -> HardPhoto:
    """Take most of the light away."""
    return HardPhoto((subject.pixels * np.float32(DARK) + np.float32(0.5)).astype(np.uint8), subject.landmarks)


def noisy(subject: Subject, seed: int) -> HardPhoto:
    """Add noise to every pixel and channel."""
    grain = np.random.default_rng(seed).normal(0, NOISE, subject.pixels.shape)
    return HardPhoto(np.clip(np.round(subject.pixels + grain), 0, 255).astype(np.uint8), subject.landmarks)


GROUPS: dict[str, dict[str, Variant]] = {
    "plain": {"unchanged": unchanged},
    "edges": {
        "cut at the brows": cut_at_brows,
        "cut at the chin": cut_at_chin,
        "cut left of the eyes": cut_left,
        "cut right of the eyes": cut_right,
    },
    "tight": {"tight crop": tight},
    "turned": {f"turned by {degrees}": turned(degrees) for degrees in (45, 90, 135, 180, 270)},
    "squeezed": {"half as wide": squeezed(0.5, 1), "half as high": squeezed(1, 0.5)},
    "covered": {"drawn sunglasses": sunglasses, "drawn mask": mask},
    "small": {"face of 48 pixels": small(48), "face of 24 pixels": small(24)},
    "degraded": {"blurred": blurred, f"JPEG {JPEG_QUALITY}": compressed, "dark": dark, "noisy": noisy},
}
"""Groups of variants by name, each variant by the words that the table shows."""


def _cropped(
    subject: Subject,
    *,
    left: float = 0,
    top: float = 0,
    right: float | None = None,
    bottom: float | None = None,
) -> HardPhoto:
    height, width = subject.pixels.shape[:2]
    x1, y1 = max(round(float(left)), 0), max(round(float(top)), 0)
    x2 = width if right is None else min(round(float(right)), width)
    y2 = height if bottom is None else min(round(float(bottom)), height)
    pixels = np.ascontiguousarray(subject.pixels[y1:y2, x1:x2])
    return HardPhoto(pixels, (subject.landmarks - np.array((x1, y1))).astype(np.float32))


def _resized(subject: Subject, across: float, down: float) -> HardPhoto:
    height, width = subject.pixels.shape[:2]
    size = max(round(width * across), 1), max(round(height * down), 1)
    pixels = np.asarray(cv2.resize(subject.pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    scale = np.array((size[0] / width, size[1] / height))
    # Pixel centers, as the detectors' landmarks: the middle of the first pixel is 0.
    return HardPhoto(pixels, ((subject.landmarks + 0.5) * scale - 0.5).astype(np.float32))


def _warped(subject: Subject, matrix: Matrix, size: tuple[int, int]) -> HardPhoto:
    pixels = np.asarray(cv2.warpAffine(subject.pixels, matrix, size, flags=cv2.INTER_LINEAR), np.uint8)
    landmarks = subject.landmarks @ matrix[:, :2].T + matrix[:, 2]
    return HardPhoto(pixels, landmarks.astype(np.float32))


def _pixel(point: Floats) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))
