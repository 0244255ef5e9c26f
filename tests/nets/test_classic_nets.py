"""The classic networks: the emitted graphs against the slow interpreter, narrow ones at their published sides."""

from __future__ import annotations

import math

import pytest

from visavis.nets._shapes import shapes

from .agreement import assert_agree, pixels
from .narrow import NETS, narrow, weights

PARAMETERS = {
    "vgg16": 14_714_688,
    "vgg16_top": 145_002_878,
    "resnet50": 23_561_152,
    "resnet50_top": 41_246_071,
    "senet50": 26_092_144,
    "senet50_top": 43_777_063,
}
"""Of keras-vggface 0.6, as Keras counts them: moving means and variances too."""


@pytest.mark.parametrize("name", PARAMETERS)
def test_as_many_parameters_as_the_published_network(name: str) -> None:
    net, side = NETS[name]
    assert sum(math.prod(shape) for shape in shapes(net, side=side).values()) == PARAMETERS[name]


@pytest.mark.parametrize("divisor", [8, 32])
@pytest.mark.parametrize("name", NETS)
def test_the_graph_gives_what_the_definition_says(name: str, divisor: int) -> None:
    net, side = NETS[name]
    thin = narrow(net, divisor)
    assert_agree(thin, weights(thin, side=side), pixels(2, side, side), side=side, tolerance=1e-5)
