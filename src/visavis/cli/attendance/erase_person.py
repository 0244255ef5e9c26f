"""attendance erase-person: erase an employee."""

from __future__ import annotations

from typing import Annotated

import typer

from visavis.cli._options import Json
from visavis.cli._output import Output, confirm
from visavis.cli.attendance._options import SITE, EmployeeNumber, SiteFolder, actor_name


def erase_person(
    employee: EmployeeNumber,
    *,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why, for the ledger; no names.", show_default=False)
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    site: SiteFolder = SITE,
    json: Json = False,
) -> None:
    """Erase an employee; the ledger stays whole.

    Templates, punches, leave, requests, figures and consents are removed.
    """
    from visavis.attendance.rights import erase
    from visavis.attendance.site import Site

    with Site(site) as opened, Output("employee", "records", "templates removed", json=json) as output:
        name = opened.employee(employee).name
        if not yes:
            confirm(f"Erase employee {employee}, {name}? This cannot be undone.", abort=True)
        removed = erase(opened, employee, actor=actor_name(), reason=reason)
        line = {
            "employee": employee,
            "records": removed.records,
            "accesses": removed.accesses,
            "people": removed.people,
        }
        output.answer(line, [employee, str(removed.records), "yes" if removed.people else "-"])
