"""attendance demo: a sample site."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from visavis.cli._options import Json
from visavis.cli._output import Output

NewFolder = Annotated[
    Path, typer.Argument(metavar="DIR", help="Folder of the sample site, which is new.", show_default=False)
]


def demo(folder: NewFolder, *, json: Json = False) -> None:
    """Make a sample site of made-up people and punches.

    It has 30 employees and three months, with all that goes wrong at real sites.
    """
    from visavis.attendance.demo.people import FIRST, LAST
    from visavis.attendance.demo.site import PROPOSED_FILE, create_demo

    with create_demo(folder) as site:
        counts = {"employees": len(site.employees()), "punches": len(site.punches())}
    with Output(json=json) as output:
        output.answer({"site": str(folder), **counts, "first": FIRST.isoformat(), "last": LAST.isoformat()})
        output.line(f"{folder}: {counts['employees']} employees, {counts['punches']} punches from {FIRST} to {LAST}.")
        output.line(f"Try: visavis attendance report --site {folder} --month {FIRST:%Y-%m}")
        output.line(f"     visavis attendance day 2024-03-13 --site {folder}")
        output.line(f"     visavis attendance day 2024-02-20 --site {folder} --employee 1007 --why")
        output.line(f"     visavis attendance replay --rules {folder / PROPOSED_FILE} --site {folder} --from {FIRST}")
