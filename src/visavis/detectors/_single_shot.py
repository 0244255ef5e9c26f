"""Run detectors of one network, with box, score and landmarks per cell, once per scale of a picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from visavis import defaults, runtime
from visavis._checks import check_number
from visavis.boxes import overlaps, suppress
from visavis.detectors._onnx_parts import open_sizes
from visavis.detectors._orientation import Orientation
from visavis.detectors._views import View, fits, views
from visavis.detectors.mtcnn import onet
from visavis.errors import UsageError
from visavis.types import RGB, Face, Floats

MULTIPLE = 32
"""Both sides of the input are multiples of the largest stride of the network."""
SLACK = 0.8
"""Least side of a reported face as a share of ``min_face``; the network itself has no such limit."""

SAME_FACE = 0.6
"""Overlap (intersection over union) from which outputs are averaged. On every other pair of LFW view 1 (test), with
MobileFaceNet, YuNet's landmarks then gave an accuracy of .990, those of the best cell alone .982."""

ENOUGH = 100
"""Side of a face in pixels from which its outputs get no more exact; below, the mean weights them by area."""
MOST = 5000
"""Number of best outputs of a picture that are used, as in OpenCV: only a very low ``min_score`` gives more."""


@dataclass(frozen=True, slots=True, eq=False)
class RawFaces:
    """Faces before suppression, in pixels: boxes ``(n, 4)``, scores ``(n,)``, landmarks ``(n, 5, 2)``.

    ``view_sides (n,)`` are the longer sides of the faces in the views that they come from; by default those of boxes.
    """

    boxes: Floats
    scores: Floats
    points: Floats
    view_sides: Floats = field(default_factory=lambda: np.empty(0, np.float32))

    def __post_init__(self) -> None:
        if len(self.view_sides) != len(self.boxes):
            object.__setattr__(self, "view_sides", (self.boxes[:, 2:] - self.boxes[:, :2]).max(axis=1, initial=0))

    def __getitem__(self, index: np.ndarray[tuple[int], np.dtype[np.intp]]) -> RawFaces:
        return RawFaces(self.boxes[index], self.scores[index], self.points[index], self.view_sides[index])


Decode = Callable[[Sequence[Floats], int, int, float], RawFaces]
"""Convert outputs of the network to faces: outputs, height and width of its input, least score -> faces."""
Prepare = Callable[[RGB], Floats]
"""Convert RGB ``(h, w, 3)`` to the input of the network ``(1, 3, h, w)``."""


@dataclass(frozen=True, slots=True, eq=False)
class DetectionNetwork:
    """A network, with its preprocessing and decoding.

    ``overlap`` is the intersection over union from which two boxes are one face, ``sure`` the score from which a face
    is upright, ``certain`` the score from which a detection is certain: see :func:`~visavis.quality.measure`.
    """

    model: bytes
    prepare: Prepare
    decode: Decode
    overlap: float
    sure: float
    certain: float = 1.0


class SingleShot:
    """A detector of one network, ready once it is constructed."""

    def __init__(self, name: str, network: DetectionNetwork, *, threads: int | None, min_score: float) -> None:
        if not 0 < min_score < 1:
            raise UsageError(f"min_score is a score above 0 and below 1, got {min_score:g}.")
        self.name, self.certain = name, network.certain
        self._network, self._least, self._workers = network, min_score, runtime.Workers(threads)
        self._orientation = Orientation(onet(), self._workers, sure=network.sure)
        model = open_sizes(network.model)
        self._all_threads = runtime.Session(model, threads=threads, exact=True)
        self._single_thread = runtime.Session(model, threads=1, exact=True)

    def detect(self, pictures: Sequence[RGB], *, min_face: float = defaults.MIN_FACE) -> list[list[Face]]:
        """See :class:`visavis.detectors.Detector`."""
        min_face = check_number(min_face, "min_face is a side in pixels", least=1)
        # One thread works on each small picture, or all threads on a single one; large pictures go tile by tile.
        small = [number for number, picture in enumerate(pictures) if fits(picture, min_face=min_face)]
        session = self._all_threads if len(small) == 1 else self._single_thread

        def detect(number: int) -> list[Face]:
            parts = [self._detect_in_view(session, view) for view in views(pictures[number], min_face=min_face)]
            return self._merge_views(parts, min_face)

        results = dict(zip(small, self._workers.map(detect, small), strict=True))
        for number in set(range(len(pictures))) - results.keys():
            tiles = list(views(pictures[number], min_face=min_face))
            results[number] = self._merge_views(
                self._workers.map(partial(self._detect_in_view, self._single_thread), tiles), min_face
            )
        return self._orientation.align(pictures, [results[number] for number in range(len(pictures))])

    def _detect_in_view(self, session: runtime.Session, view: View) -> RawFaces:
        """Return the faces of a view that no other view shows better, in pixels of the picture."""
        canvas = pad(view.pixels)
        outputs = session.run(self._network.prepare(canvas))
        faces = self._network.decode(outputs, canvas.shape[0], canvas.shape[1], self._least)
        center = (faces.boxes[:, :2] + faces.boxes[:, 2:]) / 2
        inside = (center >= view.core[:2]).all(axis=1) & (center < view.core[2:]).all(axis=1)
        (good,) = np.nonzero(inside & (faces.view_sides <= view.largest))
        faces = faces[good]
        boxes = (faces.boxes + np.tile(view.corner, 2)) / np.tile(view.scale, 2)
        points = (faces.points + view.corner) / view.scale
        return RawFaces(boxes.astype(np.float32), faces.scores, points.astype(np.float32), faces.view_sides)

    def _merge_views(self, parts: Sequence[RawFaces], min_face: float) -> list[Face]:
        """Return the faces of all views of a picture, each once."""
        fields = ("boxes", "scores", "points", "view_sides")
        faces = RawFaces(*(np.concatenate([getattr(part, name) for part in parts]) for name in fields))
        sides = (faces.boxes[:, 2:] - faces.boxes[:, :2]).max(axis=1, initial=0)
        (large,) = np.nonzero(sides >= SLACK * min_face)
        faces = faces[large[np.argsort(-faces.scores[large], kind="stable")[:MOST]]]
        kept = suppress(faces.boxes, faces.scores, limit=self._network.overlap)
        # Boxes that overlap a kept box are the same face: the mean of all is more stable than the best alone.
        same = overlaps(faces.boxes[kept], faces.boxes) > SAME_FACE
        share = same * faces.scores * np.minimum(faces.view_sides, ENOUGH) ** 2
        share /= share.sum(axis=1, keepdims=True)
        boxes, points = share @ faces.boxes, np.einsum("kn,npc->kpc", share, faces.points)
        return [Face(*face) for face in zip(boxes, faces.scores[kept].tolist(), points, strict=True)]


def pad(pixels: RGB) -> RGB:
    """Pad with black at the right and below, up to multiples of ``MULTIPLE``."""
    height, width = pixels.shape[:2]
    high, wide = -height % MULTIPLE, -width % MULTIPLE
    return pixels if high == wide == 0 else np.pad(pixels, ((0, high), (0, wide), (0, 0)))


def cells(height: int, width: int, stride: int) -> Floats:
    """Return column and row ``(n, 2)`` of each cell of a map with this stride, row by row."""
    rows, columns = np.mgrid[: height // stride, : width // stride]
    return np.stack([columns.ravel(), rows.ravel()], axis=1).astype(np.float32)
