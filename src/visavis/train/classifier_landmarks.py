"""Geometry of 68 landmarks as features: the classical way to tell people apart, before embeddings."""

from __future__ import annotations

import numpy as np

from visavis.types import Floats

LEFT_EYE, RIGHT_EYE = slice(36, 42), slice(42, 48)
"""Points around the eyes in iBUG's order, left and right as seen in the picture."""

PLACES = (0, 4, 8, 12, 16, 17, 21, 22, 26, 27, 30, 31, 33, 35, 36, 39, 42, 45, 48, 51, 54, 57)
"""Points between which distances are measured: jaw, ends of the brows, nose, corners of the eyes, mouth."""

DIMENSION = 2 * 68 + len(PLACES) * (len(PLACES) - 1) // 2


def measure_geometry(points: Floats) -> Floats:
    """Return features ``(n, 367)`` of faces with points ``(n, 68, 2)`` in pixels.

    These are the coordinates, then the distances between ``PLACES``, after the points were moved so that their mean is
    0, turned so that the eyes are level, and scaled so that the eyes are 1 apart. So a shift, a turn in the plane and
    the size of a face change nothing.
    """
    shapes = points.astype(np.float64)
    left, right = shapes[:, LEFT_EYE].mean(axis=1), shapes[:, RIGHT_EYE].mean(axis=1)
    along = right - left
    apart = np.maximum(np.linalg.norm(along, axis=1), 1e-6)
    cos, sin = (along / apart[:, None]).T
    turn = np.stack([np.stack([cos, -sin], axis=-1), np.stack([sin, cos], axis=-1)], axis=1)
    normalized = (shapes - shapes.mean(axis=1, keepdims=True)) @ turn / apart[:, None, None]
    first, second = np.triu_indices(len(PLACES), k=1)
    chosen = normalized[:, PLACES]
    distances = np.linalg.norm(chosen[:, first] - chosen[:, second], axis=-1)
    return np.concatenate([normalized.reshape(len(points), 2 * 68), distances], axis=1).astype(np.float32)
