"""attendance correct: correct a punch, make it void, or restore it."""

from __future__ import annotations

from typing import Annotated

import typer

from visavis.cli._options import Json
from visavis.cli._output import Output
from visavis.cli.attendance._options import (
    PUNCH_COLUMNS,
    SITE,
    Incoming,
    Outgoing,
    SiteFolder,
    actor_name,
    choose_direction,
    punch_row,
)


def correct(  # noqa: PLR0913
    punch: Annotated[str, typer.Argument(metavar="PUNCH", help="Id of the punch.", show_default=False)],
    *,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for the ledger.", show_default=False)],
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="The right time.", show_default="as it is")
    ] = None,
    incoming: Incoming = False,
    outgoing: Outgoing = False,
    employee: Annotated[
        str | None,
        typer.Option("--employee", metavar="EMPLOYEE", help="Who it really was.", show_default="as it is"),
    ] = None,
    void: Annotated[bool, typer.Option("--void", help="Let the punch not count.")] = False,
    restore: Annotated[bool, typer.Option("--restore", help="Let a void punch count again.")] = False,
    site: SiteFolder = SITE,
    json: Json = False,
) -> None:
    """Correct a punch by a record that is added.

    What was recorded before stays in the ledger.
    """
    from visavis.attendance.local_time import read_time
    from visavis.attendance.site import Site
    from visavis.errors import UsageError

    direction = choose_direction(incoming=incoming, outgoing=outgoing)
    changes = at is not None or direction is not None or employee is not None
    if [changes, void, restore].count(True) != 1:
        raise UsageError("give --at, --in, --out or --employee to correct the punch, or --void, or --restore.")
    with Site(site) as opened, Output(*PUNCH_COLUMNS, "state", json=json) as output:
        ledger, by = opened.ledger, actor_name()
        if void:
            result = ledger.void(punch, reason=reason, actor=by)
        elif restore:
            result = ledger.restore(punch, reason=reason, actor=by)
        else:
            time = None if at is None else read_time(at, ledger.punch(punch).zone)
            result = ledger.correct(punch, reason=reason, actor=by, at=time, direction=direction, employee=employee)
        output.answer({**result.to_dict(), "void": void}, [*punch_row(result), "void" if void else "valid"])
