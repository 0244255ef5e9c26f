"""attendance requests: list what employees ask for."""

from __future__ import annotations

from typing import Annotated

import typer

from visavis.cli._options import Json
from visavis.cli._output import Output
from visavis.cli._table import Row
from visavis.cli.attendance._options import SITE, SiteFolder
from visavis.cli.attendance._requests import COLUMNS, request_row


def requests(
    *,
    every: Annotated[bool, typer.Option("--all", help="Also those that were decided.")] = False,
    employee: Annotated[
        str | None, typer.Option("--employee", metavar="EMPLOYEE", help="Only those of this employee.")
    ] = None,
    manager: Annotated[
        str | None, typer.Option("--by", metavar="EMPLOYEE", help="Only those that this manager decides.")
    ] = None,
    site: SiteFolder = SITE,
    json: Json = False,
) -> None:
    """List the requests that wait for a decision."""
    from visavis.attendance.requests import read_requests
    from visavis.attendance.site import Site

    with Site(site) as opened, Output(*COLUMNS, "", json=json) as output:
        with opened.database.read() as conn:
            rows = read_requests(conn, pending=not every, employee=employee, manager=manager)
        for request in rows:
            output.answer(request.to_dict(), Row(request_row(request), request.decision or request.reason))
        if not rows:
            output.line("there are no requests." if every else "no request waits.")
