"""attendance people: list the employees."""

from __future__ import annotations

from visavis.cli._options import Json
from visavis.cli._output import Output
from visavis.cli.attendance._options import SITE, SiteFolder

COLUMNS = ("employee", "name", "department", "joined", "left", "manages")


def people(*, site: SiteFolder = SITE, json: Json = False) -> None:
    """List the employees, also those who left."""
    from visavis.attendance.site import Site

    with Site(site) as opened, Output(*COLUMNS, json=json) as output:
        employees = opened.employees()
        for each in employees:
            days = ["-" if day is None else day.isoformat() for day in (each.joined, each.left)]
            output.answer(
                each.to_dict(), [each.number, each.name, each.department, *days, ", ".join(each.manages) or "-"]
            )
        if not employees:
            output.line("there are no employees: visavis attendance import-people adds them.")
