"""What arrays a definition asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from visavis.nets.resnet50 import resnet50
from visavis.nets.shapes import shapes

Build = Callable[[Any, Any], Any]


def asked(build: Build, side: int = 9) -> dict[str, tuple[int, ...]]:
    return shapes(lambda ops, x: (build(ops, x),), side=side)


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda ops, x: ops.conv(x, "a", width=5, size=3), {"a.kernel": (5, 3, 3, 3), "a.bias": (5,)}),
        (lambda ops, x: ops.conv(x, "a", width=5, size=(1, 7), pad="same"), {"a.kernel": (5, 3, 1, 7), "a.bias": (5,)}),
        (lambda ops, x: ops.depthwise(x, "a", size=3), {"a.kernel": (3, 1, 3, 3), "a.bias": (3,)}),
        (
            lambda ops, x: ops.batch_norm(ops.conv(x, "a", width=5, size=1), "b", eps=1),
            {"a.kernel": (5, 3, 1, 1), "b.gamma": (5,), "b.beta": (5,), "b.mean": (5,), "b.variance": (5,)},
        ),
        (
            lambda ops, x: ops.batch_norm(ops.relu(ops.conv(x, "a", width=1, size=1)), "b", eps=1),
            {
                "a.kernel": (1, 3, 1, 1), "a.bias": (1,),
                "b.gamma": (1,), "b.beta": (1,), "b.mean": (1,), "b.variance": (1,),
            },
        ),
        (lambda ops, x: ops.affine(ops.prelu(x, "p"), "a"), {"p.slope": (3,), "a.gamma": (3,), "a.beta": (3,)}),
        (lambda ops, x: ops.dense(ops.flatten(x), "d", width=2), {"d.kernel": (243, 2), "d.bias": (2,)}),
        (lambda ops, x: ops.dense(ops.global_average(x), "d", width=2), {"d.kernel": (3, 2), "d.bias": (2,)}),
        (
            lambda ops, x: ops.dense(ops.flatten(ops.max_pool(x, 2, stride=2)), "d", width=1),
            {"d.kernel": (48, 1), "d.bias": (1,)},
        ),
        (
            lambda ops, x: ops.dense(ops.flatten(ops.max_pool(x, 2, stride=2, ceil=True)), "d", width=1),
            {"d.kernel": (75, 1), "d.bias": (1,)},
        ),
        (
            lambda ops, x: ops.dense(ops.flatten(ops.concat([x, ops.add_padded(x, x), x])), "d", width=1),
            {"d.kernel": (729, 1), "d.bias": (1,)},
        ),
        (lambda ops, x: ops.dense(ops.flatten(ops.average_pool(x, 3, stride=3)), "d", width=1), {
            "d.kernel": (27, 1), "d.bias": (1,),
        }),
    ],
)  # fmt: skip
def test_names_and_shapes(build: Build, expected: dict[str, tuple[int, ...]]) -> None:
    assert asked(build) == expected


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda ops, x: ops.conv(x, "a", size=3), "how many channels come out of a"),
        (lambda ops, x: ops.conv(x, "a", width=3), "how large the kernel of a is"),
        (lambda ops, x: ops.depthwise(x, "a"), "how large the kernel of a is"),
        (lambda ops, x: ops.dense(x, "a"), "how many figures come out of a"),
        (lambda ops, x: ops.conv(x, "a", width=3, size=11), "the picture is too small for a: 9 pixels"),
        (
            lambda ops, x: ops.add(x, ops.max_pool(x, 2, stride=2)),
            "3 channels of side 9 cannot be added to 3 of side 4",
        ),
        (lambda ops, x: ops.concat([x, ops.max_pool(x, 2, stride=2)]), "sides 9, 4 cannot be laid side by side"),
        (lambda ops, x: ops.gate(x, x), "3 channels cannot be gated by 3 figures of side 9"),
        (lambda ops, x: ops.gate(x, ops.dense(x, "d", width=2)), "3 channels cannot be gated by 2 figures of side 1"),
    ],
)
def test_refused(build: Build, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        asked(build)


def test_a_definition_that_tells_no_widths() -> None:
    with pytest.raises(TypeError, match="the definition does not say how many channels come out of conv1"):
        shapes(lambda ops, x: (ops.conv(x, "conv1", size=3),), side=150)


def test_a_picture_that_is_too_small() -> None:
    assert shapes(resnet50, side=33) == shapes(resnet50, side=224)
    with pytest.raises(TypeError, match=r"too small"):
        shapes(resnet50, side=2)
