"""Collect faces from the answers of a recognizer, a row each, without the photos, which would not fit in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from visavis.clustering.types import Clustering, Faces
from visavis.types import PhotoFaces


def gather_faces(answers: Iterable[PhotoFaces]) -> tuple[Faces, tuple[PhotoFaces, ...]]:
    """Gather all faces of answers with embeddings; return also the answers without a face, without their pixels.

    Of several answers for one name, use the first.
    """
    parts: list[Faces] = []
    skipped: list[PhotoFaces] = []
    names: set[str] = set()
    for answer in answers:
        if answer.name in names:
            continue
        names.add(answer.name)
        if answer.embeddings is not None and answer.faces:
            parts.append(faces_of(answer.name, answer))
        else:
            skipped.append(replace(answer, photo=None))
    return join_faces(*parts), tuple(skipped)


def faces_of(name: str, answer: PhotoFaces) -> Faces:
    """Return the faces of one photo, at least one, with embeddings; none has a cluster yet."""
    n = len(answer.faces)
    embeddings = np.empty((n, 0), np.float32) if answer.embeddings is None else answer.embeddings
    return Faces(
        (name,) * n,
        np.arange(1, n + 1),
        np.array([face.box for face in answer.faces], np.float32),
        embeddings,
        np.array([quality.score for quality in answer.quality] or [1.0] * n, np.float32),
        np.full(n, -1, np.int64),
        (None if answer.photo is None else answer.photo.sha256,) * n,
    )


def join_faces(*parts: Faces) -> Faces:
    """Concatenate the rows of all ``parts``."""
    parts = tuple(part for part in parts if len(part))
    if not parts:
        none = np.empty(0, np.int64)
        return Faces(
            (), none, np.empty((0, 4), np.float32), np.empty((0, 0), np.float32), np.empty(0, np.float32), none
        )
    return Faces(
        tuple(photo for part in parts for photo in part.photos),
        np.concatenate([part.numbers for part in parts]),
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.embeddings for part in parts]),
        np.concatenate([part.quality for part in parts]),
        np.concatenate([part.clusters for part in parts]),
        tuple(sha256 for part in parts for sha256 in part.sha256 or (None,) * len(part)),
    )


def photo_hashes(faces: Faces) -> dict[str, str | None]:
    """Return the SHA-256 of each photo by its name; None where it is not known."""
    return {photo: faces.photo_hash(row) for row, photo in enumerate(faces.photos)}


def select_rows(faces: Faces, rows: NDArray[np.int64] | slice) -> Faces:
    """Return the faces of these rows."""
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
    """Yield each run of consecutive faces of one photo."""
    start = 0
    for _, run in groupby(faces.photos):
        end = start + len(list(run))
        yield select_rows(faces, slice(start, end))
        start = end


def label_faces(clustering: Clustering) -> Faces:
    """Return the faces of a clustering, with its cluster ids as their clusters."""
    return replace(clustering.faces, clusters=clustering.labels)
