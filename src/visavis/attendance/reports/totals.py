"""Totals of an employee over a number of days."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from visavis.attendance.days.many import EmployeeDays
from visavis.attendance.days.types import Day
from visavis.attendance.rules.types import OvertimeRules, Rules
from visavis.errors import UsageError
from visavis.plain import Plain


@dataclass(frozen=True, slots=True)
class Totals(Plain):
    """Sums over days. ``present``, ``on_leave`` and ``absent`` are in days, the others but the counts in minutes.

    ``undecided`` counts days that cannot be decided, ``missing`` those with a missing punch, ``late_days`` those with a
    late arrival. ``overtime`` is that of all kinds of days; ``overtime_counted`` is bounded by the month's maximum,
    and ``overtime_weighted`` is what counts, multiplied by the factors of the rules and rounded to whole minutes.
    """

    present: float = 0
    on_leave: float = 0
    absent: float = 0
    undecided: int = 0
    missing: int = 0
    planned: int = 0
    worked: int = 0
    credited: int = 0
    late_days: int = 0
    late: int = 0
    early: int = 0
    overtime: int = 0
    overtime_workday: int = 0
    overtime_off: int = 0
    overtime_holiday: int = 0
    overtime_counted: int = 0
    overtime_weighted: int = 0


MISSING = frozenset({"missing_in", "missing_out", "no_direction"})


def add_up(days: Iterable[Day], rules: Rules) -> Totals:
    """Return the totals of an employee in a month; the overtime rules of the last day bound the month."""
    counted = list(days)
    overtime = {
        kind: sum(day.overtime for day in counted if day.kind == kind) for kind in ("workday", "off", "holiday")
    }
    total = sum(overtime.values())
    most = _overtime_rules(counted, rules).most_a_month
    bounded = total if most is None else min(total, most)
    weighted = sum(day.overtime * _factor(day, rules) for day in counted if day.overtime)
    return Totals(
        sum(day.present for day in counted),
        sum(day.on_leave for day in counted),
        sum(day.absent for day in counted),
        sum(day.status == "undecided" for day in counted),
        sum(not MISSING.isdisjoint(day.notes) for day in counted),
        sum(day.planned for day in counted),
        sum(day.worked for day in counted),
        sum(day.credited for day in counted),
        sum(day.late > 0 for day in counted),
        sum(day.late for day in counted),
        sum(day.early for day in counted),
        total,
        overtime["workday"],
        overtime["off"],
        overtime["holiday"],
        bounded,
        round(weighted * bounded / total) if total else 0,
    )


def add_up_whole(days: Iterable[Day], rules: Rules) -> Totals | None:
    """Return the totals as :func:`add_up`; None where the punches of a day were erased: a part is not the sum."""
    counted = list(days)
    return None if any(day.status == "erased" for day in counted) else add_up(counted, rules)


def find_differences(before: Totals, now: Totals) -> dict[str, float]:
    """Return by name how much the totals that differ have grown."""
    names = (item.name for item in fields(Totals))
    return {name: grown for name in names if (grown := getattr(now, name) - getattr(before, name))}


def freeze(people: Iterable[EmployeeDays], rules: Rules) -> dict[str, Totals]:
    """Return the totals of a month that is to be closed, by the numbers of the employees who were employed in it.

    Raises UsageError where a shift of the month is not over, and where punches of the month were erased.
    """
    figures = {}
    for entry in people:
        pending = next((day.day for day in entry.days if day.status == "pending"), None)
        if pending is not None:
            raise UsageError(f"{pending} is not over: a month is closed after its last shift.")
        erased = next((day.day for day in entry.days if day.status == "erased"), None)
        if erased is not None:
            raise UsageError(
                f"{erased:%Y-%m} cannot be computed: its punches were erased, since the site keeps them no longer."
            )
        if any(day.kind != "not_employed" for day in entry.days):
            figures[entry.employee.number] = add_up(entry.days, rules)
    return figures


def find_frozen(entry: EmployeeDays, frozen: Mapping[str, Totals]) -> Totals | None:
    """Return what a month was closed with for an employee: nothing, as zeros, where the employee was added later.

    None for employees who have no day of the month: where no joining is stored, who has neither punches nor leave in it
    may not have been employed.
    """
    totals = frozen.get(entry.employee.number)
    if totals is not None:
        return totals
    appears = any(day.leave or any(part.intervals or part.unpaired for part in day.parts) for day in entry.days)
    return Totals() if appears or entry.employee.joined is not None else None


def thaw(figures: Mapping[str, Mapping[str, Any]]) -> dict[str, Totals]:
    """Return the totals of a closed month from its stored figures; of employees who had left there are none."""
    return {number: Totals(**values) for number, values in figures.items() if values}


def _overtime_rules(days: list[Day], rules: Rules) -> OvertimeRules:
    last = next((day.rules for day in reversed(days) if day.rules is not None), None)
    return next((version.overtime for version in rules.versions if version.start == last), OvertimeRules())


def _factor(day: Day, rules: Rules) -> float:
    overtime = next((version.overtime for version in rules.versions if version.start == day.rules), OvertimeRules())
    rule = {"workday": overtime.workday, "off": overtime.off, "holiday": overtime.holiday}.get(day.kind)
    return 0.0 if rule is None else rule.factor
