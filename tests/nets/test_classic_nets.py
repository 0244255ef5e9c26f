"""The classic networks: the emitted graphs against the slow interpreter, narrow ones at their published sides."""

from __future__ import annotations

import math
from collections import Counter
from functools import cache
from typing import Any

import numpy as np
import onnx
import pytest

from visavis.nets.onnx_graph import to_onnx
from visavis.nets.shapes import Shape, ShapeOps, shapes
from visavis.runtime import Session

from . import reference_interpreter as slow
from .agreement import assert_agree, pixels
from .narrow_networks import NETS, narrow, weights, without

PARAMETERS = {
    "vgg16": 14_714_688,
    "vgg16_top": 145_002_878,
    "resnet50": 23_561_152,
    "resnet50_top": 41_246_071,
    "senet50": 26_092_144,
    "senet50_top": 43_777_063,
}
"""Of keras-vggface 0.6, as Keras counts them: moving means and variances too."""

STAGES = {
    "vgg16_top": {
        "conv1_2": (64, 224), "conv2_2": (128, 112), "conv3_3": (256, 56), "conv4_3": (512, 28), "conv5_3": (512, 14),
        "fc6": (4096, 1), "fc7": (4096, 1), "fc8": (2622, 1),
    },
    "resnet50_top": {
        "conv1": (64, 112), "conv2_1.reduce": (64, 55), "conv2_3.increase": (256, 55), "conv3_1.reduce": (128, 28),
        "conv3_1.proj": (512, 28), "conv3_4.increase": (512, 28), "conv4_6.increase": (1024, 14),
        "conv5_1.conv3x3": (512, 7), "conv5_3.increase": (2048, 7), "classifier": (8631, 1),
    },
    "senet50_top": {
        "conv1": (64, 112), "conv2_1.down": (16, 1), "conv2_1.up": (256, 1), "conv5_3.down": (128, 1),
        "conv5_3.up": (2048, 1), "conv5_3.increase": (2048, 7), "classifier": (8631, 1),
    },
    "inception_resnet_v1_top": {
        "conv2d_1a": (32, 79), "conv2d_2a": (32, 77), "conv2d_2b": (64, 77), "conv2d_3b": (80, 38),
        "conv2d_4a": (192, 36), "conv2d_4b": (256, 17), "repeat_1.4.branch2.2": (32, 17),
        "repeat_1.4.conv2d": (256, 17), "mixed_6a.branch0": (384, 8), "mixed_6a.branch1.2": (256, 8),
        "repeat_2.9.branch1.1": (128, 8), "repeat_2.9.conv2d": (896, 8), "mixed_7a.branch2.2": (256, 3),
        "repeat_3.4.branch1.2": (192, 3), "block8.conv2d": (1792, 3), "last_linear": (512, 1), "logits": (8631, 1),
    },
    "mobilefacenet": {
        "conv1": (64, 56), "conv2": (64, 56), "block1_1.expand": (128, 56), "block1_1.depthwise": (128, 28),
        "block1_5.project": (64, 28), "block2_1.expand": (256, 28), "block2_1.project": (128, 14),
        "block3_6.expand": (256, 14), "block4_1.depthwise": (512, 7), "block5_2.project": (128, 7),
        "conv3": (512, 7), "gdconv": (512, 1), "linear": (128, 1),
    },
    "sface": {
        "conv1": (32, 112), "block1.depthwise": (32, 112), "block1.pointwise": (64, 112),
        "block2.depthwise": (64, 56), "block4.pointwise": (256, 28), "block11.depthwise": (512, 14),
        "block12.depthwise": (512, 7), "block13.pointwise": (1024, 7), "fc": (128, 1),
    },
    "minifasnet_v2": {
        "conv1": (32, 40), "block1_1.expand": (103, 40), "block1_1.project": (64, 20), "block2_4.expand": (13, 20),
        "block3_1.depthwise": (231, 10), "block4_6.project": (128, 10), "block5_1.depthwise": (308, 5),
        "conv3": (512, 5), "conv4": (512, 1), "linear": (128, 1), "prob": (3, 1),
    },
    "minifasnet_v1se": {
        "block2_4.expand": (52, 20), "block2_4.down": (16, 1), "block2_4.up": (64, 1), "block4_1.expand": (154, 10),
        "block4_6.down": (32, 1), "block6_2.up": (128, 1), "prob": (3, 1),
    },
}  # fmt: skip
"""Channels and side of what layers give, as the papers' tables and the published files have them."""

