"""Why a day has its figures: for each figure the punches, the rule and the arithmetic, as texts of the catalogs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from visavis.attendance.days.explain import format_minutes
from visavis.attendance.days.types import Day, DayPart
from visavis.attendance.rules.schedule import DayPlan, ShiftTime
from visavis.attendance.rules.types import OvertimeRule, Shift
from visavis.attendance.types import Punch


@dataclass(frozen=True, slots=True)
class FigureReason:
    """A sentence: its key in the catalogs, without the first part, and its values."""

    key: str
    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class DayFigure:
    """A figure of a day, formatted, and where it comes from."""

    name: str
    value: str
    reasons: tuple[FigureReason, ...]


def explain_figures(day: Day, plan: DayPlan | None, punches: Sequence[Punch]) -> list[DayFigure]:
    """Return the figures of a day, first those that every day has; ``plan`` is None on days without one.

    Days of erased punches have none.
    """
    if plan is None or day.status == "erased":
        return []
    shifts = dict(zip(day.parts, plan.times, strict=True))
    minutes = {int(punch.at.timestamp()) // 60 for punch in punches}
    figures = {
        "worked": (day.worked, _explain_worked(day, shifts)),
        "planned": (day.planned, _explain_planned(day, plan)),
        "late": (day.late, _explain_late(shifts, minutes)),
        "early": (day.early, _explain_early(shifts, minutes)),
        "overtime": (day.overtime, _explain_overtime(day, plan)),
        "credited": (day.credited, _explain_credited(day)),
    }
    shown = {
        name: value for name, value in figures.items() if value[0] or name == "worked" or (name == "planned" and shifts)
    }
    return [DayFigure(name, format_minutes(minutes), tuple(reasons)) for name, (minutes, reasons) in shown.items()]


def explain_status(day: Day, plan: DayPlan | None) -> list[FigureReason]:
    """Return what decides the status of a day."""
    reasons = []
    if day.kind == "holiday":
        reasons.append(FigureReason("why_holiday", {"name": day.holiday}))
    elif day.kind == "off":
        reasons.append(FigureReason("why_off", {}))
    elif day.leave and "unknown_leave" not in day.notes:
        reasons.append(FigureReason("why_leave", {"kind": day.leave}))
    for time in () if plan is None or day.status == "erased" else plan.times:
        shift = time.shift
        if shift is not None and (shift.half_day_below or shift.absent_below):
            values = {
                "shift": shift.name,
                "half": format_minutes(shift.half_day_below),
                "absent": format_minutes(shift.absent_below),
            }
            reasons.append(FigureReason("why_thresholds", values))
    reasons += [FigureReason(f"note_{note}", {}) for note in day.notes]
    if day.rules is not None:
        reasons.append(FigureReason("why_rules", {"day": day.rules.isoformat()}))
    return reasons


Shifts = dict[DayPart, ShiftTime]


def _explain_worked(day: Day, shifts: Shifts) -> Iterator[FigureReason]:
    for part, time in shifts.items():
        if not part.intervals:
            continue
        if part.shift and len(shifts) > 1:
            yield FigureReason("why_shift", {"shift": part.shift})
        yield FigureReason(f"why_{time.counting.direction}", {})
        if time.counting.hours == "first_last":
            yield FigureReason("why_first_last", {})
        for interval in part.intervals:
            key = "why_interval" if interval.departure_id else "why_interval_automatic"
            span = {"arrival": _clock(interval.arrival), "departure": _clock(interval.departure)}
            yield FigureReason(key, {**span, "minutes": format_minutes(interval.minutes)})
        for deduction in part.deductions:
            yield FigureReason(f"deduction_{deduction.reason}", {"minutes": format_minutes(-deduction.minutes)})
        if part.deductions or len(part.intervals) > 1:
            yield FigureReason("why_sum", {"minutes": format_minutes(part.worked)})
    if len([part for part in day.parts if part.intervals]) > 1:
        yield FigureReason("why_total", {"minutes": format_minutes(day.worked)})
    if not any(part.intervals for part in day.parts):
        yield FigureReason("why_no_pair", {})


def _explain_planned(day: Day, plan: DayPlan) -> Iterator[FigureReason]:
    for time in plan.times:
        if time.shift is None:
            continue
        breaks = time.end - time.start - time.planned
        values = {
            "shift": time.shift.name,
            "start": _clock(time.starts_at),
            "end": _clock(time.ends_at),
            "planned": format_minutes(time.planned),
        }
        if time.shift.required is not None:
            yield FigureReason("why_required", values)
        elif breaks:
            yield FigureReason("why_planned_breaks", {**values, "breaks": format_minutes(breaks)})
        else:
            yield FigureReason("why_planned", values)
    if day.kind in {"off", "holiday"}:
        yield FigureReason("why_nothing_planned", {})


def _explain_late(shifts: Shifts, minutes: set[int]) -> Iterator[FigureReason]:
    for part, time in shifts.items():
        if part.late and time.shift is not None:
            begins = [time.start, *(time.core or ())[:1], time.middle]
            pair = next(((begin, begin + part.late) for begin in begins if begin + part.late in minutes), None)
            yield _explain_distance("why_late", pair, part.late, time.shift, time.shift.grace_late, time)


def _explain_early(shifts: Shifts, minutes: set[int]) -> Iterator[FigureReason]:
    for part, time in shifts.items():
        if part.early and time.shift is not None:
            ends = [time.end, *(time.core or ())[1:], time.middle]
            pair = next(((end, end - part.early) for end in ends if end - part.early in minutes), None)
            yield _explain_distance("why_early", pair, part.early, time.shift, time.shift.grace_early, time)


def _explain_distance(
    key: str, pair: tuple[int, int] | None, minutes: int, shift: Shift, grace: int, time: ShiftTime
) -> FigureReason:
    values = {"shift": shift.name, "minutes": format_minutes(minutes), "grace": format_minutes(grace)}
    if pair is None or time.starts_at is None:
        return FigureReason(f"{key}_by", values)
    zone = time.starts_at.tzinfo
    limit, punch = (f"{datetime.fromtimestamp(60 * minute, zone):%H:%M}" for minute in pair)
    return FigureReason(key, {**values, "limit": limit, "punch": punch})


def _explain_overtime(day: Day, plan: DayPlan) -> Iterator[FigureReason]:
    rules = plan.version.overtime
    rule: OvertimeRule | None = {"workday": rules.workday, "off": rules.off, "holiday": rules.holiday}.get(plan.kind)
    if not day.overtime or rule is None:
        return
    if plan.kind == "workday":
        expected = sum(part.planned for part in day.parts)
        beyond = {"worked": format_minutes(day.worked), "planned": format_minutes(expected)}
        yield FigureReason("why_overtime", {**beyond, "minutes": format_minutes(day.worked - expected)})
    else:
        yield FigureReason("why_overtime_free", {"worked": format_minutes(day.worked)})
    if rule.least:
        yield FigureReason("why_overtime_least", {"minutes": format_minutes(rule.least)})
    if rule.most is not None:
        yield FigureReason("why_overtime_most", {"minutes": format_minutes(rule.most)})
    if rule.factor != 1:
        yield FigureReason("why_overtime_factor", {"factor": f"{rule.factor:g}"})


def _explain_credited(day: Day) -> Iterable[FigureReason]:
    return [FigureReason("why_credited", {"kind": day.leave})] if day.credited else []


def _clock(at: datetime | None) -> str:
    return "" if at is None else f"{at:%H:%M}"
