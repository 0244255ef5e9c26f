"""Faces of one photo are different people."""

from __future__ import annotations

from visavis.gallery._identify import name_each_person_once
from visavis.types import Candidate, Identification


def found(person: int | None, distance: float, probability: float | None = 0.9) -> Identification:
    name = None if person is None else f"person {person}"
    candidates = (Candidate(person or 9, name or "person 9", distance, probability if name else None),)
    return Identification(name, person, distance, 0.1, probability if name else None, candidates)


def test_the_nearest_face_keeps_the_name_and_the_others_are_unknown_with_a_note() -> None:
    answers = name_each_person_once([found(1, 0.06), found(2, 0.03), found(1, 0.02), found(None, 0.3), found(1, 0.04)])
    assert [answer.name for answer in answers] == [None, "person 2", "person 1", None, None]
    assert [answer.person_id for answer in answers] == [None, 2, 1, None, None]
    assert [answer.probability for answer in answers] == [None, 0.9, 0.9, None, None]
    assert [answer.candidates[0].probability for answer in answers] == [None, 0.9, 0.9, None, None]
    assert [len(answer.notes) for answer in answers] == [1, 0, 0, 0, 1]
    assert answers[0].notes == (
        "this face looks like person 1 (distance 0.0600), but face 3 of this photo looks more like person 1 (0.0200), "
        "and a person is in a photo once.",
    )
    assert [answer.distance for answer in answers] == [0.06, 0.03, 0.02, 0.3, 0.04]


def test_of_two_faces_at_the_same_distance_the_first_keeps_the_name() -> None:
    assert [one.name for one in name_each_person_once([found(1, 0.05), found(1, 0.05)])] == ["person 1", None]


def test_the_second_candidate_does_not_take_the_place_of_the_first() -> None:
    second = Candidate(2, "person 2", 0.05, 0.2)
    loser = Identification("person 1", 1, 0.04, 0.1, 0.7, (Candidate(1, "person 1", 0.04, 0.7), second), margin=0.01)
    _, answer = name_each_person_once([found(1, 0.02), loser])
    assert (answer.name, [one.name for one in answer.candidates]) == (None, ["person 1", "person 2"])


def test_people_who_are_there_once_keep_their_answers() -> None:
    answers = [found(1, 0.06), found(2, 0.06), found(None, 0.2)]
    assert name_each_person_once(answers) == answers
    assert name_each_person_once([]) == []
