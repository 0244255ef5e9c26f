"""Find faces in turned photos: run a detector on the photo upright, on both sides and upside down."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from visavis import defaults
from visavis.boxes import suppress
from visavis.detectors import Detector, certain_score
from visavis.types import RGB, Face, Floats

SAME_FACE = 0.3
"""Overlap (intersection over union) from which faces in two orientations of a photo are the same face."""


class AnyOrientation:
    """Run a detector on each picture turned by 0, 90, 180 and 270 degrees, and merge the faces."""

    def __init__(self, detector: Detector, name: str) -> None:
        self.name, self.certain = name, certain_score(detector)
        self._detector = detector

    def detect(self, pictures: Sequence[RGB], *, min_face: float = defaults.MIN_FACE) -> list[list[Face]]:
        """See :class:`visavis.detectors.Detector`; a face in several orientations is returned with its best score."""
        candidates: list[list[Face]] = [[] for _ in pictures]
        for quarters in range(4):
            turned = [np.ascontiguousarray(np.rot90(picture, quarters)) for picture in pictures]
            results = self._detector.detect(turned, min_face=min_face)
            for faces, picture, target in zip(results, pictures, candidates, strict=True):
                target += [turn_back(face, quarters, picture.shape[1], picture.shape[0]) for face in faces]
        return [_remove_duplicates(faces) for faces in candidates]


def turn_back(face: Face, quarters: int, width: int, height: int) -> Face:
    """Map a face from a picture turned by 0 to 3 ``quarters`` of ``np.rot90`` to the unturned picture.

    ``width`` and ``height`` are those of the unturned picture.
    """
    if quarters == 0:
        return face
    corners = _rotate_clockwise(face.box.reshape(2, 2), quarters, width, height)
    box = np.concatenate([corners.min(axis=0), corners.max(axis=0)])
    return Face(box, face.score, _rotate_clockwise(face.landmarks, quarters, width, height))


def _rotate_clockwise(points: Floats, quarters: int, width: int, height: int) -> Floats:
    """Rotate points ``(n, 2)`` clockwise into a picture of that width and height."""
    x, y = points.T
    turned = {1: (width - y, x), 2: (width - x, height - y), 3: (y, height - x)}[quarters]
    return np.stack(turned, axis=1).astype(np.float32)


def _remove_duplicates(faces: Sequence[Face]) -> list[Face]:
    """Return each face once, best score first."""
    if not faces:
        return []
    boxes = np.array([face.box for face in faces], np.float32)
    scores = np.array([face.score for face in faces])
    return [faces[number] for number in suppress(boxes, scores, limit=SAME_FACE)]
