"""Faces detected in a stream of low resolution, detected again where they are in the main stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from visavis.boxes import suppress
from visavis.types import RGB, Face

if TYPE_CHECKING:
    from visavis.detectors import Detector

MARGIN = 1.0
"""Margin around a face, in sizes of the face: it moves between the frames of the two streams."""
OVERLAP = 0.4
"""Intersection over union from which two faces of overlapping parts are one."""


def detect_in_main_stream(
    detector: Detector, pixels: RGB, faces: Sequence[Face], *, scale: float, min_face: float
) -> list[Face]:
    """Return the faces in parts of ``pixels`` around the ``faces`` of the other stream, whose boxes are multiplied.

    ``scale`` is the width of ``pixels`` divided by that of the other stream's frame.
    """
    corners = [_enlarge(face, pixels, scale) for face in faces]
    parts = [np.ascontiguousarray(pixels[top:bottom, left:right]) for left, top, right, bottom in corners]
    detected = [
        _shift(face, left, top)
        for (left, top, *_), inside in zip(corners, detector.detect(parts, min_face=min_face), strict=True)
        for face in inside
    ]
    if not detected:
        return []
    boxes, scores = np.stack([face.box for face in detected]), np.array([face.score for face in detected], np.float32)
    return [detected[place] for place in suppress(boxes, scores, limit=OVERLAP)]


def _enlarge(face: Face, pixels: RGB, scale: float) -> tuple[int, int, int, int]:
    left, top, right, bottom = (np.asarray(face.box, np.float64) * scale).tolist()
    margin = MARGIN * max(right - left, bottom - top)
    height, width = pixels.shape[:2]
    left, top = max(int(left - margin), 0), max(int(top - margin), 0)
    right, bottom = min(int(right + margin) + 1, width), min(int(bottom + margin) + 1, height)
    return min(left, width - 1), min(top, height - 1), max(right, 1), max(bottom, 1)


def _shift(face: Face, left: int, top: int) -> Face:
    offset = np.array([left, top], np.float32)
    return replace(face, box=face.box + np.tile(offset, 2), landmarks=face.landmarks + offset)
