"""attendance export: write punches as a file that a payroll system imports."""

from __future__ import annotations

from typing import Annotated

import typer

from visavis.cli._options import Json
from visavis.cli._output import Output, note
from visavis.cli.attendance._options import SITE, SiteFolder, actor_name


def export(
    *,
    to: Annotated[str, typer.Option("--to", metavar="SYSTEM", help="frappe or odoo.", show_default=False)],
    first: Annotated[
        str | None, typer.Option("--from", metavar="DAY", help="First day.", show_default="the first there is")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--until", metavar="DAY", help="Last day.", show_default="the last there is")
    ] = None,
    site: SiteFolder = SITE,
    json: Json = False,
) -> None:
    """Print punches as a CSV for Frappe HR or Odoo."""
    from visavis.attendance.integrations import export as files
    from visavis.attendance.local_time import read_day
    from visavis.attendance.site import Site
    from visavis.errors import UsageError

    exports = {
        "frappe": (files.export_frappe, files.FRAPPE_COLUMNS),
        "odoo": (files.export_odoo, files.ODOO_COLUMNS),
    }
    if to not in exports:
        raise UsageError(f"--to is {' or '.join(exports)}: other targets are sent to by visavis attendance push.")
    collect, columns = exports[to]
    days = [None if day is None else read_day(day) for day in (first, last)]
    with Site(site) as opened:
        opened.record_access(f"export to {to}", actor=actor_name())
        content = collect(opened, *days)
    with Output(json=json, csv=None if json else columns) as output:
        for row in content.rows:
            output.answer(row)
    for text in content.notes:
        note(text)
