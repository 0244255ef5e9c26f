"""The hours of pairs: worked time with the reasons for all that is deducted, lateness and overtime, in minutes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from visavis.attendance.days.types import Deduction, DeductionReason, make_deduction
from visavis.attendance.rules.schedule import ShiftTime, automatic_break
from visavis.attendance.rules.types import OvertimeRule, RoundingMode

Span = tuple[int, int]
"""Begin and end, in minutes since 1970."""


class Worked(NamedTuple):
    """Worked minutes: the sum of the spans less the deductions."""

    minutes: int
    deductions: tuple[Deduction, ...]


def count_worked(spans: Sequence[Span], time: ShiftTime, zone: ZoneInfo) -> Worked:
    """Return the worked time of spans in the order of time, none of which overlap.

    Times are rounded as the clock of the ``zone`` shows them.
    """
    deductions: list[Deduction] = []
    counting = time.counting
    counted = _clip(_round_spans(spans, time, zone, deductions), time, deductions)
    total = fixed = gaps = 0
    for start, end in counted:
        total += end - start
    for begin, stop in time.breaks:
        for start, end in counted:
            if start < stop and begin < end:
                fixed += min(end, stop) - max(start, begin)
    if fixed:
        _deduct(deductions, "break", fixed)
        total -= fixed
    if len(counted) > 1:
        gaps = counted[-1][1] - counted[0][0] - total - fixed
    if counting.automatic_breaks:
        automatic = min(automatic_break(counting, total, gaps + fixed), total)
        _deduct(deductions, "automatic_break", automatic)
        total -= automatic
    if counting.paid_break:
        paid = min(counting.paid_break, gaps)
        _deduct(deductions, "paid_break", -paid)
        total += paid
    if counting.rounding.worked != "none":
        rounded = round_minutes(total, counting.rounding.step, counting.rounding.worked)
        _deduct(deductions, "rounded_worked", total - rounded)
        total = rounded
    return Worked(total, tuple(deductions))


def round_minutes(minutes: int, step: int, mode: RoundingMode) -> int:
    """Round to a multiple of ``step``; half a step is rounded up."""
    if mode == "none":
        return minutes
    added = {"up": step - 1, "down": 0, "nearest": step // 2}[mode]
    return (minutes + added) // step * step


def count_overtime(minutes: int, rule: OvertimeRule | None) -> int:
    """Return the overtime that counts of minutes beyond the plan."""
    if rule is None or minutes <= 0 or minutes < rule.least:
        return 0
    return minutes if rule.most is None else min(minutes, rule.most)


def _round_spans(spans: Sequence[Span], time: ShiftTime, zone: ZoneInfo, deductions: list[Deduction]) -> Sequence[Span]:
    """Round the first arrival and the last departure; all between stays."""
    rounding = time.counting.rounding
    if not spans or (rounding.arrival == "none" and rounding.departure == "none"):
        return spans
    starts, ends = [start for start, _ in spans], [end for _, end in spans]
    arrival = _round_time(starts[0], rounding.step, rounding.arrival, zone)
    departure = _round_time(ends[-1], rounding.step, rounding.departure, zone)
    arrival = min(arrival, ends[0])
    departure = max(departure, starts[-1], arrival)
    _deduct(deductions, "rounded_arrival", arrival - starts[0])
    _deduct(deductions, "rounded_departure", ends[-1] - departure)
    starts[0], ends[-1] = arrival, departure
    return list(zip(starts, ends, strict=True))


def _round_time(minute: int, step: int, mode: RoundingMode, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(60 * minute, zone).utcoffset() or timedelta()
    minutes = int(offset.total_seconds()) // 60
    return round_minutes(minute + minutes, step, mode) - minutes


def _clip(spans: Sequence[Span], time: ShiftTime, deductions: list[Deduction]) -> Sequence[Span]:
    """Cut off what was worked outside of the shift, where it does not count."""
    shift = time.shift
    if shift is None or (shift.count_before and shift.count_after):
        return spans
    if not shift.count_before:
        spans, cut = _cut(spans, time.start, 1 << 62)
        _deduct(deductions, "before_shift", cut)
    if not shift.count_after:
        spans, cut = _cut(spans, -(1 << 62), time.end)
        _deduct(deductions, "after_shift", cut)
    return spans


def _cut(spans: Sequence[Span], low: int, high: int) -> tuple[list[Span], int]:
    """Return what of the spans lies between two times, and how many minutes do not."""
    inner = [(max(start, low), min(end, high)) for start, end in spans if end > low and start < high]
    return inner, sum(end - start for start, end in spans) - sum(end - start for start, end in inner)


def _deduct(deductions: list[Deduction], reason: DeductionReason, minutes: int) -> None:
    if minutes:
        deductions.append(make_deduction(reason, minutes))
