"""The shifts of a day, and leave, become the status and the figures of the day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from visavis.attendance.days.hours import count_overtime
from visavis.attendance.days.types import CODES, Day, DayPart, DayStatus, Note, make_day
from visavis.attendance.rules.schedule import DayPlan
from visavis.attendance.rules.types import LeaveKind, Rules
from visavis.attendance.types import Employee, Leave


class DayLeave(NamedTuple):
    """Leave on a workday: ``half`` is ``first_half``, ``second_half`` or empty.

    ``kind`` is None without leave, and for leave of a kind that the rules do not have, which has a ``name``.
    """

    kind: LeaveKind | None
    half: str = ""
    name: str = ""

    @property
    def is_unknown(self) -> bool:
        """Whether the rules do not say what the leave is."""
        return self.kind is None and bool(self.name)

    @property
    def share(self) -> float:
        """The part of the day that is leave."""
        return 0.0 if self.kind is None else 0.5 if self.half else 1.0

    def of_shift(self, number: int, count: int) -> str:
        """Return the part of a shift that is leave, by its number among the shifts of the day.

        Of two shifts the first half of the day is the first: ``whole``.
        """
        before = number if self.half == "first_half" else count - 1 - number
        if not self.half or 2 * before >= count:
            return ""
        return "whole" if 2 * before + 2 <= count else self.half


NO_LEAVE = DayLeave(None)
WITHOUT_SHIFT: Mapping[str, DayStatus] = {"holiday": "holiday", "off": "off", "unassigned": "undecided"}
SHARES: Mapping[str, float] = {"present": 1.0, "half_day": 0.5, "absent": 0.0}
"""The part of a day in which an employee was present, by status."""


def read_leave(leaves: Sequence[Leave], plan: DayPlan, rules: Rules) -> DayLeave:
    """Return the leave of a workday; two halves are a whole day, of the kind of the first half."""
    if plan.kind != "workday" or not leaves:
        return NO_LEAVE
    own = sorted(
        (leave for leave in leaves if leave.first <= plan.day <= leave.last),
        key=lambda leave: (leave.part != "whole", leave.part, leave.id),
    )
    if not own:
        return NO_LEAVE
    kind = rules.leave.get(own[0].kind)
    if kind is None:
        return DayLeave(None, name=own[0].kind)
    whole = own[0].part == "whole" or {leave.part for leave in own} >= {"first_half", "second_half"}
    return DayLeave(kind, "" if whole else own[0].part, kind.name)


def make_unemployed(employee: Employee, day: date, outside: tuple[str, ...]) -> Day:
    """Return a day before an employee joined or after they left."""
    notes: tuple[Note, ...] = ("outside",) if outside else ()
    return make_day(
        employee.number, day, "not_employed", "not_employed", CODES["not_employed"], 0, 0, 0, 0, 0, 0, 0.0, 0.0, 0.0,
        "", "", None, (), outside, notes,
    )  # fmt: skip


def combine(
    employee: Employee, plan: DayPlan, parts: tuple[DayPart, ...], leave: DayLeave, outside: tuple[str, ...]
) -> Day:
    """Return the day of its parts."""
    status, present, absent = _decide(plan, parts, leave)
    decided = status not in ("undecided", "pending")
    worked = expected = late = early = 0
    for part in parts:
        worked += part.worked
        expected += part.planned
        late += part.late
        early += part.early
    whole_leave = leave.kind is not None and not leave.half
    code = leave.kind.code if leave.kind is not None and status in ("home", "leave") else CODES[status]
    return make_day(
        employee.number,
        plan.day,
        plan.kind,
        status,
        code,
        plan.planned,
        worked,
        _credit(plan, leave, worked, expected) if decided else 0,
        0 if whole_leave else late,
        0 if whole_leave else early,
        0 if whole_leave else _overtime(plan, worked, expected),
        present,
        leave.share if decided and not (leave.kind and leave.kind.works) else 0.0,
        absent,
        leave.name,
        plan.holiday,
        plan.version.start,
        parts,
        outside,
        _collect_notes(plan, parts, outside, leave, works=whole_leave and bool(worked)),
    )


def _decide(plan: DayPlan, parts: tuple[DayPart, ...], leave: DayLeave) -> tuple[DayStatus, float, float]:
    """Return the status of a day, and the parts of it in which the employee was present and absent."""
    if plan.kind != "workday":
        return WITHOUT_SHIFT[plan.kind], 0.0, 0.0
    works = leave.kind is not None and leave.kind.works
    if leave.is_unknown:
        return "undecided", 0.0, 0.0
    share = leave.share
    if share == 1:
        return ("home", 1.0, 0.0) if works else ("leave", 0.0, 0.0)
    status = parts[0].status if len(parts) == 1 else _join([part.status for part in parts if part.status != "leave"])
    if status in ("undecided", "pending"):
        return status, 0.0, 0.0
    attended = SHARES[status] * (1 - share)
    absent = 1 - share - attended
    if share:
        status = "present" if works and not absent else "half_day"
    return status, attended + (share if works else 0.0), absent


def _join(statuses: Sequence[DayStatus]) -> DayStatus:
    """Return the status of several shifts: what is not decided of any, else that of all, else half a day."""
    for status in ("undecided", "pending"):
        if status in statuses:
            return status
    return statuses[0] if len(set(statuses)) == 1 else "half_day"


def _credit(plan: DayPlan, leave: DayLeave, worked: int, expected: int) -> int:
    """Return the minutes that leave credits: what is planned for that time, less what was worked in it."""
    if leave.kind is None or not (leave.kind.paid or leave.kind.works):
        return 0
    if leave.half:
        return plan.planned - expected
    return max(0, plan.planned - worked)


def _overtime(plan: DayPlan, worked: int, expected: int) -> int:
    rules = plan.version.overtime
    if plan.kind == "workday":
        return count_overtime(worked - expected, rules.workday)
    if plan.kind == "unassigned":
        return 0
    return count_overtime(worked, rules.holiday if plan.kind == "holiday" else rules.off)


def _collect_notes(
    plan: DayPlan, parts: tuple[DayPart, ...], outside: tuple[str, ...], leave: DayLeave, *, works: bool
) -> tuple[Note, ...]:
    notes: dict[Note, None] = {}
    for part in parts:
        for note in part.notes:
            notes[note] = None
    if plan.kind == "unassigned":
        notes["no_shift"] = None
    if works:
        notes["on_leave"] = None
    if leave.is_unknown:
        notes["unknown_leave"] = None
    if outside:
        notes["outside"] = None
    return tuple(notes)
