"""Faces of one photo are different people: a name is given to one of them at most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from visavis.doubts import SQUEEZED, is_squeezed
from visavis.gallery._answers import as_unknown
from visavis.types import Face, Identification


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
        else as_unknown(answer, _note(answer, best[answer.person_id], answers[best[answer.person_id]]))
        for number, answer in enumerate(answers)
    ]


def with_doubt(answer: Identification, face: Face) -> Identification:
    """Note that a name is doubtful where the picture seems to be squeezed: strangers look alike there."""
    if answer.person_id is None or not is_squeezed(face.landmarks):
        return answer
    return replace(answer, notes=(*answer.notes, f"{SQUEEZED}."))


def _distance(answer: Identification) -> float:
    return float("inf") if answer.distance is None else answer.distance


def _note(loser: Identification, holder: int, winner: Identification) -> str:
    return (
        f"this face looks like {loser.name} (distance {_distance(loser):.4f}), but face {holder + 1} of this photo "
        f"looks more like {loser.name} ({_distance(winner):.4f}), and nobody is in a photo twice."
    )
