"""MTCNN (Zhang, Zhang, Li, Qiao 2016): proposals on a pyramid, refinement, landmarks. The default detector.

The networks are those of the ``mtcnn`` package. What differs from its ports: all levels of all pictures of a call are
packed onto few canvases for the first network, crops for the other two are sampled from the pyramid, and both go
through in batches of bounded size.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from visavis import runtime
from visavis._checks import checked_number
from visavis.boxes import moved, overlaps, squared, suppress
from visavis.detectors import DETECTORS
from visavis.detectors._orientation import Orientation
from visavis.detectors._proposals import CELL, THRESHOLD, Candidates, Numbers, propose
from visavis.detectors._pyramid import Level, levels, sample
from visavis.errors import UsageError
from visavis.nets import mtcnn as nets
from visavis.types import RGB, Face, Floats
from visavis.weights import spec, store
from visavis.weights.readers import joblib_lz4

THRESHOLDS = (THRESHOLD, 0.7, 0.9)
"""Lowest face score after each network. The authors end with .7; on the 73 photographs of ``benchmarks/agreement.py``
.9 leaves one box that facenet-pytorch does not have (a zip, 21 pixels, score .98) and loses none of its sure faces."""
NMS_REFINED, NMS_FINAL = 0.7, 0.7
SAME_FACE = 0.6
"""Overlap (intersection over union) from which two outputs are averaged."""
SURE = 0.9997
"""Score from which a face stands upright: of 280 people of LFW view 1 (training half), turned by 90 to 270 degrees,
none had .9994 or more; upright, four of five have more."""
GROUP_PIXELS = 8_000_000
"""Pictures are taken together up to so many pixels."""
BATCH_REFINE, BATCH_OUTPUT = 16, 4
"""Crops a run of the second and the third network: their layers then stay near a core's own cache."""
RUNS = 8
"""Runs for which a thread samples crops at once."""


class Mtcnn:
    """Detector ``mtcnn``; constructed from its three open networks, of one thread each."""

    name = "mtcnn"

    def __init__(
        self,
        pnet: runtime.Session,
        rnet: runtime.Session,
        onet: runtime.Session,
        workers: runtime.Workers,
        *,
        min_score: float = THRESHOLDS[2],
    ) -> None:
        if not 0 < min_score < 1:
            raise UsageError(f"min_score is a score above 0 and below 1, got {min_score:g}.")
        self._least = _logit(min_score)
        self._pnet, self._rnet, self._onet, self._workers = pnet, rnet, onet, workers
        self._orientation = Orientation(onet, workers, sure=SURE, keep_scores=False)

    def detect(self, pictures: Sequence[RGB], *, min_face: float = 20) -> list[list[Face]]:
        """See :class:`visavis.detectors.Detector`."""
        min_face = checked_number(min_face, "min_face is a side in pixels", least=1)
        found: list[list[Face]] = []
        for group in _groups(pictures):
            found += self._detect(group, min_face)
        return found

    def _detect(self, pictures: Sequence[RGB], min_face: float) -> list[list[Face]]:
        pyramids = self._workers.map(partial(levels, cell=CELL, min_face=min_face), pictures)
        found = propose(self._pnet, self._workers, pyramids)
        # Crops of small boxes come from the picture itself where that is larger than the first level.
        sources = [_with_picture(picture, pyramid) for picture, pyramid in zip(pictures, pyramids, strict=True)]
        found = self._refine(sources, found)
        return self._orientation.align(pictures, self._output(sources, found))

    def _refine(self, sources: Sequence[Sequence[Level]], found: Candidates) -> Candidates:
        rows = self._classify(self._rnet, sources, found, size=24, batch=BATCH_REFINE)
        (good,) = np.nonzero(rows[:, 0] > _logit(THRESHOLDS[1]))
        kept = good[suppress(found.boxes[good], rows[good, 0], limit=NMS_REFINED, groups=found.pictures[good])]
        return Candidates(squared(moved(found.boxes[kept], rows[kept, 1:5])), rows[kept, 0], found.pictures[kept])

    def _output(self, sources: Sequence[Sequence[Level]], found: Candidates) -> list[list[Face]]:
        rows = self._classify(self._onet, sources, found, size=48, batch=BATCH_OUTPUT)
        (good,) = np.nonzero(rows[:, 0] > self._least)
        rows, crops, pictures = rows[good], found.boxes[good], found.pictures[good]
        boxes = moved(crops, rows[:, 1:5])
        points = rows[:, 5:].reshape(-1, 2, 5).transpose(0, 2, 1)
        landmarks = crops[:, None, :2] + points * (crops[:, None, 2:] - crops[:, None, :2])
        kept = suppress(boxes, rows[:, 0], limit=NMS_FINAL, groups=pictures, of_smaller=True)
        # What overlaps a kept box is the same face seen again: the mean of all is steadier than the best alone.
        same = (overlaps(boxes[kept], boxes) > SAME_FACE) & (pictures[kept][:, None] == pictures)
        share = same / same.sum(axis=1, keepdims=True)
        steady, points = (share @ boxes).astype(np.float32), np.einsum("kn,npc->kpc", share, landmarks)
        faces: list[list[Face]] = [[] for _ in sources]
        for box, point, one in zip(steady, points.astype(np.float32), kept.tolist(), strict=True):
            faces[pictures[one]].append(Face(box, 1 / (1 + math.exp(-rows[one, 0])), point))
        return faces

    def _classify(
        self, net: runtime.Session, sources: Sequence[Sequence[Level]], found: Candidates, *, size: int, batch: int
    ) -> Floats:
        """Outputs ``(n, k)`` of a network for the crops of all candidates, in batches."""
        # Neighbors of one size in one picture come from one level, and each level is one call of the sampler.
        order = np.lexsort((found.boxes[:, 2] - found.boxes[:, 0], found.pictures))

        def classify(piece: Numbers) -> Floats:
            crops = _crops(sources, found[piece], size)
            return np.concatenate([net.run(crops[at : at + batch])[0] for at in range(0, max(len(crops), 1), batch)])

        # An empty piece still goes through: it gives the empty output of the right width.
        rows = np.concatenate(self._workers.map(classify, self._workers.shares(order, most=RUNS * batch)))
        return rows[np.argsort(order)]


