"""Output of ``gallery export`` and ``gallery import``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._output import Output

if TYPE_CHECKING:
    from visavis.gallery import Gallery


ExportKey = Annotated[
    Path | None,
    typer.Option(
        "--export-key", metavar="FILE", help="Key file of an encrypted export.", show_default="the gallery's own"
    ),
]


def print_transfer(output: Output, store: Gallery, folder: Path) -> None:
    """Print how much was exported or imported."""
    stats = store.stats()
    line = {
        "folder": str(folder),
        "model": stats.model,
        "people": stats.people,
        "templates": stats.templates,
        "unnamed": stats.unassigned,
        "photos": stats.photos,
    }
    output.answer(line, *([key, str(value)] for key, value in line.items()))
