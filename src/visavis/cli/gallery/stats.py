"""gallery stats: print the size and the model of a gallery."""

from __future__ import annotations

from dataclasses import asdict

from visavis.cli._galleries import open_existing
from visavis.cli._options import GALLERY, GalleryUrl, Json
from visavis.cli._output import Output

NAMES = {"unassigned": "unnamed"}
"""Keys of the output that differ from the fields of the statistics."""


def stats(gallery: GalleryUrl = GALLERY, json: Json = False) -> None:
    """Print model, number of people and templates, and size."""
    with open_existing(gallery) as store, Output("", "", json=json) as output:
        line = {NAMES.get(key, key): value for key, value in asdict(store.stats()).items()}
        output.answer(line, *([key, "-" if value is None else str(value)] for key, value in line.items()))
