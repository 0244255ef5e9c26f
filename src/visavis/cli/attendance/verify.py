"""attendance verify: find what was changed behind the back of the ledger."""

from __future__ import annotations

from typing import Annotated

import typer

from visavis.cli._options import Json
from visavis.cli._output import Output
from visavis.cli._table import Row
from visavis.cli.attendance._options import SITE, SiteFolder, actor_name


def verify(
    *,
    accept_head: Annotated[
        str | None,
        typer.Option(
            "--accept-head",
            metavar="REASON",
            help="Take the newest record for the last: a backup was restored.",
        ),
    ] = None,
    site: SiteFolder = SITE,
    json: Json = False,
) -> None:
    """Find what other programs changed, removed or inserted.

    Exit code 1 where something was.
    """
    from visavis.attendance.site import Site

    with Site(site) as opened, Output("record", "fault", json=json) as output:
        if accept_head is not None:
            opened.ledger.accept_head(actor=actor_name(), reason=accept_head)
        records, faults = opened.ledger.newest(), opened.verify()
        for fault in faults:
            output.answer(fault.to_dict(), Row(["-" if fault.number is None else str(fault.number)], fault.message))
        if not faults:
            output.answer({"records": records, "whole": True})
            output.line(f"the ledger is whole: {records} records.")
    if faults:
        raise typer.Exit(1)
