"""Answers of a recognizer -> faces, a row each, without the photos: these would not fit in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from visavis.types import Clustering, Faces, Floats, PhotoFaces

SAME_FACE = 0.5
"""Two boxes of one photo are one face from this intersection over union on."""


def taken(answers: Iterable[PhotoFaces]) -> tuple[Faces, tuple[PhotoFaces, ...]]:
    """Gather all faces of answers with embeddings; return also the answers without a face, without their pixels.

    Of several answers for one name the first counts.
    """
    found: list[Faces] = []
    skipped: list[PhotoFaces] = []
    seen: set[str] = set()
    for one in answers:
        if one.name in seen:
            continue
        seen.add(one.name)
        if one.embeddings is not None and one.faces:
            found.append(faces_of(one.name, one))
        else:
            skipped.append(replace(one, photo=None))
    return joined(*found), tuple(skipped)


def faces_of(name: str, one: PhotoFaces) -> Faces:
    """Return the faces of one photo, of which it has one or more, with embeddings; a face is new to all clusters."""
    n = len(one.faces)
    embeddings = np.empty((n, 0), np.float32) if one.embeddings is None else one.embeddings
    return Faces(
        (name,) * n,
        np.arange(1, n + 1),
        np.array([face.box for face in one.faces], np.float32),
        embeddings,
        np.array([quality.score for quality in one.quality] or [1.0] * n, np.float32),
        np.full(n, -1, np.int64),
        (None if one.photo is None else one.photo.sha256,) * n,
    )


def joined(*parts: Faces) -> Faces:
    """Put the rows of several one after the other."""
    parts = tuple(one for one in parts if len(one))
    if not parts:
        none = np.empty(0, np.int64)
        return Faces(
            (), none, np.empty((0, 4), np.float32), np.empty((0, 0), np.float32), np.empty(0, np.float32), none
        )
    return Faces(
        tuple(photo for one in parts for photo in one.photos),
        np.concatenate([one.numbers for one in parts]),
        np.concatenate([one.boxes for one in parts]),
        np.concatenate([one.embeddings for one in parts]),
        np.concatenate([one.quality for one in parts]),
        np.concatenate([one.clusters for one in parts]),
        tuple(sha256 for one in parts for sha256 in one.sha256 or (None,) * len(one)),
    )


def some(faces: Faces, rows: NDArray[np.int64] | slice) -> Faces:
    """Return some of the rows."""
    return Faces(
        tuple(np.array(faces.photos, object)[rows].tolist()),
        faces.numbers[rows],
        faces.boxes[rows],
        faces.embeddings[rows],
        faces.quality[rows],
        faces.clusters[rows],
        tuple(np.array(faces.sha256, object)[rows].tolist()) if faces.sha256 else (),
    )


def by_photo(faces: Faces) -> Iterator[Faces]:
    """Split into runs of faces of one photo."""
    start = 0
    for _, run in groupby(faces.photos):
        end = start + len(list(run))
        yield some(faces, slice(start, end))
        start = end


def known(before: Clustering) -> Faces:
    """Return the faces of a clustering as ones that are in its clusters already."""
    return replace(before.faces, clusters=before.labels)


def overlaps(box: Floats | Sequence[float], boxes: Floats) -> Floats:
    """Intersections over union ``(n,)`` of a box ``(4,)`` with ``boxes (n, 4)``; 0 where both are empty."""
    box = np.asarray(box, np.float32)
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    both = np.prod(np.maximum(sides, 0), axis=1)
    union = np.prod(box[2:] - box[:2]) + np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) - both
    shared: Floats = np.divide(both, union, out=np.zeros(len(boxes), np.float32), where=union > 0)
    return shared
