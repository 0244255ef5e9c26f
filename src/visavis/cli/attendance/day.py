"""attendance day: who was there on a day."""

from __future__ import annotations

from typing import Annotated

import typer

from visavis.cli._options import Json
from visavis.cli._output import Output
from visavis.cli.attendance._days import Departments, Format, Numbers, OutputFile, read_days, write_report
from visavis.cli.attendance._options import SITE, SiteFolder

Day = Annotated[str, typer.Argument(metavar="DATE", help="Day, such as 2026-03-31.", show_default=False)]
Why = Annotated[bool, typer.Option("--why", help="Say where each figure comes from: punches and rules.")]


def day(
    date: Day,
    *,
    site: SiteFolder = SITE,
    employee: Numbers = None,
    department: Departments = None,
    why: Why = False,
    format: Format = "table",
    output: OutputFile = None,
    json: Json = False,
) -> None:
    """Show status, hours and lateness on a day."""
    from visavis.attendance.days.explain import explain
    from visavis.attendance.local_time import read_day
    from visavis.attendance.reports.carried import explain_carried
    from visavis.attendance.reports.tables import day_report
    from visavis.attendance.site import Site

    asked = read_day(date)
    days = read_days(site, asked, asked, employee, department, action=f"day {asked}")
    if not why:
        write_report(day_report(days.people, asked), format, output, json=json, place=days.name)
        return
    with Site(site) as opened:
        carried = explain_carried(opened, asked, [entry.employee.number for entry in days.people])
    with Output(json=json) as answers:
        for entry in days.people:
            lines = [*explain(entry.days[0]), *carried.get(entry.employee.number, ())]
            answers.answer({**entry.days[0].to_dict(), "why": lines})
            for line in lines:
                answers.line(line)
