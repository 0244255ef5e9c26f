"""The database of a site of attendance."""

from __future__ import annotations

from visavis.attendance import tables
from visavis.errors import AttendanceError
from visavis.sql_database import DatabaseKind, SqlDatabase

KIND = DatabaseKind(
    meta=tables.META,
    version=tables.VERSION,
    name="the attendance database",
    file="attendance.db",
    contents="when people came and went",
    lock=7640119,
    error=AttendanceError,
)


class AttendanceDatabase(SqlDatabase):
    """An open database, safe to share between threads: see :class:`visavis.sql_database.SqlDatabase`."""

    def __init__(self, url: str) -> None:
        super().__init__(url, KIND)
