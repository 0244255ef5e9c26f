"""attendance terminals: list the terminals that send punches."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from visavis.cli._options import Json
from visavis.cli._output import Output, iso_time, note
from visavis.cli.attendance._options import SITE, SiteFolder

COLUMNS = ("name", "serial", "contact", "upload", "clock", "held")


def terminals(
    *,
    retry: Annotated[bool, typer.Option("--retry", help="Record held punches whose employee is now known.")] = False,
    clear: Annotated[
        str | None,
        typer.Option("--clear", metavar="NAME", help="Delete the held lines of a terminal.", show_default=False),
    ] = None,
    site: SiteFolder = SITE,
    json: Json = False,
) -> None:
    """List the ZKTeco terminals. Shows the last contact, the error of the clock in seconds, and lines that are held."""
    from visavis.attendance.integrations.zkteco.receive import clear_held, retry_held
    from visavis.attendance.integrations.zkteco.terminals import read_states
    from visavis.attendance.site import Site

    with Site(site) as opened, Output(*COLUMNS, json=json) as output:
        if clear is not None:
            clear_held(opened, clear)
        if retry:
            retry_held(opened, at=datetime.now(UTC))
        states = read_states(opened)
        for state in states:
            times = [iso_time(time) or "-" for time in (state.contact, state.upload)]
            clock = "-" if state.clock_seconds is None else str(state.clock_seconds)
            output.answer(state.to_dict(), [state.name, state.serial, *times, clock, str(len(state.held))])
    for state in states if not json else ():
        for line in state.held:
            note(f"held from {state.name}: {' '.join(line.line.split())}: {line.reason}")
