"""gallery keep-crops: keep the crops of faces, or none."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from visavis.cli._galleries import open_existing
from visavis.cli._options import GALLERY, GalleryUrl, Json
from visavis.cli._output import Output


class Keeping(StrEnum):
    """Whether crops are kept."""

    on = "on"
    off = "off"


def keep_crops(
    keep: Annotated[
        Keeping | None, typer.Argument(metavar="on|off", help="Keep crops, or remove all.", show_default=False)
    ] = None,
    gallery: GalleryUrl = GALLERY,
    json: Json = False,
) -> None:
    """Keep the crops of new faces, or none.

    From the crop of a face, gallery migrate makes the embedding of another model, also when its photo is gone. on
    keeps the crop of each face that is stored from now on; off also removes all crops. Without either, shows the
    setting.
    """
    with open_existing(gallery) as store, Output("keep crops", "removed", json=json) as output:
        removed = 0 if keep is None else store.keep_crops(keep is Keeping.on)
        kept = store.keeps_crops
        output.answer({"keep_crops": kept, "removed": removed}, ["on" if kept else "off", str(removed)])
