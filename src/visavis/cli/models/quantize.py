"""models quantize: make an 8-bit model of a float32 model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from visavis.cli._options import DETECTOR, AnyOrientation, DetectorName, Json, Threads, detector_id
from visavis.cli._output import Output
from visavis.cli._sources import Exclude
from visavis.cli.models._lines import detail_rows


def quantize(  # noqa: PLR0913 - a command's options
    name: Annotated[str, typer.Argument(metavar="NAME", help="A float32 model.")],
    *,
    calibrate: Annotated[
        Path,
        typer.Option("--calibrate", metavar="DIR", exists=True, file_okay=False, help="Photos with many faces."),
    ],
    exclude: Exclude = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", exists=True, file_okay=False, help="Also write the model to this folder."),
    ] = None,
    called: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Name of the new model.", show_default="NAME-int8")
    ] = None,
    crops: Annotated[int, typer.Option("--crops", min=1, metavar="N", help="Number of faces to measure.")] = 300,
    detector: DetectorName = DETECTOR,
    any_orientation: AnyOrientation = False,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Quantize a float32 model to 8 bits.

    The quantized model has a quarter of the size, and is faster. The ranges of its activations are measured on the
    faces of --calibrate, cropped as for the model. It is a model of its own, NAME-int8: its distances differ a little,
    and with them its thresholds.
    """
    detector = detector_id(detector, any_orientation=any_orientation)
    from visavis import quantize as quantization
    from visavis.images.photo_files import photos_in
    from visavis.weights import user_models

    row = quantization.quantize(
        name,
        photos_in(calibrate, exclude=exclude or ()),
        detector=detector,
        crops=crops,
        called=called,
        threads=threads,
    )
    if out:
        user_models.export(row, out)
    line = {
        "name": row.name,
        "quantized_from": row.quantized_from,
        "precision": row.precision,
        "bytes": user_models.network(row).stat().st_size,
        "path": str(user_models.network(row)),
    }
    with Output("", "", json=json) as output:
        output.answer(line, *detail_rows(line))
