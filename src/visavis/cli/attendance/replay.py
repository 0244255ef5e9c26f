"""attendance replay: which days other rules would change."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from visavis.cli._options import Json
from visavis.cli._output import Output, counted
from visavis.cli.attendance._days import Departments, Numbers
from visavis.cli.attendance._options import SITE, SiteFolder, actor_name

RulesFile = Annotated[
    Path, typer.Option("--rules", metavar="FILE", help="The other rules, in TOML.", show_default=False)
]
First = Annotated[str | None, typer.Option("--from", metavar="DATE", help="First day.", show_default="90 days ago")]
Last = Annotated[str | None, typer.Option("--to", metavar="DATE", help="Last day.", show_default="yesterday")]


def replay(
    *,
    rules: RulesFile,
    first: First = None,
    last: Last = None,
    site: SiteFolder = SITE,
    employee: Numbers = None,
    department: Departments = None,
    json: Json = False,
) -> None:
    """Show which days other rules would change.

    Nothing is changed.
    """
    from datetime import UTC, date, datetime, timedelta

    from visavis.attendance.days import many
    from visavis.attendance.local_time import read_day
    from visavis.attendance.reports.source import read_records
    from visavis.attendance.rules.read import read_rules
    from visavis.attendance.rules.schedule import Planner
    from visavis.attendance.site import Site
    from visavis.errors import UsageError

    with Site(site) as opened, Output("employee", "day", "figure", "now", "then", json=json) as output:
        old, new = (Planner(read_rules(path, zone=opened.zone)) for path in (opened.rules_path, rules))
        yesterday = datetime.now(old.rules.zone).date() - timedelta(1)
        end = yesterday if last is None else read_day(last)
        start = end - timedelta(min(89, (end - date.min).days)) if first is None else read_day(first)
        if end < start:
            raise UsageError(f"--to {end} is before --from {start}.")
        records = read_records(
            opened,
            [old, new],
            start,
            end,
            employees=employee or (),
            departments=department or (),
            now=datetime.now(UTC),
        )
        opened.record_access("replay", actor=actor_name())
        changes = 0
        for change in (change for recorded in records for change in many.replay(recorded, old, new, start, end)):
            changes += 1
            rows = [
                [
                    change.employee,
                    str(change.day),
                    name,
                    str(getattr(change.before, name)),
                    str(getattr(change.after, name)),
                ]
                for name in change.fields
            ]
            output.answer(change.to_dict(), *rows)
    if not json:
        typer.echo(f"{counted(changes, 'day')} from {start} to {end} would change.", err=True)
