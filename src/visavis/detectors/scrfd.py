"""SCRFD (Guo, Deng, Lattas, Zafeiriou 2021) with landmarks, in two of InsightFace's sizes.

The names are those of the authors: about 500 million and 2.5 billion operations for a picture of 640x480.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from visavis import runtime
from visavis.detectors import DETECTORS
from visavis.detectors._single_shot import DetectionNetwork, RawFaces, SingleShot, cells
from visavis.detectors.mtcnn import onet
from visavis.types import RGB, Floats
from visavis.weights import spec, store

STRIDES = (8, 16, 32)
ANCHORS = 2
"""Number of anchors per cell, at the same place."""
OVERLAP = 0.4
"""InsightFace's default."""
MIN_SCORE = 0.5
"""InsightFace's default. On the group photos and ``data/bench`` faces have .75 or more, and false detections .46 or
less; of 152 photos of LFW view 1, the lowest score of a face is .67."""
SURE = 0.8
"""Score from which a face is upright, or its landmarks are right anyway: of 80 people of LFW view 1 (training half),
turned by 90 to 270 degrees, none had more; upright, nine of ten have."""


def prepare(pixels: RGB) -> Floats:
    """Scale RGB to -1 to 1."""
    batch: Floats = np.ascontiguousarray(pixels[None].transpose(0, 3, 1, 2), np.float32)
    batch -= 127.5
    batch /= 128
    return batch


def decode(outputs: Sequence[Floats], height: int, width: int, least: float) -> RawFaces:
    """Return the faces with a score of ``least`` or more.

    Outputs are scores, boxes and landmarks, each for the three strides in turn, a row per anchor. A box is stored as
    the distances of its edges from the corner of the cell, in strides.
    """
    boxes, scores, points = [], [], []
    for number, stride in enumerate(STRIDES):
        score, box, point = (outputs[number + 3 * part][0] for part in range(3))
        (good,) = np.nonzero(score[:, 0] >= least)
        place = cells(height, width, stride)[good // ANCHORS] * stride
        boxes.append(np.concatenate([place - box[good, :2] * stride, place + box[good, 2:] * stride], axis=1))
        scores.append(score[good, 0])
        points.append(place[:, None] + point[good].reshape(-1, 5, 2) * stride)
    return RawFaces(np.concatenate(boxes), np.concatenate(scores), np.concatenate(points))


@DETECTORS.register("scrfd-500m", min_score=MIN_SCORE)
def scrfd_500m(*, threads: int | None = None, min_score: float = MIN_SCORE) -> SingleShot:
    """Load the smaller network; ``min_score`` is the least score of a face."""
    return _load("scrfd-500m", spec.SCRFD_500M, threads, min_score)


@DETECTORS.register("scrfd-2.5g", min_score=MIN_SCORE)
def scrfd_2500m(*, threads: int | None = None, min_score: float = MIN_SCORE) -> SingleShot:
    """Load the larger network; ``min_score`` is the least score of a face."""
    return _load("scrfd-2.5g", spec.SCRFD_2500M, threads, min_score)


def _load(name: str, row: spec.WeightSpec, threads: int | None, min_score: float) -> SingleShot:
    runtime.thread_count(threads)  # raises for a wrong number of threads, even if the file is missing
    with store.all_missing(onet):
        network = DetectionNetwork(store.find(row).read_bytes(), prepare, decode, OVERLAP, SURE)
    return SingleShot(name, network, threads=threads, min_score=min_score)
