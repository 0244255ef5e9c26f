"""Run MTCNN's first network on all levels of all pictures, cut into tiles on few canvases, to propose candidates."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from visavis import runtime
from visavis.boxes import make_squares, shift_edges, suppress, thin_cells
from visavis.detectors._canvas import Canvas, pack
from visavis.detectors._pyramid import Level
from visavis.types import RGB, Floats

CELL, STRIDE = 12, 2
SHRINK = CELL - STRIDE
"""Field of view of the first network less its stride, in pixels: the overlap of tiles."""
THRESHOLD = 0.6
NMS_LEVEL, NMS_ACROSS = 0.5, 0.7
CANVAS_AREA = 30_000
"""Pixels per run of the first network: its widest layer then takes 2 MB. The fastest of 20,000 to 80,000."""
TILE = 200
"""Longest side of a tile; larger levels are cut into overlapping tiles."""
MAX_LEVELS = 128
"""More levels than any picture has: .709 ** 128 is 1e-19."""

Numbers = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """A part of level ``number`` of a picture, one input of the first network; ``x, y`` is its corner in the level."""

    picture: int
    number: int
    level: Level
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Boxes ``(n, 4)``, face logits ``(n,)`` and the numbers of their pictures ``(n,)``."""

    boxes: Floats
    scores: Floats
    pictures: Numbers

    def __getitem__(self, index: Numbers) -> Candidates:
        return Candidates(self.boxes[index], self.scores[index], self.pictures[index])


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """Cells above the threshold: logits and offsets ``(n, 5)``, corners in the level ``(n, 2)``, tiles ``(n,)``."""

    rows: Floats
    corners: Numbers
    tiles: Numbers


def propose(pnet: runtime.Session, workers: runtime.Workers, pyramids: Sequence[Sequence[Level]]) -> Candidates:
    """Return the squares that may show a face, best first."""
    tiles = [tile for number, pyramid in enumerate(pyramids) for tile in cut(number, pyramid)]
    canvases = pack(
        tuple((_round_up_to_even(tile.width), _round_up_to_even(tile.height)) for tile in tiles), area=CANVAS_AREA
    )
    parts = workers.map(lambda canvas: _run_canvas(pnet, canvas, tiles), canvases)
    if not parts:
        return Candidates(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.intp))
    rows = np.concatenate([part.rows for part in parts])
    corners = np.concatenate([part.corners for part in parts])
    owners = np.concatenate([part.tiles for part in parts])
    scales = np.array([tile.level.scale for tile in tiles])[owners]
    # The offsets were trained on boxes that start one pixel of the picture before (2 j + 1) / scale.
    first = (corners + 1) / scales - 1
    boxes = np.concatenate([first, (corners + CELL) / scales], axis=1).astype(np.float32)
    pictures = np.array([tile.picture for tile in tiles], np.intp)[owners]
    groups = pictures * MAX_LEVELS + np.array([tile.number for tile in tiles], np.intp)[owners]
    if all(_can_thin(pyramid) for pyramid in pyramids):
        kept = thin_cells(corners // STRIDE, rows[:, 0], groups)
    else:
        level = suppress(boxes, rows[:, 0], limit=NMS_LEVEL, groups=groups)
        kept = level[suppress(boxes[level], rows[level, 0], limit=NMS_ACROSS, groups=pictures[level])]
    return Candidates(make_squares(shift_edges(boxes[kept], rows[kept, 1:5])), rows[kept, 0], pictures[kept])


def _can_thin(pyramid: Sequence[Level]) -> bool:
    """Return whether suppression removes only cells next to a better one, so that :func:`thin_cells` can replace it.

    The box of a cell has 11 pixels of its level and one of the picture, so up to scale 1 the overlap of diagonal
    neighbors exceeds ``NMS_LEVEL``, and that of cells two apart does not. Boxes of two levels overlap at most by the
    ratio of their areas.
    """
    areas = [float(((CELL - 1) / level.scale + 1).prod()) for level in pyramid]
    nested = all(small < NMS_ACROSS * large for small, large in pairwise(areas))
    return nested and all(level.scale.max() <= 1 for level in pyramid[:1])


def _run_canvas(pnet: runtime.Session, canvas: Canvas, tiles: Sequence[Tile]) -> _Cells:
    """Run the first network on a canvas; return the cells above the threshold."""
    pixels = np.zeros((1, canvas.height, canvas.width, 3), np.uint8)
    for place in canvas.places:
        tile = tiles[place.index]
        pixels[0, place.y : place.y + tile.height, place.x : place.x + tile.width] = _crop_pixels(tile)
    (heads,) = pnet.run(pixels)[0]
    rows, columns = np.nonzero(heads[0] > math.log(THRESHOLD / (1 - THRESHOLD)))
    tops, lefts, owners = np.array([(at.y // STRIDE, at.x // STRIDE, at.index) for at in canvas.places], np.intp).T
    ends = np.array([(tiles[index].height - SHRINK, tiles[index].width - SHRINK) for index in owners]) // STRIDE
    down, across = rows - tops[:, None], columns - lefts[:, None]
    # Cells between tiles, or with pixels of two tiles, belong to no tile.
    number, hit = np.nonzero((down >= 0) & (down < ends[:, :1]) & (across >= 0) & (across < ends[:, 1:]))
    starts = np.array([(tiles[index].x, tiles[index].y) for index in owners], np.intp)
    corners = np.stack([across[number, hit], down[number, hit]], axis=1) * STRIDE + starts[number]
    return _Cells(heads[:, rows[hit], columns[hit]].T, corners, owners[number])


def _crop_pixels(tile: Tile) -> RGB:
    return tile.level.pixels[tile.y : tile.y + tile.height, tile.x : tile.x + tile.width]


def cut(picture: int, pyramid: Sequence[Level]) -> Iterator[Tile]:
    """Cut levels into tiles that together cover every cell of the first network once."""
    for number, level in enumerate(pyramid):
        for y, height in iterate_pieces(level.height):
            for x, width in iterate_pieces(level.width):
                yield Tile(picture, number, level, x, y, width, height)


def iterate_pieces(length: int) -> Iterator[tuple[int, int]]:
    """Yield start and length of overlapping pieces of at most ``TILE``, about equally long, with even starts."""
    count = -(-(length - SHRINK) // (TILE - SHRINK))
    step = _round_up_to_even(-(-(length - SHRINK) // count))
    for start in range(0, length - SHRINK - 1, step):
        yield start, min(step + SHRINK, length - start)


def _round_up_to_even(length: int) -> int:
    return length + length % 2
