"""DOUBT: faults of a face's picture that make answers less certain, in words.

Three causes, each measured on LFW's view 1 (docs/limits.md has the rates):
- a poor quality: below :data:`visavis.quality.POOR` strangers pass more often than stated;
- covered eyes (sunglasses): one person is taken for two about ten times as often as otherwise;
- a picture squeezed in one direction: strangers look alike, since all faces are deformed in the same way.
"""

from __future__ import annotations

import math

import numpy as np

from visavis import align
from visavis.compare import Calibration
from visavis.quality import POOR, reasons
from visavis.types import RGB, Face, Floats, PhotoFaces

COVERED = 0.25
"""Brightness of the brighter eye, over that of the cheek below it, up to which eyes count as covered.

On LFW's view 1, 30 photos are at or below it; in 27 of them the person wears sunglasses (of 63 who do)."""
EYE, CHEEK = (0.3, 0.2), (0.12, 0.12)
"""Half width and half height of the patches, in eye distances."""

NARROW, WIDE = -0.32, 0.235
"""Outside these a face looks squeezed, by :func:`visavis.align.squeeze`: 1 in 200 photos of LFW's view 1."""

WHY_STRICTER = "to the network these faces look like poor ones"
"""Why a threshold is stricter than that of good photos; a network may also see a good photo as poor."""
SQUEEZED = "the picture seems to be squeezed: strangers pass more often"


def doubts(photo: PhotoFaces, face: int, *, corrected: bool = False) -> tuple[str, ...]:
    """Return sentences on what makes answers about a face of a photo less certain; empty if nothing does.

    ``corrected`` says that the threshold is stricter for poor photos, so that strangers pass no more often.
    """
    if photo.photo is None:
        return ()
    sentences = []
    if photo.quality and photo.quality[face].score < POOR:
        effect = "the same person is missed more often" if corrected else "strangers pass more often"
        sentences.append(f"poor quality {photo.quality[face].score:.2f} ({faults(photo, face)}): {effect}")
    if eyes_are_covered(photo.photo.pixels, photo.faces[face]):
        sentences.append("the eyes seem to be covered: the same person is missed more often")
    if is_squeezed(photo.faces[face].landmarks) and not corrected:
        sentences.append(SQUEEZED)
    return tuple(f"{photo.name}: {doubt}." for doubt in sentences)


def faults(photo: PhotoFaces, face: int) -> str:
    """Name the faults of a face's picture, the worst first."""
    return ", ".join(reasons(photo.quality[face], photo.faces[face]))


def why_too_poor(photo: PhotoFaces, face: int, table: Calibration | None) -> str:
    """Say why a face is poorer than the table covers: by its quality, else by its embedding."""
    quality = photo.quality[face] if photo.quality else None
    judged_by_quality = table.poor.share_of_quality if table and table.poor else None
    if quality and judged_by_quality and None in (judged_by_quality(quality), judged_by_quality(quality.score)):
        return f"{faults(photo, face)} (quality {quality.score:.2f})"
    return "the face looks like those of many people on poor photos"


def eyes_are_covered(picture: RGB, face: Face) -> bool:
    """Return whether both eyes are far darker than the cheeks below them, as behind sunglasses."""
    points = face.landmarks
    apart = math.dist(points[0], points[1])
    for eye, mouth in zip(points[:2], points[3:], strict=True):
        dark = _measure_brightness(picture, eye, EYE, apart)
        light = _measure_brightness(picture, (eye + mouth) / 2, CHEEK, apart)
        if dark is None or light is None or dark > COVERED * light:
            return False
    return True


def is_squeezed(landmarks: Floats) -> bool:
    """Return whether a frontal face is far narrower or wider than faces are."""
    return not NARROW <= float(align.squeeze(landmarks[None])[0]) <= WIDE


def _measure_brightness(picture: RGB, center: Floats, half: tuple[float, float], apart: float) -> float | None:
    """Return the median gray of a patch, at least 1; None where it lies outside the picture."""
    height, width = picture.shape[:2]
    x, y = float(center[0]), float(center[1])
    left, right = max(int(x - half[0] * apart), 0), min(int(x + half[0] * apart) + 1, width)
    top, bottom = max(int(y - half[1] * apart), 0), min(int(y + half[1] * apart) + 1, height)
    if left >= right or top >= bottom:
        return None
    gray = np.sort(picture[top:bottom, left:right].mean(axis=2), axis=None)
    # Not np.median: its first call imports numpy.ma.
    return max(float(gray[(len(gray) - 1) // 2] + gray[len(gray) // 2]) / 2, 1.0)
