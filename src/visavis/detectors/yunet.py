"""YuNet (Wu, Peng, Yu 2023): a network of 76,000 weights, from either file of OpenCV's zoo.

The file with weights of 8 bits comes with a package; the one of float32 is used where that package is missing. Of 433
faces in 365 photos both find all, boxes within .012 and landmarks within .023 of a face's side, scores within .008.

What the network gives is read as OpenCV's ``FaceDetectorYN`` does. Its eyes and corners of the mouth are named by the
person's right and left, so they come in our order: what the person calls right is left in the picture.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from visavis import runtime
from visavis.detectors import DETECTORS
from visavis.detectors._onnx_parts import unfolded
from visavis.detectors._single_shot import Found, Network, SingleShot, cells
from visavis.detectors.mtcnn import onet
from visavis.types import RGB, Floats
from visavis.weights import spec, store
from visavis.weights.row import WeightSpec

STRIDES = (8, 16, 32)
OVERLAP = 0.3
"""OpenCV's default."""
MIN_SCORE = 0.85
"""OpenCV's default is .9. On the group photos and ``data/bench``, which this is tuned on, the faces have .88 and more,
and what is none has .79 and less; of 152 photos of LFW view 1, the worst scored face has .88."""
SURE = 0.92
"""Score from which a face stands upright: of 120 people of LFW view 1 (training half), turned by 45 to 315 degrees,
none had more; upright, five of six have."""
CERTAIN = 0.904
"""Score from which there is no doubt of a face. Of the faces of 1,876 people of LFW view 1 (``peopleDevTrain``) the
lowest 5, 1 and .1 % score .911, .898 and .873; what these lack is as little as they lack of 1 with ``mtcnn``."""


def prepare(pixels: RGB) -> Floats:
    """BGR as it is."""
    return np.ascontiguousarray(pixels[None, :, :, ::-1].transpose(0, 3, 1, 2), np.float32)


def decode(outputs: Sequence[Floats], height: int, width: int, least: float) -> Found:
    """Faces of at least that score.

    Outputs are class scores, objectness, boxes and landmarks, each of the three strides in turn, a row a cell. A box is
    center and logarithm of its sides, in strides from the cell; the score is the root of the product of both scores.
    """
    boxes, scores, points = [], [], []
    for number, stride in enumerate(STRIDES):
        kind, object_, box, point = (outputs[number + 3 * part][0] for part in range(4))
        score = np.sqrt(np.clip(kind[:, 0], 0, 1) * np.clip(object_[:, 0], 0, 1))
        (good,) = np.nonzero(score >= least)
        cell = cells(height, width, stride)[good]
        center, half = (cell + box[good, :2]) * stride, np.exp(box[good, 2:]) * stride / 2
        boxes.append(np.concatenate([center - half, center + half], axis=1))
        scores.append(score[good])
        points.append((cell[:, None] + point[good].reshape(-1, 5, 2)) * stride)
    return Found(np.concatenate(boxes), np.concatenate(scores), np.concatenate(points))


@DETECTORS.register("yunet")
def yunet(*, threads: int | None = None, min_score: float = MIN_SCORE) -> SingleShot:
    """Load the network; ``min_score`` is the least score of a face."""
    runtime.thread_count(threads)  # refuses what is no number of threads, whether or not the file is there
    with store.all_missing(onet):
        network = Network(unfolded(store.find(_row())), prepare, decode, OVERLAP, SURE, CERTAIN)
    return SingleShot("yunet", network, threads=threads, min_score=min_score)


def _row() -> WeightSpec:
    """Return the row of the file that is on this machine; that of the package where none is."""
    return next((row for row in (spec.YUNET, spec.YUNET_FLOAT) if store.locate(row)), spec.YUNET)
