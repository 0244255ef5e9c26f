"""YuNet (Wu, Peng, Yu 2023): a network of 76,000 weights, from either file of OpenCV's zoo.

The file with 8-bit weights comes with a package; the float32 file is used if that package is missing. Both find all of
433 faces in 365 photos, boxes within .012 and landmarks within .023 of the side of a face, scores within .008.

Outputs are decoded like in OpenCV's ``FaceDetectorYN``. Its eyes and corners of the mouth are listed from the person's
right to left, which is our order: the person's right is left in the picture.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from visavis import runtime
from visavis.detectors import DETECTORS
from visavis.detectors._onnx_parts import unfold_weights
from visavis.detectors._single_shot import DetectionNetwork, RawFaces, SingleShot, cells
from visavis.detectors.mtcnn import onet
from visavis.types import RGB, Floats
from visavis.weights import spec, store
from visavis.weights.row import WeightSpec

STRIDES = (8, 16, 32)
OVERLAP = 0.3
"""OpenCV's default."""
MIN_SCORE = 0.85
"""OpenCV's default is .9. On the group photos and ``data/bench``, on which this is tuned, faces have .88 or more, and
false detections .79 or less; of 152 photos of LFW view 1, the lowest score of a face is .88."""
SURE = 0.92
"""Score from which a face is upright: of 120 people of LFW view 1 (training half), turned by 45 to 315 degrees, none
had more; upright, five of six have."""
CERTAIN = 0.904
"""Score from which a detection is certain. Of the faces of 1,876 people of LFW view 1 (``peopleDevTrain``) the lowest
5, 1 and .1 % score .911, .898 and .873: as little below this as ``mtcnn`` scores them below 1."""


def prepare(pixels: RGB) -> Floats:
    """Convert to BGR, without scaling."""
    return np.ascontiguousarray(pixels[None, :, :, ::-1].transpose(0, 3, 1, 2), np.float32)


def decode(outputs: Sequence[Floats], height: int, width: int, least: float) -> RawFaces:
    """Return the faces with a score of ``least`` or more.

    Outputs are class scores, objectness, boxes and landmarks, each for the three strides in turn, a row per cell. A box
    is its center and the logarithm of its sides, in strides from the cell; the score is the root of the product of both
    scores.
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
    return RawFaces(np.concatenate(boxes), np.concatenate(scores), np.concatenate(points))


@DETECTORS.register("yunet", min_score=MIN_SCORE)
def yunet(*, threads: int | None = None, min_score: float = MIN_SCORE) -> SingleShot:
    """Load the network; ``min_score`` is the least score of a face."""
    runtime.thread_count(threads)  # raises for a wrong number of threads, even if the file is missing
    with store.all_missing(onet):
        network = DetectionNetwork(unfold_weights(store.find(_choose_file())), prepare, decode, OVERLAP, SURE, CERTAIN)
    return SingleShot("yunet", network, threads=threads, min_score=min_score)


def _choose_file() -> WeightSpec:
    """Return the row of the file that is on this machine, else that of the package."""
    return next((row for row in (spec.YUNET, spec.YUNET_FLOAT) if store.locate(row)), spec.YUNET)
