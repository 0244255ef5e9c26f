"""Make the answers of a gallery from the hits of a search: candidates, identifications, notes."""

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
"""The least probability that is shown with a named person."""


class Probe(NamedTuple):
    """The ``share`` of the threshold that applies to a face, by its quality, and the ``quality``.

    The share is None for a face poorer than was measured; the quality is None if it is not known.
    """

    share: float | None = 1.0
    quality: Quality | float | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """The rule by which a search names its nearest candidate.

    ``limit`` is the greatest cosine distance, ``margin`` how much farther the second candidate must be, ``people`` the
    number of people searched. ``table`` gives probabilities; None: uncalibrated. ``shares`` are the shares of the limit
    that apply to people with poor templates, by id: see :meth:`visavis.Calibration.threshold_share`; None: the quality
    of photos does not matter. A ``fixed`` limit applies to photos of any quality.
    """

    limit: float
    margin: float
    people: int
    table: Calibration | None
    shares: Mapping[int, float | None] | None = None
    fixed: bool = False

    def share(self, probe: Probe, person_id: int) -> float | None:
        """Return the share of the limit that applies to a probe and a person; None: too poor for an answer."""
        if self.table is None or self.shares is None:
            return 1.0
        return self.table.threshold_share_of_pair(probe.share, self.shares.get(person_id, 1.0))


def list_candidates(
    hits: Sequence[Hit],
    names: Mapping[int, str],
    table: Calibration | None,
    people: int,
    *,
    top: int | None = None,
    share: float = 1.0,
) -> list[Candidate]:
    """Return the people of hits, or the ``top`` nearest, with the probabilities of a search among ``people``.

    ``share`` is the share of the threshold that applies to the probe and the nearest person; distances are divided by
    it before they become probabilities.
    """
    named = [hit for hit in hits if hit.person_id in names]  # without people enrolled since this search began
    distances = [hit.distance / share for hit in named]
    chances = [None] * len(named) if table is None else table.search_probabilities(distances, people)
    return [
        Candidate(person_id=hit.person_id, name=names[hit.person_id], distance=hit.distance, probability=chance)
        for hit, chance in zip(named[:top], chances, strict=False)
    ]


def search_threshold(table: Calibration | None, fpir: float, people: int, *, model: str) -> SearchThreshold:
    """Return the threshold of a search among ``people``, and whether its error rate is within the measured range."""
    if table is None:
        raise uncalibrated(model, "so no threshold follows from an fpir")
    distance, far = table.search_threshold(fpir, people), search_far(fpir, people)
    return SearchThreshold(distance, fpir, people, far=far, measured=far >= table.lowest_far)


@lru_cache(maxsize=8)
def parse_stored_calibration(text: str) -> Calibration:
    """Parse a gallery's own calibration; GalleryError if it is damaged."""
    try:
        return parse_calibration(json.loads(text))
    except (json.JSONDecodeError, UsageError) as error:
        raise GalleryError(f"the gallery's own thresholds are damaged ({error}): calibrate it again.") from error


def identify_probe(
    hits: Sequence[Hit], names: Mapping[int, str], rule: Rule, *, top: int, probe: Probe
) -> Identification:
    """Identify a probe by its hits: see :func:`apply_rule`."""
    nearest = next((hit.person_id for hit in hits if hit.person_id in names), None)
    share = 1.0 if nearest is None else rule.share(probe, nearest)
    candidates = list_candidates(hits, names, rule.table, rule.people, share=share or 1.0)
    return apply_rule(candidates, rule, top=top, probe=probe, share=share)


