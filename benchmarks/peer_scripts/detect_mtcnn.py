"""The package mtcnn (TensorFlow), its own thresholds."""

from __future__ import annotations

import tensorflow as tf
from mtcnn import MTCNN
from protocol import serve, versions

from pictures import cases


def load(settings):
    """Load the networks."""
    tf.config.threading.set_intra_op_parallelism_threads(settings["threads"])
    tf.config.threading.set_inter_op_parallelism_threads(settings["threads"])
    detector = MTCNN(device="CPU:0")
    sizes = {"min_face_size": settings["min_face"]}

    def one(picture):
        return len(detector.detect_faces(picture, **sizes))

    def batch(pictures):
        return [len(faces) for faces in detector.detect_faces(pictures, **sizes)]

    return cases(settings, one, batch), {
        **versions("mtcnn", "tensorflow-cpu", "numpy"),
        "threads": settings["threads"],
    }


serve(load)
