"""The definitions as PyTorch modules: equal to the emitted graphs, and such that they can be trained."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from example_counts import examples
from nets import generated
from nets import reference_interpreter as slow
from nets.agreement import pixels
from nets.narrow_networks import NETS, Net, narrow, weights, without
from nets.test_mtcnn_nets import NETS as MTCNN
from nets.test_mtcnn_nets import PUBLISHED
from nets.test_random_nets import SIDE, Plan, plans
from visavis.nets.dlib_resnet import dlib_resnet
from visavis.nets.onnx_graph import to_onnx
from visavis.runtime import Session

torch = pytest.importorskip("torch", reason="PyTorch (extra train) is not installed")

DIVISOR = 8
THIN = {name: (narrow(net, DIVISOR), side) for name, (net, side) in NETS.items()}


def network(net: Net, arrays: dict[str, np.ndarray]) -> Any:
    from visavis.nets.torch_module import Network

    return Network(net, arrays)


def outputs(module: Any, pictures: np.ndarray) -> list[np.ndarray]:
    with torch.no_grad():
        return [one.numpy() for one in module(torch.from_numpy(pictures))]


def assert_near(found: list[np.ndarray], expected: list[np.ndarray], tolerance: float = 1e-5) -> None:
    """A part of the largest figure of each output."""
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert np.abs(other).max() > 1e-3
        np.testing.assert_allclose(one, other, atol=tolerance * np.abs(other).max(), rtol=0)


def assert_module_is_graph(net: Net, arrays: dict[str, np.ndarray], side: int) -> None:
    pictures = pixels(2, side, side)
    graph = Session(to_onnx(net, arrays, side=side), threads=1).run(pictures)
    assert_near(outputs(network(net, arrays).eval(), pictures), list(graph))


@pytest.mark.parametrize("name", NETS)
def test_the_module_gives_what_the_graph_gives(name: str) -> None:
    net, side = THIN[name]
    assert_module_is_graph(net, weights(net, side=side), side)


@pytest.mark.parametrize("letter", ["r", "o"])
def test_detectors_too(letter: str) -> None:
    net, side = MTCNN[letter]
    assert_module_is_graph(net, generated.mtcnn(letter, "mixed", channels=PUBLISHED[letter]), side or 0)


def test_dlibs_network_too() -> None:
    assert_module_is_graph(dlib_resnet, generated.dlib((4, 6, 8, 10, 12)), 150)


def test_batch_normalization_without_a_factor() -> None:
    net, side = THIN["inception_resnet_v1"]
    assert_module_is_graph(net, without(weights(net, side=side), "gamma"), side)


@settings(max_examples=examples(60), deadline=None)
@given(plans())
def test_any_network_agrees_with_the_slow_interpreter(plan: Plan) -> None:
    pictures = pixels(2, SIDE, SIDE)
    found = outputs(network(plan, plan.weights).eval(), pictures)
    for one, other in zip(found, slow.run(plan, plan.weights, pictures), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4 * max(1, np.abs(other).max()), rtol=0)


@pytest.mark.parametrize("name", NETS)
def test_names_and_arrays_come_back_as_they_went_in(name: str) -> None:
    net, side = THIN[name]
    arrays = weights(net, side=side)
    module = network(net, arrays)
    assert set(module.state_dict()) == set(arrays)
    back = module.weights()
    assert all(np.array_equal(back[part], array) for part, array in arrays.items())
    back[next(iter(back))][:] = 7  # a copy: the module does not feel it
    assert all(np.array_equal(value, arrays[part]) for part, value in module.weights().items())


@pytest.mark.parametrize(
    "name", ["resnet50_top", "senet50_top", "inception_resnet_v1_top", "mobilefacenet", "vgg16_top"]
)
def test_every_weight_learns_and_statistics_follow_the_data(name: str) -> None:
    net, side = THIN[name]
    module = network(net, weights(net, side=side)).train()
    before = module.weights()
    module(torch.from_numpy(pixels(3, side, side)))[-1].square().mean().backward()
    learnt = dict(module.named_parameters())
    assert {part for part, _ in module.named_buffers()} == {
        part for part in before if part.endswith((".mean", ".variance"))
    }
    assert [part for part, one in learnt.items() if one.grad is None or not one.grad.any()] == []
    after = module.weights()
    assert [part for part, _ in module.named_buffers() if np.array_equal(before[part], after[part])] == []


def test_training_goes_by_the_batch_and_evaluation_by_the_statistics() -> None:
    rng = np.random.default_rng(3)
    arrays = generated.layer("conv", (4, 3, 3, 3), rng, parts="kernel gamma beta mean variance")

    def net(ops: Any, x: Any) -> tuple[Any, ...]:
        return (ops.batch_norm(ops.conv(x, "conv"), "conv", eps=1e-3),)

    module, pictures = network(net, arrays), pixels(5, 8, 8)
    (plain,) = slow.run(lambda ops, x: (ops.conv(x, "conv"),), arrays, pictures)
    mean, variance = plain.mean(axis=(0, 2, 3)), plain.var(axis=(0, 2, 3), ddof=1)
    alone = outputs(module.eval(), pictures[:1])[0]
    assert_near([alone], [outputs(module, pictures)[0][:1]])
    (found,) = outputs(module.train(), pictures)
    np.testing.assert_allclose(found.mean(axis=(0, 2, 3)), arrays["conv.beta"], atol=1e-4)
    np.testing.assert_allclose(found.std(axis=(0, 2, 3)), np.abs(arrays["conv.gamma"]), rtol=1e-3)
    moved = module.weights()
    np.testing.assert_allclose(moved["conv.mean"], 0.9 * arrays["conv.mean"] + 0.1 * mean, rtol=1e-4)
    np.testing.assert_allclose(moved["conv.variance"], 0.9 * arrays["conv.variance"] + 0.1 * variance, rtol=1e-4)


def test_what_is_trained_runs_as_a_graph() -> None:
    """Some steps towards telling noise apart: the loss falls, and the graph of the new weights says the same."""
    net, side = THIN["mobilefacenet"]
    module = network(net, weights(net, side=side)).train()
    pictures, wanted = torch.from_numpy(pixels(8, side, side)), torch.tensor([0, 1] * 4)
    steps = torch.optim.SGD(module.parameters(), lr=0.05, momentum=0.9)
    losses = []
    for _ in range(30):
        loss = torch.nn.functional.cross_entropy(module(pictures)[0][:, :2], wanted)
        steps.zero_grad()
        loss.backward()
        steps.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 2
    assert_module_is_graph(net, module.weights(), side)
    graph = Session(to_onnx(net, module.weights(), side=side), threads=1).run(pictures.numpy())
    assert_near(outputs(module.eval(), pictures.numpy()), list(graph))


def test_shapes_that_differ_are_not_added() -> None:
    arrays = generated.layer("conv", (4, 3, 1, 1), np.random.default_rng(0))
    module = network(lambda ops, x: (ops.add(ops.conv(x, "conv"), x),), arrays)
    with pytest.raises(TypeError, match=r"\(1, 4, 2, 2\) cannot be added to \(1, 3, 2, 2\)"):
        module(torch.from_numpy(pixels(1, 2, 2)))
