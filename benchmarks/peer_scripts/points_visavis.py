"""Our points of all faces of a picture at once."""

from __future__ import annotations

from functools import partial

import numpy as np
from protocol import serve, versions

from visavis.landmarks import load_predictor


def load(settings):
    """Load both predictors and the picture; a case is a number of points and boxes."""
    picture = np.load(settings["picture"])
    cases = {}
    for name, (points, boxes) in settings["cases"].items():
        cases[name] = partial(_points, load_predictor(points=points), picture, np.array(boxes, np.float32))
    return cases, versions("visavis", "numpy")


def _points(model, picture, boxes):
    return np.floor(model.predict(picture, boxes)[-1, 0] + 0.5).tolist()


serve(load)
