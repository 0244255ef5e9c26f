"""gallery export: write a gallery to a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from visavis.cli._galleries import open_existing
from visavis.cli._options import GALLERY, GalleryUrl, Json
from visavis.cli._output import Output
from visavis.cli.gallery._transfer import ExportKey, print_transfer


def export_gallery(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder.")],
    export_key: ExportKey = None,
    gallery: GalleryUrl = GALLERY,
    json: Json = False,
) -> None:
    """Export a gallery to a folder.

    Writes people, faces and photos to gallery.json and embeddings.npz, without the audit log; encrypted, if the gallery
    is, or if --export-key names a key.
    """
    with open_existing(gallery) as store, Output("", "", json=json) as output:
        store.export(folder, key_file=export_key)
        print_transfer(output, store, folder)
