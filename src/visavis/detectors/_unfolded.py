"""Published ONNX files with weights of 8 bits, made to hold float32: what only computes weights is computed once.

ONNX Runtime 1.31 refuses such a file where a block is longer than a bias, and elsewhere computes the weights anew in
each run. Field numbers are those of ``onnx.proto``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from visavis.detectors._onnx_parts import field, fields, in_graph, texts
from visavis.nets._onnx_file import tensor
from visavis.weights.readers import onnx_arrays

NODE, INITIALIZER = 1, 5
"""Of a graph."""
NODE_INPUT, NODE_OUTPUT = 1, 2
TENSOR_NAME = 8


def unfolded(path: Path) -> bytes:
    """Return the model of ``path`` with its weights in float32; WeightsError where it is no ONNX file."""
    arrays = onnx_arrays.read(path)
    return in_graph(path.read_bytes(), lambda graph: _unfolded(graph, arrays))


def _unfolded(graph: bytes, arrays: Mapping[str, onnx_arrays.Array]) -> bytes:
    kept, used = [], set[str]()
    for number, part, content in fields(graph):
        if not _is_of_weights(number, content, arrays):
            kept.append(part)
            used |= set(texts(content, NODE_INPUT)) if number == NODE else set()
    weights = [field(INITIALIZER, tensor(name, array)) for name, array in arrays.items() if name in used]
    return b"".join([*kept, *weights])


def _is_of_weights(number: int, content: bytes, arrays: Mapping[str, onnx_arrays.Array]) -> bool:
    """Tell whether a part of the graph is a weight, or a node that computes one."""
    names = {NODE: NODE_OUTPUT, INITIALIZER: TENSOR_NAME}.get(number)
    return names is not None and any(name in arrays for name in texts(content, names))
