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
    from visavis.videos.tracker import Track

SPENT = (0.5, 0.25, 0.125, 0.125)
"""Share of a track's FPIR that each of its searches spends: together they are 1, so the rate is that of a track."""
FACES_FPIR: Mapping[int, float] = {}
"""Factor of the FPIR for templates of that many faces, where it was measured; 1 where it was not."""
CONTRADICTED = 1.15
"""Multiple of the threshold from which a better template contradicts the name that a track has."""
CANDIDATES = 5


def search_fpir(fpir: float, search: int, faces: int) -> float:
    """Return the FPIR of a track's search number ``search`` (from 0) by a template of ``faces``."""
    return fpir * SPENT[min(search, len(SPENT) - 1)] * FACES_FPIR.get(faces, 1.0)


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
