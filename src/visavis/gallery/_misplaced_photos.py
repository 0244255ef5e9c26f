"""Whether a photo is of the person it is enrolled for: what its distances to that person and to the others say.

The rules and how often they are wrong: docs/gallery.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from visavis.compare import Calibration
from visavis.gallery.types import Doubt
from visavis.types import Candidate, Floats

OWN_FAR = 0.03
"""A photo is far from a person's other photos beyond the distance that this share of strangers stay below."""
ONE_PERSON = 1.15
"""A new person is somebody who is there if most photos are near that person, and on average at most this many times as
far from that person as from each other."""
OTHER_FPIR = 0.01
"""A photo is near somebody else where a search that names strangers at this rate would name that person."""
COMPARED = 1000
"""Photos of one person that a photo is compared with at most."""


class Limits(NamedTuple):
    """Cosine distances: beyond ``own`` a photo is far from a person, up to ``other`` it is near somebody else."""

    own: float
    other: float


class Judged(NamedTuple):
    """What a photo is judged by.

    ``own`` is its distance to its person's other photos (None: there are none), ``other`` the nearest other person.
    ``one_person`` is whether the photos of a new person, as a whole, are as near to that other person as to each other.
    """

    photo: str
    name: str
    own: float | None
    other: Candidate | None
    one_person: bool = False


def limits(table: Calibration, people: int) -> Limits:
    """Return the limits in a gallery of so many people."""
    far = min(max(OWN_FAR, table.far[-1]), table.far[0])
    return Limits(table.threshold(far), table.search_threshold(OTHER_FPIR, people))


def own_distances(embeddings: Floats, others: Floats) -> list[float | None]:
    """Return for each row of ``embeddings (n, d)`` how far it is from the rest of them and from ``others (m, d)``.

    It is the lower median of the distances, which a minority of wrong photos does not move; None without any.
    """
    every = np.concatenate([embeddings, others]).astype(np.float64)
    if len(every) < 2:
        return [None] * len(embeddings)
    chosen = np.linspace(0, len(every) - 1, min(len(every), COMPARED)).astype(int)
    distances = np.clip(1 - embeddings.astype(np.float64) @ every[chosen].T, 0, 2)
    distances[np.arange(len(embeddings))[:, None] == chosen[None]] = np.inf  # a photo is not compared with itself
    ordered = np.sort(distances, axis=1)
    counts = np.isfinite(distances).sum(axis=1)
    return [float(row[(count - 1) // 2]) for row, count in zip(ordered, counts, strict=True)]


def doubt(judged: Judged, limits: Limits) -> Doubt | None:
    """Return what speaks against a photo; None where nothing does."""
    own, other = judged.own, judged.other
    far = own is not None and own > limits.own
    nearer = other is not None and (judged.one_person or own is None or other.distance < own)
    near_other = other if other is not None and nearer and other.distance <= (limits[0 if far else 1]) else None
    if not far and near_other is None:
        return None
    return Doubt(
        photo=judged.photo,
        message=_message(judged, near_other, limits),
        distance=own,
        person_id=None if near_other is None else near_other.person_id,
        name=None if near_other is None else near_other.name,
        other_distance=None if near_other is None else near_other.distance,
    )


def _message(judged: Judged, other: Candidate | None, limits: Limits) -> str:
    if other is None:
        return (
            f"is far from the other photos of {judged.name} (distance {judged.own:.4f}, usual is up to "
            f"{limits.own:.4f}): it may show somebody else."
        )
    whom = f"{other.name} (id {other.person_id}, distance {other.distance:.4f})"
    if judged.own is None or other.distance >= judged.own:
        return f"looks like {whom}, who is in the gallery already."
    return f"looks more like {whom} than like {judged.name} ({judged.own:.4f})."


def is_there_already(own: Sequence[float | None], others: Sequence[Candidate | None], limits: Limits) -> int | None:
    """Return the person that a new person seems to be, by the distances of all photos; None where there is none."""
    near = [(mine, other) for mine, other in zip(own, others, strict=True) if other and other.distance <= limits.other]
    counts = Counter(other.person_id for _, other in near)
    person, count = counts.most_common(1)[0] if counts else (None, 0)
    if 2 * count <= len(others):
        return None
    apart = sum(other.distance for _, other in near if other.person_id == person)
    among = sum(mine or 0 for mine, other in near if other.person_id == person)
    return person if len(others) == 1 or apart <= ONE_PERSON * among else None
