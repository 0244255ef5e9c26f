"""Options shared by the commands of ``evaluate`` and ``calibrate``, and templates of photos under a progress bar."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._files import writable_file
from visavis.cli._output import Output, note
from visavis.defaults import EMBEDDER

if TYPE_CHECKING:
    from visavis.evaluate.data.templates import Templates
    from visavis.pipeline import Recognizer

People = Annotated[
    Path,
    typer.Argument(metavar="DIR", exists=True, file_okay=False, help="A folder with one subfolder per person."),
]
PhotoFolder = Annotated[
    Path | None,
    typer.Option(
        "--photos",
        metavar="DIR",
        exists=True,
        file_okay=False,
        help="Folder of the photos.",
        show_default="beside the list",
    ),
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        metavar="NAME",
        help="Network that computes embeddings; several are compared.",
        show_default=EMBEDDER,
    ),
]
Report = Annotated[
    Path | None,
    typer.Option(
        "--report", metavar="FILE.html", dir_okay=False, help="Write an HTML page with curves and worst errors."
    ),
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Embed all photos again, without stored embeddings.")]


def check_report(report: Path | None) -> None:
    """Raise UsageError, before the work, for a report that could not be written after it."""
    if report:
        writable_file(report, endings=(".html", ".htm"))


def templates_of(
    photos: Sequence[str], recognizer: Recognizer, *, min_face: float, fresh: bool, output: Output
) -> Templates:
    """Return the template of each photo; reuse those of earlier evaluations unless ``fresh``."""
    from visavis.embedding_cache.photo_cache import EmbeddingCache
    from visavis.evaluate.data.templates import take

    if fresh:
        templates = take(photos, recognizer, min_face=min_face, progress=output.progress)
    else:
        with EmbeddingCache(recognizer, min_face=min_face) as cache:
            templates = take(photos, recognizer, min_face=min_face, cache=cache, progress=output.progress)
        for text in cache.notes:
            note(text)
    for status in sorted({*templates.status} - {"ok", "no_face"}):
        failed = [
            photo
            for photo, photo_status in zip(templates.photos, templates.status, strict=True)
            if photo_status == status
        ]
        note(
            f"{len(failed)} of {len(templates.photos)} photos: {status}, {failed[0]} for one; "
            "they count as failures to enroll."
        )
    return templates
