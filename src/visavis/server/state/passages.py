"""Passages before cameras: stored with their events, until they are recorded in the site of attendance."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from visavis.attendance.passages.outages import DoorState
from visavis.attendance.passages.tailgaters import PassageResult
from visavis.attendance.passages.types import Passage, PassageOutcome
from visavis.server.state import tables
from visavis.server.state.database import StateDatabase
from visavis.sql_database import write_time

PASSAGES, DOORS, CAMERAS = tables.PASSAGES, tables.DOORS, tables.CAMERAS
AT_A_TIME = 100
_ROWS = PASSAGES.c


def insert_passages(conn: Connection, passages: Iterable[Passage]) -> None:
    """Store passages in a transaction; those that are stored are left out."""
    for passage in passages:
        if conn.execute(select(_ROWS.id).where(_ROWS.id == passage.id)).first() is None:
            values = {
                "id": passage.id, "camera": passage.camera, "at": write_time(passage.at),
                "direction": passage.direction, "person_id": passage.person_id, "distance": passage.distance,
                "probability": passage.probability, "liveness": passage.liveness,
            }  # fmt: skip
            conn.execute(insert(PASSAGES).values(values))


class Passages:
    """The passages of a server's database, and how its doors are doing."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def read_waiting(self, cameras: Collection[str]) -> list[Passage]:
        """Return passages that are not recorded yet, the oldest first, up to ``AT_A_TIME``."""
        query = select(PASSAGES).where(_ROWS.camera.in_([*cameras]), _ROWS.outcome.is_(None))
        with self._database.read() as conn:
            rows = conn.execute(query.order_by(_ROWS.at, _ROWS.id).limit(AT_A_TIME)).all()
        return [
            Passage(
                row.id, row.camera, datetime.fromisoformat(row.at), row.direction,
                row.person_id, row.distance, row.probability, row.liveness,
            )
            for row in rows
        ]  # fmt: skip

    def read_results(self, camera: str, at: datetime, seconds: float) -> list[PassageResult]:
        """Return the recorded passages of a camera up to ``seconds`` before and after a time."""
        near = timedelta(seconds=seconds)
        span = (_ROWS.at >= write_time(at - near), _ROWS.at <= write_time(at + near))
        query = select(PASSAGES).where(_ROWS.camera == camera, _ROWS.outcome.is_not(None), *span)
        with self._database.read() as conn:
            return [
                PassageResult(row.id, datetime.fromisoformat(row.at), row.direction, row.outcome)
                for row in conn.execute(query)
            ]

    def finish(self, passage_id: str, outcome: PassageOutcome) -> None:
        """Note what became of a passage; who it was is forgotten here."""
        values = {
            "outcome": outcome, "person_id": None, "distance": None, "probability": None, "liveness": None,
        }  # fmt: skip
        with self._database.write() as conn:
            conn.execute(update(PASSAGES).where(_ROWS.id == passage_id).values(values))

    def forget(self, before: datetime) -> None:
        """Remove recorded passages of a time before ``before``."""
        old = (_ROWS.outcome.is_not(None), _ROWS.at < write_time(before))
        with self._database.read() as conn:
            is_there = conn.execute(select(_ROWS.id).where(*old).limit(1)).first()
        if is_there is not None:
            with self._database.write() as conn:
                conn.execute(delete(PASSAGES).where(*old))

    # Doors

    def read_doors(self) -> tuple[dict[str, DoorState], datetime]:
        """Return how the doors are doing, and the time by the clock of the database."""
        with self._database.read() as conn:
            rows = conn.execute(select(DOORS)).all()
            now = self._database.read_clock(conn)
        read = datetime.fromisoformat
        return {
            row.camera: DoorState(read(row.last_frame), None if row.until is None else read(row.until)) for row in rows
        }, now

    def set_door(self, camera: str, state: DoorState) -> None:
        """Store how a door is doing."""
        values = {
            "last_frame": write_time(state.last_frame),
            "until": None if state.until is None else write_time(state.until),
        }
        with self._database.write() as conn:
            if not conn.execute(update(DOORS).where(DOORS.c.camera == camera).values(values)).rowcount:
                conn.execute(insert(DOORS).values({"camera": camera, **values}))

    def forget_doors(self, configured: Collection[str]) -> None:
        """Forget how the doors are doing whose cameras are not configured: no outage follows from the time without.

        Those of a camera that another server holds stay: it may be in the file of that server, which was killed.
        """
        held = select(CAMERAS.c.name).where(CAMERAS.c.holder.is_not(None))
        with self._database.write() as conn:
            conn.execute(delete(DOORS).where(DOORS.c.camera.not_in([*configured]), DOORS.c.camera.not_in(held)))
