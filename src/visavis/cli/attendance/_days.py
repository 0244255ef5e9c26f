"""Options and output of the commands that show computed days."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from visavis.cli._output import Output, write
from visavis.cli._table import Column
from visavis.cli._text_width import wrap
from visavis.cli.attendance._options import actor_name
from visavis.errors import UsageError

if TYPE_CHECKING:
    from datetime import date

    from visavis.attendance.days.many import EmployeeDays
    from visavis.attendance.reports.totals import Totals
    from visavis.attendance.reports.types import ReportTable
    from visavis.attendance.rules.types import Rules

DROPS = {"status": 1, "department": 2, "planned": 3, "credited": 4, "shift": 5, "early": 6}
"""Columns that a narrow terminal does without, the first one first."""
FORMATS = ("table", "json", "csv", "xlsx", "html")
Numbers = Annotated[
    list[str] | None,
    typer.Option("--employee", metavar="EMPLOYEE", help="Only this employee; may be repeated.", show_default=False),
]
Departments = Annotated[
    list[str] | None,
    typer.Option("--department", metavar="NAME", help="Only this department; may be repeated.", show_default=False),
]
Format = Annotated[str, typer.Option("--format", metavar="NAME", help=f"One of {', '.join(FORMATS)}.")]
OutputFile = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="FILE", help="File to write, instead of standard output.", show_default=False
    ),
]


class SitePeople(NamedTuple):
    """The days of employees, the rules, and the name of the site."""

    people: list[EmployeeDays]
    rules: Rules
    name: str


def read_days(
    folder: Path,
    first: date,
    last: date,
    employees: Sequence[str] | None,
    departments: Sequence[str] | None,
    *,
    action: str,
) -> SitePeople:
    """Compute the days of a site from ``first`` to ``last``; what is not over is pending.

    ``action`` is what the log of who looked says of it.
    """
    from visavis.attendance.reports.source import compute_site_days
    from visavis.attendance.rules.read import read_rules
    from visavis.attendance.rules.schedule import Planner
    from visavis.attendance.site import Site

    with Site(folder) as site:
        planner = Planner(read_rules(site.rules_path, zone=site.zone))
        people = compute_site_days(site, planner, first, last, employees=employees or (), departments=departments or ())
        looked_at = [entry.employee.number for entry in people] if employees or departments else []
        site.record_access(action, actor=actor_name(), employees=looked_at)
        return SitePeople(people, planner.rules, site.settings.name)


def read_frozen(folder: Path, month: str) -> dict[str, Totals]:
    """Return the totals of a closed month by employee number; none for a month that is not closed."""
    from visavis.attendance.closings import read_figures
    from visavis.attendance.reports.totals import thaw
    from visavis.attendance.site import Site

    with Site(folder) as site, site.database.read() as conn:
        return thaw(read_figures(conn, month.strip()))


def read_carried_report(folder: Path, month: str, days: SitePeople) -> ReportTable:
    """Return what a month takes over from earlier ones about the employees of its days."""
    from visavis.attendance.reports.carried import carried_report
    from visavis.attendance.rules.schedule import Planner
    from visavis.attendance.site import Site

    with Site(folder) as site:
        return carried_report(site, month.strip(), Planner(days.rules), [entry.employee for entry in days.people])


def write_report(table: ReportTable, form: str, output: Path | None, *, json: bool, place: str) -> None:
    """Write a report in a form; ``json`` chooses JSON too."""
    from visavis import atomic
    from visavis.attendance.reports import forms

    form = "json" if json else form
    if form not in FORMATS:
        raise UsageError(f"--format is one of {', '.join(FORMATS)}, got {form!r}.")
    if form in {"table", "json"}:
        if output is not None:
            raise UsageError("--output writes csv, xlsx or html: add --format.")
        _print_rows(table, json=form == "json")
        return
    data = forms.to_bytes(table, form, place=place)
    if output is not None:
        atomic.write_bytes(output, data)
    elif form == "xlsx" and sys.stdout.isatty():
        raise UsageError("a workbook is no text for a terminal: add --output FILE.")
    else:
        sys.stdout.flush()
        left = memoryview(data)
        while left:  # with PYTHONUNBUFFERED a write may be of a part
            left = left[sys.stdout.buffer.write(left) :]
        sys.stdout.buffer.flush()


def _print_rows(table: ReportTable, *, json: bool) -> None:
    from visavis.attendance.reports import forms

    columns = [
        Column(column.title, drop=DROPS.get(column.key, 0), fold=column.key == "notes") for column in table.columns
    ]
    with Output(*columns, json=json) as output:
        for record, cells in zip(forms.to_records(table), forms.to_cells(table), strict=True):
            output.answer(record, cells)
    if not json:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        for line in table.legend:
            write("\n".join([line] if width is None else wrap(line, width)) + "\n")
