"""gallery name: assign unassigned faces to a person."""

from __future__ import annotations

from typing import Annotated

import typer

from visavis.cli._galleries import open_existing
from visavis.cli._options import GALLERY, GalleryUrl, Json
from visavis.cli._output import Output
from visavis.cli.gallery._lines import COLUMNS, person_line, person_row


def name_faces(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of a stored person, or of a new one.")],
    templates: Annotated[list[int], typer.Argument(metavar="TEMPLATE...", min=1, help="Ids of unassigned faces.")],
    new: Annotated[bool, typer.Option("--new", help="Add another person of the same name.")] = False,
    gallery: GalleryUrl = GALLERY,
    json: Json = False,
) -> None:
    """Assign unassigned faces to a person."""
    with open_existing(gallery) as store, Output(*COLUMNS, json=json) as output:
        person = store.name_faces(name, templates, new=new)
        output.answer(person_line(person), person_row(person))
