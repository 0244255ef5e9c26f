"""keys create: make a key for a program or a person."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from visavis.cli._options import Json
from visavis.cli._output import Output, note
from visavis.cli.keys._options import ConfigFile, KeyName, ServedGallery, open_keys, read_owner

ROLES = "read, enroll, admin, employee, manager, payroll, kiosk"
COLUMNS = ("name", "role", "key")


def create(
    name: KeyName,
    *,
    role: Annotated[str, typer.Option("--role", metavar="ROLE", help=f"One of {ROLES}.")] = "read",
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="GALLERY", help="Name of a gallery the key may use; repeat it for several."),
    ] = None,
    employee: Annotated[
        str | None,
        typer.Option(
            "--employee",
            metavar="NUMBER",
            help="Employee that a key of the role employee or manager is for.",
            show_default=False,
        ),
    ] = None,
    gallery: ServedGallery = None,
    config: ConfigFile = None,
    json: Json = False,
) -> None:
    """Create an API key. It is shown once: the server stores only its hash."""
    from visavis.server.state.keys import user_name

    with open_keys(config, gallery, only=only or ()) as keys, Output(*COLUMNS, json=json) as output:
        owner = read_owner(config, role, employee)
        key = keys.create(name, role, galleries=only or None, owner=owner, actor=user_name())
        output.answer(asdict(key), [key.name, key.role, key.key])
    if not json:
        note("keep the key now: it cannot be shown again.")
