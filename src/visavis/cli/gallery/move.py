"""gallery move: move templates to another person."""

from __future__ import annotations

from typing import Annotated

import typer

from visavis.cli._galleries import open_existing
from visavis.cli._options import GALLERY, GalleryUrl, Json
from visavis.cli._output import Output
from visavis.cli.gallery._lines import COLUMNS, person_line, person_row


def move(
    templates: Annotated[
        list[int], typer.Argument(metavar="TEMPLATE...", min=1, help="Ids of templates, as printed by gallery show.")
    ],
    to: Annotated[str, typer.Option("--to", metavar="WHO", help="The person they belong to.")],
    gallery: GalleryUrl = GALLERY,
    json: Json = False,
) -> None:
    """Move templates to another person.

    The templates may be unassigned, or assigned to the wrong person.
    """
    with open_existing(gallery) as store, Output(*COLUMNS, json=json) as output:
        person_id = store.find(to).id
        store.move(templates, person_id)
        person = store.person(person_id)
        output.answer(person_line(person), person_row(person))
