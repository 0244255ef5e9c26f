"""A computed day, with everything that its figures came from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from visavis.attendance.constructors import compile_constructor
from visavis.attendance.rules.types import DayKind
from visavis.plain import Plain

DayStatus = Literal[
    "present", "half_day", "absent", "home", "leave", "holiday", "off", "undecided", "pending", "not_employed",
    "erased",
]  # fmt: skip
CODES = {
    "present": "P", "half_day": "HD", "absent": "A", "home": "WFH", "leave": "L", "holiday": "H", "off": "WO",
    "undecided": "?", "pending": "", "not_employed": "", "erased": "E",
}  # fmt: skip
"""Codes of the month matrix; leave has that of its kind."""
DeductionReason = Literal[
    "rounded_arrival", "rounded_departure", "before_shift", "after_shift", "break", "automatic_break", "paid_break",
    "rounded_worked",
]  # fmt: skip
Note = Literal[
    "missing_in", "missing_out", "no_direction", "double_punch", "automatic_checkout", "outside", "outage",
    "no_shift", "on_leave", "unknown_leave", "doubtful_face", "erased",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class WorkedInterval(Plain):
    """Time between an arrival and a departure; seconds of punches are cut off.

    ``arrival_id`` and ``departure_id`` are the punches; the departure has none where it is automatic.
    """

    arrival: datetime
    departure: datetime
    minutes: int
    arrival_id: str
    departure_id: str


@dataclass(frozen=True, slots=True)
class Deduction(Plain):
    """Minutes that are not counted as work, and why; negative where they are added."""

    reason: DeductionReason
    minutes: int


@dataclass(frozen=True, slots=True)
class DayPart(Plain):
    """A shift of a day, or all of a day without a shift (``shift`` is empty).

    ``worked`` is the sum of the intervals less the deductions, ``planned`` what the shift asks for, both in minutes.
    ``unpaired`` are the ids of punches without the other of their pair, ``doubles`` those of double punches, ``open``
    that of an arrival whose departure may still come.
    """

    shift: str
    start: datetime | None
    end: datetime | None
    status: DayStatus
    planned: int
    worked: int
    late: int
    early: int
    intervals: tuple[WorkedInterval, ...]
    deductions: tuple[Deduction, ...]
    unpaired: tuple[str, ...]
    doubles: tuple[str, ...]
    notes: tuple[Note, ...]
    open: str = ""


@dataclass(frozen=True, slots=True)
class Day(Plain):
    """A day of an employee.

    Times are in minutes: ``planned``, ``worked``, ``credited`` (by paid leave), ``late``, ``early`` and ``overtime``
    (what is worked beyond what is planned for the time without leave, as far as the rules count it).
    ``present``, ``on_leave`` and ``absent`` are parts of the day that sum to 1 on a workday that is decided, else to 0.
    ``rules`` is the day from which the version of the rules applies. ``outside`` are the ids of punches of this date
    that belong to no shift.
    """

    employee: str
    day: date
    kind: DayKind
    status: DayStatus
    code: str
    planned: int
    worked: int
    credited: int
    late: int
    early: int
    overtime: int
    present: float
    on_leave: float
    absent: float
    leave: str
    holiday: str
    rules: date | None
    parts: tuple[DayPart, ...]
    outside: tuple[str, ...]
    notes: tuple[Note, ...]

    @property
    def arrival(self) -> datetime | None:
        """Return the first arrival that belongs to a pair."""
        return next((interval.arrival for part in self.parts for interval in part.intervals), None)

    @property
    def departure(self) -> datetime | None:
        """Return the last departure that belongs to a pair."""
        return next((part.intervals[-1].departure for part in reversed(self.parts) if part.intervals), None)


make_interval, make_deduction = compile_constructor(WorkedInterval), compile_constructor(Deduction)
make_part, make_day = compile_constructor(DayPart), compile_constructor(Day)
