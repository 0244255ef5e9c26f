"""models bench: measure how long models take per face."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from visavis import defaults
from visavis.cli._options import Json, Threads
from visavis.cli._output import Output
from visavis.cli._table import Column
from visavis.printable import significant

if TYPE_CHECKING:
    from visavis.embedders import Embedder
    from visavis.embedders.speed import EmbeddingSpeed

COLUMNS = (
    "model",
    Column("precision", drop=1),
    Column("MB", drop=2),
    "ms, 1 face",
    Column("ms, of 32", drop=3),
    "faces/s",
    "TAR at 1e-3",
)

BATCHES = (1, 32)
"""Numbers of faces per run."""


def bench(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Models.", show_default="all on this machine")
    ] = None,
    *,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Measure how long models take per face.

    Runs batches of 1 and of 32 faces, alternating between the models. The time includes all views of a model, but not
    cropping. The accuracy is from the calibration shipped with the model.
    """
    from visavis import embedders
    from visavis.embedders.speed import list_present_models, measure_speeds

    loaded = [embedders.create(name, threads=threads) for name in names or list_present_models()]
    measured = measure_speeds(loaded, BATCHES)
    with Output(*COLUMNS, json=json) as output:
        for model, times in zip(loaded, measured, strict=True):
            line = _make_line(model, times)
            output.answer(line, _make_row(line, times))


def _make_line(model: Embedder, times: list[EmbeddingSpeed]) -> dict[str, object]:
    from visavis.weights import user_models
    from visavis.weights.spec import all_specs

    name = model.name.partition("@")[0]
    row = user_models.row(name) if user_models.has(name) else None
    published = {spec.name: spec.size for spec in all_specs()}
    return {
        "model": model.name,
        "precision": row.precision if row else "float32",
        "bytes": user_models.network(row).stat().st_size if row else published.get(name),
        "dimension": model.dimension,
        "ms_embed": {
            f"{speed.batch}": {"median": significant(speed.median, 4), "best": significant(speed.best, 4)}
            for speed in times
        },
        "faces_per_second": significant(max(1000 / speed.median for speed in times), 4),
        "accuracy": _read_accuracy(model.name),
    }


def _read_accuracy(model: str) -> dict[str, object] | None:
    """Return the accuracy in the model's shipped calibration; None without one."""
    from visavis.compare import calibration

    table = calibration(model)
    if table is None:
        return None
    return {"data": table.provenance.get("data"), "far": defaults.FAR, "tar": _read_tar(model)}


def _read_tar(model: str) -> float | None:
    """Return the true accept rate at the default FAR from the calibration file: a loaded table has only thresholds."""
    from importlib.resources import files
    from json import loads

    content = loads((files("visavis") / "calibration" / f"{model}.json").read_text(encoding="utf-8"))
    return next((row["tar"] for row in content.get("intervals", ()) if row["far"] == defaults.FAR), None)


def _make_row(line: dict[str, object], times: list[EmbeddingSpeed]) -> list[str]:
    size, accuracy = line["bytes"], line["accuracy"]
    tar = accuracy["tar"] if isinstance(accuracy, dict) else None
    return [
        str(line["model"]),
        str(line["precision"]),
        f"{size / 1e6:.1f}" if isinstance(size, int) else "-",
        *(f"{speed.median:.2f}" for speed in times),
        f"{line['faces_per_second']}",
        "-" if tar is None else f"{tar:.4f}",
    ]
