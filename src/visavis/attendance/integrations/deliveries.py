"""What was delivered to a target, in the site's database: the cursor, what the target has, and what it refused.

The ledger is the outbox: a punch that is recorded is a change above the cursor until its delivery is confirmed. Before
a target is asked to create a record, that is written down: where no answer comes, a later void finds the record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Table, delete, func, insert, select, update

from visavis.attendance.integrations.types import RefusedRecord
from visavis.attendance.ledger.records import OF_PUNCHES
from visavis.attendance.tables import CURSORS, RECORDS, REFUSED, SENT
from visavis.errors import AttendanceError, UnknownNameError
from visavis.printable import dump_json
from visavis.sql_database import SqlDatabase, now, write_time
from visavis.structured_text import parse_json


@dataclass(frozen=True, slots=True)
class SentRecord:
    """What a target has: ``remote`` is its id there, None where it was asked to create it and no answer came.

    ``is_open`` is whether it is a check-in whose check-out may still come.
    """

    key: str
    employee: str
    at: datetime
    content: Mapping[str, Any]
    remote: str | None
    is_open: bool = False


class Deliveries:
    """The deliveries to one target. Every method that changes something is a transaction."""

    def __init__(self, database: SqlDatabase, target: str) -> None:
        self._database, self.target = database, target

    def count_waiting(self) -> int:
        """Return how many changes of the ledger are above the cursor."""
        waiting = RECORDS.c.number > self.cursor(), RECORDS.c.kind.in_(OF_PUNCHES), RECORDS.c.salt.is_not(None)
        with self._database.read() as conn:
            return int(conn.execute(select(func.count()).select_from(RECORDS).where(*waiting)).scalar_one())

    def cursor(self) -> int:
        """Return the number of the last change that was dealt with; 0 before the first."""
        row = self._read_state()
        return 0 if row is None else int(row.cursor)

    def advance(self, cursor: int, *, settled: str | None = None) -> None:
        """Store that all changes up to this number were dealt with; nothing is refused any more under ``settled``."""
        with self._database.write() as conn:
            self._write_state(conn, {"cursor": cursor, "failing_since": None})
            if settled is not None:
                self._delete(conn, REFUSED, settled)

    def synced(self) -> datetime | None:
        """Return the time that was given to Frappe HR last."""
        row = self._read_state()
        return None if row is None or row.synced is None else datetime.fromisoformat(row.synced)

    def store_synced(self, time: datetime) -> None:
        """Store the time that Frappe HR was given."""
        self._set_state(synced=write_time(time.astimezone(UTC)))

    def note_failure(self) -> datetime:
        """Store that the next change gets a failure for an answer; return since when it does."""
        row = self._read_state()
        if row is not None and row.failing_since is not None:
            return datetime.fromisoformat(row.failing_since)
        since = datetime.now(UTC)
        self._set_state(failing_since=write_time(since))
        return since

    # What the target has

    def find(self, key: str) -> SentRecord | None:
        """Return what the target has under a key."""
        with self._database.read() as conn:
            row = conn.execute(select(SENT).where(SENT.c.target == self.target, SENT.c.key == key)).first()
        return None if row is None else _read_sent(row)

    def list_sent(self, employee: str, since: datetime | None = None) -> list[SentRecord]:
        """Return what the target has of an employee, from a time on, by time."""
        query = select(SENT).where(SENT.c.target == self.target, SENT.c.employee == employee)
        if since is not None:
            query = query.where(SENT.c.at >= write_time(since.astimezone(UTC)))
        with self._database.read() as conn:
            return [_read_sent(row) for row in conn.execute(query.order_by(SENT.c.at, SENT.c.key))]

    def list_open(self) -> list[SentRecord]:
        """Return the check-ins whose check-out may still come."""
        query = select(SENT).where(SENT.c.target == self.target, SENT.c.is_open)
        with self._database.read() as conn:
            return [_read_sent(row) for row in conn.execute(query)]

    def store(self, record: SentRecord) -> None:
        """Store what the target has, or is about to be asked for; what was refused under the key is settled."""
        with self._database.write() as conn:
            self._delete(conn, SENT, record.key)
            if record.remote is not None:
                self._delete(conn, REFUSED, record.key)
            conn.execute(
                insert(SENT).values(
                    target=self.target,
                    key=record.key,
                    employee=record.employee,
                    at=write_time(record.at.astimezone(UTC)),
                    content=dump_json(record.content),
                    is_open=record.is_open,
                    remote=record.remote,
                )
            )

    def forget(self, key: str) -> None:
        """Store that the target has nothing under a key, and that nothing is refused there."""
        with self._database.write() as conn:
            self._delete(conn, SENT, key)
            self._delete(conn, REFUSED, key)

    # What the target refused

    def refuse(self, key: str, *, employee: str, at: datetime | None, change: int, reason: str) -> None:
        """Store that the target does not take a record; what was dismissed stays so, for the same reason."""
        with self._database.write() as conn:
            same = (REFUSED.c.target == self.target) & (REFUSED.c.key == key)
            before = conn.execute(select(REFUSED).where(same)).first()
            if before is not None and (before.change, before.reason) == (change, reason):
                return
            self._delete(conn, REFUSED, key)
            text = None if at is None else write_time(at.astimezone(UTC))
            conn.execute(
                insert(REFUSED).values(
                    target=self.target,
                    key=key,
                    employee=employee,
                    at=text,
                    change=change,
                    reason=reason,
                    since=now() if before is None else before.since,
                    dismissed=before is not None and before.dismissed and before.reason == reason,
                )
            )

    def list_refused(self) -> list[RefusedRecord]:
        """Return what is refused and not dismissed, by time."""
        query = select(REFUSED).where(REFUSED.c.target == self.target, REFUSED.c.dismissed.is_(False))
        with self._database.read() as conn:
            return [_read_refused(row) for row in conn.execute(query.order_by(REFUSED.c.at, REFUSED.c.key))]

    def dismiss(self, key: str) -> None:
        """Store that a refused record need not be delivered; UnknownNameError where none has this key."""
        waits = (REFUSED.c.target == self.target) & (REFUSED.c.key == key) & REFUSED.c.dismissed.is_(False)
        with self._database.write() as conn:
            if not conn.execute(update(REFUSED).where(waits).values(dismissed=True)).rowcount:
                raise UnknownNameError(f"nothing refused has the id {key}: visavis attendance targets lists all.")

    def forget_refusal(self, key: str) -> None:
        """Remove what was refused under a key."""
        with self._database.write() as conn:
            self._delete(conn, REFUSED, key)

    def settle(self, employee: str, since: datetime, keys: frozenset[str]) -> None:
        """Remove what was refused of an employee from a time on, unless its key is among ``keys``."""
        settled = (REFUSED.c.target == self.target) & (REFUSED.c.employee == employee)
        late = REFUSED.c.at.is_(None) | (REFUSED.c.at >= write_time(since.astimezone(UTC)))
        with self._database.write() as conn:
            conn.execute(delete(REFUSED).where(settled, late, REFUSED.c.key.not_in(keys)))

    def _delete(self, conn: Connection, table: Table, key: str) -> None:
        conn.execute(delete(table).where(table.c.target == self.target, table.c.key == key))

    def _read_state(self) -> Row[Any] | None:
        with self._database.read() as conn:
            return conn.execute(select(CURSORS).where(CURSORS.c.target == self.target)).first()

    def _set_state(self, **values: object) -> None:
        with self._database.write() as conn:
            self._write_state(conn, values)

    def _write_state(self, conn: Connection, values: Mapping[str, object]) -> None:
        if not conn.execute(update(CURSORS).where(CURSORS.c.target == self.target).values(values)).rowcount:
            conn.execute(insert(CURSORS).values({"target": self.target, "cursor": 0, **values}))


@contextmanager
def claim_target(database: SqlDatabase, folder: Path, target: str) -> Iterator[None]:
    """Deliver to a target alone: AttendanceError while another process does. A killed process holds nothing."""
    from visavis.videos.delivery_claim import claim_delivery

    with database.read() as conn:
        is_file = conn.dialect.name == "sqlite"
    if is_file:
        claim = claim_delivery(folder / "attendance.db", target)
        if claim is None:
            raise _busy(target)
        try:
            yield
        finally:
            claim.release()
        return
    digest = hashlib.sha256(f"visavis attendance push {target}".encode()).digest()
    with database.read() as conn:  # the lock ends with the transaction, and that with the process
        number = int.from_bytes(digest[:8], "big", signed=True)
        if not conn.execute(select(func.pg_try_advisory_xact_lock(number))).scalar_one():
            raise _busy(target)
        yield


def _busy(target: str) -> AttendanceError:
    return AttendanceError(f"another process delivers to {target}: wait until it has ended.")


def _read_sent(row: Row[Any]) -> SentRecord:
    at = datetime.fromisoformat(row.at)
    return SentRecord(row.key, row.employee, at, parse_json(row.content), row.remote, row.is_open)


def _read_refused(row: Row[Any]) -> RefusedRecord:
    at = None if row.at is None else datetime.fromisoformat(row.at)
    return RefusedRecord(row.key, row.employee, at, row.change, row.reason, datetime.fromisoformat(row.since))
