"""Which punches belong to which shift, also where the times of two shifts overlap.

A punch in the time of two shifts ends the earlier one where an arrival is open there; a night shift's departure is no
new arrival. Otherwise it belongs to the shift whose start is nearer. A day without a shift takes the punches between
midnight and midnight that no shift claims, and after it the departure that ends its last arrival.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise

from visavis.attendance.days.pairs import PairWalk, PunchLine, walk
from visavis.attendance.rules.schedule import ShiftTime
from visavis.attendance.rules.types import RuleVersion

LOOK_BACK = 3
"""Most earlier shifts whose punches decide where those of a shift begin."""


def find_alone(times: Sequence[tuple[ShiftTime, RuleVersion]]) -> list[bool]:
    """Return for each shift whether all punches from when it opens to when it closes are its own, whatever they say."""
    alone = [time.shift is not None for time, _ in times]
    for number, ((before, _), (time, _)) in enumerate(pairwise(times)):
        alone[number] &= time.opens > before.closes
        alone[number + 1] &= time.opens > max(before.closes, before.extension)
    return alone


class PunchSplit:
    """Divides a line of punches among shifts in the order of time; ``times`` have the rules of their day.

    ``alone`` says of each shift whether its time touches that of no other: see :func:`find_alone`.
    """

    def __init__(self, line: PunchLine, times: Sequence[tuple[ShiftTime, RuleVersion]], alone: Sequence[bool]) -> None:
        self._line, self._times, self._alone = line, times, alone
        self._ends: dict[int, int] = {}

    def span(self, number: int) -> tuple[int, int]:
        """Return the first and the end of the punches of a shift, by its number."""
        if self._alone[number]:
            time, minutes = self._times[number][0], self._line.minutes
            first = bisect_left(minutes, time.opens)
            return first, bisect_right(minutes, time.closes, first)
        first = self._first(number, LOOK_BACK)
        return first, max(first, self._end(number, LOOK_BACK))

    def _first(self, number: int, depth: int) -> int:
        minutes = self._line.minutes
        time, _ = self._times[number]
        first = bisect_left(minutes, time.opens)
        if number == 0 or depth == 0 or first == len(minutes):
            return first
        before, _ = self._times[number - 1]
        if minutes[first] > max(before.closes, before.extension):
            return first
        return max(first, self._end(number - 1, depth - 1))

    def _end(self, number: int, depth: int) -> int:
        """Return the number after the last punch of a shift; a result that depends on the depth is not kept."""
        if number in self._ends:
            return self._ends[number]
        end = self._compute_end(number, depth)
        if depth == LOOK_BACK:
            self._ends[number] = end
        return end

    def _compute_end(self, number: int, depth: int) -> int:
        time, version = self._times[number]
        end = bisect_right(self._line.minutes, time.closes)
        if time.shift is None:
            return self._end_of_free_day(number, end, depth)
        following = self._times[number + 1][0] if number + 1 < len(self._times) else None
        if following is None or following.opens > time.closes:
            return end
        doubtful = bisect_left(self._line.minutes, following.opens)
        if following.shift is None:
            doubtful = bisect_right(self._line.minutes, max(following.opens, time.end))
        if doubtful >= end:
            return end
        first = self._first(number, depth)
        pairs = walk(self._line, first, max(first, doubtful), time.counting, version)
        for punch in range(max(first, doubtful), end):
            if not self._stays(punch, pairs, time, following):
                return punch
            pairs.take(punch)
        return end

    def _stays(self, punch: int, pairs: PairWalk, time: ShiftTime, following: ShiftTime) -> bool:
        """Return whether a punch in the time of two shifts belongs to the earlier one."""
        minute = self._line.minutes[punch]
        direction = pairs.direction(self._line.punches[punch])
        if pairs.repeats(punch) or (direction != "in" and pairs.closes(punch)):
            return True
        if direction == "out":
            return abs(minute - time.end) <= abs(minute - following.end)
        return following.shift is not None and abs(minute - time.start) < abs(minute - following.start)

    def _end_of_free_day(self, number: int, end: int, depth: int) -> int:
        """Return the end of a day without a shift: after midnight comes at most the departure of an open arrival."""
        minutes = self._line.minutes
        time, version = self._times[number]
        following = self._times[number + 1][0] if number + 1 < len(self._times) else None
        if following is not None and following.shift is not None:
            end = min(end, bisect_left(minutes, following.opens))
            if end < len(minutes) and minutes[end] >= following.opens:
                return end
        if end == len(minutes) or minutes[end] > time.extension:
            return end
        pairs = walk(self._line, min(self._first(number, depth), end), end, time.counting, version)
        if not pairs.closes(end) or pairs.direction(self._line.punches[end]) == "in":
            return end
        pairs.take(end)
        return next((later for later in range(end + 1, len(minutes)) if not pairs.repeats(later)), len(minutes))
