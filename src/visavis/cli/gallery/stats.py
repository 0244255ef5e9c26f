"""gallery stats: print the size and the model of a gallery."""

from __future__ import annotations

from dataclasses import asdict

from visavis.cli._galleries import open_existing
from visavis.cli._options import GALLERY, GalleryUrl, Json
from visavis.cli._output import Output


def stats(gallery: GalleryUrl = GALLERY, json: Json = False) -> None:
    """Print model, number of people and templates, and size."""
    with open_existing(gallery) as store, Output("", "", json=json) as output:
        line = asdict(store.stats())
        output.answer(line, *([key, "-" if value is None else str(value)] for key, value in line.items()))
