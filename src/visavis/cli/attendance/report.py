"""attendance report: the figures of a month."""

from __future__ import annotations

from typing import Annotated

import typer

from visavis.cli._options import Json
from visavis.cli.attendance._days import (
    Departments,
    Format,
    Numbers,
    OutputFile,
    read_carried_report,
    read_days,
    read_frozen,
    write_report,
)
from visavis.cli.attendance._options import SITE, SiteFolder
from visavis.errors import UsageError

KINDS = ("month", "person", "late", "overtime", "departments", "notices", "changes", "carried")
Month = Annotated[str, typer.Option("--month", metavar="YYYY-MM", help="The month.", show_default=False)]
Kind = Annotated[str, typer.Option("--kind", metavar="NAME", help=f"One of {', '.join(KINDS)}.")]


def report(
    *,
    month: Month,
    site: SiteFolder = SITE,
    kind: Kind = "month",
    employee: Numbers = None,
    department: Departments = None,
    format: Format = "table",
    output: OutputFile = None,
    json: Json = False,
) -> None:
    """Show the figures of a month.

    As a matrix, by person, late arrivals, overtime, departments, what to look at, what changed after the month was
    closed, or what it takes over from earlier ones.
    """
    from visavis.attendance.closings import read_month
    from visavis.attendance.reports.tables import REPORTS

    if kind not in KINDS:
        raise UsageError(f"--kind is one of {', '.join(KINDS)}, got {kind!r}.")
    days = read_days(site, *read_month(month), employee, department, action=f"report {kind} {month.strip()}")
    if kind == "carried":
        table = read_carried_report(site, month, days)
    else:
        table = REPORTS[kind](days.people, days.rules, read_frozen(site, month))
    write_report(table, format, output, json=json, place=days.name)
