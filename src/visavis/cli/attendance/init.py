"""attendance init: make a site."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from visavis.cli._options import Json
from visavis.cli._output import Output, note
from visavis.cli.attendance._options import SITE, SiteFolder


def init(
    *,
    zone: Annotated[
        str | None,
        typer.Option(
            "--zone", metavar="ZONE", help="Time zone, such as Asia/Ho_Chi_Minh.", show_default="of this machine"
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Name of the place.", show_default="of the folder")
    ] = None,
    gallery: Annotated[
        str, typer.Option("--gallery", metavar="URL", help="Gallery with the faces of the employees.")
    ] = "",
    database: Annotated[
        str, typer.Option("--database", metavar="URL", help="Database: a SQLite file, or postgresql://user@host/name.")
    ] = "sqlite:///attendance.db",
    site: SiteFolder = SITE,
    json: Json = False,
) -> None:
    """Make a site: settings, rules, ledger and its key."""
    from visavis import atomic
    from visavis.attendance.local_time import find_own_zone
    from visavis.attendance.rules.starter import STARTER
    from visavis.attendance.settings import SiteSettings
    from visavis.attendance.site import Site

    settings = SiteSettings(
        name or site.resolve().name, zone or find_own_zone(), gallery=_locate_gallery(gallery), database=database
    )
    with Site.create(site, settings) as made, Output("", "", json=json) as output:
        if not made.rules_path.exists():
            atomic.write_text(made.rules_path, STARTER)
        line = {"site": str(site), "name": made.settings.name, "zone": made.zone, "database": made.database.place}
        output.answer(line, *([key, value] for key, value in line.items()))
    if not json:
        note(f"keep a copy of {site / settings.key} elsewhere: without it the ledger cannot be read again.")


def _locate_gallery(gallery: str) -> str:
    """Return the URL of a gallery: a file is named as seen from here, and stored so that it is found from the site."""
    from visavis.attendance.settings import locate_url

    return gallery and locate_url(gallery, Path.cwd())
