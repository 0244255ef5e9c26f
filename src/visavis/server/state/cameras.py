"""Cameras of the servers of one database: what is wanted of each, which server runs it, and how it is doing.

A camera is run by one server, its holder, which changes the number ``beat`` every few seconds. Another server that sees
no change of it for ``LAPSE_SECONDS`` of its own clock takes the camera over; clocks of machines are never compared.
Events are stored in the transaction that finds the holder unchanged, so that a server that was only slow adds none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, get_args

from sqlalchemy import Connection, Row, case, delete, insert, or_, select, update

from visavis.attendance.passages.types import Passage
from visavis.errors import UnknownNameError
from visavis.server.state import tables
from visavis.server.state.database import StateDatabase
from visavis.server.state.events import EVENTS, EventFilter, Events, insert_event
from visavis.server.state.passages import insert_passages
from visavis.server.types import ServedCamera, StoredEvent
from visavis.sql_database import write_time
from visavis.videos.types import CameraState

CAMERAS = tables.CAMERAS
LAPSE_SECONDS = 15.0
"""Time without a beat after which a camera is taken over."""
UNREPORTED_SECONDS = 60.0
"""Time without a report after which a camera counts as failed, by the clock of the database."""
STARTING, RUNNING, SILENT, ENDED, FAILED = get_args(CameraState)
STOPPED, STOPPING = "stopped", "stopping"
FINAL = (STOPPED, ENDED, FAILED)
"""States that last until the camera is started."""


@dataclass(frozen=True, slots=True)
class CameraReport:
    """What the holder of a camera reports; ``followed`` is the number of the order that it follows."""

    state: str
    message: str = ""
    silent_since: str | None = None
    frames_per_second: float = 0.0
    dropped: int = 0
    reopened: int = 0
    followed: int = 0


@dataclass(frozen=True, slots=True)
class CameraOrder:
    """What is wanted of a camera, as order ``number``; ``state`` was reported last, when ``followed`` was followed."""

    wanted: str
    number: int
    followed: int
    state: str


@dataclass(frozen=True, slots=True)
class CameraLease:
    """Which server holds a camera (None: no server), and its last beat."""

    holder: str | None
    beat: int


class Cameras:
    """The cameras of a server's database."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    # Requests

    def read(self, *, names: Iterable[str], galleries: Sequence[str] | None = None) -> list[ServedCamera]:
        """Return the cameras called ``names``, and those that another server runs, by name.

        ``galleries`` leaves out cameras of others.
        """
        wanted = {*names}
        with self._database.read() as conn:
            rows = conn.execute(select(CAMERAS).order_by(CAMERAS.c.name)).all()
            moment = self._database.read_clock(conn)
        shown = [row for row in rows if row.name in wanted or row.holder is not None]
        return self._describe([row for row in shown if galleries is None or row.gallery in galleries], moment)

    def start(self, name: str, *, actor: str) -> None:
        """Want a camera to run; one that has ended or failed begins anew. Raises UnknownNameError."""
        self._order(name, RUNNING, "start camera", actor)

    def stop(self, name: str, *, actor: str) -> None:
        """Want a camera to stop, until it is started. Raises UnknownNameError."""
        self._order(name, STOPPED, "stop camera", actor)

    def erase_events(self, name: str, *, galleries: Sequence[str] | None, actor: str) -> int:
        """Remove the events of a camera, those of some ``galleries`` alone or all; return their number."""
        selected = EventFilter(galleries, name).conditions()
        with self._database.write() as conn:
            erased: int = conn.execute(delete(EVENTS).where(*selected)).rowcount
            self._database.log(conn, actor, "erase camera data", f"{name}: {erased} events")
        return erased

    def _order(self, name: str, wanted: str, action: str, actor: str) -> None:
        with self._database.write() as conn:
            values = {"wanted": wanted, "orders": CAMERAS.c.orders + 1}
            if not conn.execute(update(CAMERAS).where(CAMERAS.c.name == name).values(values)).rowcount:
                raise UnknownNameError(f"there is no camera {name!r} on this server.")
            self._database.log(conn, actor, action, name)

    def _describe(self, rows: Sequence[Row[Any]], moment: datetime) -> list[ServedCamera]:
        events = Events(self._database).read_numbers([row.latest for row in rows if row.latest is not None])
        return [_describe(row, events.get(row.latest), moment) for row in rows]

    def _read_clock(self, conn: Connection) -> str:
        return write_time(self._database.read_clock(conn))

    # The server that runs cameras

    def register(self, names: Iterable[str], gallery: str) -> None:
        """Add cameras that are new, which are to run; others keep what was wanted of them."""
        with self._database.write() as conn:
            registered = {row.name for row in conn.execute(select(CAMERAS.c.name))}
            for name in names:
                if name not in registered:
                    conn.execute(insert(CAMERAS).values({"name": name, "gallery": gallery, **_NEW}))

    def leases(self, names: Iterable[str]) -> dict[str, CameraLease]:
        """Return which servers hold these cameras."""
        query = select(CAMERAS.c.name, CAMERAS.c.holder, CAMERAS.c.beat).where(CAMERAS.c.name.in_([*names]))
        with self._database.read() as conn:
            return {row.name: CameraLease(row.holder, row.beat) for row in conn.execute(query)}

    def claim(self, holder: str, expected: Mapping[str, CameraLease], *, gallery: str) -> None:
        """Take cameras over whose lease is still the expected one, all in one transaction.

        A camera whose ``gallery`` changes has no latest event: keys of the new gallery may not read those of the old.
        """
        latest = case((CAMERAS.c.gallery == gallery, CAMERAS.c.latest), else_=None)
        with self._database.write() as conn:
            updated = self._read_clock(conn)
            for name, lease in expected.items():
                unchanged = (CAMERAS.c.name == name, CAMERAS.c.holder == lease.holder, CAMERAS.c.beat == lease.beat)
                values = {"holder": holder, "beat": lease.beat + 1, "gallery": gallery, "latest": latest}
                conn.execute(update(CAMERAS).where(*unchanged).values({**values, "updated": updated}))

    def orders(self, holder: str) -> dict[str, CameraOrder]:
        """Return what is wanted of the cameras that a server holds."""
        columns = (CAMERAS.c.name, CAMERAS.c.wanted, CAMERAS.c.orders, CAMERAS.c.followed, CAMERAS.c.state)
        with self._database.read() as conn:
            rows = conn.execute(select(*columns).where(CAMERAS.c.holder == holder)).all()
        return {row.name: CameraOrder(row.wanted, row.orders, row.followed, row.state) for row in rows}

    def report(self, holder: str, reports: Mapping[str, CameraReport]) -> None:
        """Report how cameras are doing, as far as the server still holds them; this is also its beat."""
        with self._database.write() as conn:
            updated = self._read_clock(conn)
            for name, report in reports.items():
                held = (CAMERAS.c.name == name, CAMERAS.c.holder == holder)
                values = {**asdict(report), "beat": CAMERAS.c.beat + 1, "updated": updated}
                conn.execute(update(CAMERAS).where(*held).values(values))

    def add_events(self, holder: str, events: Iterable[Mapping[str, Any]], passages: Iterable[Passage] = ()) -> None:
        """Store events and passages of cameras, once each, all or none.

        Those of cameras that the server does not hold any more are left out.
        """
        with self._database.write() as conn:
            held = {row.name: row.gallery for row in conn.execute(select(CAMERAS).where(CAMERAS.c.holder == holder))}
            for content in events:
                name = content["camera"]
                if name in held and not _is_stored(conn, content["id"]):
                    number = insert_event(conn, held[name], content)
                    conn.execute(update(CAMERAS).where(CAMERAS.c.name == name).values(latest=number))
            insert_passages(conn, [passage for passage in passages if passage.camera in held])

    def fail(self, holder: str, names: Iterable[str], message: str) -> None:
        """Report that a server cannot run these cameras, where no other one does, and let other servers have them."""
        free = or_(CAMERAS.c.holder.is_(None), CAMERAS.c.holder == holder)
        unread = or_(CAMERAS.c.state != ENDED, CAMERAS.c.orders != CAMERAS.c.followed)
        failed = (CAMERAS.c.name.in_([*names]), CAMERAS.c.wanted == RUNNING, free, unread)
        values = {"state": FAILED, "message": message, "followed": CAMERAS.c.orders}
        with self._database.write() as conn:
            conn.execute(update(CAMERAS).where(*failed).values(values))
            self._free(conn, holder)

    def release(self, holder: str) -> None:
        """Let other servers run the cameras of this one."""
        with self._database.write() as conn:
            self._free(conn, holder)

    def _free(self, conn: Connection, holder: str) -> None:
        values = {"holder": None, "updated": self._read_clock(conn)}
        conn.execute(update(CAMERAS).where(CAMERAS.c.holder == holder).values(values))


