"""gallery import: create a gallery from an exported folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from visavis.cli._options import GALLERY, GalleryUrl, Json
from visavis.cli._output import Output
from visavis.cli.gallery._transfer import ExportKey, print_transfer


def import_gallery(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder written by gallery export.")],
    export_key: ExportKey = None,
    gallery: GalleryUrl = GALLERY,
    json: Json = False,
) -> None:
    """Create a gallery from an exported folder; ids stay."""
    from visavis.encryption import named_key_file, read_key
    from visavis.gallery import Gallery
    from visavis.gallery.archive import read_model

    model = read_model(folder, read_key(export_key or named_key_file()))
    with Gallery(gallery, model=model) as store, Output("", "", json=json) as output:
        store.import_from(folder, key_file=export_key)
        print_transfer(output, store, folder)
