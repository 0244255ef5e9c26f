"""Why a day has its figures: its punches, the rule that applied and the arithmetic, in lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from visavis.attendance.days.types import Day, DayPart, DeductionReason, Note

DEDUCTIONS: Mapping[DeductionReason, str] = {
    "rounded_arrival": "the arrival is rounded",
    "rounded_departure": "the departure is rounded",
    "before_shift": "time before the shift does not count",
    "after_shift": "time after the shift does not count",
    "break": "worked in a fixed break",
    "automatic_break": "automatic break",
    "paid_break": "paid break between punches",
    "rounded_worked": "the sum is rounded",
}
NOTES: Mapping[Note, str] = {
    "missing_in": "A departure has no arrival: a punch is missing.",
    "missing_out": "An arrival has no departure: a punch is missing.",
    "no_direction": "A punch says neither in nor out, and the rules need it.",
    "double_punch": "A double punch was left out.",
    "automatic_checkout": "The departure is automatic.",
    "outside": "A punch is outside of the time of every shift.",
    "outage": "A device or the recognition failed in the time of the shift: no absence and no lateness follows.",
    "no_shift": "No assignment of the rules has the employee on this day.",
    "on_leave": "The employee worked during leave.",
    "unknown_leave": "The rules do not have this kind of leave.",
    "doubtful_face": "A face was recognized with too low a probability to decide anything.",
    "erased": "The punches of this day are older than the site keeps them: nothing can be computed of it any more.",
}


def explain(day: Day) -> list[str]:
    """Return lines that say where each figure of a day comes from."""
    return list(_explain(day))


def format_minutes(minutes: int) -> str:
    """Format minutes as hours and minutes: ``7:42``, ``-0:15``."""
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else ''}{hours}:{rest:02}"


def _explain(day: Day) -> Iterator[str]:
    rules = f", rules from {day.rules}" if day.rules else ""
    holiday = f", {day.holiday}" if day.holiday else ""
    yield f"{day.day} {day.employee}: {day.status} {format_minutes(day.worked)} ({day.kind}{holiday}{rules})"
    for part in day.parts:
        yield from _explain_part(part)
    if len(day.parts) > 1:
        terms = " + ".join(format_minutes(part.worked) for part in day.parts)
        yield f"worked: {terms} = {format_minutes(day.worked)}"
    if day.leave and "unknown_leave" not in day.notes:
        share = "half of the day is" if any(0 < value < 1 for value in (day.on_leave, day.present)) else "the day is"
        yield f"{share} leave ({day.leave}): {format_minutes(day.credited)} credited"
    if day.overtime:
        yield f"overtime that counts: {format_minutes(day.overtime)}"
    if day.outside:
        yield f"outside of every shift: {', '.join(day.outside)}"
    yield from (NOTES[note] for note in day.notes)


def _explain_part(part: DayPart) -> Iterator[str]:
    if part.start is not None and part.end is not None:
        yield f"{part.shift} {_clock(part.start)} to {_clock(part.end)}: {format_minutes(part.planned)} planned"
    for interval in part.intervals:
        leaves = f" ({interval.departure_id})" if interval.departure_id else " (automatic)"
        yield (
            f"  {_clock(interval.arrival)} ({interval.arrival_id}) to {_clock(interval.departure)}{leaves}: "
            f"{format_minutes(interval.minutes)}"
        )
    for deduction in part.deductions:
        yield f"  {DEDUCTIONS[deduction.reason]}: {format_minutes(-deduction.minutes)}"
    if part.intervals:
        yield f"  worked: {format_minutes(part.worked)}"
    if part.late:
        yield f"  late: {format_minutes(part.late)}"
    if part.early:
        yield f"  left early: {format_minutes(part.early)}"
    if part.unpaired:
        yield f"  without the other punch of its pair: {', '.join(part.unpaired)}"
    if part.doubles:
        yield f"  double punches: {', '.join(part.doubles)}"


def _clock(at: datetime) -> str:
    return f"{at:%H:%M}"
