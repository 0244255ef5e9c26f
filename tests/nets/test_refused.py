"""What no graph can be emitted for is refused by name, never emitted wrongly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from visavis.nets._onnx import to_onnx

from .agreement import assert_agree, pixels
from .generated import layer, slopes

RNG = np.random.default_rng(2)
WEIGHTS = {
    **layer("four", (4, 3, 1, 1), RNG, parts="kernel bias gamma beta"),
    **layer("same", (4, 4, 1, 1), RNG),
    **layer("block", (16, 3, 1, 1), RNG),
    **layer("rows", (12, 3), RNG),
    **layer("around", (4, 3, 3, 3), RNG),
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
    "normalised and used without convolution": (
        lambda ops, x: ops.relu(ops.normalise(x, mean=(1, 2, 3), scale=0.5)),
        "must go through a convolution first",
    ),
    "normalised and averaged": (
        lambda ops, x: ops.global_average(ops.normalise(x, mean=(1, 2, 3), scale=0.5)),
        "must go through a convolution first",
    ),
    "normalised twice": (
        lambda ops, x: ops.normalise(ops.normalise(x, mean=(1, 2, 3), scale=0.5), mean=(1, 2, 3), scale=0.5),
        "must go through a convolution first",
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


def test_a_layer_without_weights() -> None:
    with pytest.raises(KeyError, match=r"five\.kernel"):
        to_onnx(lambda ops, x: (ops.conv(x, "five"),), WEIGHTS, side=2)


ALLOWED: dict[str, Build] = {
    "a picture laid in rows": lambda ops, x: ops.flatten(x),
    "a picture's mean": lambda ops, x: ops.global_average(x),
    "an average alone": lambda ops, x: ops.average_pool(x, 2, stride=1),
    "an average of what is normalised": lambda ops, x: ops.average_pool(
        ops.normalise(x, mean=(1, 2, 3), scale=0.5), 2, stride=1
    ),
    "normalised and padded": lambda ops, x: ops.conv(ops.normalise(x, mean=(1, 2, 3), scale=0.5), "around", pad=1),
    "half a block behind relu": lambda ops, x: ops.relu(ops.conv(x, "four")),
    "half a block's mean": lambda ops, x: ops.global_average(ops.relu(ops.conv(x, "four"))),
    "a full block behind relu": lambda ops, x: ops.relu(ops.conv(x, "block")),
    "a bare convolution of few channels": lambda ops, x: ops.conv(x, "four"),
    "a dense layer and relu": lambda ops, x: ops.relu(ops.dense(ops.flatten(x), "rows")),
    "relu twice": lambda ops, x: ops.conv(ops.relu(ops.relu(ops.conv(x, "four"))), "same"),
    "relu behind prelu": lambda ops, x: ops.conv(ops.relu(ops.prelu(ops.conv(x, "four"), "bent")), "same"),
    "normalised behind prelu": lambda ops, x: ops.conv(
        ops.normalise(ops.prelu(ops.conv(x, "four"), "bent"), mean=(1, 2, 3, 4), scale=0.5), "same"
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
