"""Our MTCNN."""

from __future__ import annotations

from protocol import serve, versions

from pictures import cases
from visavis.detectors import DETECTORS


def load(settings):
    """Load the networks."""
    detector = DETECTORS.create("mtcnn", threads=settings["threads"])

    def batch(pictures):
        return [len(faces) for faces in detector.detect(pictures, min_face=settings["min_face"])]

    return cases(settings, lambda picture: batch([picture])[0], batch), versions("visavis", "onnxruntime", "numpy")


serve(load)
