"""Punches as rows of the files that payroll systems import."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from visavis.attendance.integrations.frappe import LOG_TYPES
from visavis.attendance.integrations.odoo import format_time
from visavis.attendance.integrations.site_pairs import LOOK_BACK, SitePairs
from visavis.attendance.local_time import begin_day
from visavis.attendance.site import Site
from visavis.errors import UsageError

FRAPPE_COLUMNS = ("Employee", "Log Type", "Time", "Location / Device ID", "Skip Auto Attendance")
ODOO_COLUMNS = ("employee_id", "check_in", "check_out")
LONGEST = timedelta(hours=16)


@dataclass(frozen=True, slots=True)
class PunchExport:
    """The rows of a file by column, and notes about punches that are not in it."""

    rows: tuple[Mapping[str, object], ...]
    notes: tuple[str, ...]


def export_frappe(site: Site, first: date | None, last: date | None) -> PunchExport:
    """Return check-ins for Frappe HR's import of Employee Checkin: local times, one for a person and second."""
    rows: list[Mapping[str, object]] = []
    written: dict[tuple[str, str], datetime] = {}
    repeated = 0
    for punch in site.punches(first, last):
        time = f"{punch.at.astimezone(ZoneInfo(site.zone)):%Y-%m-%d %H:%M:%S}"
        if (punch.employee, time) in written:
            repeated += 1
            continue
        written[punch.employee, time] = punch.at
        values = (punch.employee, LOG_TYPES[punch.direction], time, punch.device, 0)
        rows.append(dict(zip(FRAPPE_COLUMNS, values, strict=True)))
    note = f"{repeated} punches have the same local second as another one of the person, and are left out."
    return PunchExport(tuple(rows), (note,) if repeated else ())


def export_odoo(site: Site, first: date | None, last: date | None) -> PunchExport:
    """Return pairs for Odoo's import of attendance: UTC, employees by name.

    A pair belongs to the day of its check-in. Raises UsageError where two employees of the pairs have the same name.
    """
    names = {employee.number: employee.name for employee in site.employees()}
    rows: list[Mapping[str, object]] = []
    numbers: set[str] = set()
    unpaired = 0
    for number, check_in, check_out in _list_pairs(site, first, last):
        if check_out is None:
            unpaired += 1
            continue
        numbers.add(number)
        rows.append(
            dict(zip(ODOO_COLUMNS, (names[number], format_time(check_in), format_time(check_out)), strict=True))
        )
    name, count = (Counter(names[number] for number in numbers).most_common(1) or [("", 0)])[0]
    if count > 1:
        raise UsageError(f"{count} employees are called {name}, and this import knows names alone: use push.")
    note = f"{unpaired} punches have no check-in or check-out, and are left out."
    return PunchExport(tuple(rows), (note,) if unpaired else ())


def _list_pairs(site: Site, first: date | None, last: date | None) -> Iterator[tuple[str, datetime, datetime | None]]:
    """Yield number, check-in and check-out of the pairs that begin in the days; None for what is in no whole pair."""
    pairs, now = SitePairs(site, longest=LONGEST), datetime.now(UTC)
    begin = None if first is None else begin_day(first - LOOK_BACK, site.zone)
    for employee in site.employees():
        number = employee.number
        pairing = pairs.pair(number, begin, now=now, last=last)
        rows: list[tuple[datetime, datetime | None]] = [(punch.at, None) for punch, _ in pairing.unpaired]
        rows += [(pair.check_in.at, pair.check_out.at if pair.check_out else None) for pair in pairing.pairs]
        for at, check_out in sorted(rows, key=lambda row: row[0]):
            if (first is None or at.date() >= first) and (last is None or at.date() <= last):
                yield number, at, check_out
