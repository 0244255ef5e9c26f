"""How well a face can be recognised from its picture: one figure in 0..1 a face.

Five parts, each in 0..1 and each a function of its own: size, sharpness, pose, exposure and the detector's
score. The figure is their weighted geometric mean, so that one part at nought makes it nought: a large sharp
face seen from behind is of no use. It ranks faces (which photo of a person to keep, which to leave out); it
is no probability.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from visavis.types import RGB, Face, Floats, Quality

Grey = NDArray[np.uint8]

SIDE = 96
"""Side in pixels of the grey crop for sharpness and exposure: the face's box, scaled to it."""

SIZE = (10.0, 60.0)
"""Pixels between the eyes, on a log scale: no use, and as many as in the largest of the networks' crops."""
SHARPNESS = (0.004, 0.07)
"""Variance of the Laplacian over variance of the crop, on a log scale: a smear, and a sharp face. Over 150
photos of LFW, faces of about 90 pixels, the median is .074; blurred by a Gaussian of 4 pixels it is .0055."""
YAW = (0.45, 0.10)
"""Nose beside the middle of the eyes, over the distance of the eyes: half a profile or more, and facing."""
PITCH = (0.35, 0.10)
"""Height of the nose between eyes and mouth, less that of a level face: looking up or down, and level."""
LEVEL_NOSE = 0.52
"""Where a level face's nose stands from eyes (0) to mouth (1): .49 in ArcFace's template, .54 in dlib's."""
DARK = (8.0, 40.0)
BRIGHT = (250.0, 220.0)
"""Mean grey: black and dim; blown out and bright. Wide between, to judge the light and not the skin."""
CONTRAST = (4.0, 20.0)
"""Standard deviation of the grey: flat, and enough."""

WEIGHTS = {"size": 0.3, "sharpness": 0.25, "pose": 0.25, "exposure": 0.1, "detection": 0.1}

POOR = 0.5
"""Score below which an enrolment warns."""


def qualities(picture: RGB, faces: Sequence[Face]) -> tuple[Quality, ...]:
    """Measure each face of an RGB picture."""
    return tuple(measure(picture, face) for face in faces)


def measure(picture: RGB, face: Face) -> Quality:
    """Measure one face of an RGB picture; what of its box lies outside the picture is left out."""
    crop = grey_crop(picture, face.box)
    parts = {
        "size": size(face.landmarks),
        "sharpness": sharpness(crop),
        "pose": pose(face.landmarks),
        "exposure": exposure(crop),
        "detection": ramp(face.score, 0.0, 1.0),
    }
    return Quality(score=score(parts), brightness=float(crop.mean()) / 255, **parts)


def score(parts: Mapping[str, float]) -> float:
    """Weighted geometric mean of the parts, 0..1."""
    return float(math.prod(parts[name] ** weight for name, weight in WEIGHTS.items()))


def reasons(quality: Quality, face: Face) -> tuple[str, ...]:
    """Say in words what lowers the score of a face, the worst first: every part that costs a quarter of the loss.

    None for a face of score 1. Where a part is 0, which alone makes the score 0, only such parts are named.
    """
    losses = {name: _loss(getattr(quality, name), weight) for name, weight in WEIGHTS.items()}
    total = sum(losses.values())
    named = [name for name, loss in losses.items() if 0 < loss >= total / 4]
    return tuple(_word(name, quality, face) for name in sorted(named, key=lambda name: -losses[name]))


def _loss(part: float, weight: float) -> float:
    return -weight * math.log(part) if part > 0 else math.inf


def _word(part: str, quality: Quality, face: Face) -> str:
    match part:
        case "size":
            return f"small: {eye_distance(face.landmarks):.0f} pixels between the eyes"
        case "sharpness":
            return "blurred"
        case "pose":
            return "turned away"
        case "exposure":
            return _light(quality.brightness)
        case _:
            return "not surely a face"


def _light(brightness: float) -> str:
    """Name the fault of a low exposure."""
    if brightness < DARK[1] / 255:
        return "too dark"
    return "too bright" if brightness > BRIGHT[1] / 255 else "without contrast"


def ramp(value: float, nought: float, one: float) -> float:
    """0 at ``nought`` and beyond, 1 at ``one`` and beyond, straight between; ``nought`` may be the larger."""
    return min(max((value - nought) / (one - nought), 0.0), 1.0)


def log_ramp(value: float, nought: float, one: float) -> float:
    """:func:`ramp` on a log scale."""
    return ramp(math.log(value), math.log(nought), math.log(one)) if value > 0 else 0.0


def grey_crop(picture: RGB, box: Floats) -> Grey:
    """Cut a box out of a picture, as grey ``(SIDE, SIDE)``; black where the box misses the picture."""
    import cv2

    height, width = picture.shape[:2]
    # outwards on both sides, so that a mirrored picture gives the mirrored crop
    left, top = max(math.floor(box[0]), 0), max(math.floor(box[1]), 0)
    right, bottom = min(math.ceil(box[2]), width), min(math.ceil(box[3]), height)
    if left >= right or top >= bottom:
        return np.zeros((SIDE, SIDE), np.uint8)
    crop = picture[_thinned(top, bottom), _thinned(left, right)]
    shrinks = min(crop.shape[:2]) >= SIDE
    small = cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)


def _thinned(start: int, stop: int) -> slice:
    """Leave out pixels of a very large face: averaging them all would take longer than the rest together."""
    step = max((stop - start) // (2 * SIDE), 1)
    return slice(start + (stop - start - 1) % step // 2, stop, step)


def eye_distance(landmarks: Floats) -> float:
    """Pixels between the eyes; what they would be from the front, by eyes and mouth, where a turn hides them."""
    eyes, mouth = landmarks[:2].mean(axis=0), landmarks[3:].mean(axis=0)
    apart = math.dist(landmarks[0], landmarks[1])
    # upright faces: eyes 35.2 apart, mouth 40.7 below them in ArcFace's template
    return max(apart, math.dist(eyes, mouth) * 35.2 / 40.7)


def size(landmarks: Floats) -> float:
    """Score the resolution by the distance of the eyes."""
    return log_ramp(eye_distance(landmarks), *SIZE)


def sharpness(crop: Grey) -> float:
    """Score detail by the variance of the Laplacian over that of the crop: the same at any contrast."""
    import cv2

    spread = float(crop.var())
    if spread < 1:
        return 0.0
    return log_ramp(float(cv2.Laplacian(crop, cv2.CV_32F).var()) / spread, *SHARPNESS)


def pose(landmarks: Floats) -> float:
    """Score frontality, 1 for a face that looks at the camera; a head laid to one side (roll) is no fault."""
    eyes, mouth = landmarks[:2].mean(axis=0), landmarks[3:].mean(axis=0)
    across, down, nose = landmarks[1] - landmarks[0], mouth - eyes, landmarks[2] - eyes
    apart, length = float(np.hypot(*across)), float(np.hypot(*down))
    if apart == 0 or length == 0:
        return 0.0
    aside = abs(float(nose @ across)) / apart**2
    along = float(nose @ down) / length**2
    return ramp(aside, *YAW) * ramp(abs(along - LEVEL_NOSE), *PITCH)


def exposure(crop: Grey) -> float:
    """Score the light by mean and spread of the grey."""
    mean = float(crop.mean())
    return ramp(mean, *DARK) * ramp(mean, *BRIGHT) * ramp(float(crop.std()), *CONTRAST)
