"""The day bar: a day from midnight to midnight with shifts, grace, breaks, work and punches, as places in percent.

A day on which clocks change is as long as it is: 23 or 25 hours. A shift over midnight goes on in the bar of the next
day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from visavis.attendance.days.types import Day
from visavis.attendance.rules.schedule import Planner, ShiftTime
from visavis.attendance.types import Punch

HOURS = range(0, 25, 3)
"""Hours of the clock that the scale names."""
SpanKind = Literal["shift", "grace", "break", "work"]
MarkKind = Literal["arrival", "departure", "open", "unpaired", "double", "outside"]


@dataclass(frozen=True, slots=True)
class BarSpan:
    """A part of the bar, in percent of its width, and the times at which it begins and ends, as clocks show them."""

    kind: SpanKind
    x: float
    width: float
    start: str
    end: str
    is_other_day: bool = False
    """Whether it belongs to the day before."""


@dataclass(frozen=True, slots=True)
class BarMark:
    """A punch on the bar: what it counts as."""

    kind: MarkKind
    x: float
    at: str
    punch_id: str


@dataclass(frozen=True, slots=True)
class DayBar:
    """The bar of a day of ``minutes`` minutes; ``hours`` are hours of the clock with their places.

    ``goes_on`` and ``comes_from`` say whether a shift goes on in the bar of the next day, or comes from that of the day
    before. ``now`` is the place of the present, None on another day.
    """

    day: date
    minutes: int
    hours: tuple[tuple[float, int], ...]
    spans: tuple[BarSpan, ...]
    marks: tuple[BarMark, ...]
    now: float | None
    comes_from: bool
    goes_on: bool


def make_day_bar(
    planner: Planner,
    day: date,
    shifts: Iterable[ShiftTime],
    days: Iterable[Day],
    punches: Iterable[Punch],
    now: datetime | None = None,
) -> DayBar:
    """Return the bar of a day.

    ``shifts`` are the shifts of the day and of the day before; ``days`` the computed days before, on and after it.
    """
    scale = _Scale(planner, day)
    times = [time for time in shifts if time.shift is not None]
    computed = list(days)
    spans = [span for time in times for span in _draw_shift(scale, time)]
    spans += _draw_work(scale, computed)
    kinds = classify_punches(computed)
    own = [punch for punch in punches if scale.holds(_minute(punch.at))]
    marks = tuple(
        BarMark(kinds.get(punch.id, "open"), scale.place(_minute(punch.at)), scale.clock(_minute(punch.at)), punch.id)
        for punch in own
    )
    present = None if now is None or not scale.holds(_minute(now)) else scale.place(_minute(now))
    hours = tuple((scale.place(planner.minute(day, 60 * hour)), hour) for hour in HOURS)
    return DayBar(
        day,
        scale.end - scale.start,
        hours,
        tuple(spans),
        marks,
        present,
        any(time.start < scale.start < time.end for time in times),
        any(time.start < scale.end < time.end for time in times),
    )


def classify_punches(days: Iterable[Day]) -> Mapping[str, MarkKind]:
    """Return what each punch counts as, by its id; an arrival without a departure yet has none."""
    kinds: dict[str, MarkKind] = {}
    for day in days:
        for punch_id in day.outside:
            kinds[punch_id] = "outside"
        for part in day.parts:
            for punch_id in part.unpaired:
                kinds[punch_id] = "unpaired"
            for punch_id in part.doubles:
                kinds[punch_id] = "double"
            for interval in part.intervals:
                kinds[interval.arrival_id] = "arrival"
                if interval.departure_id:
                    kinds[interval.departure_id] = "departure"
    return kinds


class _Scale:
    """Places of the minutes of a day; minutes are those since 1970 in UTC."""

    def __init__(self, planner: Planner, day: date) -> None:
        self.day, self._zone = day, planner.rules.zone
        self.start, self.end = planner.minute(day, 0), planner.minute(day + timedelta(1), 0)

    def holds(self, minute: int) -> bool:
        return self.start <= minute < self.end

    def place(self, minute: int) -> float:
        return round(100 * (min(max(minute, self.start), self.end) - self.start) / (self.end - self.start), 2)

    def clock(self, minute: int) -> str:
        return f"{datetime.fromtimestamp(60 * minute, self._zone):%H:%M}"

    def draw(self, kind: SpanKind, start: int, end: int, *, is_other_day: bool = False) -> Iterator[BarSpan]:
        """Yield the part of a span that is on the day."""
        if start < self.end and end > self.start and start < end:
            x = self.place(start)
            width = round(self.place(end) - x, 2)
            yield BarSpan(kind, x, width, self.clock(start), self.clock(end), is_other_day)


def _draw_shift(scale: _Scale, time: ShiftTime) -> Iterator[BarSpan]:
    shift = time.shift
    if shift is None:
        return
    other = time.day != scale.day
    yield from scale.draw("shift", time.start, time.end, is_other_day=other)
    if shift.required is None:
        start, end = time.core or (time.start, time.end)
        yield from scale.draw("grace", start, start + shift.grace_late, is_other_day=other)
        yield from scale.draw("grace", end - shift.grace_early, end, is_other_day=other)
    for begin, stop in time.breaks:
        yield from scale.draw("break", begin, stop, is_other_day=other)


def _draw_work(scale: _Scale, days: Iterable[Day]) -> Iterator[BarSpan]:
    for day in days:
        for part in day.parts:
            for interval in part.intervals:
                start, end = _minute(interval.arrival), _minute(interval.departure)
                yield from scale.draw("work", start, end, is_other_day=day.day != scale.day)


def _minute(at: datetime) -> int:
    return int(at.timestamp()) // 60
