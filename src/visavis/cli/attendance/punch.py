"""attendance punch: record that an employee comes or goes."""

from __future__ import annotations

from typing import Annotated

import typer

from visavis.cli._options import Json
from visavis.cli._output import Output
from visavis.cli.attendance._options import (
    PUNCH_COLUMNS,
    SITE,
    EmployeeNumber,
    Incoming,
    Outgoing,
    Reason,
    SiteFolder,
    actor_name,
    choose_direction,
    punch_row,
)


def punch(  # noqa: PLR0913
    employee: EmployeeNumber,
    *,
    incoming: Incoming = False,
    outgoing: Outgoing = False,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help='When, such as "2026-11-30 07:42".', show_default="now"),
    ] = None,
    device: Annotated[str, typer.Option("--device", metavar="NAME", help="Where.")] = "",
    punch_id: Annotated[
        str | None,
        typer.Option(
            "--id",
            metavar="ID",
            help="An id of your own: sent again, the punch is recorded once.",
            show_default="random",
        ),
    ] = None,
    reason: Reason = "",
    site: SiteFolder = SITE,
    json: Json = False,
) -> None:
    """Record that an employee comes or goes."""
    from visavis.attendance.local_time import read_time
    from visavis.attendance.site import Site

    direction = choose_direction(incoming=incoming, outgoing=outgoing) or "unspecified"
    with Site(site) as opened, Output(*PUNCH_COLUMNS, json=json) as output:
        recorded = opened.punch(
            employee,
            actor=actor_name(),
            direction=direction,
            at=None if at is None else read_time(at, opened.zone),
            device=device,
            reason=reason,
            punch_id=punch_id,
        )
        output.answer(recorded.to_dict(), punch_row(recorded))
