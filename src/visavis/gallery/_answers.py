"""From hits and rows to the answers that a gallery gives."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from visavis.compare import Calibration, parse_calibration, search_far, uncalibrated
from visavis.errors import GalleryError, UsageError
from visavis.gallery.index import Hit
from visavis.gallery.types import Enrollment, SearchThreshold
from visavis.types import Candidate, Identification

LIKELY = 0.5
"""A named person is shown with a probability from here on."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When a search names its nearest candidate.

    ``limit`` is the greatest cosine distance, ``margin`` how much farther the second candidate must be, ``people`` the
    number of people searched. ``table`` gives probabilities; None: uncalibrated.
    """

    limit: float
    margin: float
    people: int
    table: Calibration | None


def candidates(
    hits: Sequence[Hit], names: Mapping[int, str], table: Calibration | None, people: int
) -> list[Candidate]:
    """Name the people of hits, with the probabilities of a search among ``people`` where the model is calibrated."""
    named = [hit for hit in hits if hit.person_id in names]  # not: enrolled since this search began
    distances = [hit.distance for hit in named]
    chances = [None] * len(named) if table is None else table.search_probabilities(distances, people)
    return [
        Candidate(person_id=hit.person_id, name=names[hit.person_id], distance=hit.distance, probability=chance)
        for hit, chance in zip(named, chances, strict=True)
    ]


def threshold(table: Calibration | None, fpir: float, people: int, *, model: str) -> SearchThreshold:
    """Return the threshold of a search among ``people``, and whether so low an error rate was measured."""
    if table is None:
        raise uncalibrated(model, "so no threshold follows from an fpir")
    distance, far = table.search_threshold(fpir, people), search_far(fpir, people)
    return SearchThreshold(distance, fpir, people, far=far, measured=far >= table.lowest_far)


@lru_cache(maxsize=8)
def stored_calibration(text: str) -> Calibration:
    """Read a gallery's own table; GalleryError where it was damaged."""
    try:
        return parse_calibration(json.loads(text))
    except (json.JSONDecodeError, UsageError) as error:
        raise GalleryError(f"the gallery's own thresholds are damaged ({error}): calibrate it again.") from error


def identification(candidates: Sequence[Candidate], rule: Rule, *, top: int) -> Identification:
    """Name the nearest candidate if ``rule`` allows it; keep the ``top`` nearest in the answer.

    A probability is part of the answer only where it supports it: a named person whose probability is below one half
    has none, but a note that says so, and neither an unknown face nor its candidates have any.
    """
    if not candidates:
        return Identification(None, None, None, threshold=rule.limit, probability=None)
    best = candidates[0]
    apart = candidates[1].distance - best.distance if len(candidates) > 1 else None
    answer = Identification(
        name=best.name,
        person_id=best.person_id,
        distance=best.distance,
        threshold=rule.limit,
        probability=best.probability,
        candidates=tuple(candidates[:top]),
        margin=apart,
    )
    if best.distance > rule.limit or (apart is not None and apart < rule.margin):
        return as_unknown(answer)
    if best.probability is not None and best.probability < LIKELY:
        return replace(_without_probability(answer), notes=(_doubtful(candidates, rule),))
    return answer


def as_unknown(answer: Identification, *notes: str) -> Identification:
    """Return the answer with nobody named, and so without any probability."""
    return replace(_without_probability(answer), name=None, person_id=None, notes=(*answer.notes, *notes))


def _without_probability(answer: Identification) -> Identification:
    stripped = tuple(replace(candidate, probability=None) for candidate in answer.candidates)
    return replace(answer, probability=None, candidates=stripped)


def _doubtful(candidates: Sequence[Candidate], rule: Rule) -> str:
    """Say why a person within the threshold is probably somebody else."""
    best, *others = candidates
    stranger = 1 - sum(candidate.probability or 0 for candidate in candidates)
    if others and (others[0].probability or 0) > stranger:
        return f"{others[0].name} is nearly as near as {best.name}: no probability is shown, as it is below one half."
    return (
        f"at this distance, among {rule.people} people, somebody who is not in the gallery is likelier than "
        f"{best.name}: no probability is shown, as it is below one half."
    )


def nothing_new(done: Enrollment) -> str:
    """Say why nobody was enrolled."""
    where = "; ".join(f"{one.photo} as {one.name!r} (id {one.person_id})" for one in done.duplicates if one.person_id)
    return f"nobody was enrolled as {done.name!r}: every photo is in the gallery already: {where}."