LAYERS = {
    "vgg16": 13,
    "resnet50": 53,
    "senet50": 53,
    "inception_resnet_v1": 132,
    "mobilefacenet": 49 + 2 * 33,
    "sface": 27 + 2 * 27,
}
"""Convolutions in the graph. A PReLU is two depthwise ones."""


@cache
def thin(name: str) -> tuple[Any, int, dict[str, np.ndarray]]:
    """Definition with an eighth of the channels, side, weights."""
    net, side = NETS[name]
    net = narrow(net, 8)
    return net, side, weights(net, side=side)


def kinds(model: bytes) -> Counter[str]:
    return Counter(node.op_type for node in onnx.load_model_from_string(model).graph.node)


@pytest.mark.parametrize("name", PARAMETERS)
def test_as_many_parameters_as_the_published_network(name: str) -> None:
    net, side = NETS[name]
    assert sum(math.prod(shape) for shape in shapes(net, side=side).values()) == PARAMETERS[name]


@pytest.mark.parametrize(
    ("name", "kernels"),
    [
        ("resnet50", {"conv1": (64, 3, 7, 7), "conv5_2.reduce": (512, 2048, 1, 1), "conv2_1.proj": (256, 64, 1, 1)}),
        ("senet50", {"conv2_1.down": (256, 16), "conv2_1.up": (16, 256), "conv5_3.down": (2048, 128)}),
        ("vgg16_top", {"fc6": (25088, 4096), "fc8": (4096, 2622)}),
        (
            "inception_resnet_v1",
            {
                "repeat_2.0.branch1.1": (128, 128, 1, 7), "repeat_2.0.branch1.2": (128, 128, 7, 1),
                "repeat_3.0.branch1.1": (192, 192, 1, 3), "repeat_3.0.branch1.2": (192, 192, 3, 1),
                "repeat_1.0.conv2d": (256, 96, 1, 1), "last_linear": (1792, 512),
            },
        ),
        ("mobilefacenet", {"gdconv": (512, 1, 7, 7), "block4_1.expand": (512, 128, 1, 1), "linear": (512, 128)}),
    ],
)  # fmt: skip
def test_kernels_are_as_large_as_published(name: str, kernels: dict[str, tuple[int, ...]]) -> None:
    net, side = NETS[name]
    assert {layer: shapes(net, side=side)[f"{layer}.kernel"] for layer in kernels} == kernels


@pytest.mark.parametrize("name", STAGES)
def test_stages_are_as_large_as_published(name: str) -> None:
    net, side = NETS[name]
    seen: dict[str, Shape] = {}
    narrow(net, 1, seen)(ShapeOps(), Shape(3, side))
    assert {layer: (seen[layer].channels, seen[layer].side) for layer in STAGES[name]} == STAGES[name]


@pytest.mark.parametrize("name", STAGES)
def test_what_is_computed_is_as_large_as_the_shapes_say(name: str) -> None:
    """Of every layer, by name: in the slow interpreter as in that of shapes."""
    net, side = NETS[name]
    told: dict[str, Shape] = {}
    computed: dict[str, np.ndarray] = {}
    narrow(net, 32, told)(ShapeOps(), Shape(3, side))
    arrays = weights(narrow(net, 32), side=side)
    slow.run(narrow(net, 32, computed), arrays, pixels(1, side, side))
    assert {part: (array.shape[1], *array.shape[2:]) for part, array in computed.items() if array.ndim == 4} == {
        part: (shape.channels, shape.side, shape.side) for part, shape in told.items() if computed[part].ndim == 4
    }
    assert {array.shape[1] for array in computed.values() if array.ndim == 2} == {
        told[part].channels for part, array in computed.items() if array.ndim == 2
    }


