"""gallery calibrate: set or show a gallery's own thresholds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from visavis.cli._galleries import open_existing
from visavis.cli._options import GALLERY, GalleryUrl, Json
from visavis.cli._output import Output, short
from visavis.errors import UsageError


def calibrate(
    table: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="A table written by visavis calibrate.", show_default=False),
    ] = None,
    shipped: Annotated[
        bool, typer.Option("--shipped", help="Return to the thresholds shipped with the model.")
    ] = False,
    gallery: GalleryUrl = GALLERY,
    json: Json = False,
) -> None:
    """Set or show a gallery's own thresholds.

    Without FILE, shows the thresholds in use.
    """
    from visavis.compare import read_calibration

    if table is not None and shipped:
        raise UsageError("FILE and --shipped exclude each other.")
    with open_existing(gallery) as store, Output("FAR", "cosine distance", json=json) as output:
        if table is not None or shipped:
            store.calibrate(None if table is None else read_calibration(table))
        calibration = store.calibration
        if calibration is None:
            raise UsageError(
                f"{store.model} is uncalibrated, and {gallery} has no thresholds of its own: measure them by "
                f"visavis calibrate DIR --model {store.model} --out FILE, then visavis gallery calibrate FILE."
            )
        rows = zip(calibration.far, calibration.thresholds, strict=True)
        output.answer(calibration.table(), *([f"{far:g}", short(threshold)] for far, threshold in rows))
