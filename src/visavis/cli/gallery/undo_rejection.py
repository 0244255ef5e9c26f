"""gallery undo-rejection: remove rejections."""

from __future__ import annotations

from typing import Annotated

import typer

from visavis.cli._galleries import open_existing
from visavis.cli._options import GALLERY, GalleryUrl, Json
from visavis.cli._output import Output
from visavis.cli.gallery._rejections import COLUMNS, rejection_line, rejection_row


def undo_rejection(
    rejections: Annotated[
        list[int], typer.Argument(metavar="REJECTION...", min=1, help="Ids, as printed by gallery rejections.")
    ],
    gallery: GalleryUrl = GALLERY,
    json: Json = False,
) -> None:
    """Remove rejections of faces.

    Faces like them are recognized again.
    """
    with open_existing(gallery) as store, Output(*COLUMNS, json=json) as output:
        for number in dict.fromkeys(rejections):
            rejection = store.undo_rejection(number)
            output.answer(rejection_line(rejection), rejection_row(rejection))
