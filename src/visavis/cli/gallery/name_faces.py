"""gallery name: assign unassigned faces to a person."""

from __future__ import annotations

from typing import Annotated

import typer

from visavis.cli._galleries import open_existing
from visavis.cli._options import GALLERY, GalleryUrl, Json
from visavis.cli._output import Output
from visavis.cli.gallery._lines import COLUMNS, person_line, person_row
from visavis.errors import UsageError


def name_faces(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of a stored person, or of a new one.")],
    templates: Annotated[
        list[int] | None,
        typer.Argument(metavar="TEMPLATE...", min=1, help="Ids of unassigned faces.", show_default=False),
    ] = None,
    stranger: Annotated[
        int | None,
        typer.Option("--stranger", min=1, metavar="N", help="All faces of this stranger, instead of their ids."),
    ] = None,
    new: Annotated[bool, typer.Option("--new", help="Add another person of the same name.")] = False,
    gallery: GalleryUrl = GALLERY,
    json: Json = False,
) -> None:
    """Assign unassigned faces to a person."""
    if (stranger is None) == (not templates):
        raise UsageError("give either ids of unassigned faces (TEMPLATE...) or a stranger (--stranger N).")
    with open_existing(gallery) as store, Output(*COLUMNS, json=json) as output:
        if stranger is None:
            person = store.name_faces(name, templates or [], new=new)
        else:
            from visavis.videos.strangers import name_stranger

            person = name_stranger(store, stranger, name, new=new)
        output.answer(person_line(person), person_row(person))
