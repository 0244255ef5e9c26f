"""Punches of a kiosk: each is recorded once, with a direction that follows from the last one, and can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection

from visavis.attendance.consents import read_consents
from visavis.attendance.employees import find_employee, read_employees
from visavis.attendance.kiosk.types import UNDO_SECONDS, KioskAnswer, KioskState
from visavis.attendance.ledger.ledger import check_employees, read_employee_punches, read_punch_records, void_punch
from visavis.attendance.ledger.records import PUNCH, VOID, check_punch, describe_punch
from visavis.attendance.local_time import check_time
from visavis.attendance.presence import LONGEST_STAY, LOOK_BACK, Devices, find_present
from visavis.attendance.rules.read import read_rules
from visavis.attendance.rules.schedule import Planner
from visavis.attendance.rules.types import DEFAULT_COOLDOWN
from visavis.attendance.site import Site
from visavis.attendance.types import Direction, Employee, LedgerRecord, Method, Punch
from visavis.errors import AttendanceError, UnknownNameError, UsageError
from visavis.plain import Plain

UNDO_GRACE = 5
"""Seconds that the request may take in addition."""
UNDONE = "undone at the kiosk"
MOMENT = timedelta(microseconds=1)

PersonState = Literal["stranger", "no_consent", "not_employed"]


@dataclass(frozen=True, slots=True)
class KioskPunch(Plain):
    """A punch with the name to show; ``is_repeat`` where it was recorded before, and nothing was added."""

    punch: Punch
    name: str
    is_repeat: bool

    def describe(self) -> KioskAnswer:
        """Return the answer to the kiosk."""
        state: KioskState = "already" if self.is_repeat else "recorded"
        return KioskAnswer(state, self.punch.id, self.name, self.punch.at, self.punch.direction)


@dataclass(frozen=True, slots=True)
class KioskOrder:
    """A punch to record: ``id`` is chosen by the kiosk, so that it can be sent again. ``at`` is an aware time.

    ``direction`` None follows from the last punch. ``note`` is for the ledger.
    """

    id: str
    at: datetime
    method: Method
    direction: Literal["in", "out"] | None = None
    distance: float | None = None
    probability: float | None = None
    liveness: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class DoorRules:
    """What a kiosk takes from the rules: the ``cooldown`` in seconds, and the entrances and exits."""

    cooldown: int = DEFAULT_COOLDOWN
    devices: Devices = field(default_factory=dict)


def find_recognized(conn: Connection, person_id: int, at: datetime, zone: str) -> Employee | PersonState:
    """Return the employee who is a person of the gallery, or why that person may not punch by the face.

    Two employees who are the same person in the gallery are refused: which is meant is not known.
    """
    employees = [employee for employee in read_employees(conn) if employee.person_id == person_id]
    if len(employees) != 1:
        return "stranger"
    (employee,) = employees
    if not read_consents(conn, employee.number, holding=True):
        return "no_consent"
    return employee if is_employed(employee, at, zone) else "not_employed"


def is_employed(employee: Employee, at: datetime, zone: str) -> bool:
    """Return whether an employee is employed on the day of a time in a zone."""
    day = check_time(at, zone).date()
    return (employee.joined is None or employee.joined <= day) and (employee.left is None or day <= employee.left)


def record_punch(site: Site, employee: str, order: KioskOrder, *, kiosk: str) -> KioskPunch:
    """Record a punch of an employee at a kiosk, unless it was recorded before, or repeats another one.

    A punch within the cooldown of the rules of another one, of any device, repeats it, unless it is known to have the
    opposite direction: because it is chosen, or the kiosk is an entrance or an exit. Raises UsageError for an id with
    which something else was recorded, for an employee who is not employed on the day, and for a face without consent;
    UnknownNameError for an employee who is not there.
    """
    rules = read_door_rules(site, order.at)
    cooldown = timedelta(seconds=rules.cooldown)
    with site.ledger.write(actor=kiosk) as writer:
        conn = writer.conn
        person = find_employee(conn, employee)
        records = read_punch_records(conn, order.id)
        if records:
            return KioskPunch(_find_same(records, employee, kiosk), person.name, is_repeat=True)
        if not is_employed(person, order.at, site.zone):
            raise UsageError("this employee is not employed on this day.")
        if order.method == "face" and not read_consents(conn, employee, holding=True):
            raise UsageError("this employee has given no consent to be recognized by the face.")
        near = read_employee_punches(conn, employee, order.at - cooldown, order.at + cooldown + MOMENT)
        certain = order.direction or rules.devices.get(kiosk)
        repeated = _find_repeated(near, order.at, certain, rules.devices)
        if repeated is not None:
            return KioskPunch(repeated, person.name, is_repeat=True)
        direction = certain or follow_last_punch(conn, person, order.at, rules.devices)
        punch = check_punch(
            Punch(
                order.id, employee, order.at, site.zone, direction, kiosk, order.method,
                order.distance, order.probability, order.liveness,
            )
        )  # fmt: skip
        check_employees(conn, [punch])
        notes = [order.note, "" if certain else "direction by the last punch"]
        writer.append(PUNCH, describe_punch(punch), reason="; ".join(filter(None, notes)))
    return KioskPunch(punch, person.name, is_repeat=False)


def follow_last_punch(conn: Connection, employee: Employee, at: datetime, devices: Devices) -> Direction:
    """Return the direction that follows from the punches before a time: out for who is in, else in.

    "unspecified" where it is not known whether the employee is in, and where the employee has later punches: the clock
    was set back, or they were recorded while this one waited. ``devices`` are the entrances and exits.
    """
    if read_employee_punches(conn, employee.number, at + MOMENT, at + LOOK_BACK):
        return "unspecified"
    punches = read_employee_punches(conn, employee.number, at - LOOK_BACK, at)
    present = find_present([employee], punches, at, devices)
    if not present or at - present[0].since >= LONGEST_STAY:
        return "in"
    return "out" if present[0].state == "in" else "unspecified"


def undo_punch(site: Site, punch_id: str, *, kiosk: str) -> Punch:
    """Make a punch void that this kiosk has just recorded, if it is the last one of the employee; return it.

    Undoing it again changes nothing. Raises UnknownNameError for a punch of another kiosk, as for none; UsageError
    where it is too late, or the punch has changed.
    """
    with site.ledger.write(actor=kiosk) as writer:
        records = read_punch_records(writer.conn, punch_id)
        punch = records[0].punch if records else None
        if punch is None or punch.device != kiosk or records[0].actor != kiosk:
            raise UnknownNameError("this kiosk has recorded no such punch.")
        if records[-1].kind == VOID and records[-1].reason == UNDONE:
            return punch
        if len(records) > 1:
            raise UsageError("this punch was changed meanwhile: it is not undone.")
        age = (datetime.fromtimestamp(writer.recorded / 1e6, records[0].recorded.tzinfo)) - records[0].recorded
        if age > timedelta(seconds=UNDO_SECONDS + UNDO_GRACE):
            raise UsageError("it is too late to undo this punch: ask for a correction.")
        later = read_employee_punches(writer.conn, punch.employee, punch.at + MOMENT, punch.at + LOOK_BACK)
        if later:
            raise UsageError("there is a later punch: this one is not undone.")
        return void_punch(writer, punch_id, reason=UNDONE)


def read_door_rules(site: Site, at: datetime) -> DoorRules:
    """Return the rules of a site that are in force at a time; the defaults without any that can be read."""
    try:
        planner = Planner(read_rules(site.rules_path, zone=site.zone))
        version = planner.version(check_time(at, site.zone).date())
    except (UsageError, AttendanceError):  # the door works without; reports say what is wrong
        return DoorRules()
    return DoorRules(version.cooldown, version.devices)


def _find_same(records: list[LedgerRecord], employee: str, kiosk: str) -> Punch:
    """Return the punch of records if the same kiosk has recorded it for the same employee; else UsageError."""
    first, last = records[0].punch, records[-1].punch
    if first is None or last is None or (first.employee, first.device) != (employee, kiosk):
        raise UsageError("another punch was recorded with this id.")
    return last


def _find_repeated(near: Sequence[Punch], at: datetime, direction: Direction | None, devices: Devices) -> Punch | None:
    """Return which of the punches within the cooldown, by time, a punch repeats; None: none.

    ``direction`` is that of the punch, None where it is not known: then it repeats the nearest. Else it repeats that
    before it, or that after it, unless they have the opposite direction.
    """
    before = [punch for punch in near if punch.at <= at]
    after = [punch for punch in near if punch.at > at]
    neighbors = sorted([*before[-1:], *after[:1]], key=lambda punch: abs(punch.at - at))
    for punch in neighbors:
        of_punch = punch.direction if punch.direction != "unspecified" else devices.get(punch.device)
        if direction is None or of_punch in (None, direction):
            return punch
    return None
