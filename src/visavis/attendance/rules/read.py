"""Read the rules of a site from a file of TOML; every key is checked, and every name that is used must be there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from visavis._checks import check_whole
from visavis.attendance.local_time import read_zone
from visavis.attendance.rules import _values as values
from visavis.attendance.rules._shifts import read_counting, read_shift
from visavis.attendance.rules._values import TableKeys, quote
from visavis.attendance.rules.types import (
    DEFAULT_COOLDOWN,
    Assignment,
    FreeDay,
    LeaveKind,
    OvertimeRule,
    OvertimeRules,
    Roster,
    Rules,
    RuleVersion,
)
from visavis.errors import UsageError
from visavis.printable import make_printable
from visavis.structured_text import TOML_BYTES, parse_toml
from visavis.text_files import errors_in, read_text

LEAVE = {
    "vacation": LeaveKind("vacation"),
    "sick": LeaveKind("sick"),
    "unpaid": LeaveKind("unpaid", paid=False),
    "home": LeaveKind("home", "WFH", works=True),
}
"""Kinds of leave that need not be declared."""


def read_rules(path: Path, *, zone: str | None = None) -> Rules:
    """Read a file of rules; ``zone`` is the time zone where the file names none.

    Raises UsageError, which names the file, the table and the key, for what is wrong in it.
    """
    text = read_text(path, most=TOML_BYTES)
    with errors_in(path):
        return parse_rules(text, zone=zone)


def parse_rules(text: str, *, zone: str | None = None) -> Rules:
    """Return the rules of a TOML text; see :func:`read_rules`."""
    try:
        table = parse_toml(text)
    except ValueError as error:
        raise UsageError(f"this is not TOML: {str(error).partition(chr(10))[0]}.") from error
    keys = TableKeys(table, "the file")
    place = keys.take("zone", _read_zone, None) or (read_zone(zone) if zone else None)
    if place is None:
        raise UsageError('the rules need a time zone: write zone = "Europe/Berlin".')
    rules = Rules(
        place,
        keys.need("versions", _read_versions),
        keys.take("assignments", values.read_list(_read_assignment), ()),
        keys.take("rosters", _named("rosters", _read_roster), {}),
        keys.take("holidays", values.read_mapping(_read_holidays), {}),
        LEAVE | keys.take("leave", _named("leave", _read_leave), {}),
    )
    keys.finish()
    _check_names(rules)
    return rules


def _read_zone(value: object) -> ZoneInfo:
    return read_zone(values.read_string(value))


def _named(place: str, read: Any) -> Any:
    """Return a parser of a table of named tables; ``read`` takes the keys of a table and its name."""

    def parse(value: object) -> dict[str, Any]:
        tables = values.read_mapping(lambda item: item)(value)
        return {name: read(TableKeys(table, f"{place}.{make_printable(name)}"), name) for name, table in tables.items()}

    return parse


def _read_versions(value: object) -> tuple[RuleVersion, ...]:
    versions = values.read_list(_read_version)(value)
    if not versions:
        raise ValueError("are empty: write [[versions]] with from and shifts.")
    ordered = sorted(versions, key=lambda version: version.start)
    for version, following in pairwise(ordered):
        if version.start == following.start:
            raise ValueError(f"two begin on {version.start}.")
    return tuple(ordered)


def _read_version(table: object) -> RuleVersion:
    keys = TableKeys(table, "versions")
    start = keys.need("from", values.read_date)
    keys.place = f"versions from {start}"
    version = RuleVersion(
        start,
        keys.need("shifts", _named("shifts", read_shift)),
        keys.take("cooldown", values.read_seconds, DEFAULT_COOLDOWN),
        keys.take("least_probability", values.read_probability, 0.0),
        keys.take("devices", values.read_mapping(values.read_choice("in", "out")), {}),
        keys.take("overtime", _read_overtimes, OvertimeRules()),
        keys.take("free_day", _read_free_day, FreeDay()),
    )
    keys.finish()
    return version


def _read_overtimes(table: object) -> OvertimeRules:
    keys = TableKeys(table, "overtime")
    rules = OvertimeRules(
        keys.take("workday", partial(_read_overtime, "workday"), None),
        keys.take("off", partial(_read_overtime, "off"), None),
        keys.take("holiday", partial(_read_overtime, "holiday"), None),
        keys.take("most_a_month", values.read_minutes, None),
    )
    keys.finish()
    return rules


def _read_overtime(kind: str, table: object) -> OvertimeRule:
    keys = TableKeys(table, f"overtime.{kind}")
    rule = OvertimeRule(
        keys.take("least", values.read_minutes, 0),
        keys.take("most", values.read_minutes, None),
        keys.take("factor", values.read_factor, 1.0),
    )
    keys.finish()
    return rule


def _read_free_day(table: object) -> FreeDay:
    keys = TableKeys(table, "free_day")
    free_day = FreeDay(keys.take("window_after", values.read_minutes, 480), read_counting(keys))
    keys.finish()
    return free_day


def _read_leave(keys: TableKeys, name: str) -> LeaveKind:
    works = keys.take("works", values.read_flag, False)
    code = keys.take("code", values.read_string, "WFH" if works else "L")
    kind = LeaveKind(name, code, works, keys.take("paid", values.read_flag, True))
    keys.finish()
    return kind


def _read_holidays(value: object) -> dict[date, str]:
    names = values.read_mapping(values.read_string)(value)
    return {values.read_date(day): name for day, name in names.items()}


def _read_roster(keys: TableKeys, _name: str) -> Roster:
    roster = Roster(keys.need("start", values.read_date), keys.need("cycle", values.read_list(values.read_strings)))
    keys.finish()
    check_whole(len(roster.cycle), f"{keys.place}: cycle has a number of days", least=1, most=3660)
    return roster


def _read_assignment(table: object) -> Assignment:
    keys = TableKeys(table, "assignments")
    assignment = Assignment(
        keys.take("first", values.read_date, date.min),
        keys.take("last", values.read_date, None),
        keys.take("employees", values.read_strings, ()),
        keys.take("departments", values.read_strings, ()),
        keys.take("shifts", values.read_strings, ()),
        keys.take("roster", values.read_string, ""),
        keys.take("weekly_off", values.read_weekdays, frozenset()),
        keys.take("holidays", values.read_strings, ()),
    )
    keys.finish()
    if assignment.last is not None and assignment.last < assignment.first:
        raise UsageError(f"assignments: last is {assignment.last}, before first, {assignment.first}.")
    if assignment.roster and (assignment.shifts or assignment.weekly_off):
        raise UsageError("assignments: a roster says which shifts and days off there are; leave out the others.")
    return assignment


def _check_names(rules: Rules) -> None:
    """Raise UsageError for a roster, a list of holidays or a shift that an assignment names and that is not there."""
    for assignment in rules.assignments:
        _check_known([assignment.roster] if assignment.roster else [], rules.rosters, "roster")
        _check_known(assignment.holidays, rules.holidays, "list of holidays")
        cycle = rules.rosters[assignment.roster].cycle if assignment.roster else [assignment.shifts]
        names = dict.fromkeys(name for day in cycle for name in day)
        for version, following in zip(rules.versions, [*rules.versions[1:], None], strict=True):
            begins = assignment.last is None or version.start <= assignment.last
            if begins and (following is None or assignment.first < following.start):
                _check_known(names, version.shifts, f"shift in the version from {version.start}")


def _check_known(names: Iterable[str], there: Mapping[str, object], kind: str) -> None:
    for name in names:
        if name not in there:
            raise UsageError(f"assignments: there is no {kind} called {quote(name)}; there are: {', '.join(there)}.")