@pytest.mark.parametrize("divisor", [8, 32])
@pytest.mark.parametrize("name", NETS)
def test_the_graph_gives_what_the_definition_says(name: str, divisor: int) -> None:
    net, side = NETS[name]
    net = narrow(net, divisor)
    assert_agree(net, weights(net, side=side), pixels(2, side, side), side=side, tolerance=1e-5)


@pytest.mark.parametrize("name", ["resnet50", "inception_resnet_v1", "mobilefacenet"])
def test_batch_normalization_without_a_factor(name: str) -> None:
    """As TensorFlow's slim leaves it out."""
    net, side, arrays = thin(name)
    bare = without(arrays, "gamma")
    assert_agree(net, bare, pixels(1, side, side), side=side, tolerance=1e-5)
    ones = {part: np.ones_like(array) if part.endswith(".gamma") else array for part, array in arrays.items()}
    assert to_onnx(net, bare, side=side) == to_onnx(net, ones, side=side)


@pytest.mark.parametrize(
    ("name", "eps", "others"),
    [
        ("resnet50", 1e-3, set()), ("senet50", 1e-4, set()), ("inception_resnet_v1", 1e-3, set()),
        ("mobilefacenet", 1e-5, set()), ("sface", 1e-3, {2e-5}),
    ],
)  # fmt: skip
def test_the_epsilon_of_each_network(name: str, eps: float, others: set[float]) -> None:
    """The same in all layers but the last; that it is folded in, too, the agreement with small variances shows."""
    net, side, arrays = thin(name)
    asked: set[float] = set()

    class Listening(ShapeOps):
        def batch_norm(self, x: Shape, name: str, *, eps: float) -> Shape:
            asked.add(eps)
            return super().batch_norm(x, name, eps=eps)

    net(Listening(), Shape(3, side))
    assert asked == {eps} | others
    small = {part: array * eps if part.endswith("conv1.bn.variance") else array for part, array in arrays.items()}
    assert_agree(net, small, pixels(1, side, side), side=side, tolerance=1e-5)


@pytest.mark.parametrize(
    ("name", "side"), [("resnet50", 225), ("senet50", 197), ("vgg16", 65), ("mobilefacenet", 111), ("sface", 111)]
)
def test_other_sides(name: str, side: int) -> None:
    """Odd ones shift what "same" means."""
    net = narrow(NETS[name][0], 8)
    assert_agree(net, weights(net, side=side), pixels(1, side, side), side=side, tolerance=1e-5)


@pytest.mark.parametrize("name", LAYERS)
def test_everything_is_folded_and_nothing_computed_twice(name: str) -> None:
    """At full width, where all branches are whole blocks, so that nothing has to be moved together."""
    net, side = NETS[name]
    flat = {part: np.broadcast_to(np.float32(0.5), shape) for part, shape in shapes(net, side=side).items()}
    found = kinds(to_onnx(net, flat, side=side))
    assert found["Conv"] == LAYERS[name]
    assert set(found) <= {
        "Transpose", "Cast", "Add", "Conv", "Relu", "MaxPool", "GlobalAveragePool", "Flatten", "Gemm", "Concat",
        "Sigmoid", "Unsqueeze", "Mul",
    }  # fmt: skip
    assert found["Mul"] == found["Sigmoid"] == (16 if name == "senet50" else 0)


