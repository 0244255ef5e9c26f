"""Judge whether a photo is of the person it is enrolled for, by its distances to that person and to others.

The rules and their error rates: docs/gallery.md.
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
"""A photo is far from a person's other photos above the threshold of this FAR."""
SAME_PERSON = 1.15
"""A new person is the same as a stored one if most photos are near the stored one, and their mean distance to the
stored one is at most this many times their mean distance to each other."""
OTHER_FPIR = 0.01
"""A photo is near another person if a search at this FPIR would name that person."""
COMPARED = 1000
"""The greatest number of photos of a person that a photo is compared with."""


class Limits(NamedTuple):
    """Cosine distances: above ``own`` a photo is far from its person, up to ``other`` it is near another person."""

    own: float
    other: float


class PhotoDistances(NamedTuple):
    """A photo with the distances that it is judged by.

    ``own`` is its distance to its person's other photos (None: there are none), ``other`` the nearest other person.
    ``is_same`` is whether the photos of a new person, as a whole, are as near to that other person as to each other.
    """

    photo: str
    name: str
    own: float | None
    other: Candidate | None
    is_same: bool = False


def compute_limits(table: Calibration, people: int) -> Limits:
    """Return the limits in a gallery of this number of people."""
    far = min(max(OWN_FAR, table.far[-1]), table.far[0])
    return Limits(table.threshold(far), table.search_threshold(OTHER_FPIR, people))


def own_distances(embeddings: Floats, others: Floats) -> list[float | None]:
    """Return for each row of ``embeddings (n, d)`` its distance to the other rows and ``others (m, d)``.

    This is the lower median of the distances, which a minority of wrong photos does not move; None without others.
    """
    photos = np.concatenate([embeddings, others]).astype(np.float64)
    if len(photos) < 2:
        return [None] * len(embeddings)
    chosen = np.linspace(0, len(photos) - 1, min(len(photos), COMPARED)).astype(int)
    distances = np.clip(1 - embeddings.astype(np.float64) @ photos[chosen].T, 0, 2)
    distances[np.arange(len(embeddings))[:, None] == chosen[None]] = np.inf  # a photo is not compared with itself
    ordered = np.sort(distances, axis=1)
    counts = np.isfinite(distances).sum(axis=1)
    return [float(row[(count - 1) // 2]) for row, count in zip(ordered, counts, strict=True)]


def judge_photo(photo: PhotoDistances, limits: Limits) -> Doubt | None:
    """Return the doubt that a photo is of its person; None if there is no doubt."""
    own, other = photo.own, photo.other
    far = own is not None and own > limits.own
    nearer = other is not None and (photo.is_same or own is None or other.distance < own)
    near_other = other if other is not None and nearer and other.distance <= (limits[0 if far else 1]) else None
    if not far and near_other is None:
        return None
    return Doubt(
        photo=photo.photo,
        message=_make_message(photo, near_other, limits),
        distance=own,
        person_id=None if near_other is None else near_other.person_id,
        name=None if near_other is None else near_other.name,
        other_distance=None if near_other is None else near_other.distance,
    )


def _make_message(photo: PhotoDistances, other: Candidate | None, limits: Limits) -> str:
    if other is None:
        return (
            f"is far from the other photos of {photo.name} (distance {photo.own:.4f}, usual is up to "
            f"{limits.own:.4f}): it may show somebody else."
        )
    person = f"{other.name} (id {other.person_id}, distance {other.distance:.4f})"
    if photo.own is None or other.distance >= photo.own:
        return f"looks like {person}, who is in the gallery already."
    return f"looks more like {person} than like {photo.name} ({photo.own:.4f})."


def find_same_person(own: Sequence[float | None], others: Sequence[Candidate | None], limits: Limits) -> int | None:
    """Return the id of the stored person that a new person seems to be; None if there is none.

    ``own`` are the distances of the new person's photos to each other, ``others`` their nearest stored people.
    """
    near = [(mine, other) for mine, other in zip(own, others, strict=True) if other and other.distance <= limits.other]
    counts = Counter(other.person_id for _, other in near)
    person, count = counts.most_common(1)[0] if counts else (None, 0)
    if 2 * count <= len(others):
        return None
    to_person = sum(other.distance for _, other in near if other.person_id == person)
    to_own = sum(mine or 0 for mine, other in near if other.person_id == person)
    return person if len(others) == 1 or to_person <= SAME_PERSON * to_own else None
