"""dlib's ResNet: the emitted graph against the slow interpreter. What dlib itself answers: tests/embedders."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from visavis.embedders.dlib import read
from visavis.nets.dlib_resnet import dlib_resnet
from visavis.nets.onnx_graph import to_onnx
from visavis.weights import spec, store

from . import generated
from .agreement import assert_agree, pixels


@pytest.mark.parametrize(
    "widths",
    [(32, 64, 128, 256, 256), (3, 5, 7, 18, 20), (16, 16, 16, 16, 16)],
    ids=["published", "odd", "blocks"],
)
def test_generated_weights(widths: Sequence[int]) -> None:
    assert_agree(dlib_resnet, generated.dlib(widths), pixels(2, 150, 150), side=150)


def test_published_weights() -> None:
    assert_agree(dlib_resnet, read(store.find(spec.DLIB_RESNET)), pixels(1, 150, 150), side=150)


@pytest.mark.parametrize("side", [129, 200])
def test_other_sides(side: int) -> None:
    assert_agree(dlib_resnet, generated.dlib((4, 6, 8, 10, 12)), pixels(1, side, side), side=side)


def test_the_same_weights_make_the_same_file() -> None:
    one, other = (to_onnx(dlib_resnet, generated.dlib((3, 5, 7, 18, 20)), side=150) for _ in range(2))
    assert one == other
