"""One of our detectors, by its name."""

from __future__ import annotations

from protocol import serve, versions

from pictures import cases
from visavis.detectors import DETECTORS


def load(settings):
    """Load the network; what is found in a batch is counted."""
    detector = DETECTORS.create(settings["detector"], threads=settings["threads"])

    def batch(pictures):
        return [len(faces) for faces in detector.detect(pictures, min_face=settings["min_face"])]

    return cases(settings, lambda picture: batch([picture])[0], batch), versions("visavis", "onnxruntime", "numpy")


serve(load)
