"""The class PunchLedger: punches are added, corrected, made void and restored; the punches as they now are."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import chain
from operator import attrgetter, lt
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, literal_column, select

from visavis.attendance import tables
from visavis.attendance.consents import find_withdrawn
from visavis.attendance.database import AttendanceDatabase
from visavis.attendance.ledger.chain import LedgerKey
from visavis.attendance.ledger.head import HeadFile
from visavis.attendance.ledger.records import (
    CORRECTION,
    EVENT,
    OF_PUNCHES,
    PUNCH,
    PUNCH_COLUMNS,
    RESTORE,
    VOID,
    check_punch,
    describe_punch,
    make_punches,
    read_punch,
    read_record,
)
from visavis.attendance.ledger.verify import LedgerFault, find_faults
from visavis.attendance.ledger.writing import LedgerWriter, write_ledger
from visavis.attendance.local_time import count_microseconds
from visavis.attendance.types import Direction, LedgerChange, LedgerRecord, Punch
from visavis.errors import UnknownNameError, UsageError
from visavis.garbage import pause_collection
from visavis.images import shown

RECORDS = tables.RECORDS
LATER = RECORDS.alias("later")
IS_CHANGE = LATER.c.kind != literal_column(f"'{PUNCH}'")
"""Records that replace what is recorded of a punch: few. Written as in their index, which is used for it."""
AT_A_TIME = 2000
"""Punches of a transaction, and values of a statement."""

FETCHED = 5000
"""Rows that are fetched at a time: one by one takes twice as long."""

PunchKey = tuple[str, int, str]
"""Employee, microseconds since 1970, and direction of a punch."""


def new_punch_id() -> str:
    """Return an id that no other punch has.

    It begins with the time: ids that are added one after the other lie side by side in the index of the database.
    """
    return f"{time.time_ns() // 1000:014x}{secrets.token_hex(9)}"


class PunchLedger:
    """The ledger of a site: records that are added, and never changed.

    The newest record of a punch says what it is. Programs that follow the ledger read :meth:`changes`.
    """

    def __init__(self, database: AttendanceDatabase, key: LedgerKey, head_file: HeadFile) -> None:
        self._database, self._key, self.head_file = database, key, head_file

    def write(self, *, actor: str) -> AbstractContextManager[LedgerWriter]:
        """Begin a transaction that adds records in the name of ``actor``."""
        return write_ledger(self._database, self._key, self.head_file, actor=actor)

    # Punches

    def add(self, punches: Iterable[Punch], *, actor: str, reason: str = "") -> list[Punch]:
        """Add punches, all or none; return those that are new.

        A punch whose id is in the ledger with the same values is left out, so that a punch can be sent again after a
        failure. Raises UsageError for an id with other values, and for values that no punch has; UnknownNameError for
        an employee who is not known.
        """
        checked = [check_punch(punch) for punch in punches]
        with self.write(actor=actor) as writer:
            check_employees(writer.conn, checked)
            stored = _read_originals(writer.conn, [punch.id for punch in checked])
            added: dict[str, Punch] = {}
            for punch in checked:
                before = stored.get(punch.id) or added.get(punch.id)
                if before is None:
                    added[punch.id] = punch
                elif before != punch:
                    raise UsageError(f"there is another punch with the id {shown(punch.id)}.")
            writer.append_all(PUNCH, map(describe_punch, added.values()), reason=reason)
        return [*added.values()]

    def add_new_times(self, punches: Sequence[Punch], *, actor: str, reason: str = "") -> int:
        """Add punches unless the employee has one of the same time and direction, also a void one; return how many.

        So a file can be imported again. Transactions hold ``AT_A_TIME`` punches each. Raises as :meth:`add`.
        """
        added = 0
        for start in range(0, len(punches), AT_A_TIME):
            part = [check_punch(punch) for punch in punches[start : start + AT_A_TIME]]
            with self.write(actor=actor) as writer:
                check_employees(writer.conn, part)
                keyed = {_make_key(punch): punch for punch in reversed(part)}
                stored = _read_keys(writer.conn, keyed)
                new = [punch for key, punch in keyed.items() if key not in stored]
                new.sort(key=lambda punch: (punch.at, punch.id))
                writer.append_all(PUNCH, map(describe_punch, new), reason=reason)
                added += len(new)
        return added

    def correct(
        self,
        punch_id: str,
        *,
        reason: str,
        actor: str,
        at: datetime | None = None,
        direction: Direction | None = None,
        employee: str | None = None,
    ) -> Punch:
        """Correct a punch by a record that replaces what is given; return the punch as it is then.

        Raises UnknownNameError where there is no such punch or employee; UsageError for a punch that is void, for no
        reason, and where nothing would change.
        """
        with self.write(actor=actor) as writer:
            return correct_punch(
                writer, punch_id, reason=reason, changes={"at": at, "direction": direction, "employee": employee}
            )

    def void(self, punch_id: str, *, reason: str, actor: str) -> Punch:
        """Make a punch void: it does not count until it is restored. Returns what it was; raises as :meth:`correct`."""
        with self.write(actor=actor) as writer:
            return void_punch(writer, punch_id, reason=reason)

    def restore(self, punch_id: str, *, reason: str, actor: str) -> Punch:
        """Restore a punch that is void; return it. Raises UnknownNameError; UsageError where it is not void."""
        with self.write(actor=actor) as writer:
            punch, kind = _read_newest(writer.conn, punch_id)
            if kind != VOID:
                raise UsageError(f"punch {punch_id} is not void.")
            writer.append(RESTORE, describe_punch(punch), reason=_require_reason(reason))
        return punch

    # Reading

    def punches(
        self, start: datetime | None, end: datetime | None, employees: Collection[str] | None = None
    ) -> list[Punch]:
        """Return the punches as they now are, from ``start`` up to but without ``end``, by time and id."""
        with self._database.read() as conn:
            if employees is None:
                return _read_punches(conn, _select_now(start, end))
            parts = _split(sorted({*employees}))
            punches = [
                _read_punches(conn, _select_now(start, end).where(RECORDS.c.employee.in_(part))) for part in parts
            ]
        return punches[0] if len(punches) == 1 else sorted(chain(*punches), key=attrgetter("at", "id"))

    def punch(self, punch_id: str) -> Punch:
        """Return a punch as it now is; UnknownNameError where there is none, UsageError where it is void."""
        with self._database.read() as conn:
            return find_punch(conn, punch_id)

    def newest(self) -> int:
        """Return the number of the newest record; 0 for an empty ledger."""
        with self._database.read() as conn:
            return int(conn.execute(select(func.max(RECORDS.c.number))).scalar() or 0)

    def oldest(self, employee: str) -> int:
        """Return the number of the oldest record about an employee that was not erased; 0 where there is none.

        It tells an employee from another one who had the number before, and was erased.
        """
        query = select(func.min(RECORDS.c.number)).where(RECORDS.c.employee == employee, _is_whole())
        with self._database.read() as conn:
            return int(conn.execute(query).scalar() or 0)

    def changes(self, after: int = 0, limit: int = 1000) -> list[LedgerChange]:
        """Return the records about punches of a number above ``after``, the oldest first; erased ones are left out."""
        query = select(RECORDS).where(RECORDS.c.number > after, RECORDS.c.kind.in_(OF_PUNCHES), _is_whole())
        with self._database.read() as conn:
            rows = conn.execute(query.order_by(RECORDS.c.number).limit(limit)).all()
        return [
            LedgerChange(row.number, row.kind, row.punch_id, None if row.kind == VOID else read_punch(row))
            for row in rows
        ]

    def history(
        self, *, punch_id: str | None = None, employee: str | None = None, after: int = 0
    ) -> list[LedgerRecord]:
        """Return the records of a punch, of an employee, or all, the oldest first; erased ones are left out.

        ``after``: only those of a number above it.
        """
        query = select(RECORDS).where(_is_whole()).order_by(RECORDS.c.number)
        if after:
            query = query.where(RECORDS.c.number > after)
        if punch_id is not None:
            query = query.where(RECORDS.c.punch_id == punch_id)
        if employee is not None:
            query = query.where(RECORDS.c.employee == employee)
        with self._database.read() as conn:
            return [read_record(row) for row in conn.execute(query)]

    def accept_head(self, *, actor: str, reason: str) -> None:
        """Take the newest record for the newest that there was, as after a backup was restored; this is recorded.

        Raises UsageError for no reason, AttendanceError where the head cannot be written.
        """
        before = self.head_file.read()
        detail = json.dumps({"action": "accept head", "before": None if before is None else before.number})
        with self.write(actor=actor) as writer:
            writer.append(EVENT, {"detail": detail}, reason=_require_reason(reason))
        self.head_file.renew(writer.head)

    def verify(self, *, since: datetime | None = None) -> list[LedgerFault]:
        """Return what was changed, removed or inserted behind the back of the ledger; nothing where it is whole.

        ``since``: only in the records from the first one on that is about a time from then on.
        """
        with self._database.read() as conn:
            return find_faults(conn, self._key, self.head_file.read(), since=since)


def check_employees(conn: Connection, punches: Collection[Punch]) -> None:
    """Raise UnknownNameError for an employee who is not known; UsageError for a face whose consent was withdrawn."""
    numbers = {punch.employee for punch in punches}
    for part in _split(sorted(numbers)):
        stored = select(tables.EMPLOYEES.c.number).where(tables.EMPLOYEES.c.number.in_(part))
        numbers -= {*conn.execute(stored).scalars()}
    if numbers:
        names = ", ".join(shown(number) for number in sorted(numbers)[:3])
        raise UnknownNameError(f"there is no employee {names}: visavis attendance import-people adds employees.")
    faces = sorted({punch.employee for punch in punches if punch.method == "face"})
    for part in _split(faces):
        for number in find_withdrawn(conn, part):
            raise UsageError(f"employee {shown(number)} has withdrawn the consent to be recognized by the face.")


def read_employee_punches(conn: Connection, employee: str, start: datetime, end: datetime) -> list[Punch]:
    """Return the punches of an employee as they now are, from ``start`` up to but without ``end``, by time and id."""
    return _read_punches(conn, _select_now(start, end).where(RECORDS.c.employee == employee))


def read_void_punches(conn: Connection, employee: str, start: datetime, end: datetime) -> list[LedgerRecord]:
    """Return the records that make punches of an employee void and still hold, by the time of the punch.

    Of punches from ``start`` up to but without ``end``.
    """
    is_newer = and_(IS_CHANGE, LATER.c.punch_id == RECORDS.c.punch_id, LATER.c.number > RECORDS.c.number)
    query = select(RECORDS).where(RECORDS.c.employee == employee, RECORDS.c.kind == VOID, ~exists().where(is_newer))
    query = query.where(RECORDS.c.at >= count_microseconds(start), RECORDS.c.at < count_microseconds(end), _is_whole())
    return [read_record(row) for row in conn.execute(query.order_by(RECORDS.c.at, RECORDS.c.punch_id))]


def read_punch_records(conn: Connection, punch_id: str) -> list[LedgerRecord]:
    """Return the records of a punch, the oldest first; none where there is no such punch, or it was erased."""
    query = select(RECORDS).where(RECORDS.c.punch_id == punch_id, RECORDS.c.kind.in_(OF_PUNCHES), _is_whole())
    return [read_record(row) for row in conn.execute(query.order_by(RECORDS.c.number))]


def find_punch(conn: Connection, punch_id: str) -> Punch:
    """Return a punch as it now is; UnknownNameError where there is none, UsageError where it is void."""
    punch, kind = _read_newest(conn, punch_id)
    if kind == VOID:
        raise UsageError(f"punch {punch_id} is void: restore it first.")
    return punch


def correct_punch(writer: LedgerWriter, punch_id: str, *, reason: str, changes: dict[str, Any]) -> Punch:
    """Correct a punch in an open transaction: see :meth:`PunchLedger.correct`."""
    before = find_punch(writer.conn, punch_id)
    punch = check_punch(replace(before, **{name: value for name, value in changes.items() if value is not None}))
    if punch == before:
        raise UsageError(f"punch {punch_id} is so already: nothing to correct.")
    if punch.employee != before.employee:  # else a face that was recognized before consent was withdrawn is right
        check_employees(writer.conn, [punch])
    writer.append(CORRECTION, describe_punch(punch), reason=_require_reason(reason))
    return punch


def void_punch(writer: LedgerWriter, punch_id: str, *, reason: str) -> Punch:
    """Make a punch void in an open transaction: see :meth:`PunchLedger.void`."""
    punch = find_punch(writer.conn, punch_id)
    writer.append(VOID, describe_punch(punch), reason=_require_reason(reason))
    return punch


def _require_reason(reason: str) -> str:
    if not reason.strip():
        raise UsageError("this takes a reason.")
    return reason


def _read_newest(conn: Connection, punch_id: str) -> tuple[Punch, str]:
    """Return a punch as its newest record has it, and the kind of that."""
    query = select(RECORDS).where(RECORDS.c.punch_id == punch_id, RECORDS.c.kind.in_(OF_PUNCHES))
    row = conn.execute(query.order_by(RECORDS.c.number.desc()).limit(1)).first()
    if row is None:
        raise UnknownNameError(f"there is no punch {shown(punch_id)}.")
    return read_punch(row), row.kind


def _read_originals(conn: Connection, ids: Sequence[str]) -> dict[str, Punch]:
    """Return the punches of these ids as they were first recorded."""
    originals: dict[str, Punch] = {}
    for part in _split(ids):
        query = select(RECORDS).where(RECORDS.c.punch_id.in_(part), RECORDS.c.kind == PUNCH)
        originals |= {row.punch_id: read_punch(row) for row in conn.execute(query)}
    return originals


def _make_key(punch: Punch) -> PunchKey:
    return punch.employee, count_microseconds(punch.at), punch.direction


def _read_keys(conn: Connection, keys: Iterable[PunchKey]) -> set[PunchKey]:
    """Return the keys of all records about punches that have the employee and the time of a key.

    Each pair is one search in an index. The statement is not built of parts, which would take longer than its answer.
    """
    pairs = sorted({key[:2] for key in keys})
    if not pairs:
        return set()
    value = "(?, ?)" if conn.dialect.paramstyle == "qmark" else "(%s, %s)"
    statement = (
        f"WITH wanted (employee, at) AS (VALUES {', '.join([value] * len(pairs))}) "
        f"SELECT record.employee, record.at, record.direction FROM wanted JOIN {RECORDS.name} AS record "
        "ON record.employee = wanted.employee AND record.at = wanted.at"
    )
    rows = conn.exec_driver_sql(statement, tuple(chain.from_iterable(pairs))).all()
    return {(employee, at, direction) for employee, at, direction in rows}


def _select_now(start: datetime | None, end: datetime | None) -> Select[Any]:
    """Select the newest records of punches that are not void."""
    is_newer = and_(IS_CHANGE, LATER.c.punch_id == RECORDS.c.punch_id, LATER.c.number > RECORDS.c.number)
    columns = [RECORDS.c[name] for name in PUNCH_COLUMNS]
    query = select(*columns).where(RECORDS.c.kind.in_((PUNCH, CORRECTION, RESTORE)), ~exists().where(is_newer))
    if start is not None:
        query = query.where(RECORDS.c.at >= count_microseconds(start))
    if end is not None:
        query = query.where(RECORDS.c.at < count_microseconds(end))
    return query.where(_is_whole()).order_by(RECORDS.c.at)


def _read_punches(conn: Connection, query: Select[Any]) -> list[Punch]:
    """Return the punches of a query, which has them in the order of time, by time and id."""
    with pause_collection():
        result = conn.execute(query)
        cursor: Any = result.cursor  # the driver's, whose tuples take half as long as SQLAlchemy's rows
        punches = make_punches(chain.from_iterable(iter(partial(cursor.fetchmany, FETCHED), [])))
        result.close()
        times = [punch.at for punch in punches]
        if not all(map(lt, times, times[1:])):  # ids decide about equal times: this is quicker than the database
            punches.sort(key=attrgetter("at", "id"))
    return punches


def _is_whole() -> ColumnElement[bool]:
    """Return the condition of records whose content was not erased."""
    return RECORDS.c.salt.is_not(None)


def _split(values: Sequence[str]) -> Iterable[Sequence[str]]:
    return (values[start : start + AT_A_TIME] for start in range(0, len(values), AT_A_TIME))
