"""A month is closed: its totals are frozen, and what earlier closed months have changed since is carried over."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from datetime import date, timedelta

from visavis.attendance.closings import (
    close_month,
    read_carried,
    read_closings,
    read_figures,
    read_month,
    require_open,
)
from visavis.attendance.days.erased import is_erased
from visavis.attendance.local_time import begin_day
from visavis.attendance.reports.source import compute_site_days
from visavis.attendance.reports.totals import Totals, add_up, find_differences, find_frozen, freeze, thaw
from visavis.attendance.rules.read import read_rules
from visavis.attendance.rules.schedule import Planner
from visavis.attendance.site import Site
from visavis.attendance.types import ClosedMonth
from visavis.errors import AttendanceError, UsageError


def close_figures(site: Site, month: str, *, actor: str) -> tuple[ClosedMonth, dict[str, Totals]]:
    """Close a month with the totals of its days; return the closing and the totals by employee number.

    Raises UsageError for a month that is closed or not over, for one without employees or whose punches retention has
    erased, and where another month is closed or opened meanwhile; AttendanceError where another program has changed
    records from the day before the month on, or rows of other tables.
    """
    first, last = read_month(month)
    with site.database.read() as conn:
        require_open(conn, month)
        closings = read_closings(conn)
    newest = site.ledger.newest()
    planner = Planner(read_rules(site.rules_path, zone=site.zone))
    if 60 * planner.minute(last + timedelta(1), 0) > time.time():
        raise UsageError(f"{month} is not over: it is closed after its last day.")
    _require_whole(site, first)
    totals = freeze(compute_site_days(site, planner, first, last), planner.rules)
    if not totals:
        raise UsageError(f"the site has no employee who was employed in {month}: import people first.")
    carried = collect_carried(site, month, planner)
    with site.ledger.write(actor=actor) as writer:
        if read_closings(writer.conn) != closings:  # it may have carried the same changes
            raise UsageError(f"another month was closed or opened meanwhile: close {month} again.")
        figures = {number: values.to_dict() for number, values in totals.items()}
        return close_month(writer, month, figures, last_record=newest, carried=carried), totals


def _require_whole(site: Site, first: date) -> None:
    """Raise AttendanceError where another program has changed what a month is computed from, by its first day."""
    if faults := site.verify(since=begin_day(first - timedelta(1), site.zone)):
        raise AttendanceError(
            f"{first:%Y-%m} is not closed, another program has changed the database: {faults[0].message} "
            "visavis attendance verify lists all."
        )


def collect_carried(
    site: Site, month: str, planner: Planner, *, employees: Collection[str] = ()
) -> dict[str, dict[str, Mapping[str, float]]]:
    """Return by employee and earlier closed month what changed since, less what was carried over before.

    Of these employees, else of all.
    Of employees who were added after a month was closed, that is all of it: from the day on which they joined; where
    that is not stored, only of months in which they have punches or leave. Months of erased punches are left out:
    nothing can be computed of them.
    """
    erased = site.erased_before()
    with site.database.read() as conn:
        closed = [closing.month for closing in read_closings(conn) if closing.state == "closed"]
        kept = [
            each for each in closed if each < month and not is_erased(read_month(each)[0], erased, planner.rules.zone)
        ]
        before = {earlier: thaw(read_figures(conn, earlier)) for earlier in kept}
        carried_before = [read_carried(conn, earlier) for earlier in closed]
    carried: dict[str, dict[str, Mapping[str, float]]] = {}
    for earlier, frozen in before.items():
        for entry in compute_site_days(site, planner, *read_month(earlier), employees=employees):
            number, closed_with = entry.employee.number, find_frozen(entry, frozen)
            if closed_with is None:
                continue
            differences = find_differences(closed_with, add_up(entry.days, planner.rules))
            for carry in carried_before:
                for name, value in carry.get(number, {}).get(earlier, {}).items():
                    differences[name] = differences.get(name, 0) - value
            if left := {name: value for name, value in differences.items() if value}:
                carried.setdefault(number, {})[earlier] = left
    return carried
