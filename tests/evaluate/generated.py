"""Made-up photos whose distances are known: templates written by hand, and people drawn at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from visavis.evaluate.data.templates import Templates
from visavis.evaluate.stats.metrics import Roc
from visavis.evaluate.stats.pair_distances import Compared, RankedPairs
from visavis.types import Floats


def templates(
    embeddings: Floats, *, missing: Sequence[int] = (), quality: Sequence[float] | None = None, model: str = "made-up"
) -> Templates:
    """Templates of these embeddings ``(n, d)``; the rows ``missing`` are photos without a face."""
    n = len(embeddings)
    there = ~np.isin(np.arange(n), missing)
    good = np.ones(n) if quality is None else np.array(quality)
    return Templates(
        model,
        "by hand",
        tuple(f"{row}.jpg" for row in range(n)),
        tuple("ok" if one else "no_face" for one in there),
        np.where(there[:, None], embeddings, 0).astype(np.float32),
        np.zeros((n, 4), np.float32),
        np.where(there, good, 0).astype(np.float32),
        there.astype(np.intp),
    )


def at_angles(distances: Sequence[float]) -> Floats:
    """Unit embeddings of the plane: row n is ``distances[n]`` from the direction (1, 0)."""
    cosine = 1 - np.array(distances)
    return np.stack([cosine, np.sqrt(1 - cosine**2)], axis=1).astype(np.float32)


def labeled(rng: np.random.Generator, photos: int, people: int, dimension: int = 6) -> tuple[Floats, NDArray[np.intp]]:
    """Photos whose people are drawn at random: some have one, some many; photos of one are alike."""
    whose = np.unique(rng.integers(0, people, photos), return_inverse=True)[1]
    embeddings = rng.standard_normal((people, dimension))[whose] + 0.6 * rng.standard_normal((photos, dimension))
    return _unit(embeddings), whose


@dataclass(frozen=True)
class Crowd:
    """People of whom some look like many (they lie near the common pole), some like few."""

    photos: int = 3
    dimension: int = 5

    def draw(self, rng: np.random.Generator, people: int) -> tuple[Floats, NDArray[np.intp]]:
        """Embeddings ``(people * photos, dimension)`` and whose each is."""
        centers = rng.standard_normal((people, self.dimension))
        centers[:, 0] += 2 * rng.random(people)
        spread = 0.15 + 0.35 * rng.random((people, 1, 1))  # some are never like themselves
        photos = centers[:, None] + spread * rng.standard_normal((people, self.photos, self.dimension))
        return _unit(photos.reshape(-1, self.dimension)), np.repeat(np.arange(people), self.photos)

    def truth(self, far: float) -> tuple[float, float]:
        """Threshold and TAR at a FAR, of millions of pairs of other people."""
        rng = np.random.default_rng(12345)
        one, other = (Crowd(1, self.dimension).draw(rng, 3000)[0] for _ in range(2))
        threshold = float(np.quantile(1 - one @ other.T, far))
        pairs = Crowd(2, self.dimension).draw(rng, 200_000)[0]
        return threshold, float((1 - (pairs[::2] * pairs[1::2]).sum(axis=1) <= threshold).mean())


def compared_of(genuine: Sequence[float], impostors: Sequence[float], *, failed: int = 0) -> Compared:
    """Pairs with these distances, of photos that nobody asks for."""

    def pairs(distances: Sequence[float]) -> RankedPairs:
        rows = np.arange(len(distances), dtype=np.int32)
        return RankedPairs.ordered(rows, rows + 1, np.array(distances, np.float32))

    near, far = pairs(genuine), pairs(impostors)
    roc = Roc.of(near.distances, far.distances, failed=failed)
    return Compared(roc, near, far, np.zeros((failed, 2), np.int32), 0)


@dataclass(frozen=True)
class SlowPairs:
    """All pairs of rows, one by one: ``(distance, a, b)`` of those that can be compared, and how many cannot."""

    genuine: list[tuple[float, int, int]]
    impostors: list[tuple[float, int, int]]
    failed_genuine: list[tuple[int, int]]
    failed_impostors: int


def slow_pairs(embeddings: Floats, found: NDArray[np.bool_], people: NDArray[np.intp]) -> SlowPairs:
    slow = SlowPairs([], [], [], 0)
    lost = 0
    for a, b in combinations(range(len(embeddings)), 2):
        same = people[a] == people[b]
        if found[a] and found[b]:
            distance = 1 - float(embeddings[a].astype(np.float64) @ embeddings[b].astype(np.float64))
            (slow.genuine if same else slow.impostors).append((distance, a, b))
        elif same:
            slow.failed_genuine.append((a, b))
        else:
            lost += 1
    return SlowPairs(sorted(slow.genuine), sorted(slow.impostors), slow.failed_genuine, lost)


def _unit(embeddings: NDArray[np.float64]) -> Floats:
    return np.asarray(embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True), np.float32)
