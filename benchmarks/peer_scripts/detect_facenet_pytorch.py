"""facenet-pytorch's MTCNN, its own thresholds."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "shims"))

import torch
from facenet_pytorch import MTCNN
from protocol import serve, versions

from pictures import cases


def load(settings):
    """Load the networks."""
    torch.set_num_threads(settings["threads"])
    detector = MTCNN(keep_all=True, min_face_size=settings["min_face"])

    def one(picture):
        boxes, _, _ = detector.detect(picture, landmarks=True)
        return 0 if boxes is None else len(boxes)

    def batch(pictures):
        boxes, _, _ = detector.detect(pictures, landmarks=True)
        return [0 if found is None else len(found) for found in boxes]

    facts = {**versions("facenet-pytorch", "torch", "numpy"), "threads": torch.get_num_threads()}
    return cases(settings, one, batch), facts


serve(load)
