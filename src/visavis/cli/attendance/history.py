"""attendance history: print the records of the ledger."""

from __future__ import annotations

from typing import Annotated

import typer

from visavis.cli._options import Json
from visavis.cli._output import Output
from visavis.cli._table import Row
from visavis.cli.attendance._options import SITE, EmployeeNumber, SiteFolder, actor_name


def history(
    employee: EmployeeNumber,
    *,
    punch: Annotated[
        str | None, typer.Option("--punch", metavar="PUNCH", help="Only the records of this punch.")
    ] = None,
    site: SiteFolder = SITE,
    json: Json = False,
) -> None:
    """Print the records about an employee: who, when and why."""
    from visavis.attendance.site import Site

    with Site(site) as opened, Output("record", "recorded", "by", "kind", "punch", "at", json=json) as output:
        opened.employee(employee)
        opened.record_access("history", actor=actor_name(), employees=[employee])
        for record in opened.ledger.history(employee=employee, punch_id=punch):
            at = "-" if record.punch is None else f"{record.punch.at:%Y-%m-%d %H:%M:%S} {record.punch.direction}"
            what = "-" if record.punch is None else record.punch.id
            cells = [str(record.number), f"{record.recorded:%Y-%m-%d %H:%M}", record.actor, record.kind, what, at]
            done = "" if record.detail is None else str(record.detail.get("action", ""))
            output.answer(record.to_dict(), Row(cells, record.reason or done))
