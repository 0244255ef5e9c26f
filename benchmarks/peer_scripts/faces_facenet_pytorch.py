"""Runs in the "facenet-pytorch" environment: its faces in pictures.

    python faces_facenet_pytorch.py < LIST > FACES

In, a line each: {"file": PICTURE.npy, "min_face": 20}. Out: [[x1, y1, x2, y2, score], ...], best score first.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "shims"))

import numpy as np
import torch
from facenet_pytorch import MTCNN

torch.set_num_threads(1)
for line in sys.stdin:
    task = json.loads(line)
    detector = MTCNN(keep_all=True, min_face_size=task["min_face"])
    boxes, scores = detector.detect(np.load(task["file"]))
    found = (
        [] if boxes is None else [[*map(float, box), float(score)] for box, score in zip(boxes, scores, strict=True)]
    )
    print(json.dumps(sorted(found, key=lambda face: -face[4])), flush=True)
