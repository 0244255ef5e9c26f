"""Events of the cameras: stored by their processes, read by requests, in the order of their numbers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from visavis.server.state import tables
from visavis.server.state.database import StateDatabase
from visavis.server.types import StoredEvent
from visavis.sql_database import now

EVENTS = tables.EVENTS


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events to read; None: all. ``since`` and ``until`` are times as the database stores them.

    ``people`` are the ids of people of a gallery: name it in ``galleries``.
    """

    galleries: Sequence[str] | None = None
    camera: str | None = None
    event: str | None = None
    person_id: int | None = None
    since: str | None = None
    until: str | None = None
    people: Sequence[int] | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the conditions of SQL."""
        columns = (("camera", self.camera), ("event", self.event), ("person_id", self.person_id))
        conditions = [EVENTS.c[name] == value for name, value in columns if value is not None]
        if self.galleries is not None:
            conditions.append(EVENTS.c.gallery.in_(self.galleries))
        if self.people is not None:
            conditions.append(EVENTS.c.person_id.in_(self.people))
        if self.since is not None:
            conditions.append(EVENTS.c.at >= self.since)
        if self.until is not None:
            conditions.append(EVENTS.c.at < self.until)
        return conditions


class Events:
    """The events of a server's database."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def add(self, gallery: str, content: Mapping[str, Any]) -> bool:
        """Store an event in the form of :meth:`visavis.videos.types.VideoEvent.to_dict`; False: it was stored before.

        An event of an ``id`` is stored once.
        """
        try:
            with self._database.write() as conn:
                insert_event(conn, gallery, content)
        except IntegrityError:
            return False
        return True

    def read(self, selected: EventFilter, *, after: int = 0, limit: int = 100) -> list[StoredEvent]:
        """Return the events of a number above ``after``, the oldest first."""
        query = select(EVENTS).where(EVENTS.c.number > after, *selected.conditions())
        return self._fetch(query.order_by(EVENTS.c.number).limit(limit))

    def latest(self, selected: EventFilter, *, before: int | None = None, limit: int = 1) -> list[StoredEvent]:
        """Return the newest events, of a number below ``before`` (None: all), the newest first."""
        query = select(EVENTS).where(*selected.conditions())
        if before is not None:
            query = query.where(EVENTS.c.number < before)
        return self._fetch(query.order_by(EVENTS.c.number.desc()).limit(limit))

    def read_numbers(self, numbers: Sequence[int]) -> dict[int, StoredEvent]:
        """Return the events of these numbers that are still there, by number."""
        query = select(EVENTS).where(EVENTS.c.number.in_(numbers))
        return {event.number: event for event in (self._fetch(query) if numbers else [])}

    def last_number(self) -> int:
        """Return the number of the newest event; 0 where there is none."""
        with self._database.read() as conn:
            return conn.execute(select(func.max(EVENTS.c.number))).scalar() or 0

    def people(self, gallery: str) -> set[int]:
        """Return the ids of the people in events of a gallery."""
        query = select(EVENTS.c.person_id).where(EVENTS.c.gallery == gallery, EVENTS.c.person_id.is_not(None))
        with self._database.read() as conn:
            return {row.person_id for row in conn.execute(query.distinct())}

    def forget_people(self, gallery: str, person_ids: Iterable[int]) -> int:
        """Make the events of people events of unknown people; return their number."""
        selected = (EVENTS.c.gallery == gallery, EVENTS.c.person_id.in_([*person_ids]))
        with self._database.write() as conn:
            rows = conn.execute(select(EVENTS.c.number, EVENTS.c.content).where(*selected)).all()
            for row in rows:
                content = json.dumps(json.loads(row.content) | {"person_id": None, "name": None})
                values = {"person_id": None, "content": content}
                conn.execute(update(EVENTS).where(EVENTS.c.number == row.number).values(values))
        return len(rows)

    def _fetch(self, query: Any) -> list[StoredEvent]:
        with self._database.read() as conn:
            return [_make_event(row) for row in conn.execute(query)]


def insert_event(conn: Connection, gallery: str, content: Mapping[str, Any]) -> int:
    """Store an event in a transaction; return its number. Raises IntegrityError where it was stored before."""
    values = {
        "id": content["id"], "at": now(), "gallery": gallery, "camera": content.get("camera"),
        "event": content["event"], "person_id": content.get("person_id"), "content": json.dumps(content),
    }  # fmt: skip
    number: int = conn.execute(insert(EVENTS).values(values).returning(EVENTS.c.number)).scalar_one()
    return number


def _make_event(row: Row[Any]) -> StoredEvent:
    return StoredEvent(row.number, row.at, row.gallery, json.loads(row.content))
