"""Our embedder with dlib's weights: both views of each chip, as by default, and one alone."""

from __future__ import annotations

from functools import partial

import numpy as np
from protocol import serve, versions

from visavis.embedders import EMBEDDERS


def load(settings):
    """Load the network and the chips ``(n, 150, 150, 3)``."""
    embedder = EMBEDDERS.create("dlib-resnet", threads=settings["threads"], views=settings["views"])
    chips = np.load(settings["chips"])
    cases = {f"batch of {n}": partial(_one, embedder, chips[:n]) for n in settings["sizes"]}
    return cases, versions("visavis", "onnxruntime", "numpy")


def _one(embedder, chips):
    return [round(float(part), 6) for part in embedder.embed(chips)[0, :3]]


serve(load)
