"""Runs in the "dlib" environment: what dlib makes of drawn chips, a drawn scene and photographs.

python dlib_golden.py synthetic OUT.npz CHIPS_FOLDER
python dlib_golden.py photos OUT.json DATA_FOLDER PHOTO...
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from importlib.metadata import version
from pathlib import Path

import dlib
import face_recognition_models as models
import numpy as np
from PIL import Image, ImageOps

SIZE, PADDING, UPSAMPLE = 150, 0.25, 1
SCENE_RECTS = (  # left, top, right, bottom: on the face, too small, too large, beside it, partly outside
    (145, 95, 235, 185),
    (160, 110, 220, 170),
    (110, 50, 270, 210),
    (20, 20, 99, 99),
    (-30, 150, 69, 249),
    (182, 132, 201, 151),
)

predict = dlib.shape_predictor(models.pose_predictor_five_point_model_location())
network = dlib.face_recognition_model_v1(models.face_recognition_model_location())


def synthetic(out, folder):
    sys.path.insert(0, folder)
    from chips import chips, scene

    drawn, picture = chips(), scene()
    faces = [one_face(picture, dlib.rectangle(*rect)) for rect in SCENE_RECTS]
    np.savez_compressed(
        out,
        made_by=json.dumps(made_by()),
        chips_sha256=digest(drawn),
        single=np.array([network.compute_face_descriptor(chip) for chip in drawn], np.float32),
        batch=np.array(network.compute_face_descriptor(list(drawn)), np.float32),
        scene_sha256=digest(picture),
        scene_rects=np.array(SCENE_RECTS, np.int32),
        scene_points=np.array([face["points"] for face in faces], np.int32),
        scene_chip_rects=np.array([face["chip"]["rect"] for face in faces], np.float64),
        scene_chip_angles=np.array([face["chip"]["angle"] for face in faces], np.float64),
        scene_chips=np.stack([face["pixels"] for face in faces]),
        scene_descriptors=np.array([face["descriptor"] for face in faces], np.float32),
    )


def photos(out, folder, *names):
    table = {name: one_photo(Path(folder) / name) for name in names}
    text = json.dumps({"made_by": made_by(), "photos": table}, indent=1)
    Path(out).write_text(one_line_lists(text) + "\n", encoding="utf-8")


def one_photo(path):
    with Image.open(path) as file:
        picture = np.asarray(ImageOps.exif_transpose(file).convert("RGB"))
    faces = [one_face(picture, rect) for rect in dlib.get_frontal_face_detector()(picture, UPSAMPLE)]
    for face in faces:
        face.pop("pixels")
    return {"size": [picture.shape[1], picture.shape[0]], "pixels_sha256": digest(picture), "faces": faces}


def one_face(picture, rect):
    shape = predict(picture, rect)
    chip = dlib.get_face_chip(picture, shape, size=SIZE, padding=PADDING)
    place = dlib.get_face_chip_details(shape, size=SIZE, padding=PADDING)
    embedding = np.array(network.compute_face_descriptor(chip))
    direct = np.array(network.compute_face_descriptor(picture, shape))
    if np.abs(embedding - direct).max() > 1e-6:
        raise SystemExit("dlib's own chip and its descriptor of the face in the picture disagree")
    return {
        "rect": corners(rect),
        "points": [[point.x, point.y] for point in shape.parts()],
        "chip": {
            "rect": [round(value, 6) for value in corners(place.rect)],
            "angle": round(place.angle, 9),
            "mean": [round(float(value), 4) for value in chip.mean(axis=(0, 1))],
            "sha256": digest(chip),
        },
        "descriptor": [round(float(value), 8) for value in embedding],
        "pixels": chip,
    }


def corners(rect):
    return [rect.left(), rect.top(), rect.right(), rect.bottom()]


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def made_by():
    packages = ("dlib-bin", "face-recognition-models", "numpy", "pillow")
    note = "HOG upsampled once; 5 points; chip of 150, padding .25; no jitter; rect: left, top, right, bottom"
    return {**{name: version(name) for name in packages}, "note": note}


def one_line_lists(text):
    """Put each innermost list of an indented JSON on one line."""
    return re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda found: "[" + " ".join(found[1].split()) + "]", text)


if __name__ == "__main__":
    {"synthetic": synthetic, "photos": photos}[sys.argv[1]](*sys.argv[2:])
