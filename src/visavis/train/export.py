"""A trained network as a model like any other: an ONNX file, and the row that describes it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from visavis import atomic
from visavis.nets.onnx_graph import to_onnx
from visavis.nets.ops import Net
from visavis.types import Floats
from visavis.weights.model_row import CropPoints, ModelRow

ROW = "model.toml"


def write_model(
    run: Path,
    definition: Net,
    weights: Mapping[str, Floats],
    *,
    size: int,
    points: CropPoints,
    dimension: int,
    trained_on: str,
    license: str,
) -> ModelRow:
    """Write ``model.onnx`` and ``model.toml`` to the folder of a run; return the row.

    The name of the model ends in the first digits of the file's SHA-256, so that each network has a name of its own:
    galleries and tables of thresholds go by it.
    """
    network = to_onnx(definition, weights, side=size)
    digest = hashlib.sha256(network).hexdigest()
    row = ModelRow(
        name=f"{_plain_name(run)}-{digest[:8]}",
        file="model.onnx",
        sha256=digest,
        license=license or "not stated",
        trained_on=trained_on,
        size=size,
        channels="RGB",
        layout="NHWC",
        mean=(0.0, 0.0, 0.0),
        scale=1.0,
        points=points,
        crop="points",
        margin=0.0,
        output=0,
        dimension=dimension,
    )
    atomic.write_bytes(run / row.file, network)
    atomic.write_text(run / ROW, row.text())
    return row


def _plain_name(run: Path) -> str:
    """Return the folder's name in the letters that names of models have."""
    plain = re.sub(r"[^a-z0-9._-]+", "-", run.resolve().name.lower()).strip("-._")
    return (plain or "run")[:48]
