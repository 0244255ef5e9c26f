"""gallery merge: merge two people."""

from __future__ import annotations

from typing import Annotated

import typer

from visavis.cli._galleries import open_existing
from visavis.cli._options import GALLERY, GalleryUrl, Json
from visavis.cli._output import Output
from visavis.cli.gallery._lines import COLUMNS, person_line, person_row
from visavis.cli.gallery._people import Who


def merge(
    who: Who,
    into: Annotated[str, typer.Argument(metavar="INTO", help="The person who is kept.")],
    gallery: GalleryUrl = GALLERY,
    json: Json = False,
) -> None:
    """Merge two people: INTO gets all templates, WHO is removed."""
    with open_existing(gallery) as store, Output(*COLUMNS, json=json) as output:
        person_id, kept_id = store.find(who).id, store.find(into).id
        store.merge(person_id, into=kept_id)
        person = store.person(kept_id)
        output.answer(person_line(person), person_row(person))
