"""Requests of employees for corrections and leave, which a manager of the department decides.

What is approved is done in the transaction that says so: a punch is added, corrected or made void, or leave is added.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from visavis.attendance.absences import add_leave, check_leave, new_id
from visavis.attendance.employees import find_employee
from visavis.attendance.ledger.ledger import correct_punch, find_punch, new_punch_id, void_punch
from visavis.attendance.ledger.records import PUNCH, check_punch, describe_punch
from visavis.attendance.ledger.writing import LedgerWriter
from visavis.attendance.local_time import make_time
from visavis.attendance.tables import REQUESTS
from visavis.attendance.tracked import put_row
from visavis.attendance.types import Leave, LeavePart, Punch, RequestKind, StaffRequest
from visavis.errors import UnknownNameError, UsageError
from visavis.gallery.check_text import TEXT_LENGTH, check_text
from visavis.images import shown
from visavis.structured_text import parse_json

PENDING: Final = "pending"


def add_request(
    writer: LedgerWriter, employee: str, kind: RequestKind, content: Mapping[str, Any], *, reason: str, zone: str
) -> StaffRequest:
    """Add a request that waits for a decision; return it.

    Raises UsageError for what cannot be approved, such as leave that overlaps other leave, and for a punch of another
    employee; UnknownNameError for an employee or a punch that does not exist.
    """
    find_employee(writer.conn, employee)
    check_text(reason, "a reason", most=TEXT_LENGTH)
    if not reason.strip():
        raise UsageError("a request needs a reason.")
    request = StaffRequest(
        str(writer.head.number + 1),  # of the record that will hold it: short, and never given again
        employee,
        kind,
        {**content},
        reason,
        PENDING,
        make_time(writer.recorded),
        writer.actor,
    )
    _check(writer.conn, request, zone)
    _put(writer, request, action="request")
    return request


def decide_request(
    writer: LedgerWriter, request_id: str, *, approve: bool, manager: str | None, reason: str, zone: str
) -> StaffRequest:
    """Approve or decline a request; return it as it is then.

    ``manager`` is the number of the employee who decides, None for an administrator of the site. Raises UsageError for
    a request that was decided, for a manager of other departments, and for employees who decide on themselves;
    UnknownNameError where there is no such request or employee.
    """
    request = find_request(writer.conn, request_id)
    if request.state != PENDING:
        raise UsageError(f"request {request_id} was {request.state} by {request.decided_by} already.")
    if manager is not None:
        check_manager(writer.conn, manager, request.employee)
    if approve:
        _check(writer.conn, request, zone)
        _apply(writer, request, zone)
    decided = replace(
        request,
        state="approved" if approve else "declined",
        decided=make_time(writer.recorded),
        decided_by=writer.actor,
        decision=check_text(reason, "a reason", most=TEXT_LENGTH),
    )
    _put(writer, decided, action="approve" if approve else "decline")
    return decided


def withdraw_request(writer: LedgerWriter, request_id: str) -> StaffRequest:
    """Withdraw a request that waits; return it. Raises UnknownNameError, UsageError where it was decided."""
    request = find_request(writer.conn, request_id)
    if request.state != PENDING:
        raise UsageError(f"request {request_id} was {request.state} by {request.decided_by} already.")
    decided = replace(request, state="withdrawn", decided=make_time(writer.recorded), decided_by=writer.actor)
    _put(writer, decided, action="withdraw")
    return decided


def check_manager(conn: Connection, manager: str, employee: str) -> None:
    """Raise UsageError unless an employee manages the department of another; UnknownNameError."""
    decider, asking = find_employee(conn, manager), find_employee(conn, employee)
    if manager == employee:
        raise UsageError("employees do not decide on their own requests.")
    if not asking.department or asking.department not in decider.manages:
        raise UsageError(
            f"{shown(manager)} does not manage the department {shown(asking.department)}: the column manages of "
            "visavis attendance import-people says who does."
        )


def read_requests(
    conn: Connection, *, pending: bool = False, employee: str | None = None, manager: str | None = None
) -> list[StaffRequest]:
    """Return requests, the oldest first: only those that wait, of an employee, or that a manager decides."""
    query = select(REQUESTS).order_by(REQUESTS.c.created, REQUESTS.c.id)
    if pending:
        query = query.where(REQUESTS.c.state == PENDING)
    if employee is not None:
        query = query.where(REQUESTS.c.employee == employee)
    requests = [_read_row(row) for row in conn.execute(query)]
    if manager is None:
        return requests
    manages = find_employee(conn, manager).manages
    departments = {asking: find_employee(conn, asking).department for asking in {each.employee for each in requests}}
    return [each for each in requests if each.employee != manager and departments[each.employee] in manages]


def find_request(conn: Connection, request_id: str) -> StaffRequest:
    """Return a request; UnknownNameError where there is none with that id."""
    row = conn.execute(select(REQUESTS).where(REQUESTS.c.id == request_id)).one_or_none()
    if row is None:
        raise UnknownNameError(f"there is no request {shown(request_id)}: visavis attendance requests lists all.")
    return _read_row(row)


def _check(conn: Connection, request: StaffRequest, zone: str) -> None:
    """Raise UsageError or UnknownNameError where a request cannot be approved."""
    if request.kind == "leave":
        check_leave(conn, _make_leave(request))
    elif request.kind == "punch":
        check_punch(_make_punch(request, zone))
    else:
        punch = find_punch(conn, request.content["punch_id"])
        if punch.employee != request.employee:
            raise UsageError(f"punch {punch.id} is of another employee.")
        check_punch(replace(punch, **_read_changes(request)))


def _apply(writer: LedgerWriter, request: StaffRequest, zone: str) -> None:
    reason = f"request {request.id}: {request.reason}"
    if request.kind == "leave":
        add_leave(writer, replace(_make_leave(request), id=new_id()), reason=reason)
    elif request.kind == "punch":
        punch = replace(_make_punch(request, zone), id=new_punch_id())
        writer.append(PUNCH, describe_punch(check_punch(punch)), reason=reason)
    elif request.kind == "void":
        void_punch(writer, request.content["punch_id"], reason=reason)
    else:
        correct_punch(writer, request.content["punch_id"], reason=reason, changes=_read_changes(request))


def _make_leave(request: StaffRequest) -> Leave:
    """Return the leave that is asked for; it gets an id of its own when it is approved."""
    content = request.content
    first, last = date.fromisoformat(content["first"]), date.fromisoformat(content["last"])
    part: LeavePart = content["part"]
    return Leave("requested", request.employee, content["kind"], first, last, part)


def _make_punch(request: StaffRequest, zone: str) -> Punch:
    """Return the punch that was missing; it gets an id of its own when it is approved."""
    at = datetime.fromisoformat(request.content["at"])
    return Punch("requested", request.employee, at, zone, request.content["direction"], "", "administrator")


def _read_changes(request: StaffRequest) -> dict[str, Any]:
    content = request.content
    changes = {"at": datetime.fromisoformat(content["at"])} if content.get("at") else {}
    return {**changes, **({"direction": content["direction"]} if content.get("direction") else {})}


def _put(writer: LedgerWriter, request: StaffRequest, *, action: str) -> None:
    values = request.to_dict()
    row = {**values, "content": json.dumps(values["content"], ensure_ascii=False, sort_keys=True)}
    put_row(writer, REQUESTS, row, action=action, employee=request.employee, reason=request.decision)


def _read_row(row: Row[Any]) -> StaffRequest:
    return StaffRequest(
        row.id,
        row.employee,
        row.kind,
        parse_json(row.content),
        row.reason,
        row.state,
        datetime.fromisoformat(row.created),
        row.created_by,
        None if row.decided is None else datetime.fromisoformat(row.decided),
        row.decided_by,
        row.decision,
    )
