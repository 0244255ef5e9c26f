"""attendance request: ask for a correction or leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from visavis.cli._options import Json
from visavis.cli._output import Output
from visavis.cli.attendance._options import (
    SITE,
    EmployeeNumber,
    Incoming,
    Outgoing,
    SiteFolder,
    actor_name,
    choose_direction,
)
from visavis.cli.attendance._requests import COLUMNS, request_row
from visavis.errors import UsageError

if TYPE_CHECKING:
    from visavis.attendance.types import Direction, RequestKind

PARTS = {"whole": "whole", "first": "first_half", "second": "second_half"}


def request(  # noqa: PLR0913
    employee: EmployeeNumber,
    *,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for the manager.", show_default=False)],
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="Time of a punch that is missing, or the right time.")
    ] = None,
    incoming: Incoming = False,
    outgoing: Outgoing = False,
    punch: Annotated[
        str | None,
        typer.Option("--punch", metavar="PUNCH", help="Id of a punch that is wrong; without it one is missing."),
    ] = None,
    void: Annotated[bool, typer.Option("--void", help="The punch should not count.")] = False,
    leave: Annotated[
        str | None, typer.Option("--leave", metavar="KIND", help="Leave, such as vacation, sick or home.")
    ] = None,
    first: Annotated[str | None, typer.Option("--from", metavar="DATE", help="First day of leave.")] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="Last day of leave.", show_default="the first day")
    ] = None,
    half: Annotated[str, typer.Option("--half", metavar="PART", help="Half a day: first or second.")] = "whole",
    site: SiteFolder = SITE,
    json: Json = False,
) -> None:
    """Ask a manager for a correction or for leave."""
    from visavis.attendance.local_time import read_day
    from visavis.attendance.site import Site

    direction = choose_direction(incoming=incoming, outgoing=outgoing)
    kind = _choose_kind(punch=punch, void=void, leave=leave, at=at, direction=direction)
    with Site(site) as opened, Output(*COLUMNS, json=json) as output:
        if kind == "leave":
            if first is None or half not in PARTS:
                raise UsageError("leave takes --from DATE, and --half first or second for half a day.")
            begin = read_day(first)
            end = begin if last is None else read_day(last)
            content: dict[str, Any] = {"kind": leave, "first": begin.isoformat(), "last": end.isoformat()}
            content["part"] = PARTS[half]
        else:
            content = _describe_punch(opened, punch=punch, at=at, direction=direction)
        added = opened.request(employee, kind, content, reason=reason, actor=actor_name())
        output.answer(added.to_dict(), request_row(added))


def _choose_kind(
    *, punch: str | None, void: bool, leave: str | None, at: str | None, direction: Direction | None
) -> RequestKind:
    """Return what is asked for; UsageError for options that contradict each other."""
    changes = at is not None or direction is not None
    if leave is not None and (punch is not None or void or changes):
        raise UsageError("--leave excludes --punch, --void, --at, --in and --out.")
    if leave is not None:
        return "leave"
    if punch is None and (void or at is None):
        raise UsageError("give --at for a punch that is missing, --punch for one that is wrong, or --leave.")
    if punch is not None and void == changes:
        raise UsageError("with --punch give --at, --in or --out for what is right, or --void.")
    return "punch" if punch is None else "void" if void else "correction"


def _describe_punch(site: Any, *, punch: str | None, at: str | None, direction: str | None) -> dict[str, Any]:
    from datetime import UTC

    from visavis.attendance.local_time import read_time

    zone = site.zone if punch is None else site.ledger.punch(punch).zone
    time = None if at is None else read_time(at, zone).astimezone(UTC).isoformat()
    if punch is None:
        return {"at": time, "direction": direction or "unspecified"}
    return {"punch_id": punch, "at": time, "direction": direction}
