"""Options and arguments shared by several commands."""

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
    """Unit of a distance; the names are those of ``visavis.compare.METRICS``."""

    cosine = "cosine"
    l2 = "l2"
    squared_l2 = "squared_l2"
    angle = "angle"


class Precision(StrEnum):
    """Number format of the weights of a network."""

    float32 = "float32"
    int8 = "int8"


def _check_stdin(photos: list[str] | None) -> list[str] | None:
    if photos and photos.count("-") > 1:
        raise UsageError("standard input can be read only once: give - for one photo.")
    return photos


def _to_gallery_url(gallery: str) -> str:
    """Return the URL of a gallery; a plain path becomes a SQLite URL."""
    return gallery if "://" in gallery else f"sqlite:///{gallery}"


def maybe_gallery_url(gallery: str | None) -> str | None:
    """Return the URL of a gallery, or None for None; a plain path becomes a SQLite URL."""
    return None if gallery is None else _to_gallery_url(gallery)


def _list_detectors() -> list[str]:
    from visavis.detectors import DETECTORS

    return DETECTORS.names()


def detector_id(name: str, *, any_orientation: bool) -> str:
    """Return the name of the detector; with ``--any-orientation``, of its variant for rotated photos."""
    from visavis.detectors import oriented_name

    return oriented_name(name, any_orientation=any_orientation)


def model_id(model: str, *, views: int | None, precision: Precision | None = None) -> str:
    """Return the id of ``model`` with the number of ``--views`` and in ``--precision``, if set.

    Raise UsageError if the name has a number of views already, WeightsError if the model is not on this machine in that
    precision. The id is the embedder's own, known to galleries and tables: ``dlib-resnet@2`` is ``dlib-resnet``.
    """
    if views is not None and "@" in model:
        raise UsageError(
            f"--model {model} names its number of views already: leave out --views, or the @ and after it."
        )
    name = model if views is None else f"{model}@{views}"
    if precision is not None:
        from visavis.embedders import in_precision

        name = in_precision(name, precision.value)
    if "@" not in name:
        return name  # checked when loaded: avoids an import here
    from visavis import embedders

    return embedders.model_id(name)


def gallery_model(model: str | None, *, views: int | None, precision: Precision | None) -> str | None:
    """Return the id as :func:`model_id` does; None, the gallery's own model, if no option is set."""
    if model is None and views is None and precision is None:
        return None
    return model_id(model or MODEL, views=views, precision=precision)


def _list_models() -> list[str]:
    from visavis.embedders import EMBEDDERS

    return EMBEDDERS.names()


Photos = Annotated[
    list[str],
    typer.Argument(
        metavar="PHOTO|DIR",
        callback=_check_stdin,
        help="Photos, or folders searched with their subfolders; - is standard input.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON Lines, one object per photo or answer.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV with a header, one row per face.")]
DetectorName = Annotated[
    str, typer.Option("--detector", metavar="NAME", autocompletion=_list_detectors, help="Network that detects faces.")
]
AnyOrientation = Annotated[
    bool,
    typer.Option(
        "--any-orientation",
        help="Also detect faces in rotated photos, in four times the time; same as --detector NAME@any-orientation.",
    ),
]
ModelName = Annotated[
    str,
    typer.Option("--model", metavar="NAME", autocompletion=_list_models, help="Network that computes embeddings."),
]
Views = Annotated[
    int | None,
    typer.Option(
        "--views",
        metavar="N",
        help="Number of views per face, to sum their embeddings; same as --model NAME@N.",
        show_default="the model's own",
    ),
]
PrecisionName = Annotated[
    Precision | None,
    typer.Option(
        "--precision",
        help="int8 uses NAME-int8, made by models quantize.",
        show_default="the model's own",
    ),
]
GalleryModel = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME",
        autocompletion=_list_models,
        help="Network that computes embeddings.",
        show_default=f"the gallery's own, else {MODEL}",
    ),
]
MinFace = Annotated[
    float, typer.Option("--min-face", min=1, metavar="PIXELS", help="Side of the smallest face to detect.")
]
Threads = Annotated[
    int | None,
    typer.Option("--threads", min=1, metavar="N", help="Number of threads per network.", show_default="all processors"),
]
GalleryUrl = Annotated[
    str,
    typer.Option(
        "--gallery",
        envvar="VISAVIS_GALLERY",
        metavar="URL",
        callback=_to_gallery_url,
        help="Gallery: a SQLite file (path or URL), or postgresql://user@host/faces.",
    ),
]
GalleryIndex = Annotated[
    str,
    typer.Option(
        "--index",
        envvar="VISAVIS_INDEX",
        metavar="NAME[:PLACE]",
        help="Search engine: exact, pgvector:URL or milvus:URL.",
    ),
]
Pictures = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", file_okay=False, help="Write annotated photos to this folder."),
]
