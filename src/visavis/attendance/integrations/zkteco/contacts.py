"""How long terminals are in contact: one that was away first sends what it recorded meanwhile, and that takes a while.

Until then nothing says that those without a punch were absent.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, Row, delete, insert, select

from visavis.attendance.tables import CONTACTS
from visavis.sql_database import write_time

GAP = timedelta(minutes=5)
"""A terminal that was silent for longer was away: it asks for commands every few seconds."""
LASTING = timedelta(minutes=10)
"""A terminal that is back for so long has sent what it had: it sends once a minute, and 30 seconds after a failure."""


def note_time(conn: Connection, serial: str, last: datetime | None, at: datetime) -> None:
    """Store that a terminal is in contact at a time in UTC; its ``last`` contact is None for the first."""
    row = _read(conn, serial)
    if row is not None and last is not None and at - last <= GAP:
        return
    complete = None if row is None else row.complete
    if row is not None and last is not None and last - datetime.fromisoformat(row.since) >= LASTING:
        complete = write_time(last)
    conn.execute(delete(CONTACTS).where(CONTACTS.c.serial == serial))
    conn.execute(insert(CONTACTS).values(serial=serial, since=write_time(at), complete=complete))


def find_complete(conn: Connection, serial: str, last: datetime | None) -> tuple[datetime | None, bool]:
    """Return up to which time the punches of a terminal have arrived, and whether it came back after that.

    The time is None where the terminal never had a contact that lasted.
    """
    row = _read(conn, serial)
    if row is None or last is None:
        return None, False
    if last - datetime.fromisoformat(row.since) >= LASTING:
        return last, False
    return (None if row.complete is None else datetime.fromisoformat(row.complete)), True


def _read(conn: Connection, serial: str) -> Row[tuple[str, str, str | None]] | None:
    return conn.execute(select(CONTACTS).where(CONTACTS.c.serial == serial)).first()
