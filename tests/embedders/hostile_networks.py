"""ONNX files that keep ONNX Runtime busy for ever, take any amount of memory, or have names that are no text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from . import tiny_models as own

ENDLESS = 2**62
MEANS: tuple[own.Node, ...] = (("GlobalAveragePool", ["x"], "m"), ("Flatten", ["m"], "f"))


def _graph(nodes: Sequence[onnx.NodeProto], constants: dict[str, np.ndarray]) -> onnx.ModelProto:
    model = own.network((*MEANS, ("Add", ["f", "last"], "y")), constants=constants)
    for place, node in enumerate(nodes):
        model.graph.node.insert(len(MEANS) + place, node)
    return model


def _loop(trips: str, start: str) -> onnx.NodeProto:
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["go_on"]), helper.make_node("Add", ["v", "step"], ["w"])],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("v", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("w", TensorProto.FLOAT, None),
        ],
        [numpy_helper.from_array(np.float32(1), "step")],
    )
    return helper.make_node("Loop", [trips, "true", start], ["last"], body=body)


def endless_when_run() -> onnx.ModelProto:
    """Loop over a value that depends on the picture."""
    constants = {"trips": np.array(ENDLESS, np.int64), "true": np.array(True)}
    return _graph([_loop("trips", "f")], constants)


def endless_when_opened() -> onnx.ModelProto:
    """Loop over constants, which are computed when the network is opened."""
    zeros = np.zeros(3, np.float32)
    return _graph(
        [_loop("trips", "zeros")], {"trips": np.array(ENDLESS, np.int64), "true": np.array(True), "zeros": zeros}
    )


def endless_for_red() -> onnx.ModelProto:
    """Loop only where the mean of a color is above .9: never on noise."""
    nodes = [
        helper.make_node("ReduceMax", ["f"], ["most"], keepdims=0),
        helper.make_node("Greater", ["most", "limit"], ["bright"]),
        helper.make_node("Cast", ["bright"], ["one"], to=TensorProto.INT64),
        helper.make_node("Mul", ["one", "trips"], ["count"]),
        _loop("count", "f"),
    ]
    constants = {"trips": np.array(ENDLESS, np.int64), "true": np.array(True), "limit": np.array(0.9, np.float32)}
    return _graph(nodes, constants)


def large_when_run(gigabytes: int = 16) -> onnx.ModelProto:
    """Repeat the picture's means until they take that much memory."""
    nodes: tuple[own.Node, ...] = (
        ("GlobalAveragePool", ["x"], "m"), ("Expand", ["m", "shape"], "e"), ("GlobalAveragePool", ["e"], "k"),
        ("Flatten", ["k"], "y"),
    )  # fmt: skip
    side = int((gigabytes * 2**30 / 4 / 9) ** 0.5)
    return own.network(nodes, constants={"shape": np.array([1, 3, side, side], np.int64)})


def doubling(depth: int = 40) -> onnx.ModelProto:
    """Functions of which each calls the next twice: 2 ** depth nodes once they are put in place."""
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("d", 1)]
    functions = []
    for level in range(depth):
        called = [helper.make_node(f"F{level + 1}", [a], [b], domain="d") for a, b in (("a", "c"), ("c", "b"))]
        nodes = called if level < depth - 1 else [helper.make_node("Neg", ["a"], ["b"])]
        functions.append(helper.make_function("d", f"F{level}", ["a"], ["b"], nodes, opsets))
    model = own.network()
    model.graph.node[0].input[0] = "doubled"
    model.graph.node.insert(0, helper.make_node("F0", ["x"], ["doubled"], domain="d"))
    return helper.make_model(model.graph, opset_imports=opsets, ir_version=9, functions=functions)


def without_text() -> bytes:
    """An output whose name is no UTF-8."""
    nodes: tuple[own.Node, ...] = (("GlobalAveragePool", ["x"], "mean"), ("Flatten", ["mean"], "YYYY"))
    return own.network(nodes, outputs=("YYYY",)).SerializeToString().replace(b"YYYY", b"\xff\xfe\xfdY")
