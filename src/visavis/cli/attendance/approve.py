"""attendance approve: decide a request."""

from __future__ import annotations

from typing import Annotated

import typer

from visavis.cli._options import Json
from visavis.cli._output import Output
from visavis.cli.attendance._options import SITE, Reason, SiteFolder, actor_name
from visavis.cli.attendance._requests import COLUMNS, request_row


def approve(
    request: Annotated[str, typer.Argument(metavar="REQUEST", help="Id of the request.", show_default=False)],
    *,
    decline: Annotated[bool, typer.Option("--decline", help="Decline it.")] = False,
    manager: Annotated[
        str | None,
        typer.Option(
            "--by",
            metavar="EMPLOYEE",
            help="The manager of the department who decides.",
            show_default="you, as administrator",
        ),
    ] = None,
    reason: Reason = "",
    site: SiteFolder = SITE,
    json: Json = False,
) -> None:
    """Approve or decline a request.

    What is approved is done at once, and the ledger says who has decided.
    """
    from visavis.attendance.site import Site

    actor = actor_name() if manager is None else f"employee {manager}"
    with Site(site) as opened, Output(*COLUMNS, json=json) as output:
        decided = opened.decide(request, approve=not decline, actor=actor, manager=manager, reason=reason)
        output.answer(decided.to_dict(), request_row(decided))
