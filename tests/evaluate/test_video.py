"""Error rates of tracks, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from visavis.evaluate.data.video_truth import Presence
from visavis.evaluate.stats.intervals import wilson, wilson_of_people
from visavis.evaluate.track_people import JudgedFace
from visavis.evaluate.video import TrackNames, VideoResult, measure_video


def track(number: int, text: str, start: int = 0) -> list[JudgedFace]:
    """Faces of a track, one a second: a letter a person, ``-`` for a false face, a blank for none."""
    people = {"A": "Ann", "B": "Bob", "S": "Sue", "T": "Tom", "-": None}
    return [JudgedFace(number, start + second, people[each]) for second, each in enumerate(text) if each != " "]


def measure(
    faces: list[JudgedFace], truth: list[Presence], names: dict[int, TrackNames] | None = None, seconds: int = 10
) -> VideoResult:
    times = [float(second) for second in range(seconds)]
    return measure_video(faces, truth, names=names or {}, enrolled={"Ann", "Bob"}, times=times)


def named(*ever: str, last: str | None = None) -> TrackNames:
    return TrackNames(last, frozenset(ever))


def test_a_clean_video() -> None:
    truth = [Presence("Ann", 0, 9), Presence("Sue", 2, 5)]
    result = measure([*track(1, "AAAAAAAAAA"), *track(2, "SSSS", 2)], truth, {1: named("Ann", last="Ann")})
    assert (result.frames, result.tracks, result.false_tracks, result.switches, result.mixed) == (10, 2, 0, 0, 0)
    assert (result.purity.part, result.purity.whole) == (14, 14)
    assert (result.coverage.part, result.coverage.whole) == (14, 14)
    assert (result.identified.part, result.identified.whole, result.identified.rate) == (1, 1, 1)
    assert result.misnamed.part == 0
    assert (result.false_alarms.part, result.false_alarms.whole, result.false_alarms_per_1000) == (0, 1, 0)
    assert result.switches_interval == (0, pytest.approx(3.689, abs=1e-3))


def test_purity_counts_the_faces_of_the_main_person() -> None:
    truth = [Presence("Ann", 0, 9), Presence("Bob", 0, 9)]
    result = measure([*track(1, "AAAAABBB-"), *track(2, "BBBB")], truth)
    assert (result.purity.part, result.purity.whole, result.mixed) == (5 + 4, 8 + 4, 1)
    assert result.purity.interval == wilson_of_people(np.array([5, 4]), np.array([8, 4]))


def test_people_who_exchange_their_tracks_are_two_switches() -> None:
    truth = [Presence("Ann", 0, 9), Presence("Bob", 0, 9)]
    result = measure([*track(1, "AAAA BBBBB"), *track(2, "BBBB AAAAA")], truth)
    assert (result.switches, result.mixed) == (2, 2)


def test_a_new_track_behind_an_occlusion_is_a_switch_and_after_a_return_it_is_not() -> None:
    hidden = [Presence("Ann", 0, 4), Presence("Ann", 5, 9)]  # hidden for a second: one stay
    away = [Presence("Ann", 0, 3), Presence("Ann", 5, 9)]
    faces = [*track(1, "AAAA"), *track(2, "AAAAA", 5)]
    assert measure(faces, hidden).switches == 1
    assert measure(faces, away).switches == 0


def test_faces_that_are_missed_lower_the_coverage() -> None:
    result = measure(track(1, "AA  A"), [Presence("Ann", 0, 7)])
    assert (result.coverage.part, result.coverage.whole) == (3, 8)
    assert result.people[0].coverage == 3 / 8


def test_names_of_tracks() -> None:
    truth = [Presence(person, 0, 9) for person in ("Ann", "Bob", "Sue", "Tom")]
    faces = [
        *track(1, "AAA"),  # right in the end, wrong in between
        *track(2, "BBB"),  # unknown
        *track(3, "BBB", 4),  # right
        *track(4, "SSS"),  # named and taken back: an alarm
        *track(5, "SSS", 4),
        *track(6, "TTT"),
        *track(7, "---"),  # a false face with a name
        *track(8, "---"),
    ]
    names = {
        1: named("Bob", "Ann", last="Ann"),
        3: named("Bob", last="Bob"),
        4: named("Ann"),
        7: named("Ann", last="Ann"),
    }
    result = measure(faces, truth, names)
    assert (result.tracks, result.false_tracks, result.false_tracks_named) == (8, 2, 1)
    assert (result.identified.part, result.identified.whole) == (2, 3)
    assert (result.misnamed.part, result.misnamed.whole) == (1, 3)
    assert (result.false_alarms.part, result.false_alarms.whole) == (1, 3)
    assert result.false_alarms_per_1000 == pytest.approx(1000 / 3)
    by_person = {person.person: (person.tracks, person.identified, person.named) for person in result.people}
    assert by_person == {"Ann": (1, 1, 1), "Bob": (2, 1, 1), "Sue": (2, 0, 1), "Tom": (1, 0, 0)}
    assert [person.enrolled for person in result.people] == [True, True, False, False]


def test_intervals_of_tracks_are_by_people() -> None:
    """Ten tracks of a stranger who is always named weigh as one person."""
    truth = [Presence("Sue", 0, 9), Presence("Tom", 0, 9)]
    faces = [face for number in range(10) for face in track(number, "S")] + track(10, "T")
    result = measure(faces, truth, {number: named("Ann", last="Ann") for number in range(10)})
    assert (result.false_alarms.part, result.false_alarms.whole) == (10, 11)
    low, high = result.false_alarms.interval or (0, 0)
    alone, sure = wilson(10, 11)
    assert low < alone < sure <= high + 1e-9 or high - low > sure - alone


def test_rates_without_anything_to_count_are_none() -> None:
    result = measure([], [Presence("Ann", 0, 1)])
    assert (result.purity.rate, result.purity.interval, result.false_alarms_per_1000) == (None, None, None)
    assert (result.coverage.part, result.coverage.whole) == (0, 2)
