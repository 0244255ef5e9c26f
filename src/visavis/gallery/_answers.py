"""From hits and rows to the answers that a gallery gives."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from visavis.compare import Calibration, parse_calibration, search_far, uncalibrated
from visavis.doubts import SQUEEZED, WHY_STRICTER, is_squeezed
from visavis.errors import GalleryError, UsageError
from visavis.gallery.index import Hit
from visavis.gallery.types import Enrollment, SearchThreshold
from visavis.types import Candidate, Face, Identification, Quality

LIKELY = 0.5
"""A named person is shown with a probability from here on."""


class Probe(NamedTuple):
    """What an answer needs to know of a face beside its embedding: the ``share`` that it leaves, and its ``quality``.

    The share is None for a face poorer than was measured; the quality is None where it is not known.
    """

    share: float | None = 1.0
    quality: Quality | float | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """When a search names its nearest candidate.

    ``limit`` is the greatest cosine distance, ``margin`` how much farther the second candidate must be, ``people`` the
    number of people searched. ``table`` gives probabilities; None: uncalibrated. ``shares`` are what people's templates
    leave of the limit, by id, where answers follow how poor photos are: see :meth:`visavis.Calibration.share`; None:
    they do not. A ``fixed`` limit stands whatever the photos.
    """

    limit: float
    margin: float
    people: int
    table: Calibration | None
    shares: Mapping[int, float | None] | None = None
    fixed: bool = False

    def share(self, probe: Probe, person_id: int) -> float | None:
        """Return the share of the limit that is left for a probe and a person; None: too poor to say."""
        if self.table is None or self.shares is None:
            return 1.0
        return self.table.share_of_pair(probe.share, self.shares.get(person_id, 1.0))


def candidates(
    hits: Sequence[Hit],
    names: Mapping[int, str],
    table: Calibration | None,
    people: int,
    *,
    top: int | None = None,
    share: float = 1.0,
) -> list[Candidate]:
    """Name the people of hits, or the ``top`` nearest; with the probabilities of a search among ``people``.

    ``share`` is what is left of thresholds between the probe and the nearest of them: distances count for more then.
    """
    named = [hit for hit in hits if hit.person_id in names]  # not: enrolled since this search began
    distances = [hit.distance / share for hit in named]
    chances = [None] * len(named) if table is None else table.search_probabilities(distances, people)
    return [
        Candidate(person_id=hit.person_id, name=names[hit.person_id], distance=hit.distance, probability=chance)
        for hit, chance in zip(named[:top], chances, strict=False)
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


def identified(hits: Sequence[Hit], names: Mapping[int, str], rule: Rule, *, top: int, probe: Probe) -> Identification:
    """Answer for one probe by its hits: see :func:`identification`."""
    nearest = next((hit.person_id for hit in hits if hit.person_id in names), None)
    share = 1.0 if nearest is None else rule.share(probe, nearest)
    named = candidates(hits, names, rule.table, rule.people, share=share or 1.0)
    return identification(named, rule, top=top, probe=probe, share=share)


def identification(
    candidates: Sequence[Candidate],
    rule: Rule,
    *,
    top: int,
    probe: Probe,
    share: float | None = 1.0,
) -> Identification:
    """Name the nearest candidate if ``rule`` allows it; keep the ``top`` nearest in the answer.

    ``share`` is that of the rule for the probe and the nearest.

    A probability is part of the answer only where it supports it: a named person whose probability is below one half
    has none, but a note that says so, and neither an unknown face nor its candidates have any.
    """
    if not candidates:
        return Identification(None, None, None, threshold=rule.limit, probability=None)
    best = candidates[0]
    apart = candidates[1].distance - best.distance if len(candidates) > 1 else None
    limit = rule.limit if rule.fixed else rule.limit * (share or 0.0)
    answer = Identification(
        name=best.name,
        person_id=best.person_id,
        distance=best.distance,
        threshold=limit,
        probability=best.probability,
        candidates=tuple(candidates[:top]),
        margin=apart,
    )
    if share is None and not rule.fixed:
        return as_unknown(answer, _too_poor(rule, probe, best))
    if limit < best.distance <= rule.limit:
        return as_unknown(answer, _stricter(rule, limit))
    if not best.distance <= limit or (apart is not None and apart < rule.margin):
        return as_unknown(answer)
    if share is None:
        note = f"{_too_poor(rule, probe, best)} The threshold decides; its error rate there was not measured."
    elif best.probability is not None and not best.probability >= LIKELY:
        note = _doubtful(candidates, rule)
    else:
        return answer
    return replace(_without_probability(answer), notes=(note,))


def _too_poor(rule: Rule, probe: Probe, best: Candidate) -> str:
    """Say whose photos are poorer than was measured."""
    quality = probe.quality.score if isinstance(probe.quality, Quality) else probe.quality
    score = "" if quality is None else f" (quality {quality:.2f})"
    whose = f"the photos that {best.name} is enrolled with"
    if probe.share is None:
        return f"this photo of a face is too poor to say who it is{score}."
    if rule.shares is not None and rule.shares.get(best.person_id, 1.0) is None:
        return f"{whose} are too poor to say: enroll better ones."
    return f"this photo of a face{score} and {whose} are together too poor to say."


def _stricter(rule: Rule, limit: float) -> str:
    """Say that a face would have a name if the photos were good."""
    return (
        f"the threshold is {limit:.4f} instead of {rule.limit:.4f}: {WHY_STRICTER}. A better photo may be recognized."
    )


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


# Faces of one photo are different people: a name is given to one of them at most


def each_person_once(answers: Sequence[Identification]) -> list[Identification]:
    """Leave each name to the face that is nearest to that person; the other faces become unknown, with a note.

    ``answers`` are those of all faces of one photo, in order. A face that loses its name does not get that of its
    second candidate, even within the threshold: in photos of two people whose nearest person is the same, that
    candidate was wrong for 17 to 22 % of the faces, and in a collage it always is (docs/gallery.md).
    """
    best: dict[int, int] = {}
    for number, answer in enumerate(answers):
        if answer.person_id is not None:
            holder = best.get(answer.person_id)
            if holder is None or _distance(answer) < _distance(answers[holder]):
                best[answer.person_id] = number
    return [
        answer
        if answer.person_id is None or best[answer.person_id] == number
        else as_unknown(answer, _named_already(answer, best[answer.person_id], answers[best[answer.person_id]]))
        for number, answer in enumerate(answers)
    ]


def with_doubt(answer: Identification, face: Face) -> Identification:
    """Note that a name is doubtful where the picture seems to be squeezed: strangers look alike there."""
    if answer.person_id is None or not is_squeezed(face.landmarks):
        return answer
    return replace(answer, notes=(*answer.notes, f"{SQUEEZED}."))


def _distance(answer: Identification) -> float:
    return float("inf") if answer.distance is None else answer.distance


def _named_already(loser: Identification, holder: int, winner: Identification) -> str:
    return (
        f"this face looks like {loser.name} (distance {_distance(loser):.4f}), but face {holder + 1} of this photo "
        f"looks more like {loser.name} ({_distance(winner):.4f}), and nobody is in a photo twice."
    )
