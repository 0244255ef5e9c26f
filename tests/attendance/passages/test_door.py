"""Passages of made-up tracks: directions, lines, groups, broken tracks, and what moving the picture changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from example_counts import examples
from visavis.attendance.passages.door import CameraDoor
from visavis.attendance.passages.line import DoorLine
from visavis.attendance.passages.types import DoorMode, Passage, PathPoint, TrackIdentity
from visavis.errors import UsageError

START = datetime(2026, 3, 2, 7, tzinfo=UTC)
LINE = DoorLine((0.5, 0.0), (0.5, 1.0), inside=(0.9, 0.5))
ANN, BEN, UNKNOWN = TrackIdentity(1, 0.3), TrackIdentity(2, 0.35), TrackIdentity()
RATE = 5
SIDE = 0.1

Path = Sequence[tuple[float, float]]


def walk(path: Path, begin: float = 0.0, side: float = SIDE) -> list[PathPoint]:
    """The points of a track that begins at a time in seconds, ``RATE`` a second."""
    moments = (START + timedelta(seconds=begin + number / RATE) for number in range(len(path)))
    return [PathPoint(moment, x, y, side, side) for moment, (x, y) in zip(moments, path, strict=True)]


def go(*xs: float, y: float = 0.5) -> Path:
    return [(x, y) for x in xs]


def play(door: CameraDoor, tracks: Iterable[tuple[int, Sequence[PathPoint], TrackIdentity]]) -> list[Passage]:
    """Show tracks to a door in the order of time; each ends 2.5 s after its last point."""
    events: list[tuple[datetime, int, Any]] = []
    for number, points, identity in tracks:
        events += [(point.at, number, point) for point in points]
        events.append((points[-1].at + timedelta(seconds=2.5), number, identity))
    passages = []
    for at, number, event in sorted(events, key=lambda each: each[:2]):
        if isinstance(event, PathPoint):
            door.see(number, event)
        else:
            passages += door.end(number, event)
        passages += door.settle(at)
    return passages


def pass_line(tracks: Iterable[tuple[int, Sequence[PathPoint], TrackIdentity]], line: DoorLine = LINE) -> list[Passage]:
    return play(CameraDoor("gate", "line", line), tracks)


def outline(passages: Iterable[Passage]) -> list[tuple[str, int | None]]:
    return sorted(((passage.direction, passage.person_id) for passage in passages), key=str)


@pytest.mark.parametrize(("mode", "direction", "seconds"), [("entrance", "in", 0.0), ("exit", "out", 0.8)])
def test_a_track_at_an_entrance_or_an_exit_is_one_passage(mode: DoorMode, direction: str, seconds: float) -> None:
    passages = play(CameraDoor("door", mode), [(4, walk(go(0.1, 0.2, 0.3, 0.4, 0.5)), ANN)])
    expected = Passage(passages[0].id, "door", START + timedelta(seconds=seconds), direction, 1, 0.3)  # type: ignore[arg-type]
    assert passages == [expected]
    assert len(passages[0].id) == 32


def test_who_waits_at_the_entrance_is_recorded_before_the_track_ends_and_once() -> None:
    door = CameraDoor("door", "entrance")
    (early,) = [
        passage
        for point in walk(go(*[0.5] * 100))  # 20 s
        for passage in (door.see(1, point), door.identify(1, ANN), door.settle(point.at))[2]  # type: ignore[func-returns-value]
    ]
    assert (early.at, early.person_id) == (START, 1)
    assert door.end(1, ANN) == []
    assert door.end(1, ANN) == []  # a track that is not there


@pytest.mark.parametrize(
    ("xs", "directions"),
    [
        ((0.2, 0.4, 0.6, 0.8), ["in"]),
        ((0.8, 0.6, 0.4, 0.2), ["out"]),
        ((0.2, 0.8, 0.2), []),  # back again
        ((0.2, 0.8, 0.2, 0.8), ["in"]),
        ((0.48, 0.52, 0.47, 0.53, 0.49, 0.51), []),  # sways on the line: a face is .1 wide
        ((0.2, 0.47, 0.52, 0.46, 0.3), []),
        ((0.2, 0.47, 0.52, 0.54, 0.3), []),
        ((0.2, 0.47, 0.52, 0.56, 0.7), ["in"]),
        ((0.5,), []),
        ((0.6, 0.7), []),
    ],
)
def test_directions_over_a_line(xs: Sequence[float], directions: list[str]) -> None:
    assert [passage.direction for passage in pass_line([(1, walk(go(*xs)), ANN)])] == directions


def test_the_time_is_that_of_the_first_frame_on_the_other_side() -> None:
    (passage,) = pass_line([(1, walk(go(0.2, 0.3, 0.4, 0.5, 0.54, 0.6, 0.7, 0.8)), ANN)])
    assert passage.at == START + timedelta(seconds=5 / RATE)


def test_a_way_past_the_end_of_the_line_does_not_cross_it() -> None:
    door = DoorLine((0.5, 0.0), (0.5, 0.4), inside=(0.9, 0.2))
    assert pass_line([(1, walk(go(0.2, 0.8, y=0.7)), ANN)], door) == []
    assert outline(pass_line([(1, walk(go(0.2, 0.8, y=0.2)), ANN)], door)) == [("in", 1)]
    around = [(0.2, 0.2), (0.8, 0.2), (0.8, 0.7), (0.2, 0.7), (0.2, 0.2), (0.8, 0.2)]  # in, out elsewhere, in
    assert [passage.direction for passage in pass_line([(1, walk(around), ANN)], door)] == ["in"]


def test_who_stays_in_the_picture_between_two_crossings_has_passed_twice() -> None:
    door = CameraDoor("gate", "line", LINE)
    passages = []
    for point in walk(go(0.2, *[0.8] * 100, 0.2)):
        door.see(1, point)
        door.identify(1, ANN)
        passages += door.settle(point.at)
    passages += door.end(1, ANN)
    assert [passage.direction for passage in passages] == ["in", "out"]
    assert len({passage.id for passage in passages}) == 2


def test_a_group_is_as_many_passages_as_people() -> None:
    tracks = [
        (number, walk(go(0.2, 0.4, 0.6, 0.8, y=0.2 * number), begin=number / 10), identity)
        for number, identity in ((1, ANN), (2, BEN), (3, UNKNOWN), (4, UNKNOWN))
    ]
    passages = pass_line(tracks)
    assert outline(passages) == [("in", 1), ("in", 2), ("in", None), ("in", None)]
    assert len({passage.id for passage in passages}) == 4


def test_an_unknown_person_who_stays_is_counted_once_at_the_end() -> None:
    passages = play(CameraDoor("door", "entrance"), [(1, walk(go(*[0.5] * 100)), UNKNOWN)])
    assert [(passage.person_id, passage.at) for passage in passages] == [(None, START)]


def test_ids_follow_from_camera_and_track() -> None:
    points = walk(go(0.2, 0.8))
    first, again = (pass_line([(1, points, ANN)])[0].id for _ in range(2))
    others = [
        pass_line([(2, points, ANN)])[0].id,
        pass_line([(1, walk(go(0.2, 0.8), begin=1), ANN)])[0].id,
        play(CameraDoor("other", "line", LINE), [(1, points, ANN)])[0].id,
    ]
    assert first == again
    assert len({first, *others}) == 4


def test_tracks_of_false_detections_are_forgotten() -> None:
    door = CameraDoor("door", "entrance")
    door.see(1, walk(go(0.5))[0])
    assert door.settle(START + timedelta(seconds=61)) == []
    assert door.end(1, ANN) == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (((0.5, 0.5), (0.5, 0.5), (0.1, 0.1)), "two different ends"),
        (((0.0, 0.0), (1.0, 1.0), (0.5, 0.5)), "beside the line"),
    ],
)
def test_lines_that_are_none(line: tuple[Any, Any, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        DoorLine(*line)


# ---------------------------------------------------------------------------------------------------------- properties

PLACES = st.tuples(st.floats(0, 1), st.floats(0, 1))
WALKS = st.lists(PLACES, min_size=1, max_size=12)
IDENTITIES = st.sampled_from([ANN, BEN, UNKNOWN])
FEW = settings(max_examples=examples(60))
OTHER = {"in": "out", "out": "in"}


def move(path: Path, scale: float = 1.0, shift: tuple[float, float] = (0.0, 0.0), mirror: bool = False) -> Path:
    return [((1 - x if mirror else x) * scale + shift[0], y * scale + shift[1]) for x, y in path]


@FEW
@given(WALKS)
def test_a_mirrored_picture_has_the_other_direction(path: Path) -> None:
    here = pass_line([(1, walk(path), ANN)])
    there = pass_line([(1, walk(move(path, mirror=True)), ANN)])  # the line stays: what was inside is outside
    assert [OTHER[passage.direction] for passage in here] == [passage.direction for passage in there]


@FEW
@given(WALKS)
def test_the_ends_of_the_line_can_be_exchanged_and_inside_turns_the_direction(path: Path) -> None:
    tracks = [(1, walk(path), ANN)]
    here = pass_line(tracks)
    assert pass_line(tracks, replace(LINE, start=LINE.end, end=LINE.start)) == here
    there = pass_line(tracks, replace(LINE, inside=(0.1, 0.5)))
    assert [OTHER[passage.direction] for passage in here] == [passage.direction for passage in there]


@FEW
@given(WALKS, st.sampled_from([0.5, 2.0, 4.0]), st.sampled_from([(0.0, 0.0), (0.25, -0.5)]))
def test_a_scaled_or_shifted_picture_has_the_same_passages(
    path: Path, scale: float, shift: tuple[float, float]
) -> None:
    ends = move([LINE.start, LINE.end, LINE.inside], scale, shift)
    moved = pass_line([(1, walk(move(path, scale, shift), side=SIDE * scale), ANN)], DoorLine(*ends))
    assert moved == pass_line([(1, walk(path), ANN)])


@FEW
@given(st.lists(st.tuples(WALKS, IDENTITIES, st.floats(0, 30)), min_size=1, max_size=4), st.randoms())
def test_the_numbers_of_tracks_do_not_matter(tracks: list[tuple[Path, TrackIdentity, float]], random: Any) -> None:
    numbers = [*range(len(tracks))]
    here = pass_line([(n, walk(p, b), i) for n, (p, i, b) in zip(numbers, tracks, strict=True)])
    random.shuffle(numbers)
    there = pass_line([(n, walk(p, b), i) for n, (p, i, b) in zip(numbers, tracks, strict=True)])
    assert sorted((passage.at, passage.direction) for passage in here) == sorted(
        (passage.at, passage.direction) for passage in there
    )


@FEW
@given(st.integers(1, 9), st.floats(0.1, 5.0), st.booleans())
def test_a_track_that_breaks_on_its_way_over_the_line_is_one_passage(place: int, gap: float, goes_in: bool) -> None:
    xs = [number / 10 + 0.03 for number in range(10)]
    path = go(*(xs if goes_in else xs[::-1]))
    first, rest = walk(path)[:place], walk(path[place:], begin=(place - 1) / RATE + gap)
    passages = pass_line([(1, first, ANN), (2, rest, ANN)])
    assert outline(passages) == [("in" if goes_in else "out", 1)]


def test_tracks_of_two_people_or_of_two_visits_are_no_broken_track() -> None:
    first, rest = walk(go(0.1, 0.2)), walk(go(0.7, 0.8), begin=2)
    assert pass_line([(1, first, ANN), (2, rest, BEN)]) == []
    assert pass_line([(1, first, UNKNOWN), (2, rest, UNKNOWN)]) == []
    assert pass_line([(1, first, ANN), (2, walk(go(0.7, 0.8), begin=6), ANN)]) == []


def test_tracks_of_the_same_frame_do_not_follow_each_other() -> None:
    assert pass_line([(1, walk(go(0.2)), ANN), (2, walk(go(0.8)), ANN)]) == []


def test_a_track_that_breaks_twice_is_one_passage() -> None:
    tracks = [(number, walk(go(x), begin=number), ANN) for number, x in enumerate((0.2, 0.8, 0.8))]
    assert outline(pass_line(tracks)) == [("in", 1)]


@FEW
@given(st.lists(st.sampled_from([0.2, 0.8]), min_size=2, max_size=9))
def test_crossings_back_and_forth_come_to_their_sum(xs: list[float]) -> None:
    expected = {(0.2, 0.8): ["in"], (0.8, 0.2): ["out"]}.get((xs[0], xs[-1]), [])
    assert [passage.direction for passage in pass_line([(1, walk(go(*xs)), ANN)])] == expected
