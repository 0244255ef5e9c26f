"""MTCNN (Zhang, Zhang, Li, Qiao 2016): proposals on a pyramid, refinement, landmarks. The default detector.

The networks are those of the ``mtcnn`` package. Unlike in its ports, all levels of all pictures of a call are packed
onto few canvases for the first network, crops for the other two are sampled from the pyramid, and both run in batches
of bounded size.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from visavis import converted, defaults, runtime
from visavis._checks import check_number
from visavis.boxes import make_squares, overlaps, shift_edges, suppress
from visavis.detectors import DETECTORS
from visavis.detectors._orientation import Orientation
from visavis.detectors._proposals import CELL, THRESHOLD, Candidates, Numbers, propose
from visavis.detectors._pyramid import FACTOR, Level, levels, sample
from visavis.errors import UsageError
from visavis.nets import mtcnn as nets
from visavis.nets.ops import Net
from visavis.types import RGB, Face, Floats
from visavis.weights import spec, store
from visavis.weights.readers import joblib_lz4

THRESHOLDS = (THRESHOLD, 0.7, 0.9)
"""Lowest face score after each network. The authors' last is .7; on the 73 photos of ``benchmarks/agreement.py`` .9
leaves one box that facenet-pytorch does not have (a zip, 21 pixels, score .98) and loses none of its sure faces."""
NMS_REFINED, NMS_FINAL = 0.7, 0.7
SAME_FACE = 0.6
"""Overlap (intersection over union) from which two outputs are averaged."""
SURE = 0.9997
"""Score from which a face is upright: of 280 people of LFW view 1 (training half), turned by 90 to 270 degrees, none
had .9994 or more; upright, four of five have more."""
GROUP_PIXELS = 8_000_000
"""Greatest number of pixels of pictures that are processed together."""
BATCH_REFINE, BATCH_OUTPUT = 16, 4
"""Crops per run of the second and the third network: their layers then about fit the cache of a core."""
RUNS = 8
"""Number of runs for which a thread samples crops at once."""
PROMINENT, LARGE = 1 / 20, 1.5
"""Least side of a prominent face, as a share of the shorter side of its picture, and how many times that side the
largest face has where smaller ones are left out. It was then the same to the last bit in 55 sample photos, and at the
limit: tests/detectors/test_prominent.py."""


class Mtcnn:
    """The detector ``mtcnn``, made of sessions of its three networks, of one thread each."""

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

    def detect(self, pictures: Sequence[RGB], *, min_face: float = defaults.MIN_FACE) -> list[list[Face]]:
        """See :class:`visavis.detectors.Detector`."""
        min_face = check_number(min_face, "min_face is a side in pixels", least=1)
        faces: list[list[Face]] = []
        for group in _split_groups(pictures):
            faces += self._detect(group, [min_face] * len(group), min_face)
        return faces

    def detect_prominent(self, pictures: Sequence[RGB], *, min_face: float = defaults.MIN_FACE) -> list[list[Face]]:
        """See :func:`visavis.detectors.detect_prominent`: the first network skips the levels of small faces."""
        min_face = check_number(min_face, "min_face is a side in pixels", least=1)
        faces: list[list[Face]] = []
        for group in _split_groups(pictures):
            sides = [max(min_face, min(picture.shape[:2]) * PROMINENT) for picture in group]
            first = self._detect(group, sides, min_face)
            rest = [
                number
                for number, (side, of_picture) in enumerate(zip(sides, first, strict=True))
                if side > min_face and not _has_large_face(of_picture, side)
            ]
            again = self.detect([group[number] for number in rest], min_face=min_face)
            for number, of_picture in zip(rest, again, strict=True):
                first[number] = of_picture
            faces += first
        return faces

    def _detect(self, pictures: Sequence[RGB], sides: Sequence[float], min_face: float) -> list[list[Face]]:
        """Return the faces of each picture of the side given for it, in pixels, and larger.

        Pyramids have all levels for ``min_face``, so that the box of a face does not depend on that side.
        """
        pyramids = self._workers.map(partial(levels, cell=CELL, min_face=min_face), pictures)
        searched = [_levels_from(pyramid, side / min_face) for pyramid, side in zip(pyramids, sides, strict=True)]
        candidates = propose(self._pnet, self._workers, searched)
        # Crops of small boxes come from the picture itself if it is larger than the first level.
        sources = [_add_picture(picture, pyramid) for picture, pyramid in zip(pictures, pyramids, strict=True)]
        candidates = self._refine(sources, candidates)
        return self._orientation.align(pictures, self._output(sources, candidates))

    def _refine(self, sources: Sequence[Sequence[Level]], candidates: Candidates) -> Candidates:
        """Filter and shift the candidates with the second network."""
        rows = self._classify(self._rnet, sources, candidates, size=24, batch=BATCH_REFINE)
        (good,) = np.nonzero(rows[:, 0] > _logit(THRESHOLDS[1]))
        kept = good[
            suppress(candidates.boxes[good], rows[good, 0], limit=NMS_REFINED, groups=candidates.pictures[good])
        ]
        return Candidates(
            make_squares(shift_edges(candidates.boxes[kept], rows[kept, 1:5])), rows[kept, 0], candidates.pictures[kept]
        )

    def _output(self, sources: Sequence[Sequence[Level]], candidates: Candidates) -> list[list[Face]]:
        """Convert the candidates to the faces of each picture with the third network."""
        rows = self._classify(self._onet, sources, candidates, size=48, batch=BATCH_OUTPUT)
        (good,) = np.nonzero(rows[:, 0] > self._least)
        rows, crops, pictures = rows[good], candidates.boxes[good], candidates.pictures[good]
        boxes = shift_edges(crops, rows[:, 1:5])
        points = rows[:, 5:].reshape(-1, 2, 5).transpose(0, 2, 1)
        landmarks = crops[:, None, :2] + points * (crops[:, None, 2:] - crops[:, None, :2])
        kept = suppress(boxes, rows[:, 0], limit=NMS_FINAL, groups=pictures, of_smaller=True)
        # Boxes that overlap a kept box are the same face: the mean of all is more stable than the best alone.
        is_same = (overlaps(boxes[kept], boxes) > SAME_FACE) & (pictures[kept][:, None] == pictures)
        share = is_same / is_same.sum(axis=1, keepdims=True)
        mean_boxes, points = (share @ boxes).astype(np.float32), np.einsum("kn,npc->kpc", share, landmarks)
        faces: list[list[Face]] = [[] for _ in sources]
        for box, point, index in zip(mean_boxes, points.astype(np.float32), kept.tolist(), strict=True):
            faces[pictures[index]].append(Face(box, 1 / (1 + math.exp(-rows[index, 0])), point))
        return faces

    def _classify(
        self, net: runtime.Session, sources: Sequence[Sequence[Level]], candidates: Candidates, *, size: int, batch: int
    ) -> Floats:
        """Return the outputs ``(n, k)`` of a network for the crops of all candidates, run in batches."""
        # Boxes of similar size in one picture come from one level, and each level is one call of the sampler.
        order = np.lexsort((candidates.boxes[:, 2] - candidates.boxes[:, 0], candidates.pictures))

        def classify(piece: Numbers) -> Floats:
            crops = _sample_crops(sources, candidates[piece], size)
            return np.concatenate([net.run(crops[at : at + batch])[0] for at in range(0, max(len(crops), 1), batch)])

        # An empty piece is also run: it gives the empty output of the right width.
        rows = np.concatenate(self._workers.map(classify, self._workers.split(order, most=RUNS * batch)))
        return rows[np.argsort(order)]


def _sample_crops(sources: Sequence[Sequence[Level]], candidates: Candidates, size: int) -> RGB:
    crops = np.empty((len(candidates.boxes), size, size, 3), np.uint8)
    for number in set(candidates.pictures.tolist()):
        (members,) = np.nonzero(candidates.pictures == number)
        crops[members] = sample(sources[number], candidates.boxes[members], size=size)
    return crops


def _split_groups(pictures: Sequence[RGB]) -> Iterator[list[RGB]]:
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


def _add_picture(picture: RGB, pyramid: list[Level]) -> list[Level]:
    if pyramid and pyramid[0].scale.min() >= 1:
        return pyramid
    return [Level(picture, np.ones(2, np.float32)), *pyramid]


def _levels_from(pyramid: Sequence[Level], ratio: float) -> Sequence[Level]:
    """Return the levels for faces at least ``ratio`` times as large as those of the first; the last level at least."""
    return pyramid[min(math.ceil(-math.log(ratio) / math.log(FACTOR)), len(pyramid) - 1) :] if pyramid else pyramid


def _has_large_face(faces: Sequence[Face], side: float) -> bool:
    """Return whether the largest face is certain, and so large that no level left out can change it."""
    largest = max(faces, key=lambda face: face.area, default=None)
    return largest is not None and largest.score >= SURE and min(largest.width, largest.height) >= LARGE * side


def _logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


@DETECTORS.register("mtcnn", min_score=THRESHOLDS[2])
def mtcnn(*, threads: int | None = None, min_score: float = THRESHOLDS[2]) -> Mtcnn:
    """Load the three networks from the weight files of the ``mtcnn`` package; ``min_score`` is for the last network."""
    pnet, rnet = partial(_open_session, spec.PNET, nets.pnet, None), partial(_open_session, spec.RNET, nets.rnet, 24)
    with store.all_missing(pnet, rnet, onet):
        return Mtcnn(pnet(), rnet(), onet(), runtime.Workers(threads), min_score=min_score)


def onet() -> runtime.Session:
    """Open the last network, with one thread; other detectors use it too, for the orientation of faces."""
    return _open_session(spec.ONET, nets.onet, 48)


def _open_session(row: spec.WeightSpec, net: Net, side: int | None) -> runtime.Session:
    def build() -> bytes:
        from visavis.nets.onnx_graph import to_onnx

        return to_onnx(net, read(row), side=side)

    return runtime.Session(converted.convert_once(row.name, row.sha256, build), threads=1, exact=True)


def read(row: spec.WeightSpec) -> dict[str, Floats]:
    """Read the weights of a published file, by their names in the definition of the network.

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
    # One logit instead of two class scores: their softmax is the sigmoid of the difference.
    kernels = [kernel[..., 1:] - kernel[..., :1], *(k for k, _ in others)]
    biases = [bias[1:] - bias[:1], *(b for _, b in others)]
    merged = np.concatenate(kernels, axis=-1)
    weights["heads.kernel"] = merged if dense else merged.transpose(3, 2, 0, 1)
    weights["heads.bias"] = np.concatenate(biases)
    return weights
