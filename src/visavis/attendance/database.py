"""The database of a site of attendance."""

from __future__ import annotations

from sqlalchemy import Connection

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

    def _is_set_up(self) -> bool:
        return super()._is_set_up() and not self._find_missing_indexes()

    def _set_up(self, conn: Connection) -> None:
        """Create what is missing: also the indexes of tables that an earlier version made."""
        super()._set_up(conn)
        for table in tables.METADATA.tables.values():
            for index in table.indexes:
                index.create(conn, checkfirst=True)
        for statement in tables.PARTIAL_INDEXES.values():
            conn.exec_driver_sql(statement)

    def _find_missing_indexes(self) -> set[str]:
        """Return the names of the indexes that the database lacks."""
        listed = "SELECT name FROM sqlite_master WHERE type = 'index'"
        if not self._sqlite:
            listed = "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema()"
        with self.read() as conn:
            return tables.INDEXES - {*conn.exec_driver_sql(listed).scalars()}

    def erase_traces(self) -> None:
        """Let SQLite forget what was removed: its log is emptied. PostgreSQL does so when it vacuums the tables."""
        if self._sqlite:
            with self._translate_errors(), self._engine.connect() as conn:
                conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").close()
