"""Who was refused at each device on a day: counted, never named, and settled once a person has looked at it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, select, update

from visavis.attendance.local_time import begin_day, read_zone
from visavis.attendance.site import Site
from visavis.attendance.tables import KIOSK_REFUSALS, SETTLED_REFUSALS
from visavis.errors import UnknownNameError
from visavis.images import shown
from visavis.plain import Plain
from visavis.sql_database import write_time

UNKNOWN = "stranger"
"""The kind of refusal of a face that is no employee's."""
ONE_DAY = timedelta(days=1)
_ROWS, _SETTLED = KIOSK_REFUSALS.c, SETTLED_REFUSALS.c


@dataclass(frozen=True, slots=True)
class RefusedDay(Plain):
    """The attempts that a device refused on a day, from ``first`` to ``last``, in the zone of the site.

    ``counts`` has how many there were of each kind, such as "stranger" and "attack"; ``open_counts`` how many of them
    are later than what was settled. ``settled_by`` is who has settled the others; empty: they are not.
    """

    device: str
    day: date
    first: datetime
    last: datetime
    counts: dict[str, int]
    open_counts: dict[str, int]
    settled_by: str = ""

    @property
    def unknown(self) -> int:
        """How many unknown faces are not settled."""
        return self.open_counts.get(UNKNOWN, 0)


def list_refused(site: Site, day: date) -> list[RefusedDay]:
    """Return what each device refused on a day in the zone of the site, by the name of the device."""
    zone = read_zone(site.zone)
    with site.database.read() as conn:
        settled = {row.device: row for row in conn.execute(select(SETTLED_REFUSALS).where(_SETTLED.day == f"{day}"))}
        rows = conn.execute(_select(site, day).order_by(_ROWS.kiosk, _ROWS.at)).all()
    devices: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        devices.setdefault(row.kiosk, []).append((row.at, row.kind))
    days = []
    for device, refusals in devices.items():
        done = settled.get(device)
        until, by = ("", "") if done is None else (done.until, done.actor)
        first, last = (datetime.fromisoformat(refusals[place][0]).astimezone(zone) for place in (0, -1))
        counts = _count([kind for _, kind in refusals])
        days.append(RefusedDay(device, day, first, last, counts, _count([k for at, k in refusals if at > until]), by))
    return days


def settle_refused(site: Site, day: date, device: str, *, until: datetime, actor: str) -> RefusedDay:
    """Settle the attempts that a device refused on a day up to a time: they were visitors. Return the day then.

    What comes later is not settled. Raises UnknownNameError where the device has refused none on the day.
    """
    until = until.astimezone(UTC)
    with site.database.write() as conn:
        query = _select(site, day).where(_ROWS.kiosk == device, _ROWS.at <= write_time(until))
        if not (times := [row.at for row in conn.execute(query)]):
            raise UnknownNameError(f"device {shown(device)} has refused no attempt on {day} by then.")
        values = {"until": max(times), "actor": actor, "at": write_time(site.database.read_clock(conn))}
        key = {"day": f"{day}", "device": device}
        before = conn.execute(
            select(_SETTLED.until).where(_SETTLED.day == f"{day}", _SETTLED.device == device)
        ).scalar()
        if before is None:
            conn.execute(insert(SETTLED_REFUSALS).values({**key, **values}))
        elif before < values["until"]:
            same = update(SETTLED_REFUSALS).where(_SETTLED.day == f"{day}", _SETTLED.device == device)
            conn.execute(same.values(values))
    return next(each for each in list_refused(site, day) if each.device == device)


def find_newest(conn: Connection) -> tuple[str, str]:
    """Return the times of the newest refusal and of the newest settlement, as stored; empty where there is none."""
    newest, settled = (conn.execute(select(func.max(column))).scalar() for column in (_ROWS.at, _SETTLED.at))
    return newest or "", settled or ""


def remove_refusals(conn: Connection, before: datetime) -> None:
    """Remove the refusals before a time, and what says that they are settled."""
    limit = write_time(before)
    conn.execute(delete(KIOSK_REFUSALS).where(_ROWS.at < limit))
    conn.execute(delete(SETTLED_REFUSALS).where(_SETTLED.until < limit))


def _select(site: Site, day: date) -> Select[Any]:
    start, end = (write_time(begin_day(each, site.zone).astimezone(UTC)) for each in (day, day + ONE_DAY))
    return select(_ROWS.at, _ROWS.kind, _ROWS.kiosk).where(_ROWS.at >= start, _ROWS.at < end)


def _count(kinds: list[str]) -> dict[str, int]:
    return {kind: kinds.count(kind) for kind in sorted({*kinds})}
