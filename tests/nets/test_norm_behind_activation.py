"""Batch normalization behind an activation: noted, and folded into the layer that follows, whatever that is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest

from visavis.nets.onnx_graph import to_onnx

from . import generated
from .agreement import assert_agree, pixels

RNG = np.random.default_rng(6)
SIDE, CHANNELS = 9, 21
BEHIND: dict[str, Callable[[Any, Any], Any]] = {
    "a convolution": lambda ops, x: ops.conv(x, "next"),
    "a convolution with zeros around": lambda ops, x: ops.conv(x, "next", pad=1),
    "a depthwise convolution": lambda ops, x: ops.conv(ops.depthwise(x, "each"), "next"),
    "a depthwise convolution with zeros around": lambda ops, x: ops.conv(ops.depthwise(x, "each", pad=1), "next"),
    "a dense layer behind all values": lambda ops, x: ops.dense(ops.flatten(x), "all"),
    "a dense layer behind the mean": lambda ops, x: ops.dense(ops.global_average(x), "mean"),
    "an average": lambda ops, x: ops.average_pool(x, 3, stride=2),
}


def network(behind: str, activation: str) -> Callable[[Any, Any], tuple[Any, ...]]:
    def net(ops: Any, x: Any) -> tuple[Any, ...]:
        x = ops.conv(x, "first")
        x = ops.relu(x) if activation == "relu" else ops.prelu(x, "bent")
        return (BEHIND[behind](ops, ops.batch_norm(x, "norm", eps=1e-2)),)

    return net


def weights(activation: str, *, zeros: bool) -> dict[str, np.ndarray]:
    made = {
        **generated.layer("first", (CHANNELS, 3, 3, 3), RNG),
        **generated.layer("norm", (CHANNELS, 1, 1, 1), RNG, parts="gamma beta mean variance"),
        **generated.layer("next", (5, CHANNELS, 3, 3), RNG),
        **generated.layer("each", (CHANNELS, 1, 3, 3), RNG),
        **generated.layer("all", (CHANNELS * (SIDE - 2) ** 2, 7), RNG),
        **generated.layer("mean", (CHANNELS, 7), RNG),
        "bent.slope": generated.slopes(activation if activation != "relu" else "zero", CHANNELS, RNG),
    }
    if zeros:
        made["norm.gamma"][::3] = 0
    return made


@pytest.mark.parametrize("zeros", [False, True], ids=["", "some factors are 0"])
@pytest.mark.parametrize("activation", ["relu", "ordinary", "above one", "mixed"])
@pytest.mark.parametrize("behind", BEHIND)
def test_it_is_folded_into(behind: str, activation: str, zeros: bool) -> None:
    made = weights(activation, zeros=zeros)
    assert_agree(network(behind, activation), made, pixels(2, SIDE, SIDE), side=SIDE, tolerance=1e-5)


def test_it_costs_no_node_in_front_of_a_dense_layer() -> None:
    model = to_onnx(network("a dense layer behind all values", "relu"), weights("relu", zeros=False), side=SIDE)
    kinds = [node.op_type for node in onnx.load_model_from_string(model).graph.node]
    assert kinds == ["Transpose", "Cast", "Conv", "Relu", "Flatten", "Gemm"]
