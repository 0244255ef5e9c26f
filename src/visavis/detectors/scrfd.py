"""SCRFD (Guo, Deng, Lattas, Zafeiriou 2021) with landmarks, in two of InsightFace's sizes.

The names are those of the authors: about 500 million and 2.5 billion operations for a picture of 640x480.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from visavis import runtime
from visavis.detectors import DETECTORS
from visavis.detectors._single_shot import Found, Network, SingleShot, cells
from visavis.detectors.mtcnn import onet
from visavis.types import RGB, Floats
from visavis.weights import spec, store

STRIDES = (8, 16, 32)
ANCHORS = 2
"""A cell; both have the same place."""
OVERLAP = 0.4
"""InsightFace's default."""
MIN_SCORE = 0.5
"""InsightFace's default. On the group photos and ``data/bench`` the faces have .75 and more, and what is none has .46
and less; of 152 photos of LFW view 1, the worst scored face has .67."""
SURE = 0.8
"""Score from which a face stands upright, or its landmarks are right all the same: of 80 people of LFW view 1
(training half), turned by 90 to 270 degrees, none had more; upright, nine of ten have."""


def prepare(pixels: RGB) -> Floats:
    """RGB in -1 to 1."""
    batch: Floats = np.ascontiguousarray(pixels[None].transpose(0, 3, 1, 2), np.float32)
    batch -= 127.5
    batch /= 128
    return batch


def decode(outputs: Sequence[Floats], height: int, width: int, least: float) -> Found:
    """Faces of at least that score.

    Outputs are scores, boxes and landmarks, each of the three strides in turn, a row an anchor. A box is the distances
    of its edges from the cell's corner, in strides.
    """
    boxes, scores, points = [], [], []
    for number, stride in enumerate(STRIDES):
        score, box, point = (outputs[number + 3 * part][0] for part in range(3))
        (good,) = np.nonzero(score[:, 0] >= least)
        place = cells(height, width, stride)[good // ANCHORS] * stride
        boxes.append(np.concatenate([place - box[good, :2] * stride, place + box[good, 2:] * stride], axis=1))
        scores.append(score[good, 0])
        points.append(place[:, None] + point[good].reshape(-1, 5, 2) * stride)
    return Found(np.concatenate(boxes), np.concatenate(scores), np.concatenate(points))


@DETECTORS.register("scrfd-500m")
def scrfd_500m(*, threads: int | None = None, min_score: float = MIN_SCORE) -> SingleShot:
    """Load the smaller network; ``min_score`` is the least score of a face."""
    return _load("scrfd-500m", spec.SCRFD_500M, threads, min_score)


@DETECTORS.register("scrfd-2.5g")
def scrfd_2500m(*, threads: int | None = None, min_score: float = MIN_SCORE) -> SingleShot:
    """Load the larger network; ``min_score`` is the least score of a face."""
    return _load("scrfd-2.5g", spec.SCRFD_2500M, threads, min_score)


def _load(name: str, row: spec.WeightSpec, threads: int | None, min_score: float) -> SingleShot:
    runtime.thread_count(threads)  # refuses what is no number of threads, whether or not the file is there
    with store.all_missing(onet):
        network = Network(store.find(row).read_bytes(), prepare, decode, OVERLAP, SURE)
    return SingleShot(name, network, threads=threads, min_score=min_score)
