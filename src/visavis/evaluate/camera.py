"""What a camera gives to recognition: size of the faces, blur, light, frames per second, and how far it reaches.

A face is identified from about :data:`NEEDED` pixels between the eyes of a sharp picture. Distances follow from the
size of a face in pixels: eyes of adults are :data:`EYES_M` apart. The camera's angle is needed for them, or the
distance at which the person stood.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from visavis import defaults
from visavis._checks import check_number
from visavis._pixels import whole_pixels
from visavis.errors import UsageError
from visavis.pipeline import Recognizer
from visavis.quality import eye_distance, measure
from visavis.types import RGB, Face, Floats, Quality
from visavis.videos.types import Frame, FrameSource

EYES_M = 0.063
"""Mean distance of the pupils of adults, in meters (N. A. Dodgson, Variation and extrema of human interpupillary
distance, 2004)."""
NEEDED = 10.0
"""Pixels between the eyes at which .96 of the matches remain (``quality.SIZE``)."""
ANGLE = 65.0
"""Horizontal angle of a camera, in degrees, where none is given: webcams have 55 to 80."""
SHRINKS = (0.2, 0.25, 0.32, 0.4, 0.5, 0.63, 0.8)
KEPT = 0.9
"""Share of the squared gradients that a picture keeps which is shrunk no more than its blur allows."""
SUBTRACTED = 1.1
"""Multiple of the measured noise that is subtracted: with noise, the resolution is rather understated. Of 690 blurred
photos with noise of 2 to 40 gray levels none then seems sharper than without (without a margin: 428)."""
CLIPPED = 6
"""Gray levels next to black and white at which noise is cut off."""
MEDIAN_OF_NORMAL = 0.6745
"""Median of the absolute values of a normal distribution, in standard deviations."""
SAMPLED_S = 0.2
"""Seconds between two examined frames."""


@dataclass(frozen=True, slots=True)
class ExaminedFace:
    """The largest face of a frame: pixels between the ``eyes``, ``resolution`` (1: sharp to the pixel), quality."""

    eyes: float
    resolution: float
    quality: Quality


@dataclass(frozen=True, slots=True)
class CameraResult:
    """What was measured: medians over the examined frames with a face; None where no face was found.

    ``rate`` is frames per second, ``eyes`` the pixels between the eyes, with the least and greatest ``eyes_range``.
    ``resolution`` is the share of the picture's resolution that blur leaves, ``brightness`` the mean gray (0 to 1),
    ``exposure`` and ``quality`` are those of :class:`visavis.types.Quality`. ``distance`` is how far away the person
    stood, ``reach`` up to how many meters a face is identified; ``angle`` is the horizontal angle they rest on, None
    where the distance was given.
    """

    frames: int
    seconds: float
    rate: float | None
    width: int
    height: int
    examined: int
    faces: int
    angle: float | None
    eyes: float | None = None
    eyes_range: tuple[float, float] | None = None
    resolution: float | None = None
    brightness: float | None = None
    exposure: float | None = None
    quality: float | None = None
    distance: float | None = None
    reach: float | None = None


def examine_camera(
    source: FrameSource,
    recognizer: Recognizer,
    *,
    seconds: float = 10.0,
    distance: float | None = None,
    angle: float | None = None,
    min_face: float = defaults.MIN_FACE,
) -> CameraResult:
    """Examine ``seconds`` of a source, and close it.

    ``distance`` is how many meters from the camera the person stands; without it, distances rest on the horizontal
    ``angle`` of the camera in degrees. Raises UsageError for options that are not valid, and without any frame.
    """
    check_number(seconds, "seconds are a time", least=0.1)
    wide = _check_place(distance, angle)
    frames: list[Frame] = []
    faces: list[ExaminedFace] = []
    examined, last = 0, -math.inf
    try:
        for frame in source:
            if frames and frame.seconds - frames[0].seconds > seconds:
                break
            frames = [frames[0], frame] if frames else [frame]
            if frame.seconds - last >= SAMPLED_S - 1e-6:
                last, examined = frame.seconds, examined + 1
                faces += _examine(frame.pixels, recognizer, min_face)
    finally:
        source.close()
    if not frames:
        raise UsageError(f"{source.name} delivered no picture.")
    return _summarize(_count(source, frames, examined, angle=wide), faces, distance)


def _check_place(distance: float | None, angle: float | None) -> float | None:
    """Return the horizontal angle that distances rest on; None where the distance is given."""
    if distance is None:
        return check_number(ANGLE if angle is None else angle, "angle is in degrees", least=1, most=179)
    if angle is not None:
        raise UsageError("distance and angle exclude each other: the angle follows from the distance.")
    check_number(distance, "distance is in meters", least=0.05)
    return None


def _examine(pixels: RGB, recognizer: Recognizer, min_face: float) -> list[ExaminedFace]:
    (faces,) = recognizer.detector.detect([pixels], min_face=min_face)
    if not faces:
        return []
    face = max(faces, key=lambda item: item.area)
    return [ExaminedFace(eye_distance(face.landmarks), measure_resolution(pixels, face), measure(pixels, face))]


def measure_resolution(pixels: RGB, face: Face) -> float:
    """Return the share of the resolution that blur leaves in a face: the smallest size that loses none of its edges.

    Noise looks like sharp edges: what noise of the measured level adds to the edges is subtracted.
    """
    from visavis.opencv import cv2

    left, top, right, bottom = whole_pixels(face.box, pixels.shape[1], pixels.shape[0])
    if right - left < 8 or bottom - top < 8:
        return 1.0
    gray = cv2.cvtColor(pixels[top:bottom, left:right], cv2.COLOR_RGB2GRAY).astype(np.float32)
    white = np.random.default_rng(0).standard_normal(gray.shape, np.float32)
    noise = np.asarray(_measure_noise(gray) * SUBTRACTED * white, np.float32)
    edges = _sum_gradients(gray) - _sum_gradients(noise)
    for share in SHRINKS:
        if _sum_gradients(_shrink(gray, share)) - _sum_gradients(_shrink(noise, share)) >= KEPT * edges:
            return share
    return 1.0


def _shrink(gray: Floats, share: float) -> Floats:
    """Return a picture without the detail that its smaller copy has no pixels for."""
    from visavis.opencv import cv2

    small = cv2.resize(gray, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, gray.shape[::-1], interpolation=cv2.INTER_CUBIC), np.float32)


def _sum_gradients(gray: Floats) -> float:
    return float(np.square(np.diff(gray, axis=0)).sum() + np.square(np.diff(gray, axis=1)).sum())


def _measure_noise(gray: Floats) -> float:
    """Return the standard deviation of noise that differs from pixel to pixel, where the picture is flat or slopes.

    The filter of J. Immerkær (Fast noise variance estimation, 1996) cancels slopes; the median of its answers, in place
    of their mean, is hardly changed by edges. Pixels that are nearly black or white hide noise, and do not count.
    """
    from visavis.opencv import cv2

    second = np.array([1, -2, 1], np.float32)
    residue = np.abs(cv2.sepFilter2D(gray, cv2.CV_32F, second, second)[1:-1, 1:-1])
    inner = gray[1:-1, 1:-1]
    counted = residue[(inner > CLIPPED) & (inner < 255 - CLIPPED)]
    return float(np.median(counted if counted.size else residue)) / MEDIAN_OF_NORMAL / 6


def _count(source: FrameSource, frames: list[Frame], examined: int, *, angle: float | None) -> CameraResult:
    """Return the result of the first and the last of the frames, without faces."""
    first, last = frames[0], frames[-1]
    height, width = first.pixels.shape[:2]
    passed, count = last.seconds - first.seconds, last.number - first.number + 1
    rate = (count - 1) / passed if passed > 0 else source.rate
    return CameraResult(count, passed, rate, width, height, examined, 0, angle)


def _summarize(result: CameraResult, faces: list[ExaminedFace], distance: float | None) -> CameraResult:
    if not faces:
        return result
    eyes = float(np.median([face.eyes for face in faces]))
    resolution = float(np.median([face.resolution for face in faces]))
    away = distance
    if result.angle is not None:
        away = result.width / 2 / math.tan(math.radians(result.angle) / 2) * EYES_M / eyes
    return replace(
        result,
        faces=len(faces),
        eyes=eyes,
        eyes_range=(min(face.eyes for face in faces), max(face.eyes for face in faces)),
        resolution=resolution,
        brightness=float(np.median([face.quality.brightness for face in faces])),
        exposure=float(np.median([face.quality.exposure for face in faces])),
        quality=float(np.median([face.quality.score for face in faces])),
        distance=away,
        reach=None if away is None else away * eyes * resolution / NEEDED,
    )
