"""Whose people the classifiers of a server name: those of a gallery, or of a folder that everyone may ask about."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, insert, select

from visavis.server.state import tables
from visavis.server.state.database import StateDatabase

CLASSIFIERS = tables.CLASSIFIERS
NO_GALLERY = ""
"""Stands for the gallery of a classifier whose people change: no key of some galleries may ask it."""


class ClassifierSources:
    """The galleries that classifiers were trained on, in a server's database."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def set(self, name: str, gallery: str | None) -> None:
        """Store that a classifier names the people of a gallery; None: of none."""
        with self._database.write() as conn:
            conn.execute(delete(CLASSIFIERS).where(CLASSIFIERS.c.name == name))
            if gallery is not None:
                conn.execute(insert(CLASSIFIERS).values(name=name, gallery=gallery))

    def withhold(self, name: str) -> None:
        """Let keys of some galleries ask a classifier no more, until its gallery is set: its people change."""
        self.set(name, NO_GALLERY)

    def log_removal(self, name: str, *, actor: str) -> None:
        """Store that the files of a classifier were deleted: it names no one any more."""
        self.set(name, None)
        with self._database.write() as conn:
            self._database.log(conn, actor, "remove classifier", name)

    def read(self) -> dict[str, str]:
        """Return the gallery of each classifier that was trained on one."""
        with self._database.read() as conn:
            return {row.name: row.gallery for row in conn.execute(select(CLASSIFIERS))}

    def may_ask(self, name: str, galleries: Sequence[str] | None) -> bool:
        """Return whether a key of ``galleries`` (None: all) may ask a classifier."""
        return galleries is None or self.read().get(name) in {None, *galleries}
