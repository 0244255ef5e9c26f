"""Faces of made-up people: directions, and faces around them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from visavis.clustering.types import Faces
from visavis.compare import unit
from visavis.types import Floats


def faces(
    embeddings: Floats,
    *,
    photos: Sequence[str] | None = None,
    clusters: Sequence[int] | None = None,
    quality: Sequence[float] | None = None,
) -> Faces:
    """Faces of these embeddings, by default one a photo, new and good."""
    n = len(embeddings)
    names = [f"{row:06d}.jpg" for row in range(n)] if photos is None else list(photos)
    numbers = np.array([names[:row].count(name) + 1 for row, name in enumerate(names)], np.int64)
    boxes = np.array([[10 * number, 0, 10 * number + 8, 8] for number in numbers], np.float32).reshape(-1, 4)
    return Faces(
        tuple(names),
        numbers,
        boxes,
        np.asarray(embeddings, np.float32),
        np.ones(n, np.float32) if quality is None else np.array(quality, np.float32),
        np.full(n, -1) if clusters is None else np.array(clusters, np.int64),
    )


def at_angles(*degrees: float) -> Floats:
    """Unit embeddings ``(n, 128)`` in a plane: the cosine distance of two is 1 - cos of the angle between them."""
    turns, embeddings = np.radians(degrees), np.zeros((len(degrees), 128), np.float32)
    embeddings[:, 0], embeddings[:, 1] = np.cos(turns), np.sin(turns)
    return embeddings


def people(
    counts: Sequence[int], *, seed: int = 0, spread: float = 0.3, dimension: int = 64
) -> tuple[Floats, list[int]]:
    """Unit embeddings, ``counts[i]`` around the i-th direction, and whose each is."""
    random = np.random.default_rng(seed)
    who = [person for person, count in enumerate(counts) for _ in range(count)]
    directions = unit(random.normal(size=(len(counts), dimension)).astype(np.float32))
    noise = random.normal(size=(len(who), dimension)).astype(np.float32) * spread / np.sqrt(dimension)
    return unit(directions[who] + noise.astype(np.float32)), who


def partition(labels: Sequence[int]) -> set[frozenset[int]]:
    """Which rows are together, whatever they are called."""
    return {
        frozenset(np.flatnonzero(np.asarray(labels) == label).tolist()) for label in set(np.asarray(labels).tolist())
    }
