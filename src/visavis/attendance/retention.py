"""Retention: which punches are too old to be kept, and the time up to which they were erased.

That time is stored: a day of erased punches must not look like one without punches, whatever the settings are later.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, select

from visavis.attendance.ledger.erase import erase_old_punches
from visavis.attendance.ledger.writing import LedgerWriter
from visavis.attendance.tables import ERASED
from visavis.attendance.tracked import put_row
from visavis.sql_database import write_time

PUNCHES = "punches"


def read_erased_before(conn: Connection) -> datetime | None:
    """Return the time before which punches were erased; None where none were."""
    text = conn.execute(select(ERASED.c.before).where(ERASED.c.content == PUNCHES)).scalar()
    return None if text is None else datetime.fromisoformat(text)


def erase_punches(writer: LedgerWriter, before: datetime, *, reason: str) -> int:
    """Erase a part of the records of punches before a time, and store the time; return how many were erased.

    See :func:`visavis.attendance.ledger.erase.erase_old_punches`.
    """
    erased = erase_old_punches(writer, before, reason=reason)
    stored = read_erased_before(writer.conn)
    if erased and (stored is None or stored < before):
        row = {"content": PUNCHES, "before": write_time(before.astimezone(UTC))}
        put_row(writer, ERASED, row, action="erase old punches", employee=None, reason=reason)
    return erased
