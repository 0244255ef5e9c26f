"""gallery check: check a gallery for errors, and repair its index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._galleries import open_existing
from visavis.cli._options import GALLERY, INDEX, GalleryIndex, GalleryUrl, Json
from visavis.cli._output import Output
from visavis.cli._table import Row

if TYPE_CHECKING:
    from visavis.gallery import Gallery


def check(
    repair: Annotated[bool, typer.Option("--repair", help="Rebuild the index from the records.")] = False,
    gallery: GalleryUrl = GALLERY,
    index: GalleryIndex = INDEX,
    json: Json = False,
) -> None:
    """Check a gallery for errors; exits 1 if there are any.

    Reports also templates that seem to show another person. With --repair, exits 1 if errors remain: an index can be
    repaired, records cannot.
    """
    with open_existing(gallery, index) as store, Output("problem", json=json) as output:
        problems = store.repair() if repair else store.check()
        for problem in problems:
            output.answer({"problem": problem.kind, "message": problem.message}, Row([problem.kind], problem.message))
        if not problems:
            message = _describe_sound(store)
            output.answer({"problem": None, "message": message}, Row(["none"], message))
    raise typer.Exit(1 if problems else 0)


def _describe_sound(store: Gallery) -> str:
    """Return the message that the gallery has no errors, and what was not checked."""
    if store.calibration is not None:
        return "the gallery is sound."
    return (
        "the gallery is sound; whether photos show the right people was not checked, because "
        f"{store.model} is uncalibrated."
    )
