"""What no graph can be emitted for is refused by name, never emitted wrongly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from visavis.nets.onnx_graph import to_onnx

from .agreement import assert_agree, pixels
from .generated import layer, slopes

RNG = np.random.default_rng(2)
WEIGHTS = {
    **layer("four", (4, 3, 1, 1), RNG, parts="kernel bias gamma beta"),
    **layer("same", (4, 4, 1, 1), RNG),
    **layer("block", (16, 3, 1, 1), RNG),
    **layer("rows", (12, 3), RNG),
    **layer("around", (4, 3, 3, 3), RNG),
    **layer("wide", (4, 3, 1, 3), RNG),
    **layer("each", (4, 1, 1, 1), RNG),
    **layer("first", (3, 1, 2, 2), RNG),
    **layer("gate", (3, 4), RNG),
    **layer("three", (3, 3), RNG),
    **layer("norm", (4, 3, 1, 1), RNG, parts="kernel bias gamma beta mean variance"),
    **{f"third.{part}": np.ones(3, np.float32) for part in ("beta", "mean", "variance")},
    "bent.slope": slopes("mixed", 4, RNG),
    "third.slope": slopes("mixed", 3, RNG),
}

Build = Callable[[Any, Any], Any]

REFUSED: dict[str, tuple[Build, str]] = {
    "affine without a convolution": (lambda ops, x: ops.affine(x, "four"), "affine layer four must follow"),
    "affine behind relu": (
        lambda ops, x: ops.affine(ops.relu(ops.conv(x, "four")), "four"),
        "affine layer four must follow a convolution",
    ),
    "affine behind prelu": (
        lambda ops, x: ops.affine(ops.prelu(ops.conv(x, "four"), "bent"), "four"),
        "affine layer four must follow a convolution",
    ),
    "prelu of a picture": (lambda ops, x: ops.prelu(x, "third"), "activation third must follow"),
    "prelu twice": (
        lambda ops, x: ops.prelu(ops.prelu(ops.conv(x, "four"), "bent"), "bent"),
        "activation bent must follow",
    ),
    "prelu behind relu": (
        lambda ops, x: ops.prelu(ops.relu(ops.conv(x, "four")), "bent"),
        "activation bent must follow",
    ),
    "prelu behind pooling": (
        lambda ops, x: ops.prelu(ops.max_pool(ops.conv(x, "four"), 2, stride=2), "bent"),
        "activation bent must follow",
    ),
    "prelu of values laid in rows": (
        lambda ops, x: ops.prelu(ops.global_average(x), "third"),
        "activation third must follow",
    ),
    "batch normalization behind relu, and used without a layer": (
        lambda ops, x: ops.relu(ops.batch_norm(ops.relu(ops.conv(x, "norm")), "norm", eps=1e-3)),
        "must go through a convolution or a dense layer first",
    ),
    "batch normalization of rows that are active": (
        lambda ops, x: ops.batch_norm(ops.relu(ops.dense(ops.flatten(x), "rows")), "third", eps=1e-3),
        "batch normalization third must follow a convolution, its activation or a dense layer",
    ),
    "batch normalization twice behind relu": (
        lambda ops, x: ops.batch_norm(
            ops.batch_norm(ops.relu(ops.conv(x, "norm")), "norm", eps=1e-3), "norm", eps=1e-3
        ),
        "batch normalization norm must follow a convolution, its activation or a dense layer",
    ),
    "scaled behind prelu": (
        lambda ops, x: ops.scale(ops.prelu(ops.conv(x, "four"), "bent"), 0.5),
        "only a convolution or a dense layer can be scaled",
    ),
    "gated by a picture": (
        lambda ops, x: ops.gate(ops.conv(x, "four"), ops.sigmoid(ops.conv(x, "four"))),
        "channels are gated by rows",
    ),
    "rows gated": (
        lambda ops, x: ops.gate(ops.dense(ops.flatten(x), "rows"), ops.sigmoid(ops.dense(ops.flatten(x), "rows"))),
        "channels are gated by rows",
    ),
    "gated by too few figures": (
        lambda ops, x: ops.gate(ops.conv(x, "four"), ops.sigmoid(ops.dense(ops.flatten(x), "rows"))),
        "4 channels cannot be gated by 3 figures",
    ),
    "laid side by side in two sizes": (
        lambda ops, x: ops.concat([ops.conv(x, "four"), ops.conv(x, "four", stride=2)]),
        "only pictures of one size",
    ),
    "rows laid side by side": (
        lambda ops, x: ops.concat([ops.global_average(x), ops.global_average(x)]),
        "only pictures of one size",
    ),
    "sum of other channels": (
        lambda ops, x: ops.add(ops.conv(x, "four"), ops.conv(x, "block")),
        "4 channels of side 2 cannot be added to 16 of side 2",
    ),
    "sum of other sides": (
        lambda ops, x: ops.add(ops.conv(x, "four"), ops.conv(x, "four", stride=2)),
        "4 channels of side 2 cannot be added to 4 of side 1",
    ),
    "a kernel that is not square": (
        lambda ops, x: ops.conv(x, "wide", pad=1),
        "a kernel that is not square must be padded 'same'",
    ),
    "a depthwise convolution widened": (
        lambda ops, x: ops.add_padded(ops.depthwise(ops.conv(x, "four"), "each"), ops.conv(x, "block")),
        "only a pending convolution or average pool can be padded",
    ),
    "normalized and used without convolution": (
        lambda ops, x: ops.relu(ops.normalize(x, mean=(1, 2, 3), scale=0.5)),
        "must go through a convolution",
    ),
    "normalized and averaged": (
        lambda ops, x: ops.global_average(ops.normalize(x, mean=(1, 2, 3), scale=0.5)),
        "must go through a convolution",
    ),
    "normalized twice": (
        lambda ops, x: ops.normalize(ops.normalize(x, mean=(1, 2, 3), scale=0.5), mean=(1, 2, 3), scale=0.5),
        "must go through a convolution",
    ),
    "sum with a picture": (
        lambda ops, x: ops.add_padded(ops.conv(x, "four"), x),
        "only a pending convolution or average pool can be padded",
    ),
    "end in a picture of half a block, laid in rows": (
        lambda ops, x: ops.flatten(ops.relu(ops.conv(x, "four"))),
        "can only end a network if its channels are a full block",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    build, said = REFUSED[name]
    with pytest.raises(TypeError, match=said):
        to_onnx(lambda ops, x: (build(ops, x),), WEIGHTS, side=2)


def test_a_sum_with_the_picture_of_as_many_channels() -> None:
    weights = layer("three", (3, 3, 1, 1), RNG)
    with pytest.raises(TypeError, match="a sum with the picture itself"):
        to_onnx(lambda ops, x: (ops.add_padded(ops.conv(x, "three"), x),), weights, side=2)


def test_a_stride_over_open_sides_that_asks_for_them() -> None:
    def net(ops: Any, x: Any) -> tuple[Any, ...]:
        return (ops.conv(x, "around", stride=2, pad="same"),)

    with pytest.raises(TypeError, match="'same' with a stride needs a picture of known side"):
        to_onnx(net, WEIGHTS, side=None)
    assert_agree(lambda ops, x: (ops.conv(x, "around", pad="same"),), WEIGHTS, pixels(2, 5, 4), pixels(1, 3, 9))


def test_a_layer_without_weights() -> None:
    with pytest.raises(KeyError, match=r"five\.kernel"):
        to_onnx(lambda ops, x: (ops.conv(x, "five"),), WEIGHTS, side=2)


ALLOWED: dict[str, Build] = {
    "a picture laid in rows": lambda ops, x: ops.flatten(x),
    "a picture's mean": lambda ops, x: ops.global_average(x),
    "an average alone": lambda ops, x: ops.average_pool(x, 2, stride=1),
    "an average of what is normalized": lambda ops, x: ops.average_pool(
        ops.normalize(x, mean=(1, 2, 3), scale=0.5), 2, stride=1
    ),
    "normalized and padded": lambda ops, x: ops.conv(ops.normalize(x, mean=(1, 2, 3), scale=0.5), "around", pad=1),
    "normalized and padded, a channel at a time": lambda ops, x: ops.depthwise(
        ops.normalize(x, mean=(1, 2, 3), scale=0.5), "first", pad="same"
    ),
    "normalized, a channel at a time": lambda ops, x: ops.depthwise(
        ops.normalize(x, mean=(1, 2, 3), scale=0.5), "first"
    ),
    "a channel at a time, bent and pooled": lambda ops, x: ops.max_pool(
        ops.prelu(ops.depthwise(ops.conv(x, "four"), "each"), "bent"), 2, stride=2
    ),
    "a channel at a time, of few channels": lambda ops, x: ops.depthwise(ops.conv(x, "four"), "each"),
    "a wide kernel": lambda ops, x: ops.conv(x, "wide", pad="same"),
    "a picture beside others": lambda ops, x: ops.concat([x, ops.conv(x, "four"), ops.conv(x, "block")]),
    "gated, of few channels": lambda ops, x: ops.conv(
        ops.gate(ops.conv(x, "four"), ops.sigmoid(ops.dense(ops.global_average(x), "gate"))), "same"
    ),
    "a sigmoid of few channels": lambda ops, x: ops.sigmoid(ops.conv(x, "four")),
    "a sigmoid of rows": lambda ops, x: ops.dense(ops.sigmoid(ops.dense(ops.flatten(x), "rows")), "three"),
    "a sigmoid of rows at the end": lambda ops, x: ops.sigmoid(ops.dense(ops.flatten(x), "rows")),
    "half a block behind relu": lambda ops, x: ops.relu(ops.conv(x, "four")),
    "half a block's mean": lambda ops, x: ops.global_average(ops.relu(ops.conv(x, "four"))),
    "a full block behind relu": lambda ops, x: ops.relu(ops.conv(x, "block")),
    "a bare convolution of few channels": lambda ops, x: ops.conv(x, "four"),
    "a dense layer and relu": lambda ops, x: ops.relu(ops.dense(ops.flatten(x), "rows")),
    "relu twice": lambda ops, x: ops.conv(ops.relu(ops.relu(ops.conv(x, "four"))), "same"),
    "relu behind prelu": lambda ops, x: ops.conv(ops.relu(ops.prelu(ops.conv(x, "four"), "bent")), "same"),
    "normalized behind prelu": lambda ops, x: ops.conv(
        ops.normalize(ops.prelu(ops.conv(x, "four"), "bent"), mean=(1, 2, 3, 4), scale=0.5), "same"
    ),
    "a sum of bent channels": lambda ops, x: ops.conv(
        ops.add_padded(ops.prelu(ops.conv(x, "four"), "bent"), ops.conv(x, "four")), "same"
    ),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_allowed(name: str) -> None:
    assert_agree(lambda ops, x: (ALLOWED[name](ops, x),), WEIGHTS, pixels(3, 2, 2), side=2)


def test_several_outputs_come_in_their_order() -> None:
    def net(ops: Any, x: Any) -> tuple[Any, ...]:
        return ops.conv(x, "four"), ops.dense(ops.flatten(x), "rows"), ops.global_average(x)

    assert_agree(net, WEIGHTS, pixels(2, 2, 2), side=2)
