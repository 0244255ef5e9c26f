"""The definitions as PyTorch modules: equal to the emitted graphs, and such that they can be trained."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nets.agreement import pixels
from nets.narrow import NETS, Net, narrow, weights, without
from visavis.nets._onnx import to_onnx
from visavis.nets.dlib_resnet import dlib_resnet
from visavis.nets.mtcnn import onet
from visavis.runtime import Session

torch = pytest.importorskip("torch", reason="PyTorch (extra train) is not installed")

DIVISOR = 8


def network(net: Net, arrays: dict[str, np.ndarray]) -> Any:
    from visavis.train._torch import Network

    return Network(net, arrays)


def assert_equal_outputs(net: Net, arrays: dict[str, np.ndarray], side: int) -> None:
    """Of the module and of the graph, to 1e-5 of the largest figure."""
    pictures = pixels(2, side, side)
    graph = Session(to_onnx(net, arrays, side=side), threads=1).run(pictures)
    with torch.no_grad():
        module = network(net, arrays).eval()(torch.from_numpy(pictures))
    assert len(module) == len(graph)
    for one, other in zip(module, graph, strict=True):
        np.testing.assert_allclose(one.numpy(), other, atol=1e-5 * np.abs(other).max(), rtol=0)


@pytest.mark.parametrize("name", NETS)
def test_the_module_gives_what_the_graph_gives(name: str) -> None:
    net, side = NETS[name]
    thin = narrow(net, DIVISOR)
    assert_equal_outputs(thin, weights(thin, side=side), side)
