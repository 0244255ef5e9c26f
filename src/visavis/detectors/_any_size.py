"""Published ONNX files that state one input size, made to take any: only the statement changes, no weight and no node.

A network of convolutions works at any size, but exporters write down the sizes they traced, and ONNX Runtime refuses
all others. Field numbers are those of ``onnx.proto``.
"""

from __future__ import annotations

from visavis.detectors._onnx_parts import GRAPH, field, fields, in_graph, texts
from visavis.nets._onnx_file import FLOAT, value

INPUT, OUTPUT, TRACED = 11, 12, 13
"""Of a graph: what goes in, what comes out, and the sizes of what is between."""
NAME = 1


def any_size(model: bytes) -> bytes:
    """Return the model with an input of ``(n, 3, height, width)`` float32, all but the channels open.

    Raises WeightsError where it is no ONNX file with one graph and one such input.
    """
    return in_graph(model, _opened)


def outputs(model: bytes) -> list[str]:
    """Names of what comes out, in order."""
    graph = next(content for number, _, content in fields(model) if number == GRAPH)
    return [_name(content) for number, _, content in fields(graph) if number == OUTPUT]


def _opened(graph: bytes) -> bytes:
    inside: list[bytes] = []
    for number, part, content in fields(graph):
        if number == INPUT:
            inside.append(field(INPUT, value(_name(content), FLOAT, ("n", 3, "height", "width"))))
        elif number == OUTPUT:
            name = _name(content)
            inside.append(field(OUTPUT, value(name, FLOAT, (f"{name} n", f"{name} cells", f"{name} values"))))
        elif number != TRACED:
            inside.append(part)
    return b"".join(inside)


def _name(described: bytes) -> str:
    return next(iter(texts(described, NAME)), "")
