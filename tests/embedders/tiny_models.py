"""Models of one's own, tiny: networks whose answers can be told by hand, and the rows that describe them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIZE = 16
Node = tuple[str, Sequence[str], str]

MEANS: tuple[Node, ...] = (("GlobalAveragePool", ["x"], "mean"), ("Flatten", ["mean"], "y"))
"""The mean of each channel: three figures."""


def network(
    nodes: Sequence[Node] = MEANS,
    *,
    batch: int | str = "n",
    size: int | str = SIZE,
    kind: int = TensorProto.FLOAT,
    inputs: Sequence[str] = ("x",),
    outputs: Sequence[str] = ("y",),
    layout: str = "NCHW",
    constants: dict[str, np.ndarray] | None = None,
) -> onnx.ModelProto:
    """A network of these nodes: operator, inputs, output."""
    shape = [batch, 3, size, size] if layout == "NCHW" else [batch, size, size, 3]
    graph = helper.make_graph(
        [helper.make_node(operator, each, [output]) for operator, each, output in nodes],
        "own",
        [helper.make_tensor_value_info(name, kind, shape) for name in inputs],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def row(**changed: object) -> str:
    """TOML text of a row; ``input_scale=2`` sets a key of a table, None leaves it out."""
    tables: dict[str, dict[str, object]] = {
        "": {"name": "own", "file": "own.onnx", "license": "MIT", "trained_on": "nothing"},
        "input": {"size": SIZE, "channels": "RGB", "mean": [127.5, 127.5, 127.5], "scale": 0.0078125},
        "face": {"crop": "box"},
        "output": {"dimension": 3, "metric": "cosine"},
    }
    for key, value in changed.items():
        table, _, inner = key.partition("_")
        place = tables[table] if table in tables and inner else tables[""]
        place[inner if table in tables and inner else key] = value
    text = ""
    for name, table in tables.items():
        told = {key: value for key, value in table.items() if value is not None}
        text += (f"[{name}]\n" if name else "") + "".join(f"{k} = {json.dumps(v)}\n" for k, v in told.items())
    return text


def write(folder: Path, model: onnx.ModelProto | None = None, **changed: object) -> Path:
    """Write ``own.onnx`` and ``own.toml``; return the path of the row."""
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(network() if model is None else model, folder / "own.onnx")
    (folder / "own.toml").write_text(row(**changed), encoding="utf-8")
    return folder / "own.toml"
