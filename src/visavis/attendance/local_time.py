"""Times at a place: read from text, and converted to what the ledger stores."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from visavis.errors import UsageError
from visavis.images import shown

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
FIRST_YEAR = 2000
"""Earlier times come from clocks that were never set."""
CALENDAR = date(1900, 1, 1), date(9998, 12, 31)
"""Days that have weeks of other days around them."""
AHEAD = timedelta(days=1)
"""How far a time may be ahead of the clock of this machine."""


@lru_cache(maxsize=1000)
def read_zone(name: str) -> ZoneInfo:
    """Return a time zone by its name in the IANA database; UsageError where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(
            f"there is no time zone {shown(name)}: write a name such as Europe/Berlin or Asia/Ho_Chi_Minh."
        ) from error


def find_own_zone() -> str:
    """Return the name of the time zone of this machine; UTC where it names none."""
    target = Path("/etc/localtime").resolve().as_posix()
    names = os.environ.get("TZ", "").removeprefix(":"), target.partition("/zoneinfo/")[2]
    for name in filter(None, names):
        with suppress(UsageError):
            return read_zone(name).key
    return "UTC"


def read_time(text: str, zone: str) -> datetime:
    """Return the time of a text in ISO 8601, such as "2026-11-30 07:42"; without an offset it is local in ``zone``.

    Raises UsageError for a text of another form, for a local time that the zone does not have, because clocks are set
    forward, and for one that it has twice, because they are set back.
    """
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise _no_time(text) from error
    if ":" not in text and "T" not in text.upper():  # a day
        raise _no_time(text)
    if time.tzinfo is not None or time.year < FIRST_YEAR:
        return check_time(time if time.tzinfo is not None else time.replace(tzinfo=UTC), zone)
    local = read_zone(zone)
    first, second = (time.replace(tzinfo=local, fold=fold) for fold in (0, 1))
    if first.utcoffset() != second.utcoffset():  # clocks are set over it
        if not _exists(first, local):
            raise UsageError(f"there is no {time:%H:%M} on {time:%Y-%m-%d} in {zone}: clocks are set forward over it.")
        earlier, later = first.isoformat(), second.isoformat()
        raise UsageError(
            f"{time:%Y-%m-%d %H:%M} comes twice in {zone}, since clocks are set back: write {earlier} or {later}."
        )
    return check_time(first, zone)


def check_time(time: datetime, zone: str) -> datetime:
    """Return a time as the clocks in ``zone`` show it, with their offset.

    Raises UsageError for a time without an offset, before ``FIRST_YEAR``, or more than a day ahead.
    """
    if time.tzinfo is None:
        raise UsageError(f"the time {time.isoformat()} has no offset from UTC.")
    try:
        local = time.astimezone(read_zone(zone))
    except OverflowError as error:
        raise UsageError(f"the time {time.isoformat()} is beyond what a calendar holds.") from error
    if local.year < FIRST_YEAR:
        raise UsageError(f"the time {time.isoformat()} is before {FIRST_YEAR}: is the clock set?")
    if local > datetime.now(UTC) + AHEAD:
        raise UsageError(f"the time {time.isoformat()} is in the future: is the clock set?")
    return local.replace(tzinfo=_make_offset(round((local.utcoffset() or timedelta()).total_seconds())), fold=0)


def read_day(text: str, *, any_year: bool = False) -> date:
    """Return the day of a text such as "2026-11-30"; UsageError for another text.

    Unless it may be of ``any_year``, UsageError also for a day outside of ``CALENDAR``.
    """
    try:
        day = date.fromisoformat(text.strip())
    except ValueError as error:
        raise UsageError(f"{shown(text)} is no day: write it as 2026-11-30.") from error
    if not any_year and not CALENDAR[0] <= day <= CALENDAR[1]:
        raise UsageError(f"{day} is not a day from {CALENDAR[0]} to {CALENDAR[1]}.")
    return day


def count_microseconds(time: datetime) -> int:
    """Return a time as microseconds since 1970 in UTC."""
    return (time - EPOCH) // MICROSECOND


def make_time(microseconds: int, offset: int = 0) -> datetime:
    """Return the time of microseconds since 1970 with an offset from UTC in seconds."""
    return (EPOCH + timedelta(microseconds=microseconds)).astimezone(_make_offset(offset))


def begin_day(day: date, zone: str) -> datetime:
    """Return the first moment of a day in a zone."""
    return datetime(day.year, day.month, day.day, tzinfo=read_zone(zone)).astimezone(UTC)


@lru_cache(maxsize=1000)
def _make_offset(seconds: int) -> timezone:
    return timezone(timedelta(seconds=seconds)) if seconds else UTC


def _exists(time: datetime, zone: ZoneInfo) -> bool:
    return time.astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0) == time.replace(tzinfo=None, fold=0)


def _no_time(text: str) -> UsageError:
    return UsageError(f'{shown(text)} is no time: write it as "2026-11-30 07:42", or with an offset: +07:00 behind it.')
