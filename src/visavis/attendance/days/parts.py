"""A shift of a day: what its punches come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from visavis.attendance.days.hours import Span, Worked, count_worked
from visavis.attendance.days.pairs import PairWalk, PunchLine, span, walk
from visavis.attendance.days.types import DayPart, DayStatus, Note, WorkedInterval, make_interval, make_part
from visavis.attendance.rules.schedule import ShiftTime
from visavis.attendance.rules.types import RuleVersion

UNSURE = frozenset({"absent", "half_day"})
"""Statuses that are not given where a punch may be missing."""
NOTHING = Worked(0, ())


class Facts(NamedTuple):
    """What is true of all punches of an employee: the times of failures, the zone, and until when they are complete."""

    line: PunchLine
    outages: Sequence[Span]
    zone: ZoneInfo
    now: int | None


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of an employee in a shift: less where half of the day is leave."""

    start: int | None
    end: int | None
    planned: int
    half_day_below: int
    absent_below: int


@lru_cache(maxsize=10_000)
def expect(time: ShiftTime, leave_half: str) -> Expected:
    """Return what is expected; ``leave_half`` is ``first_half``, ``second_half``, ``whole`` or empty."""
    shift = time.shift
    if shift is None or leave_half == "whole":
        return Expected(None, None, 0, 0, 0)
    start, end = time.core or ((time.start, time.end) if shift.required is None else (None, None))
    if not leave_half:
        return Expected(start, end, time.planned, shift.half_day_below, shift.absent_below)
    if start is not None and end is not None:
        leaves, returns = _middle_break(time)
        start, end = (max(start, returns), end) if leave_half == "first_half" else (start, min(end, leaves))
    planned = time.planned - time.planned // 2
    return Expected(start, end, planned, shift.half_day_below // 2, shift.absent_below // 2)


def _middle_break(time: ShiftTime) -> tuple[int, int]:
    """Return when the first half of a shift ends and the second begins: around a break in which the middle lies."""
    leaves = returns = time.middle
    for begin, stop in sorted(time.breaks):
        if begin <= returns < stop:
            returns = stop
    for begin, stop in sorted(time.breaks, reverse=True):
        if begin < leaves <= stop:
            leaves = begin
    return leaves, returns


def compute_part(
    facts: Facts, punches: tuple[int, int], time: ShiftTime, version: RuleVersion, leave_half: str = ""
) -> DayPart:
    """Return a shift of a day; ``punches`` are the first and the end of its punches in the line."""
    if (
        punches[0] == punches[1]
        and _is_over(facts, time.closes)
        and not overlaps(facts.outages, time.opens, time.closes)
    ):
        return _empty_part(time, leave_half)
    line, expected = facts.line, expect(time, leave_half)
    pairs = walk(line, *punches, time.counting, version)
    if time.counting.hours == "first_last":
        span(line, pairs)
    pending = not _is_over(facts, time.closes if pairs.open is None else max(time.closes, time.extension))
    checkout = None if pending or pairs.open is None else _automatic_checkout(line, pairs.open, time, leave_half)
    minutes = line.minutes
    spans = [(minutes[arrival], minutes[departure]) for arrival, departure in pairs.pairs]
    if checkout is not None and pairs.open is not None:
        spans.append((minutes[pairs.open], checkout))
    worked = count_worked(spans, time, facts.zone) if spans else NOTHING
    notes = _note(pairs, checkout=checkout, pending=pending)
    late, early = _lateness(facts, pairs, time, expected, pending=pending)
    if facts.outages and (min(late, early) < 0 or _may_lack_punch(facts, time, expected, spans, worked.minutes)):
        notes.append("outage")
    unpaired = [] if pending or checkout is not None or pairs.open is None else [pairs.open]
    unpaired += pairs.missing_out + pairs.missing_in + pairs.undirected + pairs.doubtful
    doubted = bool(unpaired) or "outage" in notes
    return make_part(
        time.shift.name if time.shift else "",
        time.starts_at,
        time.ends_at,
        "leave"
        if leave_half == "whole"
        else _status(expected, worked.minutes, attended=bool(spans), doubted=doubted, pending=pending),
        expected.planned,
        worked.minutes,
        max(late, 0),
        max(early, 0),
        _make_intervals(facts, pairs, checkout),
        worked.deductions,
        tuple([line.punches[number].id for number in sorted(unpaired)]) if unpaired else (),
        tuple([line.punches[number].id for number in pairs.doubles]) if pairs.doubles else (),
        tuple(notes),
        line.punches[pairs.open].id if pending and pairs.open is not None else "",
    )


def _may_lack_punch(facts: Facts, time: ShiftTime, expected: Expected, spans: Sequence[Span], worked: int) -> bool:
    """Return whether an outage may be why a shift has less work than a whole day needs."""
    if time.shift is None or (spans and worked >= max(expected.half_day_below, expected.absent_below)):
        return False
    return overlaps(facts.outages, time.opens, time.closes)


@lru_cache(maxsize=10_000)
def _empty_part(time: ShiftTime, leave_half: str) -> DayPart:
    """Return a shift without any punch, after its time and without a failure: the same for all employees."""
    expected = expect(time, leave_half)
    status = _status(expected, 0, attended=False, doubted=False, pending=False)
    status = "leave" if leave_half == "whole" else status
    name = time.shift.name if time.shift else ""
    return make_part(name, time.starts_at, time.ends_at, status, expected.planned, 0, 0, 0, (), (), (), (), ())


def overlaps(outages: Sequence[Span], start: int, end: int) -> bool:
    """Return whether an outage touches the time from ``start`` to ``end``."""
    return any(begin <= end and start <= stop for begin, stop in outages)


def _is_over(facts: Facts, minute: int) -> bool:
    """Return whether all punches up to a minute have been recorded."""
    return facts.now is None or facts.now > minute


def _automatic_checkout(line: PunchLine, arrival: int, time: ShiftTime, leave_half: str) -> int | None:
    """Return the minute at which an arrival without a departure ends by the rules; None for none."""
    if time.shift is None or time.shift.auto_checkout is None:
        return None
    checkout = (time.middle if leave_half == "second_half" else time.end) + time.shift.auto_checkout
    return checkout if checkout > line.minutes[arrival] else None


def _note(pairs: PairWalk, *, checkout: int | None, pending: bool) -> list[Note]:
    notes: list[Note] = []
    if pairs.missing_in:
        notes.append("missing_in")
    if pairs.missing_out or (pairs.open is not None and not pending and checkout is None):
        notes.append("missing_out")
    if pairs.undirected:
        notes.append("no_direction")
    if pairs.doubtful:
        notes.append("doubtful_face")
    if pairs.doubles:
        notes.append("double_punch")
    if checkout is not None:
        notes.append("automatic_checkout")
    return notes


def _lateness(facts: Facts, pairs: PairWalk, time: ShiftTime, expected: Expected, *, pending: bool) -> tuple[int, int]:
    """Return the minutes late and early; -1 where an outage may have kept a punch from being recorded."""
    if not pairs.kept or time.shift is None or expected.start is None or expected.end is None:
        return 0, 0
    first, last = pairs.kept[0], pairs.kept[-1]
    arrival, departure = facts.line.minutes[first], facts.line.minutes[last]
    late = arrival - expected.start if first not in pairs.missing_in else 0
    late = late if late > time.shift.grace_late else 0
    leaves = last != pairs.open and last not in pairs.missing_out and not pending
    early = expected.end - departure if leaves else 0
    early = early if early > time.shift.grace_early else 0
    if facts.outages:
        late = -1 if late and overlaps(facts.outages, time.opens, arrival) else late
        early = -1 if early and overlaps(facts.outages, departure, time.closes) else early
    return late, early


def _status(expected: Expected, worked: int, *, attended: bool, doubted: bool, pending: bool) -> DayStatus:
    """Return the status; absence is tested before half a day. What is doubted is neither."""
    status: DayStatus = "present"
    if not attended or worked < expected.absent_below:
        status = "absent"
    elif worked < expected.half_day_below:
        status = "half_day"
    if status not in UNSURE:
        return status
    return "pending" if pending else "undecided" if doubted else status


def _make_intervals(facts: Facts, pairs: PairWalk, checkout: int | None) -> tuple[WorkedInterval, ...]:
    line = facts.line
    intervals = []
    for arrival, departure in pairs.pairs:
        first, last = line.punches[arrival], line.punches[departure]
        minutes = line.minutes[departure] - line.minutes[arrival]
        intervals.append(make_interval(first.at, last.at, minutes, first.id, last.id))
    if checkout is not None and pairs.open is not None:
        first, minutes = line.punches[pairs.open], checkout - line.minutes[pairs.open]
        intervals.append(
            make_interval(first.at, datetime.fromtimestamp(60 * checkout, facts.zone), minutes, first.id, "")
        )
    return tuple(intervals)
