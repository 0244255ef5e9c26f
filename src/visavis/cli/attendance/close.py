"""attendance close: freeze the figures of a month, or open it again."""

from __future__ import annotations

from typing import Annotated

import typer

from visavis.cli._options import Json
from visavis.cli._output import Output, counted, note
from visavis.cli.attendance._options import SITE, Reason, SiteFolder, actor_name

Month = Annotated[str, typer.Option("--month", metavar="YYYY-MM", help="The month.", show_default=False)]
Reopen = Annotated[bool, typer.Option("--reopen", help="Open a closed month again, with --reason.")]


def close(
    *, month: Month, reopen: Reopen = False, reason: Reason = "", site: SiteFolder = SITE, json: Json = False
) -> None:
    """Freeze the figures of a month, or open it again.

    Later corrections are listed by report --kind changes.
    """
    from visavis.attendance.closings import read_month, reopen_month
    from visavis.attendance.reports.closing import close_figures
    from visavis.attendance.reports.totals import Totals
    from visavis.attendance.site import Site

    name = f"{read_month(month)[0]:%Y-%m}"
    totals: dict[str, Totals] = {}
    with Site(site) as opened:
        if reopen:
            with opened.ledger.write(actor=actor_name()) as writer:
                closing = reopen_month(writer, name, reason=reason)
        else:
            closing, totals = close_figures(opened, name, actor=actor_name())
    with Output("month", "state", "employees", json=json) as output:
        line = {**closing.to_dict(), "employees": len(totals)}
        output.answer(line, [closing.month, closing.state, str(len(totals))])
    if undecided := sum(values.undecided for values in totals.values()):
        note(f"{counted(undecided, 'day')} of {name} could not be decided: see report --kind notices.")
