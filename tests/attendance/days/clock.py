"""Rules and punches written as short as a time sheet."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from visavis.attendance.days.compute import compute_day
from visavis.attendance.days.types import Day
from visavis.attendance.rules.read import parse_rules
from visavis.attendance.rules.types import Rules
from visavis.attendance.types import Employee, Leave, LeavePart, Outage, Punch

ANN = Employee("7", "Ann", "Sales")
MONDAY = date(2026, 3, 2)
PUNCH = re.compile(r"(?P<days>[+-]\d+ )?(?P<time>\d\d:\d\d(:\d\d)?)(?P<fold>\*)?(?P<way>[<>])?(@(?P<device>\S+))?")
DIRECTIONS = {">": "in", "<": "out", None: "unspecified"}

OFFICE = """
[versions.shifts.office]
start = "08:00"
end = "17:00"
breaks = [{ start = "12:00", end = "13:00" }]
"""
NIGHT = """
[versions.shifts.night]
start = "22:00"
end = "06:00"
"""


def rules(
    shifts: str = OFFICE,
    *,
    assign: str = 'shifts = ["office"]\nweekly_off = ["saturday", "sunday"]',
    version: str = "",
    more: str = "",
    zone: str = "Europe/Berlin",
) -> Rules:
    """Return rules with one version; ``assign`` is the assignment of everyone, ``more`` comes at the end."""
    text = f'zone = "{zone}"\n[[versions]]\nfrom = 2020-01-01\n{version}\n{shifts}\n[[assignments]]\n{assign}\n{more}'
    return parse_rules(text)


def office(*lines: str) -> str:
    """Return the shift of the office with more keys."""
    return OFFICE + "\n".join(lines) + "\n"


def punches(text: str, *, day: date = MONDAY, zone: str = "Europe/Berlin") -> list[Punch]:
    """Return punches such as ``08:00 12:30> +1 06:00<@door 02:30*``.

    ``>`` is in, ``<`` is out, ``+1`` is a day later, ``*`` the second of two equal times, ``@`` begins a device.
    """
    made, numbers = [], count()
    for match in PUNCH.finditer(text):
        there = day + timedelta(int(match["days"] or 0))
        at = datetime.combine(there, time.fromisoformat(match["time"]), ZoneInfo(zone))
        at = at.replace(fold=1 if match["fold"] else 0)
        made.append(Punch(f"p{next(numbers)}", ANN.number, at, zone, DIRECTIONS[match["way"]], match["device"] or ""))
    return made


def compute(
    text: str,
    by: Rules,
    *,
    day: date = MONDAY,
    of: date | None = None,
    employee: Employee = ANN,
    leaves: list[Leave] | None = None,
    outages: list[Outage] | None = None,
    now: str = "",
) -> Day:
    """Return a day: ``day`` is that of the punches, ``of`` the one that is computed, if it is another."""
    zone = str(by.zone)
    until = punches(now, day=day, zone=zone)[0].at if now else None
    made = punches(text, day=day, zone=zone)
    return compute_day(employee, of or day, made, by, leaves or (), outages or (), now=until)


def leave(kind: str, part: LeavePart = "whole", first: date = MONDAY, last: date | None = None) -> Leave:
    return Leave("l1", ANN.number, kind, first, last or first, part)


def outage(start: str, end: str, day: date = MONDAY, zone: str = "Europe/Berlin") -> Outage:
    first, last = punches(f"{start} {end}", day=day, zone=zone)
    return Outage("door", first.at, last.at, "no power")


def brief(day: Day) -> str:
    """Return status, worked time and what else is not zero: ``present 8:00 late 0:12``."""
    figures = {"late": day.late, "early": day.early, "over": day.overtime, "credit": day.credited}
    shown = [f"{name} {hours(minutes)}" for name, minutes in figures.items() if minutes]
    return " ".join([day.status, hours(day.worked), *shown, *day.notes])


def hours(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02}"
