"""Made-up weights of the shapes that a network asks for, with slopes of every kind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SLOPES = {
    "ordinary": (0.05, 0.25),
    "negative": (-1.3, -0.1),
    "above one": (1.01, 1.6),
    "zero": (0.0, 0.0),
    "one": (1.0, 1.0),
    "mixed": (-1.3, 1.6),
}


def slopes(kind: str, count: int, rng: np.random.Generator) -> np.ndarray:
    """Slopes of that kind; mixed ones hold each of the others."""
    low, high = SLOPES[kind]
    values = rng.uniform(low, high, count).astype(np.float32)
    if kind == "mixed":
        values[: min(count, 4)] = [-0.7, 1.3, 0.0, 1.0][:count]
        rng.shuffle(values)
    return values


def layer(
    name: str, shape: Sequence[int], rng: np.random.Generator, *, parts: str = "kernel bias"
) -> dict[str, np.ndarray]:
    """A convolution (out, in, h, w) or dense layer (in, out), scaled so that values keep their size."""
    outputs, inputs = (shape[0], int(np.prod(shape[1:]))) if len(shape) == 4 else (shape[1], shape[0])
    made = {
        "kernel": rng.normal(0, inputs**-0.5, shape),
        "bias": rng.normal(0, 0.3, outputs),
        "gamma": rng.normal(0, 1, outputs),
        "beta": rng.normal(0, 0.3, outputs),
    }
    if "variance" in parts:
        made |= {"mean": rng.normal(0, 0.3, outputs), "variance": rng.uniform(0.3, 2, outputs)}
    return {f"{name}.{part}": made[part].astype(np.float32) for part in parts.split()}


def mtcnn(letter: str, kind: str, *, channels: Sequence[int], dense: int = 20, seed: int = 0) -> dict[str, np.ndarray]:
    """Weights of P-, R- or O-Net with so many channels a layer."""
    rng = np.random.default_rng(seed)
    sides = {"p": (3, 3, 3), "r": (3, 3, 2), "o": (3, 3, 3, 2)}[letter]
    weights: dict[str, np.ndarray] = {}
    inputs = 3
    for number, (outputs, side) in enumerate(zip(channels, sides, strict=True), 1):
        weights |= layer(f"conv{number}", (outputs, inputs, side, side), rng)
        weights[f"prelu{number}.slope"] = slopes(kind, outputs, rng)
        inputs = outputs
    if letter == "p":
        return weights | layer("heads", (5, inputs, 1, 1), rng)
    number = len(sides) + 1
    weights |= layer(f"fc{number}", (inputs * 9, dense), rng)
    weights[f"prelu{number}.slope"] = slopes(kind, dense, rng)
    return weights | layer("heads", (dense, 5 if letter == "r" else 15), rng)


def dlib(widths: Sequence[int], *, outputs: int = 128, seed: int = 0) -> dict[str, np.ndarray]:
    """Weights of dlib's ResNet with so many channels in each of its five stages."""
    rng = np.random.default_rng(seed)
    counts = (7, 8, 6, 6, 2)
    weights = layer("conv1", (widths[0], 3, 7, 7), rng, parts="kernel bias gamma beta")
    inputs, number = widths[0], 1
    for width, count in zip(widths, (6, *counts[1:]), strict=True):
        for _ in range(count):
            number += 1
            weights |= layer(f"conv{number}", (width, inputs, 3, 3), rng, parts="kernel bias gamma beta")
            inputs = width
    return weights | layer("fc", (inputs, outputs), rng, parts="kernel")
