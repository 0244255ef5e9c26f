"""attendance import-punches: add old punches from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from visavis.cli._options import Json
from visavis.cli._output import Output
from visavis.cli.attendance._options import SITE, SiteFolder, actor_name


def import_punches(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="Columns employee, time; direction, device, zone.")],
    *,
    site: SiteFolder = SITE,
    json: Json = False,
) -> None:
    """Add the punches of a CSV that are not there yet."""
    from visavis.attendance.punch_file import import_punches as add_punches
    from visavis.attendance.site import Site

    with Site(site) as opened, Output("added", "present", json=json) as output:
        counts = add_punches(opened, file, actor=actor_name(), watch=output.progress)
        output.answer(counts._asdict(), [str(count) for count in counts])
