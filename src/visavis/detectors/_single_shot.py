"""What detectors of one network share: they see a picture once a scale, and give box, score and landmarks a cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from visavis import runtime
from visavis._checks import checked_number
from visavis.boxes import overlaps, suppress
from visavis.detectors._onnx_parts import any_size
from visavis.detectors._orientation import Orientation
from visavis.detectors._views import View, fits, views
from visavis.detectors.mtcnn import onet
from visavis.errors import UsageError
from visavis.types import RGB, Face, Floats

MULTIPLE = 32
"""Both sides of what a network is given are multiples of its largest stride."""
SLACK = 0.8
"""Parts of ``min_face`` that a face found has at least; the network alone would give whatever it sees."""

SAME_FACE = 0.6
"""Overlap (intersection over union) from which outputs are averaged. On every other pair of LFW view 1 (test), with
MobileFaceNet, YuNet's landmarks then gave an accuracy of .990, those of the best cell alone .982."""

ENOUGH = 100
"""Pixels of a face beyond which the network sees it no more exactly; below, the mean counts it by its area."""
MOST = 5000
"""Best outputs of a picture that are gone through, as in OpenCV: only a very low ``min_score`` gives so many."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Faces before suppression, in pixels: boxes ``(n, 4)``, scores ``(n,)``, landmarks ``(n, 5, 2)``.

    ``shown`` (n,) is the longer side that a face had in the view it was found in; empty means that of its box.
    """

    boxes: Floats
    scores: Floats
    points: Floats
    shown: Floats = field(default_factory=lambda: np.empty(0, np.float32))

    def __post_init__(self) -> None:
        if len(self.shown) != len(self.boxes):
            object.__setattr__(self, "shown", (self.boxes[:, 2:] - self.boxes[:, :2]).max(axis=1, initial=0))

    def __getitem__(self, index: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Found:
        return Found(self.boxes[index], self.scores[index], self.points[index], self.shown[index])


Decode = Callable[[Sequence[Floats], int, int, float], Found]
"""Outputs of the network, rows and columns of pixels it saw, least score -> faces."""
Prepare = Callable[[RGB], Floats]
"""RGB ``(h, w, 3)`` -> what the network takes, ``(1, 3, h, w)``."""


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """How one network is fed and read.

    ``overlap`` is the intersection over union from which two boxes are one face, ``sure`` the score from which a face
    stands upright, ``certain`` the one from which there is no doubt of a face: see :func:`~visavis.quality.measure`.
    """

    model: bytes
    prepare: Prepare
    decode: Decode
    overlap: float
    sure: float
    certain: float = 1.0


class SingleShot:
    """A detector of one network; constructed means ready."""

    def __init__(self, name: str, network: Network, *, threads: int | None, min_score: float) -> None:
        if not 0 < min_score < 1:
            raise UsageError(f"min_score is a score above 0 and below 1, got {min_score:g}.")
        self.name, self.certain = name, network.certain
        self._network, self._least, self._workers = network, min_score, runtime.Workers(threads)
        self._orientation = Orientation(onet(), self._workers, sure=network.sure)
        model = any_size(network.model)
        self._all = runtime.Session(model, threads=threads, exact=True)
        self._one = runtime.Session(model, threads=1, exact=True)

    def detect(self, pictures: Sequence[RGB], *, min_face: float = 20) -> list[list[Face]]:
        """See :class:`visavis.detectors.Detector`."""
        min_face = checked_number(min_face, "min_face is a side in pixels", least=1)
        # Small pictures are each worked on by one thread, large ones tile by tile, one small one alone by all threads.
        small = [number for number, picture in enumerate(pictures) if fits(picture, min_face=min_face)]
        session = self._all if len(small) == 1 else self._one

        def detect(number: int) -> list[Face]:
            seen = [self._look(session, view) for view in views(pictures[number], min_face=min_face)]
            return self._joined(seen, min_face)

        found = dict(zip(small, self._workers.map(detect, small), strict=True))
        for number in set(range(len(pictures))) - found.keys():
            tiles = list(views(pictures[number], min_face=min_face))
            found[number] = self._joined(self._workers.map(partial(self._look, self._one), tiles), min_face)
        return self._orientation.align(pictures, [found[number] for number in range(len(pictures))])

    def _look(self, session: runtime.Session, view: View) -> Found:
        """Faces of one view that no other view shows better, in pixels of the picture."""
        canvas = padded(view.pixels)
        outputs = session.run(self._network.prepare(canvas))
        found = self._network.decode(outputs, canvas.shape[0], canvas.shape[1], self._least)
        center = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
        inside = (center >= view.core[:2]).all(axis=1) & (center < view.core[2:]).all(axis=1)
        (good,) = np.nonzero(inside & (found.shown <= view.largest))
        found = found[good]
        boxes = (found.boxes + np.tile(view.corner, 2)) / np.tile(view.scale, 2)
        points = (found.points + view.corner) / view.scale
        return Found(boxes.astype(np.float32), found.scores, points.astype(np.float32), found.shown)

    def _joined(self, seen: Sequence[Found], min_face: float) -> list[Face]:
        """Faces of all views of a picture, each once."""
        parts = ("boxes", "scores", "points", "shown")
        found = Found(*(np.concatenate([getattr(each, part) for each in seen]) for part in parts))
        sides = (found.boxes[:, 2:] - found.boxes[:, :2]).max(axis=1, initial=0)
        (large,) = np.nonzero(sides >= SLACK * min_face)
        found = found[large[np.argsort(-found.scores[large], kind="stable")[:MOST]]]
        kept = suppress(found.boxes, found.scores, limit=self._network.overlap)
        # What overlaps a kept box is the same face seen again: the mean of all is steadier than the best alone.
        same = overlaps(found.boxes[kept], found.boxes) > SAME_FACE
        share = same * found.scores * np.minimum(found.shown, ENOUGH) ** 2
        share /= share.sum(axis=1, keepdims=True)
        boxes, points = share @ found.boxes, np.einsum("kn,npc->kpc", share, found.points)
        return [Face(*face) for face in zip(boxes, found.scores[kept].tolist(), points, strict=True)]


def padded(pixels: RGB) -> RGB:
    """Black at the right and below, up to multiples of ``MULTIPLE``."""
    height, width = pixels.shape[:2]
    high, wide = -height % MULTIPLE, -width % MULTIPLE
    return pixels if high == wide == 0 else np.pad(pixels, ((0, high), (0, wide), (0, 0)))


def cells(height: int, width: int, stride: int) -> Floats:
    """Columns and rows of a map of the stride, ``(n, 2)``, row by row."""
    rows, columns = np.mgrid[: height // stride, : width // stride]
    return np.stack([columns.ravel(), rows.ravel()], axis=1).astype(np.float32)
