"""The rule of rejected faces: a face that is nearer to one than to the person is unknown.

The rule is applied to answers and takes names away; it gives none. So with rejections a stranger is named at the stated
rates or less.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from time import time
from typing import NamedTuple

import numpy as np

from visavis.types import Floats, Identification


class Negatives(NamedTuple):
    """Rejected faces of a person: ids, ``embeddings (k, d)`` of length 1, the end of each (seconds since 1970)."""

    ids: tuple[int, ...]
    embeddings: Floats
    expires: tuple[float, ...]


class NearNegative(NamedTuple):
    """The rejected face that is nearest to a probe, with its cosine distance."""

    rejection_id: int
    distance: float


def find_nearest_negative(negatives: Negatives | None, probe: Floats) -> NearNegative | None:
    """Return the nearest rejected face that has not expired to a probe ``(d,)`` of length 1; None without one."""
    if negatives is None:
        return None
    distances = np.clip(1 - negatives.embeddings.astype(np.float64) @ probe.astype(np.float64), 0, 2)
    distances[np.array(negatives.expires) <= time()] = np.inf
    nearest = int(distances.argmin())
    if not np.isfinite(distances[nearest]):
        return None
    return NearNegative(negatives.ids[nearest], float(distances[nearest]))


def take_rejected_names(
    answers: Sequence[Identification], probes: Floats, negatives: Mapping[int, Negatives]
) -> list[Identification]:
    """Return the answers; those whose probe ``(n, d)`` is nearer to a rejected face than to the person are unknown."""
    if not negatives:
        return list(answers)
    return [_take_rejected_name(answer, probe, negatives) for answer, probe in zip(answers, probes, strict=True)]


def _take_rejected_name(answer: Identification, probe: Floats, negatives: Mapping[int, Negatives]) -> Identification:
    if answer.person_id is None or answer.distance is None:
        return answer
    near = find_nearest_negative(negatives.get(answer.person_id), probe)
    if near is None or near.distance >= answer.distance:
        return answer
    note = (
        f"this face looks like {answer.name} (distance {answer.distance:.4f}), but more like a face that was rejected "
        f"as {answer.name} (rejection {near.rejection_id}, {near.distance:.4f})."
    )
    candidates = tuple(replace(candidate, probability=None) for candidate in answer.candidates)
    return replace(
        answer, name=None, person_id=None, probability=None, candidates=candidates, notes=(*answer.notes, note)
    )
