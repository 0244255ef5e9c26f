"""Embeddings in 8 bits, and bounds for the error of similarities computed from them: see docs/search.md.

A block's embeddings ``v`` are written as ``center + step * c + rest`` with integers ``c`` in -127..127, a probe as
``scale * p + rest'`` with integers ``p`` in -63..63. MatMulInteger gets ``p + 64``; 64 times the sum of each ``c`` is
subtracted from its product.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from visavis import runtime
from visavis.nets import onnx_bytes as onnx_file
from visavis.types import Doubles, Floats

Counts = NDArray[np.int32]

MOST, MOST_PROBE, SHIFT = 127, 63, 64
TILE = 8192
"""Rows of a tile: its codes are stored dimension by dimension."""
WRITTEN_ROWS = 512
SAMPLE = 512
"""Rows that the step is chosen by."""
FRACTIONS = (1.0, 0.8, 0.64, 0.5, 0.4, 0.3, 0.2, 0.1)
LEAST_STEP = 2.0**-16
GROWN = 4
LIMIT = 2.0**30


class CandidateRows(NamedTuple):
    """Rows that may be near enough: the probe, the row, their similarity and the bound of its error."""

    probe: NDArray[np.intp]
    row: NDArray[np.intp]
    similarity: Doubles
    slack: Doubles

    def where(self, keep: NDArray[np.bool_]) -> CandidateRows:
        """Return the candidates that the mask ``keep`` selects."""
        return CandidateRows(self.probe[keep], self.row[keep], self.similarity[keep], self.slack[keep])


class Probes:
    """Probes, unit rows ``(m, d)``, in 7 bits."""

    def __init__(self, embeddings: Floats) -> None:
        exact = embeddings.astype(np.float64)
        self.embeddings = exact
        self.scale: Doubles = np.maximum(np.abs(exact).max(axis=1), 1e-30) / MOST_PROBE
        whole = np.rint(exact / self.scale[:, None])
        self.codes = (whole + SHIFT).astype(np.uint8)
        self.length: Doubles = self.scale * np.linalg.norm(whole, axis=1)
        self.lost: Doubles = np.linalg.norm(exact - self.scale[:, None] * whole, axis=1)


class Codes:
    """The embeddings of one block in 8 bits, made again when the block has grown to ``GROWN`` times its size."""

    def __init__(self, embeddings: Floats, count: int) -> None:
        rows, dimension = embeddings.shape
        self._trained = count
        self._center: Floats = embeddings[:count].mean(axis=0, dtype=np.float64).astype(np.float32)
        self._step = _choose_step(
            embeddings[np.linspace(0, count - 1, min(count, SAMPLE)).astype(np.intp)] - self._center
        )
        self._tile = min(rows, TILE)
        self._tiles: NDArray[np.int8] = np.zeros((rows // self._tile, dimension, self._tile), np.int8)
        self._sums: Counts = np.zeros(rows, np.int32)
        self._lost: Floats = np.zeros(rows, np.float32)
        self._reach = 0.0
        self.count = 0
        self.extend(embeddings, count)

    def outgrown(self, count: int, rows: int) -> bool:
        """Return whether the center and the step come from too few rows, or the block has another capacity."""
        return rows != len(self._sums) or count >= GROWN * self._trained

    def extend(self, embeddings: Floats, count: int) -> None:
        """Encode those of the first ``count`` rows that are not yet encoded."""
        for start in range(self.count, count, WRITTEN_ROWS):
            rows = np.arange(start, min(start + WRITTEN_ROWS, count))
            self.write(rows, embeddings[start : start + len(rows)])
        self.count = count

    def write(self, rows: NDArray[np.int64], embeddings: Floats) -> None:
        """Encode ``embeddings (n, d)`` into ``rows (n,)``."""
        from_center = embeddings - self._center
        whole = from_center * np.float32(1 / self._step)
        np.clip(np.rint(whole, out=whole), -MOST, MOST, out=whole)
        codes = whole.astype(np.int8)
        self._sums[rows] = SHIFT * codes.sum(axis=1, dtype=np.int32)
        whole *= np.float32(self._step)
        whole -= from_center
        lengths = np.sqrt(np.einsum("ij,ij->i", from_center, from_center))
        lost = np.sqrt(np.einsum("ij,ij->i", whole, whole))
        # Both were computed in float32: add the largest possible rounding error, so that they are bounds.
        slip = (embeddings.shape[1] + 8) * 2.0**-23
        self._lost[rows] = lost * (1 + slip) + 2.0**-21 * (1 + lengths)
        self._reach = max(self._reach, float(lengths.max(initial=0)) * (1 + slip) + 2.0**-21)
        self._write_tiles(rows, codes)

    def _write_tiles(self, rows: NDArray[np.int64], codes: NDArray[np.int8]) -> None:
        from visavis.opencv import cv2

        if (np.diff(rows) != 1).any():
            self._tiles[rows // self._tile, :, rows % self._tile] = codes
            return
        done = 0
        while done < len(codes):
            tile, column = divmod(int(rows[0]) + done, self._tile)
            part = codes[done : done + self._tile - column]
            self._tiles[tile, :, column : column + len(part)] = cv2.transpose(part)  # NumPy takes ten times as long
            done += len(part)

    def cut(self, count: int) -> None:
        """Keep the first ``count`` rows, and overwrite the others with zeros."""
        for start in range(count, self.count, WRITTEN_ROWS):
            rows = np.arange(start, min(start + WRITTEN_ROWS, self.count))
            self._tiles[rows // self._tile, :, rows % self._tile] = 0
        self._sums[count:], self._lost[count:] = 0, 0
        self.count = min(self.count, count)

    def near(self, probes: Probes, bars: Doubles, scratch: Counts) -> Iterator[CandidateRows]:
        """Yield the rows with a similarity to a probe that may reach its bar, ``bars (m,)``."""
        unit = probes.scale * self._step
        middle = np.einsum("ij,j->i", probes.embeddings, self._center.astype(np.float64))
        wide = probes.lost * self._reach + 1e-9
        bar = np.floor(np.clip((bars - middle - wide) / unit, -LIMIT, LIMIT)).astype(np.int32) - 1
        # In integer steps: the shift of a row raises its bar, and its rest lowers it.
        longest = np.float32((probes.length / unit).max() * (1 + 1e-6))
        for start, tile in self._products(probes.codes, scratch):
            shifts, lost = self._sums[start : start + self._tile], self._lost[start : start + self._tile]
            lower = np.ceil(lost * longest).astype(np.int32)
            np.subtract(tile, shifts - lower, out=tile)
            probe, column = np.divmod(np.flatnonzero(tile >= bar[:, None]), self._tile)
            similarity = middle[probe] + unit[probe] * (tile[probe, column] - lower[column])
            slack = wide[probe] + probes.length[probe] * lost[column]
            keep = (start + column < self.count) & (similarity + slack >= bars[probe])
            yield CandidateRows(probe, start + column, similarity, slack).where(keep)

    def _products(self, probes: NDArray[np.uint8], scratch: Counts) -> Iterator[tuple[int, Counts]]:
        """Yield each tile's first row and products ``(m, w)``, computed for as many tiles as fit in ``scratch``."""
        tile_count, size = -(-self.count // self._tile), len(probes) * self._tile
        batch = max(1, len(scratch) // size)
        for first in range(0, tile_count, batch):
            tiles = self._tiles[first : min(first + batch, tile_count)]
            products = scratch[: len(tiles) * size].reshape(len(tiles), len(probes), self._tile)
            _make_product().run({"probes": probes, "codes": tiles}, products)
            yield from (((first + i) * self._tile, product) for i, product in enumerate(products))


def _choose_step(rows: Floats) -> float:
    """Return the step with the least error on a sample: a wider step clips less, a narrower one rounds less."""
    widest = float(np.abs(rows).max(initial=0)) / MOST
    steps = [max(widest * fraction, LEAST_STEP) for fraction in FRACTIONS]
    best = min(steps, key=lambda step: float(np.linalg.norm(_rounding_rest(rows, step), axis=1).mean()))
    return float(np.float32(best))


def _rounding_rest(rows: Floats, step: float) -> Floats:
    rest: Floats = rows - np.float32(step) * np.clip(np.rint(rows / np.float32(step)), -MOST, MOST)
    return rest


@cache
def _make_product() -> runtime.Kernel:
    """Return the kernel that multiplies ``probes (m, d)`` uint8 by ``codes (t, d, w)`` int8 to int32 ``(t, m, w)``."""
    value, node = onnx_file.value, onnx_file.node
    inputs = [value("probes", onnx_file.UINT8, ["m", "d"]), value("codes", onnx_file.INT8, ["t", "d", "w"])]
    output = value("products", onnx_file.INT32, ["t", "m", "w"])
    multiply = node("MatMulInteger", ["probes", "codes"], "products", {})
    return runtime.Kernel(onnx_file.model([multiply], [], inputs, [output]))
