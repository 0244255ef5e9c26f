"""attendance push: send punches to a payroll system or a webhook."""

from __future__ import annotations

from typing import Annotated

import typer

from visavis.cli._options import Json
from visavis.cli._output import Output, counted, note
from visavis.cli.attendance._options import SITE, SiteFolder

COLUMNS = ("target", "created", "updated", "deleted", "waiting", "refused")
STOPPED = 3


def push(
    *,
    to: Annotated[str, typer.Option("--to", metavar="NAME", help="Target of site.toml.", show_default=False)],
    retry: Annotated[bool, typer.Option("--retry", help="Send again what a webhook refused.")] = False,
    dismiss: Annotated[
        list[str] | None,
        typer.Option("--dismiss", metavar="ID", help="Refused record that need not be sent; repeat it for several."),
    ] = None,
    site: SiteFolder = SITE,
    json: Json = False,
) -> None:
    """Send punches to a target of site.toml. Exits 1 where some are refused, 3 where not all could be sent."""
    from visavis.attendance.integrations import push as deliveries
    from visavis.attendance.site import Site

    with Site(site) as opened, Output(*COLUMNS, json=json) as output:
        for key in dismiss or ():
            deliveries.dismiss(opened, to, key)
        report = deliveries.push(opened, to, retry=retry)
        numbers = (report.created, report.updated, report.deleted, report.waiting, len(report.refused))
        output.answer(report.to_dict(), [report.target, *map(str, numbers)])
    for record in report.refused:
        time = "" if record.at is None else f" at {record.at.astimezone():%Y-%m-%d %H:%M}"
        note(f"refused: employee {record.employee}{time}: {record.reason} (id {record.key})")
    for text in report.notes:
        note(text)
    if report.stopped:
        note(f"{report.target}: {report.stopped} {counted(report.waiting, 'change')} wait for the next push.")
        raise typer.Exit(STOPPED)
    raise typer.Exit(1 if report.refused else 0)