def _crops(sources: Sequence[Sequence[Level]], found: Candidates, size: int) -> RGB:
    crops = np.empty((len(found.boxes), size, size, 3), np.uint8)
    for number in set(found.pictures.tolist()):
        (members,) = np.nonzero(found.pictures == number)
        crops[members] = sample(sources[number], found.boxes[members], size=size)
    return crops


def _groups(pictures: Sequence[RGB]) -> Iterator[list[RGB]]:
    group: list[RGB] = []
    pixels = 0
    for picture in pictures:
        size = picture.shape[0] * picture.shape[1]
        if group and pixels + size > GROUP_PIXELS:
            yield group
            group, pixels = [], 0
        group.append(picture)
        pixels += size
    if group:
        yield group


def _with_picture(picture: RGB, pyramid: list[Level]) -> list[Level]:
    if pyramid and pyramid[0].scale.min() >= 1:
        return pyramid
    return [Level(picture, np.ones(2, np.float32)), *pyramid]


def _logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


@DETECTORS.register("mtcnn")
def mtcnn(*, threads: int | None = None, min_score: float = THRESHOLDS[2]) -> Mtcnn:
    """Load the three networks from the ``mtcnn`` package's weight files; ``min_score`` is that of the last network."""
    pnet, rnet = partial(_session, spec.PNET, nets.pnet, None), partial(_session, spec.RNET, nets.rnet, 24)
    with store.all_missing(pnet, rnet, onet):
        return Mtcnn(pnet(), rnet(), onet(), runtime.Workers(threads), min_score=min_score)


def onet() -> runtime.Session:
    """Open the last network, of one thread: it tells other detectors, too, which way up a face is."""
    return _session(spec.ONET, nets.onet, 48)


def _session(row: spec.WeightSpec, net: nets.Net, side: int | None) -> runtime.Session:
    def build() -> bytes:
        from visavis.nets.onnx_graph import to_onnx

        return to_onnx(net, read(row), side=side)

    return runtime.Session(runtime.converted(row.name, row.sha256, build), threads=1, exact=True)


def read(row: spec.WeightSpec) -> dict[str, Floats]:
    """Weights of one published file, by the names of the network's definition.

    The file lists kernels (h, w, in, out), biases and slopes in the order of the layers; then the heads: box offsets,
    landmarks (third network), class scores. Dense layers were trained on maps flattened as (w, h, c).
    """
    arrays = iter(joblib_lz4.read(store.find(row)))
    convolutions, dense = {"mtcnn-pnet": (3, 0), "mtcnn-rnet": (3, 4), "mtcnn-onet": (4, 5)}[row.name]
    weights: dict[str, Floats] = {}
    for number in range(1, convolutions + 1):
        weights[f"conv{number}.kernel"] = next(arrays).transpose(3, 2, 0, 1)
        weights[f"conv{number}.bias"] = next(arrays)
        weights[f"prelu{number}.slope"] = next(arrays).ravel()
    if dense:
        channels = len(weights[f"conv{convolutions}.bias"])
        kernel = next(arrays)
        side = math.isqrt(len(kernel) // channels)
        kernel = kernel.reshape(side, side, channels, -1).transpose(2, 1, 0, 3)
        weights[f"fc{dense}.kernel"] = kernel.reshape(-1, kernel.shape[-1])
        weights[f"fc{dense}.bias"] = next(arrays)
        weights[f"prelu{dense}.slope"] = next(arrays).ravel()
    heads = list(arrays)
    *others, (kernel, bias) = zip(heads[::2], heads[1::2], strict=True)
    # One logit in place of two class scores: their softmax is the sigmoid of the difference.
    kernels = [kernel[..., 1:] - kernel[..., :1], *(k for k, _ in others)]
    biases = [bias[1:] - bias[:1], *(b for _, b in others)]
    joined = np.concatenate(kernels, axis=-1)
    weights["heads.kernel"] = joined if dense else joined.transpose(3, 2, 0, 1)
    weights["heads.bias"] = np.concatenate(biases)
    return weights