_NEW = {
    "wanted": RUNNING, "orders": 0, "followed": 0, "holder": None, "beat": 0, "state": STARTING, "message": "",
    "silent_since": None, "frames_per_second": 0.0, "dropped": 0, "reopened": 0, "updated": "", "latest": None,
}  # fmt: skip
"""Values of a camera that no server has run yet."""


def _is_stored(conn: Connection, event_id: str) -> bool:
    return conn.execute(select(EVENTS.c.number).where(EVENTS.c.id == event_id)).first() is not None


def _describe(row: Row[Any], event: StoredEvent | None, moment: datetime) -> ServedCamera:
    state, message = _judge(row, moment)
    shown = state == row.state
    return ServedCamera(
        name=row.name,
        gallery=row.gallery,
        state=state,  # type: ignore[arg-type]
        message=message,
        silent_since=row.silent_since if shown else None,
        frames_per_second=row.frames_per_second if shown else 0.0,
        dropped=row.dropped,
        reopened=row.reopened,
        latest_event=event if event is not None and event.gallery == row.gallery else None,
    )


def _judge(row: Row[Any], moment: datetime) -> tuple[str, str]:
    """Return the state and its message: what was reported, unless that is out of date or not yet what is wanted.

    ``moment`` is now, by the clock that wrote when it was reported.
    """
    if row.holder is None:
        if row.wanted == STOPPED:
            return STOPPED, ""
        return (row.state, row.message) if row.orders == row.followed and row.state in FINAL else (STARTING, "")
    if row.updated < write_time(moment - timedelta(seconds=UNREPORTED_SECONDS)):
        unreported = f"no server has reported on it since {row.updated}."
        return (STOPPED, "") if row.wanted == STOPPED else (FAILED, unreported)
    if row.orders != row.followed:
        return (STARTING if row.wanted == RUNNING else STOPPING), ""
    return row.state, row.message
