"""gallery rejections: list faces that were rejected as a person."""

from __future__ import annotations

from typing import Annotated

import typer

from visavis.cli._galleries import open_existing
from visavis.cli._options import GALLERY, GalleryUrl, Json
from visavis.cli._output import Output
from visavis.cli.gallery._rejections import COLUMNS, rejection_line, rejection_row


def rejections(
    person: Annotated[
        str | None, typer.Option("--person", metavar="WHO", help="Only those of this person, by id or unique name.")
    ] = None,
    gallery: GalleryUrl = GALLERY,
    json: Json = False,
) -> None:
    """List faces that were rejected as a person."""
    with open_existing(gallery) as store, Output(*COLUMNS, json=json) as output:
        for rejection in store.rejections(person):
            output.answer(rejection_line(rejection), rejection_row(rejection))