@pytest.mark.parametrize("name", ["mobilefacenet", "sface"])
def test_the_form_that_is_quantized_gives_the_same_and_has_a_convolution_less_a_prelu(name: str) -> None:
    net, side, arrays = thin(name)
    plain, other = (to_onnx(net, arrays, side=side, to_quantize=choice) for choice in (False, True))
    prelus = sum(part.endswith(".slope") for part in arrays)
    assert kinds(plain)["Conv"] - kinds(other)["Conv"] == prelus
    assert kinds(plain)["Add"] == kinds(other)["Add"]
    pictures = pixels(2, side, side)
    (expected,), (found,) = (Session(model, threads=1).run(pictures) for model in (plain, other))
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max(), rtol=0)


@pytest.mark.parametrize("name", NETS)
def test_a_batch_gives_what_its_pictures_give(name: str) -> None:
    net, side, arrays = thin(name)
    session, pictures = Session(to_onnx(net, arrays, side=side), threads=1), pixels(3, side, side, seed=4)
    together = session.run(pictures)
    for i in range(3):
        for one, all_of_them in zip(session.run(pictures[i : i + 1]), together, strict=True):
            np.testing.assert_allclose(one[0], all_of_them[i], atol=1e-5 * np.abs(all_of_them).max(), rtol=0)
    assert [each.shape[0] for each in session.run(pictures[:0])] == [0] * len(together)


def test_pictures_of_another_type() -> None:
    """Whole numbers as float32 give the same; what lies between them is not rounded."""
    net, side, arrays = thin("resnet50")
    pictures = pixels(2, side, side)
    (expected,) = Session(to_onnx(net, arrays, side=side), threads=1).run(pictures)
    session = Session(to_onnx(net, arrays, side=side, pixels="float32"), threads=1)
    np.testing.assert_array_equal(session.run(pictures.astype(np.float32))[0], expected)
    between = (pictures * 0.83 - 11.4).astype(np.float32)
    (found,) = session.run(between)
    (expected,) = net(slow.SlowOps(arrays), between.astype(np.float64).transpose(0, 3, 1, 2))
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max(), rtol=0)


@pytest.mark.parametrize("name", ["vgg16", "resnet50", "inception_resnet_v1"])
def test_the_color_of_the_mean_is_nothing(name: str) -> None:
    """A picture of the training photos' mean color is zeros, so that the first layers see no edge of the picture."""
    _, side, arrays = thin(name)
    seen: dict[str, Any] = {}
    mean = {"vgg16": (129.1863, 104.7624, 93.5940), "resnet50": (131.0912, 103.8827, 91.4953)}.get(name, (127.5,) * 3)
    flat = np.broadcast_to(np.array(mean), (1, side, side, 3))

    def first(ops: Any, x: Any) -> tuple[Any, ...]:
        narrow(NETS[name][0], 8, seen)(ops, x)
        return (seen[{"vgg16": "conv1_1", "resnet50": "conv1"}.get(name, "conv2d_1a")],)

    (found,) = Session(to_onnx(first, arrays, side=side, pixels="float32"), threads=1).run(flat.astype(np.float32))
    bias = arrays["conv1_1.bias"][:, None, None] if name == "vgg16" else 0
    np.testing.assert_allclose(found[0], np.broadcast_to(bias, found.shape[1:]), atol=2e-4)


def test_the_last_block_of_inception_is_not_cut_off_at_zero() -> None:
    """No relu follows it, so that the mean behind it has figures of both signs."""
    _, side, arrays = thin("inception_resnet_v1")
    seen: dict[str, Any] = {}
    slow.run(narrow(NETS["inception_resnet_v1"][0], 8, seen), arrays, pixels(1, side, side))
    (mean,) = (value for name, value in seen.items() if name.startswith("global_average"))
    assert (mean < 0).any()
    assert (mean > 0).any()


def test_the_scales_of_inceptions_blocks() -> None:
    net, side = NETS["inception_resnet_v1"]
    factors: list[float] = []

    class Listening(ShapeOps):
        def scale(self, x: Shape, factor: float) -> Shape:
            factors.append(factor)
            return super().scale(x, factor)

    net(Listening(), Shape(3, side))
    assert factors == [0.17] * 5 + [0.1] * 10 + [0.2] * 5 + [1.0]
