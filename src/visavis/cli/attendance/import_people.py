"""attendance import-people: add and change employees."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from visavis.cli._options import Json
from visavis.cli._output import Output
from visavis.cli.attendance._options import SITE, SiteFolder, actor_name


def import_people(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.csv", help="Columns number, name; department, joined, left, manages.")
    ],
    *,
    site: SiteFolder = SITE,
    json: Json = False,
) -> None:
    """Add the employees of a CSV; change those that differ."""
    from visavis.attendance.people_file import read_people
    from visavis.attendance.site import Site

    with Site(site) as opened, Output("added", "changed", "unchanged", json=json) as output:
        people = read_people(file, {employee.number: employee for employee in opened.employees()})
        counts = opened.put_employees(people, actor=actor_name())
        output.answer(counts._asdict(), [str(count) for count in counts])
