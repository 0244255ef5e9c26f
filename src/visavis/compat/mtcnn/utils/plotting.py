"""Draw answers into pictures, like the README of ``mtcnn`` 1.0. Pictures are returned as uint8 copies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from visavis.types import RGB

YELLOW = "#FFFF00"
BRUSH = 2


def plot(image: Any, detection: Any, input_as_width_height: bool = True) -> RGB | None:
    """Draw boxes and points of a face or a list of faces, in yellow; return None for an empty list."""
    if not len(detection):
        return None
    return plot_all(image, [detection] if isinstance(detection, dict) else detection, input_as_width_height)


def plot_all(image: Any, detections: Sequence[Any], input_as_width_height: bool = True) -> RGB:
    """Draw boxes and points of all faces of a list."""
    drawn = np.array(image).astype(np.uint8)
    for detection in detections:
        drawn = plot_landmarks(plot_bbox(drawn, detection, input_as_width_height=input_as_width_height), detection)
    return drawn


def plot_bbox(image: Any, bbox: Any, color: str = YELLOW, *, input_as_width_height: bool = True) -> RGB:
    """Draw a box, from a face or four numbers."""
    drawn = np.array(image).astype(np.uint8)
    left, top, right, bottom = (round(float(value)) for value in (bbox["box"] if isinstance(bbox, dict) else bbox))
    if input_as_width_height:
        right, bottom = left + right, top + bottom
    left, top = max(left, 0), max(top, 0)
    right, bottom = min(right, drawn.shape[1] - 1), min(bottom, drawn.shape[0] - 1)
    for rows, columns in ((slice(top, bottom), [left, right]), ([top, bottom], slice(left, right))):
        drawn[rows, columns] = _parse_color(color)
    return drawn


def plot_landmarks(image: Any, landmarks: Any, color: str = YELLOW, brush_size: int = BRUSH) -> RGB:
    """Draw points, from a face or the dictionary of its points, which may be missing."""
    drawn = np.array(image).astype(np.uint8)
    points = landmarks.get("keypoints", {} if "box" in landmarks else landmarks)
    for x, y in points.values():
        rows, columns = (slice(max(center - brush_size, 0), max(center + brush_size + 1, 0)) for center in (y, x))
        drawn[rows, columns] = _parse_color(color)
    return drawn


def _parse_color(code: str) -> tuple[int, ...]:
    digits = code.removeprefix("#").removeprefix("0x")
    return tuple(bytes.fromhex("".join(2 * digit for digit in digits) if len(digits) == 3 else digits))
