"""Runs a network by both interpreters and compares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnx

from visavis.nets.onnx_graph import to_onnx
from visavis.runtime import Session

from . import reference_interpreter as slow

Weights = Mapping[str, np.ndarray]
Net = Callable[..., tuple[Any, ...]]

TOLERANCE = 1e-4


def pixels(*shape: int, seed: int = 0) -> np.ndarray:
    """Random pictures ``(n, h, w, 3)``."""
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), np.uint8)


def assert_agree(
    net: Net, weights: Weights, *pictures: np.ndarray, side: int | None = None, tolerance: float = TOLERANCE
) -> None:
    """Emit the network, have the file checked, run it; each output must be that of the slow interpreter.

    ``tolerance`` is a part of the output's largest figure.
    """
    model = to_onnx(net, weights, side=side)
    onnx.checker.check_model(onnx.load_model_from_string(model), full_check=True)
    session = Session(model, threads=1)
    for picture in pictures:
        expected = slow.run(net, weights, picture)
        found = session.run(picture)
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert one.dtype == np.float32
            assert one.shape == other.shape
            size = max(1.0, float(np.abs(other).max(initial=0)))
            np.testing.assert_allclose(one, other, atol=tolerance * size, rtol=0)
