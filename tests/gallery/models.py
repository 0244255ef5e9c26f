"""Two models of colored squares beside ``test-colors``: one that tells people apart as well, and one that does not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cli.fakes import BLUE, DARK_RED, DETECTOR, MODEL, RED, photo
from visavis.align import square_crops
from visavis.compare import unit
from visavis.embedders import EMBEDDERS
from visavis.types import RGB, Face, Floats

__all__ = ["BLUE", "DARK_RED", "DETECTOR", "GRAYS", "GREEN", "MODEL", "RED", "SAME_LENGTH", "TINTS", "photo"]

GREEN = (0, 255, 0)
TINTS, SAME_LENGTH, GRAYS = "test-tints", "test-turned", "test-grays"


class Tints:
    """The mean color and its square: five values, so that a wrong mix with ``test-colors`` fails."""

    name = TINTS
    dimension = 5

    def crops(self, picture: RGB, faces: Sequence[Face]) -> RGB:
        return square_crops(picture, faces, size=8, margin=-0.5)

    def embed(self, crops: RGB) -> Floats:
        mean = unit(crops.mean(axis=(1, 2)).astype(np.float32))
        return unit(np.concatenate([mean, mean[:, :2] ** 2], axis=1).astype(np.float32))


class Turned(Tints):
    """The mean color with red and blue exchanged: as long as ``test-colors``, so that a wrong mix is silent."""

    name = SAME_LENGTH
    dimension = 3

    def embed(self, crops: RGB) -> Floats:
        return unit(crops.mean(axis=(1, 2))[:, ::-1].astype(np.float32))


class Grays(Tints):
    """Nearly one direction for all: dark red is farther from red than blue is."""

    name = GRAYS
    dimension = 3

    def embed(self, crops: RGB) -> Floats:
        mean = crops.mean(axis=(1, 2)).astype(np.float32)
        return unit(np.stack([mean.max(axis=1), mean[:, 0] % 251, np.full(len(mean), 50.0)], axis=1).astype(np.float32))


@EMBEDDERS.register(TINTS)
def tints(*, threads: int | None = None) -> Tints:
    return Tints()


@EMBEDDERS.register(SAME_LENGTH)
def turned(*, threads: int | None = None) -> Turned:
    return Turned()


@EMBEDDERS.register(GRAYS)
def grays(*, threads: int | None = None) -> Grays:
    return Grays()
