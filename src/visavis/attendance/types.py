"""What the parts of attendance exchange: employees, punches and leave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from visavis.plain import Plain

Direction = Literal["in", "out", "unspecified"]
Method = Literal["face", "pin", "badge", "administrator", "import"]
LeavePart = Literal["whole", "first_half", "second_half"]
RequestKind = Literal["punch", "correction", "void", "leave"]
RequestState = Literal["pending", "approved", "declined", "withdrawn"]


@dataclass(frozen=True, slots=True)
class Employee(Plain):
    """A person whose attendance is recorded.

    ``number`` is the employee number, by which payroll systems and every file name the person. ``person_id`` is the
    person in the gallery of the site; None: not enrolled. ``joined`` and ``left`` are the first and the last day of
    employment. ``manages`` names the departments whose requests the employee decides.
    """

    number: str
    name: str
    department: str = ""
    person_id: int | None = None
    joined: date | None = None
    left: date | None = None
    manages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Punch(Plain):
    """A punch as the ledger now has it: corrections are applied, void punches are left out.

    ``id`` is that of the record in the ledger, which stays when the punch is corrected. ``employee`` is the employee
    number. ``at`` has the offset that was in force at the place; ``zone`` is the name of its time zone (IANA).
    ``distance``, ``probability`` and ``liveness`` are those of the recognition, None without one.
    """

    id: str
    employee: str
    at: datetime
    zone: str
    direction: Direction = "unspecified"
    device: str = ""
    method: Method = "import"
    distance: float | None = None
    probability: float | None = None
    liveness: float | None = None


@dataclass(frozen=True, slots=True)
class Leave(Plain):
    """Approved leave of an employee, from ``first`` to ``last`` day, both included.

    ``kind`` is a name of the rules, such as "vacation", "sick" or "home" (work from home).
    """

    id: str
    employee: str
    kind: str
    first: date
    last: date
    part: LeavePart = "whole"


@dataclass(frozen=True, slots=True)
class Outage(Plain):
    """A time in which a device or the recognition failed: days that it touches are not called absent.

    ``device`` is empty where all devices failed.
    """

    device: str
    start: datetime
    end: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LedgerChange(Plain):
    """A record of the ledger about a punch, for programs that follow it.

    ``number`` grows with each record. ``punch`` is the punch as this record leaves it, None where it makes it void.
    """

    number: int
    kind: Literal["punch", "correction", "void", "restore"]
    punch_id: str
    punch: Punch | None


@dataclass(frozen=True, slots=True)
class LedgerRecord(Plain):
    """A record of the ledger with who wrote it, when (UTC), and why.

    ``punch`` is what the record says of a punch, also where it makes it void; None in a record of anything else, whose
    content is ``detail``.
    """

    number: int
    kind: str
    recorded: datetime
    actor: str
    reason: str
    employee: str | None = None
    punch: Punch | None = None
    detail: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class StaffRequest(Plain):
    """What an employee asks for, and what was decided.

    ``content`` depends on the kind: ``at`` and ``direction`` of a missing punch; ``punch_id`` and the right ``at`` or
    ``direction`` of a correction; ``punch_id`` of a punch that is not to count; ``kind``, ``first``, ``last`` and
    ``part`` of leave. Times are in UTC. ``decision`` is the reason that was given.
    """

    id: str
    employee: str
    kind: RequestKind
    content: dict[str, Any]
    reason: str
    state: RequestState
    created: datetime
    created_by: str
    decided: datetime | None = None
    decided_by: str = ""
    decision: str = ""


@dataclass(frozen=True, slots=True)
class Excuse(Plain):
    """A late arrival that was accepted: up to ``minutes`` of lateness on a day. The figures of the day stay."""

    employee: str
    day: date
    minutes: int
    reason: str
    actor: str


@dataclass(frozen=True, slots=True)
class Consent(Plain):
    """Consent of an employee to be recognized by the face: which version of the text, and on which day.

    ``recorded_by`` is who has recorded it. ``withdrawn`` is None as long as the consent holds.
    """

    employee: str
    text_version: str
    given: date
    recorded_by: str
    withdrawn: datetime | None = None
    withdrawn_by: str = ""


@dataclass(frozen=True, slots=True)
class Access(Plain):
    """Who looked at the attendance of an employee, or of all (``employee`` is empty)."""

    at: datetime
    actor: str
    action: str
    employee: str = ""


@dataclass(frozen=True, slots=True)
class ClosedMonth(Plain):
    """A month whose figures are frozen, or that was opened again; ``month`` is written YYYY-MM.

    ``last_record`` is the newest record of the ledger that the figures hold.
    """

    month: str
    state: Literal["closed", "open"]
    last_record: int
    changed: datetime
    changed_by: str
    reason: str = ""
