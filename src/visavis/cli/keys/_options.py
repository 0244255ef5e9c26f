"""Which server's keys: by its configuration, or by its default gallery."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._options import maybe_gallery_url

if TYPE_CHECKING:
    from visavis.server.state.keys import Keys
    from visavis.server.types import KeyOwner

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Configuration of the server in TOML.", show_default=False),
]
ServedGallery = Annotated[
    str | None,
    typer.Option(
        "--gallery",
        metavar="URL",
        envvar="VISAVIS_GALLERY",
        help="Default gallery of the server.",
        show_default="sqlite:///faces.db",
    ),
]
KeyName = Annotated[str, typer.Argument(metavar="NAME", help="Name of the key.", show_default=False)]


@contextmanager
def open_keys(config: Path | None, gallery: str | None, *, only: Sequence[str] = ()) -> Iterator[Keys]:
    """Open the keys of a server; raises UnknownNameError where no gallery of it has a name in ``only``."""
    from visavis.server.config import read_config
    from visavis.server.state.database import StateDatabase
    from visavis.server.state.keys import Keys

    settings = read_config(config, gallery=maybe_gallery_url(gallery))
    settings.require_galleries(only)
    database = StateDatabase(settings.state_url)
    try:
        yield Keys(database)
    finally:
        database.close()


def read_owner(config: Path | None, role: str, employee: str | None) -> KeyOwner | None:
    """Return the employee, of the site of a server, that a key to be made is for; None for none.

    Raises UsageError and UnknownNameError as :func:`visavis.server.key_owners.find_owner`.
    """
    from contextlib import closing, nullcontext

    from visavis.attendance.site import Site
    from visavis.server.config import read_config
    from visavis.server.key_owners import find_owner

    folder = None if employee is None else read_config(config).attendance_site
    with nullcontext() if folder is None else closing(Site(folder)) as site:
        return find_owner(site, role, employee)
