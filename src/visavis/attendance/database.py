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

    def erase_traces(self) -> None:
        """Let SQLite forget what was removed: its log is emptied. PostgreSQL does so when it vacuums the tables."""
        if self._sqlite:
            with self._translate_errors(), self._engine.connect() as conn:
                conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").close()
