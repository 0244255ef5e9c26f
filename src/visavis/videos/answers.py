"""Who the tracks are: one search a template, votes of its faces, and each person once among simultaneous tracks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from visavis.types import Floats, Identification
from visavis.videos.person import TrackedPerson

if TYPE_CHECKING:
    from visavis.gallery import Gallery
    from visavis.videos.track import Track

QUALITY_FPIR = ((0.6, 5.0), (0.75, 4.0), (0.84, 3.0), (0.905, 2.3), (0.945, 1.5), (0.98, 1.2))
"""Factor of the FPIR of each search of a track, by the score of its best face: pairs of both, interpolated between.

With it, tracks of strangers have a name at the rate that is asked for, all their searches together: measured on 865
tracks of people of LFW's DevTrain with templates of one to five faces (docs/video.md). The searches of one track err
together, and the thresholds for poor faces are stricter than tracks need. ``benchmarks/track_rates.py`` measures it."""
HIGHEST_FPIR = 0.5
"""FPIR that the factor does not exceed."""
CONTRADICTED = 1.15
"""Multiple of the threshold from which a better template contradicts the name that a track has."""
CANDIDATES = 5


def search_fpir(fpir: float, quality: float) -> float:
    """Return the FPIR of each search of a track, for a rate of tracks; ``quality`` is the score of its best face."""
    scores, factors = zip(*QUALITY_FPIR, strict=True)
    return min(fpir * float(np.interp(quality, scores, factors)), max(fpir, HIGHEST_FPIR))


def search_person(
    gallery: Gallery, person: TrackedPerson, template: Floats, *, fpir: float, threshold: float | None = None
) -> Identification:
    """Search for the person of a track by its template; its faces vote.

    The template decides. Faces that are unknown by themselves have no vote; where faces that are known vote for another
    person at least as much as for the template's, the track is unknown.
    """
    voters = [face for face in person.kept if face.view.embedding is not None]
    rows = np.stack([template, *(face.view.embedding for face in voters if face.view.embedding is not None)])
    qualities = [person.quality(), *(face.quality for face in voters)]
    answer, *votes = gallery.identify_embeddings(
        rows, fpir=fpir, threshold=threshold, top=CANDIDATES, qualities=qualities
    )
    if answer.person_id is None:
        return answer
    weights: dict[int, float] = {}
    for face, vote in zip(voters, votes, strict=True):
        who = _find_vote(vote)
        if who is not None:
            weights[who] = weights.get(who, 0.0) + face.view.quality
    others = [who for who, weight in weights.items() if weight >= weights.get(answer.person_id, 0.0)]
    if any(who != answer.person_id for who in others):
        return make_unknown(answer, "the faces of this track look like two people.")
    return answer


def _find_vote(answer: Identification) -> int | None:
    """Return the person that a face votes for: also one within the threshold whose name a rejection took away.

    So a rejection never turns a track with faces of two people into one of them.
    """
    if answer.person_id is not None or answer.distance is None or answer.distance > answer.threshold:
        return answer.person_id
    return answer.candidates[0].person_id


def keep_or_replace(before: Identification | None, now: Identification) -> Identification:
    """Return the answer of a track after a better template.

    A name replaces what was there. An unknown does not outvote a name, unless the better template contradicts it: it is
    clearly farther from that person than the threshold.
    """
    if before is None or before.person_id is None or now.person_id is not None:
        return now
    distance = next((item.distance for item in now.candidates if item.person_id == before.person_id), None)
    if distance is None or distance > CONTRADICTED * now.threshold:
        return now
    return before


def name_each_person_once(
    tracks: Sequence[Track], people: Mapping[int, TrackedPerson]
) -> dict[int, Identification | None]:
    """Return the answer of each track, by its number: tracks of one time are different people.

    Of tracks that were detected in one frame, the one that is nearest to a person, for its threshold, has the name; the
    others are unknown, also where their second candidate would be near enough (it is wrong too often).
    """
    answers = {track.number: people[track.number].answer for track in tracks}
    named = sorted(
        (track for track in tracks if people[track.number].named), key=lambda track: people[track.number].nearness()
    )
    for place, track in enumerate(named):
        answer = answers[track.number]
        rivals = [other for other in named[:place] if other.number in track.together]
        held = any(_person_of(answers[other.number]) == _person_of(answer) for other in rivals)
        if answer is not None and (held or answer.person_id in people[track.number].given_away):
            answers[track.number] = make_unknown(
                answer, f"this face looks like {answer.name}, who is nearer to another face at the same time."
            )
    return answers


def make_unknown(answer: Identification, note: str) -> Identification:
    """Return the answer without a name and a probability, with a note that says why."""
    candidates = tuple(replace(candidate, probability=None) for candidate in answer.candidates)
    return replace(answer, name=None, person_id=None, probability=None, candidates=candidates, notes=(note,))


def _person_of(answer: Identification | None) -> int | None:
    return None if answer is None else answer.person_id
