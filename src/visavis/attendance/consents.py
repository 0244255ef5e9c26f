"""Consent to be recognized by the face: given before a person is enrolled, and withdrawn at any time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from visavis.attendance.absences import new_id
from visavis.attendance.employees import find_employee, put_employees, read_employees
from visavis.attendance.ledger.writing import LedgerWriter
from visavis.attendance.local_time import make_time
from visavis.attendance.tables import CONSENTS
from visavis.attendance.tracked import put_row
from visavis.attendance.types import Consent
from visavis.errors import UsageError
from visavis.gallery.check_text import NAME_LENGTH, check_text
from visavis.images import shown


def give_consent(writer: LedgerWriter, employee: str, *, text_version: str, given: date) -> Consent:
    """Record the consent of an employee to a version of the text; return it.

    Raises UnknownNameError; UsageError where consent to this version holds already.
    """
    find_employee(writer.conn, employee)
    check_text(text_version, "a version of a text", most=NAME_LENGTH, one_line=True)
    if not text_version.strip():
        raise UsageError("consent needs the version of the text that the employee has agreed to.")
    if any(each.text_version == text_version for each in read_consents(writer.conn, employee, holding=True)):
        raise UsageError(f"employee {shown(employee)} has agreed to {shown(text_version)} already.")
    consent = Consent(employee, text_version, given, writer.actor)
    _put(writer, new_id(), consent, action="give consent")
    return consent


def withdraw_consents(writer: LedgerWriter, employee: str) -> list[Consent]:
    """Withdraw all consents of an employee that hold; return them."""
    find_employee(writer.conn, employee)
    rows = writer.conn.execute(_select(employee, holding=True)).all()
    withdrawn = []
    for row in rows:
        consent = replace(_read_row(row), withdrawn=make_time(writer.recorded), withdrawn_by=writer.actor)
        _put(writer, row.id, consent, action="withdraw consent")
        withdrawn.append(consent)
    return withdrawn


def link_person(writer: LedgerWriter, employee: str, person_id: int | None) -> None:
    """Say which person of the gallery an employee is; None: none.

    Raises UsageError for an employee without consent that holds, and for a person who is another employee.
    """
    if person_id is not None and not read_consents(writer.conn, employee, holding=True):
        raise UsageError(
            f"employee {shown(employee)} has given no consent: visavis attendance consent records it before a face is "
            "enrolled."
        )
    for other in read_employees(writer.conn) if person_id is not None else ():
        if other.person_id == person_id and other.number != employee:
            raise UsageError(f"person {person_id} is employee {shown(other.number)} already.")
    put_employees(writer, [replace(find_employee(writer.conn, employee), person_id=person_id)])


def read_consents(conn: Connection, employee: str, *, holding: bool = False) -> list[Consent]:
    """Return the consents of an employee, the oldest first; with ``holding`` only those that were not withdrawn."""
    return [_read_row(row) for row in conn.execute(_select(employee, holding=holding))]


def find_withdrawn(conn: Connection, employees: Iterable[str]) -> list[str]:
    """Return those employees who have withdrawn their consent, and given none again."""
    states: dict[str, bool] = {}
    for row in conn.execute(
        select(CONSENTS.c.employee, CONSENTS.c.withdrawn).where(CONSENTS.c.employee.in_(employees))
    ):
        states[row.employee] = states.get(row.employee, False) or row.withdrawn is None
    return sorted(employee for employee, holds in states.items() if not holds)


def _select(employee: str, *, holding: bool) -> Any:
    query = select(CONSENTS).where(CONSENTS.c.employee == employee).order_by(CONSENTS.c.given, CONSENTS.c.id)
    return query.where(CONSENTS.c.withdrawn.is_(None)) if holding else query


def _put(writer: LedgerWriter, consent_id: str, consent: Consent, *, action: str) -> None:
    row = {"id": consent_id, **consent.to_dict()}
    put_row(writer, CONSENTS, row, action=action, employee=consent.employee)


def _read_row(row: Row[Any]) -> Consent:
    return Consent(
        row.employee,
        row.text_version,
        date.fromisoformat(row.given),
        row.recorded_by,
        None if row.withdrawn is None else datetime.fromisoformat(row.withdrawn),
        row.withdrawn_by,
    )
