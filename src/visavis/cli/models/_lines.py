"""JSON lines and table rows of weight files and of the user's own models."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from visavis.cli._output import note
from visavis.cli._table import Column

if TYPE_CHECKING:
    from visavis.weights.model_row import ModelRow
    from visavis.weights.spec import WeightSpec

COLUMNS = ("name", "for", Column("license", drop=2, least=12), "MB", "here", Column("pinned", drop=1))


def weight_line(spec: WeightSpec, path: Path | None) -> dict[str, object]:
    """Return the fields of a weight file, and its state on this machine."""
    from visavis.weights.store import read_pinned_hash

    pin = "" if path is None or spec.pinned else read_pinned_hash(path)
    return {
        "name": spec.name,
        "task": spec.task,
        "file": spec.file,
        "bytes": spec.size if spec.pinned or path is None else path.stat().st_size,
        "sha256": spec.sha256,
        "url": spec.url,
        "license": spec.license,
        "trained_on": spec.trained_on,
        "input_size": spec.input_size,
        "channels": spec.channels,
        "mean": list(spec.mean),
        "scale": spec.scale,
        "geometry": spec.geometry,
        "output": spec.output,
        "non_commercial": spec.non_commercial,
        "published_threshold": spec.threshold,
        "threshold_source": spec.threshold_source or None,
        "present": path is not None,
        "path": None if path is None else str(path),
        "pinned": "published" if spec.pinned else "here" if pin else "at first download" if path is None else "no",
        "pin": pin or None,
    }


def imported_lines() -> list[dict[str, object]]:
    """Return the lines of all imported models; print a note for a damaged one."""
    from visavis.errors import WeightsError
    from visavis.weights import user_models

    lines = []
    for name in user_models.names():
        try:
            lines.append(imported_line(user_models.row(name)))
        except WeightsError as error:
            note(str(error))
    return lines


def imported_line(row: ModelRow) -> dict[str, object]:
    """Return the keys of a weight file, and those that only imported models have."""
    from visavis.weights import user_models

    path = user_models.network(row)
    return {
        "name": row.name,
        "task": "embed",
        "file": row.file,
        "bytes": path.stat().st_size + sum((path.parent / name).stat().st_size for name, _ in row.data),
        "sha256": row.sha256,
        "url": None,
        "license": row.license,
        "trained_on": row.trained_on,
        "input_size": row.size,
        "channels": row.channels,
        "mean": list(row.mean),
        "scale": row.scale,
        "geometry": row.geometry,
        "output": f"{row.dimension} figures",
        "non_commercial": None,
        "published_threshold": None,
        "threshold_source": None,
        "present": True,
        "path": str(path),
        "pinned": "here",
        "pin": row.sha256,
        "views": row.views,
        "precision": row.precision,
        "quantized_from": row.quantized_from,
    }


def detail_rows(line: Mapping[str, object]) -> list[list[str]]:
    """Return the rows of ``models show``, one per key, without empty values."""
    return [[key, _format_value(value)] for key, value in line.items() if value is not None and value != ""]


def _format_value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(f"{item:g}" if isinstance(item, float) else str(item) for item in value) or "-"
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def table_row(line: dict[str, object]) -> list[str]:
    """Return the columns of ``models list``."""
    size = line["bytes"]
    megabytes = f"{size / 1e6:.1f}" if isinstance(size, int) else "-"
    texts = [str(line[key]) for key in ("name", "task", "license")]
    return [*texts, megabytes, "yes" if line["present"] else "no", str(line["pinned"])]
