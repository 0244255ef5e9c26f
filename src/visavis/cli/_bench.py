"""What ``models bench`` measures and prints of each model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from visavis.cli._output import significant

if TYPE_CHECKING:
    from visavis.embedders import Embedder
    from visavis.embedders.speed import Speed

BATCHES = (1, 32)
"""Faces a run."""
FAR = 1e-3
"""At which the rate of true accepts is printed."""


def present() -> list[str]:
    """Models whose files are on this machine."""
    from visavis.embedders import EMBEDDERS
    from visavis.weights import user_models
    from visavis.weights.spec import all_specs
    from visavis.weights.store import locate

    here = {row.name for row in all_specs() if row.task == "embed" and locate(row)}
    return [name for name in EMBEDDERS.names() if user_models.has(name) or name in here]


def bench_line(model: Embedder, times: list[Speed]) -> dict[str, object]:
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
            f"{one.batch}": {"median": significant(one.median, 4), "best": significant(one.best, 4)} for one in times
        },
        "faces_per_second": significant(max(1000 / one.median for one in times), 4),
        "accuracy": _accuracy(model.name),
    }


def _accuracy(model: str) -> dict[str, object] | None:
    """What the table of thresholds that came with a model tells of its accuracy."""
    from visavis.compare import calibration

    table = calibration(model)
    if table is None:
        return None
    return {"data": table.provenance.get("data"), "far": FAR, "tar": _tar(model)}


def _tar(model: str) -> float | None:
    """The rate of true accepts at ``FAR`` in the file of the table; a table as it is used keeps only thresholds."""
    from importlib.resources import files
    from json import loads

    content = loads((files("visavis") / "calibration" / f"{model}.json").read_text(encoding="utf-8"))
    return next((row["tar"] for row in content.get("intervals", ()) if row["far"] == FAR), None)


def bench_row(line: dict[str, object], times: list[Speed]) -> list[str]:
    size, accuracy = line["bytes"], line["accuracy"]
    tar = accuracy["tar"] if isinstance(accuracy, dict) else None
    return [
        str(line["model"]),
        str(line["precision"]),
        f"{size / 1e6:.1f}" if isinstance(size, int) else "-",
        *(f"{one.median:.2f}" for one in times),
        f"{line['faces_per_second']}",
        "-" if tar is None else f"{tar:.4f}",
    ]
