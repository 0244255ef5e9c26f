"""What the commands of ``evaluate`` share: options, and photos turned into templates under a progress bar."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._files import writable_file
from visavis.cli._output import Output, note, significant
from visavis.defaults import EMBEDDER

if TYPE_CHECKING:
    from visavis.evaluate.data.templates import Templates
    from visavis.evaluate.results import Interval
    from visavis.pipeline import Recognizer

People = Annotated[
    Path,
    typer.Argument(metavar="DIR", exists=True, file_okay=False, help="A folder of folders, one a person."),
]
PhotoFolder = Annotated[
    Path | None,
    typer.Option(
        "--photos",
        metavar="DIR",
        exists=True,
        file_okay=False,
        help="Where the photos are.",
        show_default="beside the list",
    ),
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        metavar="NAME",
        help="What turns faces into embeddings; several are shown side by side.",
        show_default=EMBEDDER,
    ),
]
Report = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE.html", dir_okay=False, help="Write a page with curves and worst mistakes."),
]
Fresh = Annotated[
    bool, typer.Option("--fresh", help="Embed every photo anew, also those remembered from an earlier run.")
]


def check_report(report: Path | None) -> None:
    """Refuse, before the work, a report that could not be written after it."""
    if report:
        writable_file(report, endings=(".html", ".htm"))


def ends(interval: Interval | None) -> list[float | None] | None:
    """Give the ends for JSON, which knows no infinity: null is no end."""
    return interval and [significant(end, 4) for end in interval]


def templates_of(photos: Sequence[str], one: Recognizer, *, min_face: float, fresh: bool, output: Output) -> Templates:
    """Take the template of each photo; photos that an earlier evaluation saw are remembered unless ``fresh``."""
    from visavis.embedding_cache.photo_cache import EmbeddingCache
    from visavis.evaluate.data.templates import take

    if fresh:
        taken = take(photos, one, min_face=min_face, progress=output.progress)
    else:
        with EmbeddingCache(one, min_face=min_face) as cache:
            taken = take(photos, one, min_face=min_face, cache=cache, progress=output.progress)
        for text in cache.notes:
            note(text)
    for status in sorted({*taken.status} - {"ok", "no_face"}):
        some = [photo for photo, found in zip(taken.photos, taken.status, strict=True) if found == status]
        note(
            f"{len(some)} of {len(taken.photos)} photos: {status}, {some[0]} for one; they count as failures to enroll."
        )
    return taken
