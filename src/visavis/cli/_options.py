"""Options and arguments that several commands share, written once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from visavis import defaults
from visavis.errors import UsageError

DETECTOR = defaults.DETECTOR
MODEL = defaults.EMBEDDER
GALLERY = "sqlite:///faces.db"
INDEX = "exact"


class Metric(StrEnum):
    """How a distance is expressed; the names are those of ``visavis.compare.METRICS``."""

    cosine = "cosine"
    l2 = "l2"
    squared_l2 = "squared_l2"
    angle = "angle"


class Precision(StrEnum):
    """How many bits the figures of a network have."""

    float32 = "float32"
    int8 = "int8"


def _stdin_once(photos: list[str] | None) -> list[str] | None:
    if photos and photos.count("-") > 1:
        raise UsageError("standard input can be read only once: give - for one photo.")
    return photos


def _gallery_url(gallery: str) -> str:
    """Take a plain path for a SQLite file."""
    return gallery if "://" in gallery else f"sqlite:///{gallery}"


def maybe_gallery_url(gallery: str | None) -> str | None:
    """Take a plain path for a SQLite file; None stays None."""
    return None if gallery is None else _gallery_url(gallery)


def _detectors() -> list[str]:
    from visavis.detectors import DETECTORS

    return DETECTORS.names()


def detector_id(name: str, *, any_orientation: bool) -> str:
    """Return the name of the detector, with ``--any-orientation`` of the one that finds faces in turned photos, too."""
    from visavis.detectors import oriented_name

    return oriented_name(name, any_orientation=any_orientation)


def model_id(model: str, *, views: int | None, precision: Precision | None = None) -> str:
    """Return the id of ``model`` with the number of ``--views`` and in ``--precision``, if any.

    UsageError where it has a number of views already, WeightsError where it is not on this machine in that precision.
    The id is the embedder's own, so that galleries and tables know it: ``dlib-resnet@2`` is ``dlib-resnet``.
    """
    if views is not None and "@" in model:
        raise UsageError(
            f"--model {model} names its number of views already: leave out --views, or the @ and after it."
        )
    wanted = model if views is None else f"{model}@{views}"
    if precision is not None:
        from visavis.embedders import in_precision

        wanted = in_precision(wanted, precision.value)
    if "@" not in wanted:
        return wanted  # checked where it is loaded: nothing is imported for it here
    from visavis import embedders

    return embedders.model_id(wanted)


def gallery_model(model: str | None, *, views: int | None, precision: Precision | None) -> str | None:
    """Return the id as :func:`model_id` does; None, the gallery's own model, where nothing is asked for."""
    if model is None and views is None and precision is None:
        return None
    return model_id(model or MODEL, views=views, precision=precision)


def _models() -> list[str]:
    from visavis.embedders import EMBEDDERS

    return EMBEDDERS.names()


Photos = Annotated[
    list[str],
    typer.Argument(
        metavar="PHOTO|DIR",
        callback=_stdin_once,
        help="Photos, and folders of photos, whatever is below; - is standard input.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON Lines, one object a photo or an answer.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV with a header, one row a face.")]
DetectorName = Annotated[
    str, typer.Option("--detector", metavar="NAME", autocompletion=_detectors, help="What finds the faces.")
]
AnyOrientation = Annotated[
    bool,
    typer.Option(
        "--any-orientation",
        help="Find faces in turned photos, too, in four times the time; the same as --detector NAME@any-orientation.",
    ),
]
ModelName = Annotated[
    str,
    typer.Option("--model", metavar="NAME", autocompletion=_models, help="What turns faces into embeddings."),
]
Views = Annotated[
    int | None,
    typer.Option(
        "--views",
        metavar="N",
        help="Views of each face whose embeddings are summed; the same as --model NAME@N.",
        show_default="the model's own",
    ),
]
PrecisionName = Annotated[
    Precision | None,
    typer.Option(
        "--precision",
        help="int8 means NAME-int8, which models quantize makes.",
        show_default="the model's own",
    ),
]
GalleryModel = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME",
        autocompletion=_models,
        help="What turns faces into embeddings.",
        show_default=f"the gallery's own, else {MODEL}",
    ),
]
MinFace = Annotated[
    float, typer.Option("--min-face", min=1, metavar="PIXELS", help="Side of the smallest face to look for.")
]
Threads = Annotated[
    int | None,
    typer.Option("--threads", min=1, metavar="N", help="Threads of the networks.", show_default="all processors"),
]
GalleryUrl = Annotated[
    str,
    typer.Option(
        "--gallery",
        envvar="VISAVIS_GALLERY",
        metavar="URL",
        callback=_gallery_url,
        help="Where the people are kept: a SQLite file (a path will do), or postgresql://user@host/faces.",
    ),
]
GalleryIndex = Annotated[
    str,
    typer.Option(
        "--index",
        envvar="VISAVIS_INDEX",
        metavar="NAME[:PLACE]",
        help="What searches: exact, pgvector:URL or milvus:URL.",
    ),
]
Pictures = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", file_okay=False, help="Write the photos, annotated, to this folder."),
]
