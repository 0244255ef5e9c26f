"""Punches become pairs of an arrival and a departure."""

from __future__ import annotations

from collections.abc import Sequence
from operator import lt
from typing import NamedTuple

from visavis.attendance.rules.types import Counting, RuleVersion
from visavis.attendance.types import Direction, Punch


class PunchLine:
    """Punches of an employee in the order of time, then of id; ``minutes`` are since 1970, seconds cut off."""

    def __init__(self, punches: Sequence[Punch]) -> None:
        self.punches = punches
        self.seconds = [punch.at.timestamp() for punch in punches]
        if not all(map(lt, self.seconds, self.seconds[1:])):
            order = sorted(range(len(punches)), key=lambda number: (self.seconds[number], punches[number].id))
            self.punches = [punches[number] for number in order]
            self.seconds = [self.seconds[number] for number in order]
        self.minutes = [int(seconds // 60) for seconds in self.seconds]


class PunchPair(NamedTuple):
    """Numbers of two punches in their line."""

    arrival: int
    departure: int


class PairWalk:
    """Takes punches in the order of time and makes pairs of them.

    ``open`` is the arrival that has no departure yet. ``missing_out`` and ``missing_in`` are punches that have no other
    of their pair, ``undirected`` those without a direction where one is needed, ``doubtful`` faces that were recognized
    with too low a probability.
    """

    __slots__ = (
        "_counting", "_direction", "_kept_at", "_line", "_version", "doubles", "doubtful", "kept", "missing_in",
        "missing_out", "open", "pairs", "undirected",
    )  # fmt: skip

    def __init__(self, line: PunchLine, counting: Counting, version: RuleVersion) -> None:
        self._line, self._counting, self._version = line, counting, version
        self._kept_at = -1e18
        self._direction: Direction = "unspecified"
        self.open: int | None = None
        self.kept: list[int] = []
        self.pairs: list[PunchPair] = []
        self.missing_out: list[int] = []
        self.missing_in: list[int] = []
        self.doubles: list[int] = []
        self.undirected: list[int] = []
        self.doubtful: list[int] = []

    def take(self, number: int) -> None:
        """Take the next punch."""
        punch = self._line.punches[number]
        if self._is_doubtful(punch):
            self.doubtful.append(number)
            return
        direction = self.direction(punch)
        if self._is_double(number, direction):
            self.doubles.append(number)
            return
        if direction == "unspecified" and self._counting.direction != "alternate":
            self.undirected.append(number)
            return
        self._kept_at, self._direction = self._line.seconds[number], direction
        self.kept.append(number)
        self._pair(number, direction)

    def take_pairs(self, first: int, end: int) -> int:
        """Take the first punches of a shift two by two as long as there is no doubt; return the number of the next.

        What they make is what :meth:`take` makes of them one by one.
        """
        seconds, minutes, version = self._line.seconds, self._line.minutes, self._version
        may_differ = bool(version.least_probability) or self._counting.direction != "alternate"
        number, before = first, self._kept_at
        while number + 1 < end:
            arrival, departure = seconds[number], seconds[number + 1]
            is_near = arrival - before <= version.cooldown or departure - arrival <= version.cooldown
            if is_near or minutes[number + 1] - minutes[number] > self._counting.longest:
                break
            if may_differ and not self._is_plain(self._line.punches[number], self._line.punches[number + 1]):
                break
            self.pairs.append(PunchPair(number, number + 1))
            number, before = number + 2, departure
        if number > first:
            self.kept.extend(range(first, number))
            self._kept_at, self._direction = before, self.direction(self._line.punches[number - 1])
        return number

    def _is_plain(self, arrival: Punch, departure: Punch) -> bool:
        """Return whether the directions of two punches are those of a pair, and their faces were recognized well."""
        if self._version.least_probability and (self._is_doubtful(arrival) or self._is_doubtful(departure)):
            return False
        if self._counting.direction == "alternate":
            return True
        return self.direction(arrival) == "in" and self.direction(departure) == "out"

    def _is_doubtful(self, punch: Punch) -> bool:
        return punch.method == "face" and (punch.probability or 0.0) < self._version.least_probability

    def direction(self, punch: Punch) -> Direction:
        """Return the direction that counts: that of the punch, of its device, or none."""
        if self._counting.direction == "alternate":
            return "unspecified"
        if self._counting.direction == "device":
            return self._version.devices.get(punch.device, punch.direction)
        return punch.direction

    def repeats(self, number: int) -> bool:
        """Return whether a punch is a double of the last one that counts."""
        return self._is_double(number, self.direction(self._line.punches[number]))

    def closes(self, number: int) -> bool:
        """Return whether a punch is near enough to the open arrival to be its departure."""
        minutes = self._line.minutes
        return self.open is not None and minutes[number] - minutes[self.open] <= self._counting.longest

    def _is_double(self, number: int, direction: Direction) -> bool:
        near = self._line.seconds[number] - self._kept_at <= self._version.cooldown
        return near and direction in (self._direction, "unspecified")

    def _pair(self, number: int, direction: Direction) -> None:
        closes = self.closes(number)
        if direction == "in" or (direction == "unspecified" and not closes):
            if self.open is not None:
                self.missing_out.append(self.open)
            self.open = number
        elif self.open is not None and closes:
            self.pairs.append(PunchPair(self.open, number))
            self.open = None
        else:
            if self.open is not None:
                self.missing_out.append(self.open)
                self.open = None
            self.missing_in.append(number)


def walk(line: PunchLine, first: int, end: int, counting: Counting, version: RuleVersion) -> PairWalk:
    """Return what the punches from number ``first`` to before ``end`` make; the last arrival may be open."""
    pairs = PairWalk(line, counting, version)
    for number in range(pairs.take_pairs(first, end), end):
        pairs.take(number)
    return pairs


def span(line: PunchLine, pairs: PairWalk) -> None:
    """Replace the pairs by one from the first arrival to the last departure; what lies between is not missing."""
    arrivals = [number for number in pairs.kept if pairs.direction(line.punches[number]) != "out"]
    departures = [number for number in pairs.kept if pairs.direction(line.punches[number]) != "in"]
    if not arrivals or not departures or departures[-1] <= arrivals[0]:
        return
    first, last = arrivals[0], departures[-1]
    before, pairs.open = pairs.open, first
    if not pairs.closes(last):
        pairs.open = before
        return
    pairs.pairs = [PunchPair(first, last)]
    pairs.missing_out = []
    pairs.missing_in = [number for number in pairs.missing_in if number < first]
    pairs.open = arrivals[-1] if arrivals[-1] > last else None
