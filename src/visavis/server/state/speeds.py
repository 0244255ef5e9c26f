"""How fast models are on the machines of a server, as measured there."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, insert, select

from visavis.server.state import tables
from visavis.server.state.database import StateDatabase
from visavis.server.types import ModelSpeed

SPEEDS = tables.SPEEDS


class Speeds:
    """The measured speeds in a server's database."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def store(self, speeds: Sequence[ModelSpeed]) -> None:
        """Store speeds; each replaces the earlier one of its model, machine and number of threads."""
        with self._database.write() as conn:
            for speed in speeds:
                key = {name: getattr(speed, name) for name in ("model", "machine", "threads")}
                conn.execute(delete(SPEEDS).where(*(SPEEDS.c[name] == value for name, value in key.items())))
                conn.execute(insert(SPEEDS).values(speed.to_dict()))

    def list(self) -> list[ModelSpeed]:
        """Return all speeds, the newest first."""
        with self._database.read() as conn:
            rows = conn.execute(select(SPEEDS).order_by(SPEEDS.c.measured.desc(), SPEEDS.c.model))
            return [ModelSpeed(**row._mapping) for row in rows]
