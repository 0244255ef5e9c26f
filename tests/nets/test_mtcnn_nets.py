"""MTCNN's three networks: the emitted graphs against the slow interpreter."""

from __future__ import annotations

import numpy as np
import pytest

from visavis.detectors.mtcnn import read
from visavis.nets import mtcnn
from visavis.nets.onnx_graph import to_onnx
from visavis.weights import spec

from . import generated
from .agreement import assert_agree, pixels

NETS = {"p": (mtcnn.pnet, None), "r": (mtcnn.rnet, 24), "o": (mtcnn.onet, 48)}
PUBLISHED = {"p": (10, 16, 32), "r": (28, 48, 64), "o": (32, 64, 64, 128)}
ODD = {"p": (3, 17, 5), "r": (7, 18, 3), "o": (1, 33, 6, 20)}


def pictures(letter: str) -> list[np.ndarray]:
    """Pictures of odd, small and oblong sizes for the first network, crops for the others."""
    if letter == "p":
        return [
            pixels(1, 12, 12),
            pixels(2, 13, 17, seed=1),
            pixels(1, 47, 30, seed=2),
            pixels(1, 31, 64, seed=3),
        ]
    side = NETS[letter][1] or 0
    return [pixels(1, side, side), pixels(3, side, side, seed=1), pixels(0, side, side)]


@pytest.mark.parametrize("letter", NETS)
def test_published_weights(letter: str) -> None:
    net, side = NETS[letter]
    weights = read(spec.spec(f"mtcnn-{letter}net"))
    assert tuple(len(weights[f"conv{i + 1}.bias"]) for i in range(len(PUBLISHED[letter]))) == PUBLISHED[letter]
    assert_agree(net, weights, *pictures(letter), side=side)


@pytest.mark.parametrize("kind", generated.SLOPES)
@pytest.mark.parametrize("channels", [PUBLISHED, ODD], ids=["published", "odd"])
@pytest.mark.parametrize("letter", NETS)
def test_slopes_and_widths_of_every_kind(letter: str, channels: dict[str, tuple[int, ...]], kind: str) -> None:
    net, side = NETS[letter]
    weights = generated.mtcnn(letter, kind, channels=channels[letter])
    assert_agree(net, weights, *pictures(letter), side=side)


@pytest.mark.parametrize("letter", NETS)
def test_black_and_white_pictures(letter: str) -> None:
    net, side = NETS[letter]
    shape = (1, side or 20, side or 15, 3)
    weights = read(spec.spec(f"mtcnn-{letter}net"))
    assert_agree(net, weights, np.zeros(shape, np.uint8), np.full(shape, 255, np.uint8), side=side)


@pytest.mark.parametrize("letter", NETS)
def test_the_same_weights_make_the_same_file(letter: str) -> None:
    net, side = NETS[letter]
    one, other = (generated.mtcnn(letter, "mixed", channels=PUBLISHED[letter]) for _ in range(2))
    backwards = dict(reversed(other.items()))
    assert to_onnx(net, one, side=side) == to_onnx(net, backwards, side=side)
    other["heads.bias"] = other["heads.bias"] + 1
    assert to_onnx(net, one, side=side) != to_onnx(net, other, side=side)
