"""What pairs of a track and a face have in common: boxes, looks, embeddings, and the way between them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from visavis.types import Doubles, Floats, Mask
from visavis.videos.association import nearest_distance
from visavis.videos.track import DetectedFace, Track

NEARER = 0.05
"""Cosine distance by which a face must be nearer to a track to be another's than that of the box."""
FAST = 6.0
"""Sides of the face that a person moves within a second, at most."""


def boxes_of(items: Sequence[Track] | Sequence[DetectedFace]) -> Floats:
    """Return the predicted boxes of tracks, or those of faces, ``(n, 4)``."""
    return np.stack([item.motion.box if isinstance(item, Track) else item.face.box for item in items])


def size_ratios(a: Floats, b: Floats) -> Doubles:
    """Return the ratios ``(n, m)``, 1 or more, of the mean sides of boxes ``(n, 4)`` and ``(m, 4)``."""
    first, second = ((boxes[:, 2:] - boxes[:, :2]).mean(axis=1).astype(np.float64) for boxes in (a, b))
    ratios = np.maximum(first, 1)[:, None] / np.maximum(second, 1)
    result: Doubles = np.maximum(ratios, 1 / ratios)
    return result


def measure_distances(tracks: Sequence[Track], faces: Sequence[DetectedFace], wanted: Mask) -> Doubles:
    """Return the distances ``(n, m)`` of wanted pairs; NaN where one of both has no embedding, and for other pairs."""
    distances = np.full(wanted.shape, np.nan)
    for row, track in enumerate(tracks):
        memory = np.stack(track.memory) if track.memory else None
        for column, face in enumerate(faces):
            if wanted[row, column] and memory is not None and face.embedding is not None:
                distances[row, column] = nearest_distance(memory, face.embedding)
    return distances


def measure_distance(first: Track, second: Track) -> float:
    """Return the least distance of any two faces that two tracks remember; 0 where one remembers none."""
    if not first.memory or not second.memory:
        return 0.0
    return float(1 - (np.stack(first.memory) @ np.stack(second.memory).T).max())


def find_nearest(distances: Doubles) -> Mask:
    """Return the pairs ``(n, m)`` whose face is not clearly nearer to another track; those without a distance, too."""
    least = np.min(np.where(np.isnan(distances), np.inf, distances), axis=0)
    result: Mask = ~(distances > least + NEARER)
    return result


def compare_looks(tracks: Sequence[Track], faces: Sequence[DetectedFace]) -> Floats:
    """Return the correlations ``(n, m)`` of the small pictures."""
    looks: Floats = np.stack([track.latest.look for track in tracks]) @ np.stack([face.look for face in faces]).T
    return looks


def measure_ways(tracks: Sequence[Track], faces: Sequence[DetectedFace]) -> Doubles:
    """Return the distances ``(n, m)`` from predicted centers to those of faces, in sides of the tracks' faces."""
    boxes = boxes_of(faces)
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    predicted = np.stack([track.motion.position[:2] for track in tracks])
    sides = np.array([track.motion.side for track in tracks])
    ways: Doubles = np.linalg.norm(predicted[:, None] - centers[None], axis=2) / sides[:, None]
    return ways


def find_reachable(tracks: Sequence[Track], faces: Sequence[DetectedFace]) -> Mask:
    """Return the pairs ``(n, m)`` of a track and a face that a person can have moved between; all after a cut."""
    reach = [np.inf if track.cut else FAST * (1 + track.motion.seconds - track.last) for track in tracks]
    result: Mask = measure_ways(tracks, faces) <= np.array(reach)[:, None]
    return result
