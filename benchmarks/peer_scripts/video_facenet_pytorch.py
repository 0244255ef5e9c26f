"""facenet-pytorch on each frame of a video: its MTCNN, then its InceptionResnetV1 on all faces, on random weights."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "shims"))

import cv2
import torch
from facenet_pytorch import MTCNN, InceptionResnetV1
from protocol import serve, versions


def load(settings):
    """Load the detector, and build the embedder; its weights change no time."""
    torch.set_num_threads(settings["threads"])
    cv2.setNumThreads(settings["threads"])
    embedder = InceptionResnetV1(pretrained=None, classify=False).eval()

    def run(case):
        detector = MTCNN(keep_all=True, min_face_size=case["min_face"])
        video = cv2.VideoCapture(case["file"])
        frames = faces = 0
        with torch.no_grad():
            while True:
                more, frame = video.read()
                if not more:
                    return {"frames": frames, "detections": frames, "faces": faces}
                frames += 1
                crops = detector(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
                if crops is not None:
                    faces += len(embedder(crops))

    facts = {**versions("facenet-pytorch", "torch", "opencv-python-headless"), "threads": torch.get_num_threads()}
    return {name: partial(run, case) for name, case in settings["cases"].items()}, facts


serve(load)