def apply_rule(
    candidates: Sequence[Candidate],
    rule: Rule,
    *,
    top: int,
    probe: Probe,
    share: float | None = 1.0,
) -> Identification:
    """Name the nearest candidate if ``rule`` allows it; keep the ``top`` nearest in the answer.

    ``share`` is the rule's share for the probe and the nearest candidate.

    An answer has a probability only if the probability supports it: a person named with a probability below one half
    has a note instead, and neither an unknown face nor its candidates have a probability.
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
        return mark_unknown(answer, _explain_too_poor(rule, probe, best))
    if limit < best.distance <= rule.limit:
        return mark_unknown(answer, _explain_stricter_limit(rule, limit))
    if not best.distance <= limit or (apart is not None and apart < rule.margin):
        return mark_unknown(answer)
    if share is None:
        note = f"{_explain_too_poor(rule, probe, best)} The threshold decides; its error rate there was not measured."
    elif best.probability is not None and not best.probability >= LIKELY:
        note = _explain_unlikely(candidates, rule)
    else:
        return answer
    return replace(_drop_probability(answer), notes=(note,))


def _explain_too_poor(rule: Rule, probe: Probe, best: Candidate) -> str:
    """Explain which photos are poorer than was measured: the probe, the person's, or the pair."""
    quality = probe.quality.score if isinstance(probe.quality, Quality) else probe.quality
    score = "" if quality is None else f" (quality {quality:.2f})"
    enrolled = f"the photos that {best.name} is enrolled with"
    if probe.share is None:
        return f"this photo of a face is too poor to say who it is{score}."
    if rule.shares is not None and rule.shares.get(best.person_id, 1.0) is None:
        return f"{enrolled} are too poor to say: enroll better ones."
    return f"this photo of a face{score} and {enrolled} are together too poor to say."


def _explain_stricter_limit(rule: Rule, limit: float) -> str:
    """Explain that a face would have a name if the photos were good."""
    return (
        f"the threshold is {limit:.4f} instead of {rule.limit:.4f}: {WHY_STRICTER}. A better photo may be recognized."
    )


def mark_unknown(answer: Identification, *notes: str) -> Identification:
    """Return the answer without a name and without probabilities, with ``notes`` added."""
    return replace(_drop_probability(answer), name=None, person_id=None, notes=(*answer.notes, *notes))


def _drop_probability(answer: Identification) -> Identification:
    stripped = tuple(replace(candidate, probability=None) for candidate in answer.candidates)
    return replace(answer, probability=None, candidates=stripped)


def _explain_unlikely(candidates: Sequence[Candidate], rule: Rule) -> str:
    """Explain why a person within the threshold has a probability below one half."""
    best, *others = candidates
    stranger = 1 - sum(candidate.probability or 0 for candidate in candidates)
    if others and (others[0].probability or 0) > stranger:
        return f"{others[0].name} is nearly as near as {best.name}: no probability is shown, as it is below one half."
    return (
        f"at this distance, among {rule.people} people, somebody who is not in the gallery is likelier than "
        f"{best.name}: no probability is shown, as it is below one half."
    )


def explain_nothing_new(enrollment: Enrollment) -> str:
    """Explain why a person was not enrolled."""
    where = "; ".join(
        f"{face.photo} as {face.name!r} (id {face.person_id})" for face in enrollment.duplicates if face.person_id
    )
    return f"nobody was enrolled as {enrollment.name!r}: every photo is in the gallery already: {where}."


# Faces of a photo are different people: a name is given to one face at most


def name_each_person_once(answers: Sequence[Identification]) -> list[Identification]:
    """Keep each name for the face that is nearest to that person; the other faces become unknown, with a note.

    ``answers`` are those of all faces of a photo, in order. A face that loses its name does not get that of its
    second candidate, even within the threshold: in photos of two people with the same nearest person, the second
    candidate was wrong for 17 to 22 % of the faces, and in a collage it always is (docs/gallery.md).
    """
    nearest_face: dict[int, int] = {}
    for number, answer in enumerate(answers):
        if answer.person_id is not None:
            nearest = nearest_face.get(answer.person_id)
            if nearest is None or _distance(answer) < _distance(answers[nearest]):
                nearest_face[answer.person_id] = number
    return [
        answer
        if answer.person_id is None or nearest_face[answer.person_id] == number
        else mark_unknown(answer, _explain_named_already(answer, nearest_face[answer.person_id], answers))
        for number, answer in enumerate(answers)
    ]


def note_squeezed(answer: Identification, face: Face) -> Identification:
    """Note that a name is doubtful if the picture seems to be squeezed: strangers look alike there."""
    if answer.person_id is None or not is_squeezed(face.landmarks):
        return answer
    return replace(answer, notes=(*answer.notes, f"{SQUEEZED}."))


def _distance(answer: Identification) -> float:
    return float("inf") if answer.distance is None else answer.distance


def _explain_named_already(answer: Identification, nearest: int, answers: Sequence[Identification]) -> str:
    return (
        f"this face looks like {answer.name} (distance {_distance(answer):.4f}), but face {nearest + 1} of this photo "
        f"looks more like {answer.name} ({_distance(answers[nearest]):.4f}), and nobody is in a photo twice."
    )
