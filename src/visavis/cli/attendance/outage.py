"""attendance outage: record that a device failed."""

from __future__ import annotations

from typing import Annotated

import typer

from visavis.cli._options import Json
from visavis.cli._output import Output
from visavis.cli.attendance._options import SITE, Reason, SiteFolder, actor_name


def outage(
    *,
    start: Annotated[str, typer.Option("--from", metavar="TIME", help="Since when.", show_default=False)],
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="Until when.", show_default=False)],
    device: Annotated[
        str, typer.Option("--device", metavar="NAME", help="Which device.", show_default="all devices")
    ] = "",
    reason: Reason = "",
    site: SiteFolder = SITE,
    json: Json = False,
) -> None:
    """Record that a device failed.

    Who has no punch then is not called absent.
    """
    from visavis.attendance.local_time import read_time
    from visavis.attendance.site import Site
    from visavis.attendance.types import Outage

    with Site(site) as opened, Output("device", "from", "to", json=json) as output:
        added = Outage(device, read_time(start, opened.zone), read_time(end, opened.zone), reason)
        opened.add_outage(added, actor=actor_name())
        cells = [device or "all", *(f"{time:%Y-%m-%d %H:%M}" for time in (added.start, added.end))]
        output.answer(added.to_dict(), cells)
