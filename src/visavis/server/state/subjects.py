"""Subjects without faces: CompreFace has them, while each person of a gallery has a template.

A row is a name that a client created before it sent a face of it; the first face makes a person of it.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, delete, insert, select
from sqlalchemy.exc import IntegrityError

from visavis.gallery.names import fold_name
from visavis.server.state import tables
from visavis.server.state.database import StateDatabase

SUBJECTS = tables.SUBJECTS


class EmptySubjects:
    """The subjects of a gallery, by its name, that have no face. Names are equal without case and spaces."""

    def __init__(self, database: StateDatabase, gallery: str) -> None:
        self._database, self._gallery = database, gallery

    def list(self) -> list[str]:
        """Return the names, sorted."""
        with self._database.read() as conn:
            query = select(SUBJECTS.c.name).where(SUBJECTS.c.gallery == self._gallery)
            return sorted(conn.execute(query).scalars())

    def find(self, name: str) -> str | None:
        """Return the stored form of a name; None where there is no such subject."""
        with self._database.read() as conn:
            query = select(SUBJECTS.c.name).where(self._is(name))
            return conn.execute(query).scalar()

    def add(self, name: str) -> bool:
        """Add a subject; return whether it is new."""
        try:
            with self._database.write() as conn:
                values = {"gallery": self._gallery, "folded": fold_name(name), "name": name}
                conn.execute(insert(SUBJECTS).values(values))
        except IntegrityError:
            return False
        return True

    def remove(self, name: str) -> bool:
        """Remove a subject; return whether there was one."""
        with self._database.write() as conn:
            return conn.execute(delete(SUBJECTS).where(self._is(name))).rowcount > 0

    def clear(self) -> int:
        """Remove all subjects of the gallery; return their number."""
        with self._database.write() as conn:
            return conn.execute(delete(SUBJECTS).where(SUBJECTS.c.gallery == self._gallery)).rowcount

    def _is(self, name: str) -> ColumnElement[bool]:
        return (SUBJECTS.c.gallery == self._gallery) & (SUBJECTS.c.folded == fold_name(name))
