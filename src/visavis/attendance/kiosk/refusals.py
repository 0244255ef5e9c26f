"""Who was refused at a kiosk or a camera: counted, never named; and too many wrong PINs, which stop a kiosk."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, delete, func, insert, select, update

from visavis.attendance.local_time import MICROSECOND, begin_day, read_zone
from visavis.attendance.site import Site
from visavis.attendance.tables import KIOSK_REFUSALS, SETTLED_REFUSALS
from visavis.sql_database import write_time

RefusalKind = Literal["stranger", "tailgater", "attack", "challenge_failed", "no_consent", "not_employed", "wrong_pin"]
PIN_WINDOW = timedelta(minutes=10)
KIOSK_TRIES = 20
"""Wrong PINs and badges of a kiosk within the window, after which it takes none."""
NUMBER_WINDOW = timedelta(hours=1)
NUMBER_TRIES = 5
"""Wrong PINs for an employee number, at all kiosks, after which none is taken for it, whether or not it exists."""
ONE_DAY = timedelta(days=1)
_ROWS = KIOSK_REFUSALS.c


def record_refusal(
    site: Site, attempt: str, kind: RefusalKind, *, kiosk: str, number: str | None = None, at: datetime | None = None
) -> None:
    """Count a refusal; the same ``attempt`` is counted once for each kind. ``number`` is what was typed with a PIN.

    ``at`` is when it was, now by default. What was settled on its day from then on is open again.
    """
    mark = None if number is None else site.key.mark_number(number)
    with site.database.write() as conn:
        if _count(conn, attempt, kind, kiosk, at or site.database.read_clock(conn), mark) and at is not None:
            _reopen(conn, kiosk, at, site.zone)


def begin_try(site: Site, attempt: str, *, kiosk: str, number: str | None = None) -> bool:
    """Count a PIN for a number, or a badge, as a wrong one; return whether it may be compared.

    It is counted before, so that many at once are no more than the limit. :func:`end_try` takes it back.
    """
    mark = None if number is None else site.key.mark_number(number)
    with site.database.write() as conn:
        at = site.database.read_clock(conn)
        if not may_try_pin(conn, mark, kiosk=kiosk, now=at):
            return False
        _count(conn, attempt, "wrong_pin", kiosk, at, mark)
    return True


def end_try(site: Site, attempt: str) -> None:
    """Take back what :func:`begin_try` has counted: the PIN or the badge was right."""
    with site.database.write() as conn:
        conn.execute(delete(KIOSK_REFUSALS).where(_ROWS.attempt == attempt, _ROWS.kind == "wrong_pin"))


def _reopen(conn: Connection, kiosk: str, at: datetime, zone: str) -> None:
    """Let nothing from a time on be settled at a kiosk on the day of that time: its refusal was not shown before."""
    settled = SETTLED_REFUSALS.c
    day = at.astimezone(read_zone(zone)).date().isoformat()
    same = update(SETTLED_REFUSALS).where(
        settled.day == day, settled.device == kiosk, settled.until >= write_time(at.astimezone(UTC))
    )
    conn.execute(same.values(until=write_time(at.astimezone(UTC) - MICROSECOND)))


def _count(conn: Connection, attempt: str, kind: RefusalKind, kiosk: str, at: datetime, mark: str | None) -> bool:
    """Add a refusal; return whether it is new."""
    forgotten = _ROWS.at < write_time(at - NUMBER_WINDOW), _ROWS.number_mark.is_not(None)
    conn.execute(update(KIOSK_REFUSALS).where(*forgotten).values(number_mark=None))
    is_there = select(_ROWS.attempt).where(_ROWS.attempt == attempt, _ROWS.kind == kind)
    if conn.execute(is_there).first() is not None:
        return False
    row = {"attempt": attempt, "kind": kind, "kiosk": kiosk, "at": write_time(at), "number_mark": mark}
    conn.execute(insert(KIOSK_REFUSALS).values(row))
    return True


def may_try_pin(conn: Connection, mark: str | None, *, kiosk: str, now: datetime) -> bool:
    """Return whether a kiosk may try a PIN, for the number with this mark, or a badge (None)."""
    wrong = select(func.count()).where(_ROWS.kind == "wrong_pin")
    of_kiosk = wrong.where(_ROWS.kiosk == kiosk, _ROWS.at >= write_time(now - PIN_WINDOW))
    if conn.execute(of_kiosk).scalar_one() >= KIOSK_TRIES:
        return False
    if mark is None:
        return True
    of_number = wrong.where(_ROWS.number_mark == mark, _ROWS.at >= write_time(now - NUMBER_WINDOW))
    return bool(conn.execute(of_number).scalar_one() < NUMBER_TRIES)


def count_refusals(site: Site, day: date) -> dict[RefusalKind, int]:
    """Return how many attempts of a day, in the zone of the site, were refused at all kiosks and cameras, by kind."""
    start, end = begin_day(day, site.zone).astimezone(UTC), begin_day(day + ONE_DAY, site.zone).astimezone(UTC)
    query = select(_ROWS.kind, func.count().label("number")).where(
        _ROWS.at >= write_time(start), _ROWS.at < write_time(end)
    )
    with site.database.read() as conn:
        rows = conn.execute(query.group_by(_ROWS.kind)).all()
    return {row.kind: row.number for row in rows}
