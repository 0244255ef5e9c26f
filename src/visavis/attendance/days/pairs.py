"""Punches become pairs of an arrival and a departure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from visavis.attendance.rules.types import Counting, RuleVersion
from visavis.attendance.types import Direction, Punch


class PunchLine:
    """Punches of an employee in the order of time, then of id; ``minutes`` are since 1970, seconds cut off."""

    def __init__(self, punches: Sequence[Punch]) -> None:
        stamped = sorted([(punch.at.timestamp(), punch.id, punch) for punch in punches], key=lambda entry: entry[:2])
        self.punches = [punch for _, _, punch in stamped]
        self.seconds = [seconds for seconds, _, _ in stamped]
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
        if punch.method == "face" and (punch.probability or 0.0) < self._version.least_probability:
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
    for number in range(first, end):
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
