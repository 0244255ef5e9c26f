"""attendance access: print who looked at what."""

from __future__ import annotations

from typing import Annotated

import typer

from visavis.cli._options import Json
from visavis.cli._output import Output
from visavis.cli.attendance._options import SITE, SiteFolder


def access(
    *,
    employee: Annotated[
        str | None, typer.Option("--employee", metavar="EMPLOYEE", help="Only what showed this employee.")
    ] = None,
    site: SiteFolder = SITE,
    json: Json = False,
) -> None:
    """Print who looked at whose attendance, the newest first."""
    from visavis.attendance.accesses import read_accesses
    from visavis.attendance.site import Site

    with Site(site) as opened, Output("when", "who", "employee", "looked at", json=json) as output:
        with opened.database.read() as conn:
            entries = read_accesses(conn, employee=employee)
        for entry in entries:
            output.answer(
                entry.to_dict(), [f"{entry.at:%Y-%m-%d %H:%M}", entry.actor, entry.employee or "all", entry.action]
            )
        if not entries:
            output.line("there are no entries.")
