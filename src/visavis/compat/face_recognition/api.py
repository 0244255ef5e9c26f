"""The functions of ``face_recognition`` 1.3, with its argument names, orders and types.

Encodings equal those of dlib: the same network on crops from the points of dlib's predictor, not scaled to unit length,
so that a distance of .6 keeps its meaning. Boxes come from a detector of this package and are adjusted to those of
dlib. The ``_raw`` functions also return the types of the original, since its tests call them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from visavis import embedders, images, landmarks
from visavis.compat import note
from visavis.compat.face_recognition import _chips
from visavis.compat.face_recognition._dlib import Css, Detection, Landmarks, Rectangle
from visavis.detectors import DETECTORS, Detector
from visavis.embedders.trained import Trained
from visavis.errors import UnreadableImageError, UsageError, WeightsError
from visavis.types import RGB, Face, Floats
from visavis.weights import store

END = b"\xff\xd9"
"""The end marker of a JPEG."""

Encoding: TypeAlias = NDArray[np.float64]
Points: TypeAlias = list[tuple[int, int]]

MIN_FACE = 80
"""Side in pixels of the smallest face that dlib's detectors find without upsampling; with this setting our detector
also finds faces of about half that side."""
SMALLEST = 10

IN_BOX = np.array([(0.336, 0.311), (0.741, 0.301), (0.540, 0.541), (0.363, 0.744), (0.723, 0.736)])
"""Places of the five landmarks in the boxes of dlib's frontal face detector: medians of 120 photos, most of them of
people of LFW's training set."""

LIPS = {"top_lip": (*range(48, 55), 64, 63, 62, 61, 60), "bottom_lip": (*range(54, 60), 48, 60, 67, 66, 65, 64)}
PARTS = {
    "chin": range(17),
    "left_eyebrow": range(17, 22),
    "right_eyebrow": range(22, 27),
    "nose_bridge": range(27, 31),
    "nose_tip": range(31, 36),
    "left_eye": range(36, 42),
    "right_eye": range(42, 48),
    **LIPS,
}
"""The 68 points by part of the face; left and right are those of the picture."""
PARTS_SMALL = {"nose_tip": (4,), "left_eye": (2, 3), "right_eye": (0, 1)}


@cache
def _load_detector() -> Detector:
    return DETECTORS.create("mtcnn")


@cache
def _load_encoder() -> Trained:
    return cast(Trained, embedders.create("dlib-resnet"))


# ---------------------------------------------------------------------------------------------------- pictures


def load_image_file(file: Any, mode: str | None = "RGB") -> NDArray[np.uint8]:
    """Return a picture as an array ``(h, w, 3)``, or ``(h, w)`` for mode "L"; upright by EXIF, unlike the original.

    A truncated JPEG is loaded like in the original, gray where data is missing, with a warning. Raises
    FileNotFoundError, and PIL.UnidentifiedImageError for a file that is not a picture.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        pixels = _read_pixels(file)
    except UnreadableImageError as error:
        raise UnidentifiedImageError(str(error)) from error
    return np.array(pixels if mode in {None, "RGB"} else Image.fromarray(pixels).convert(mode))


def _read_pixels(file: Any) -> RGB:
    try:
        return images.read(file).pixels
    except UnreadableImageError as error:
        data = b"" if isinstance(file, np.ndarray) else images.encoded(file)
        if not data.startswith(b"\xff\xd8\xff") or data.find(END, data.find(b"\xff\xda")) >= 0:
            raise
        try:
            pixels = images.read(data + END).pixels  # like Pillow when it loads truncated pictures
        except UnreadableImageError:
            raise error from None
        note(f"{error} What there is of it was loaded.")
        return pixels


def _to_rgb(picture: Any) -> RGB:
    array = np.asarray(picture)
    if array.dtype != np.uint8 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in {3, 4})):
        raise UsageError(
            f"Unsupported image type, must be 8bit gray or RGB image: got {array.dtype} of shape {array.shape}."
        )
    if array.ndim == 2:
        array = np.repeat(array[..., None], 3, axis=2)
    return np.ascontiguousarray(array[..., :3])


# ------------------------------------------------------------------------------------------------------- boxes


def face_locations(img: Any, number_of_times_to_upsample: int = 1, model: str = "hog") -> list[Css]:
    """Return boxes ``(top, right, bottom, left)`` of faces, best first, trimmed to the picture.

    Faces of 80 pixels and more are found, and most of 40; each upsampling halves these limits. ``model`` has no effect.
    """
    picture = _to_rgb(img)
    return [_trim(_to_css(face), picture) for face in _detect([picture], number_of_times_to_upsample, model)[0]]


def batch_face_locations(
    images: Sequence[Any], number_of_times_to_upsample: int = 1, batch_size: int = 128
) -> list[list[Css]]:
    """Return the boxes of each picture; sizes may differ, and memory is bounded for any ``batch_size``."""
    pictures = [_to_rgb(img) for img in images]
    detected = _detect(pictures, number_of_times_to_upsample, "hog")
    return [
        [_trim(_to_css(face), picture) for face in faces] for picture, faces in zip(pictures, detected, strict=True)
    ]


def _raw_face_locations(
    img: Any, number_of_times_to_upsample: int = 1, model: str = "hog"
) -> list[Rectangle] | list[Detection]:
    (faces,) = _detect([_to_rgb(img)], number_of_times_to_upsample, model)
    return _to_detections(faces) if model == "cnn" else [Rectangle(_to_css(face)) for face in faces]


def _raw_face_locations_batched(
    images: Sequence[Any], number_of_times_to_upsample: int = 1, batch_size: int = 128
) -> list[list[Detection]]:
    detected = _detect([_to_rgb(img) for img in images], number_of_times_to_upsample, "hog")
    return [_to_detections(faces) for faces in detected]


def _to_detections(faces: Sequence[Face]) -> list[Detection]:
    return [Detection(Rectangle(_to_css(face)), face.score) for face in faces]


def _detect(pictures: Sequence[RGB], upsample: int, model: str) -> list[list[Face]]:
    if model == "cnn":
        note("model='cnn' changes nothing here: one detector, mtcnn, does the work of both.")
    return _load_detector().detect(pictures, min_face=max(MIN_FACE / 2**upsample, SMALLEST))


def _to_css(face: Face) -> Css:
    """Return the box that dlib would give: the square with the mean landmarks that fit the face, by least squares."""
    middle, center = face.landmarks.mean(axis=0), IN_BOX.mean(axis=0)
    offsets = IN_BOX - center
    side = float((offsets * (face.landmarks - middle)).sum() / (offsets**2).sum())
    side = max(side, face.width / 2)  # for profiles, which have landmarks close together
    left, top = middle - side * center
    return round(top), round(left + side), round(top + side), round(left)


def _trim(css: Css, picture: RGB) -> Css:
    height, width = picture.shape[:2]
    return max(css[0], 0), min(css[1], width), min(css[2], height), max(css[3], 0)


# --------------------------------------------------------------------------------------------------- landmarks


def face_landmarks(
    face_image: Any, face_locations: Sequence[Css] | None = None, model: str = "large"
) -> list[dict[str, Points]]:
    """Return the points of each face by part: nine parts of 68 points ("large"), three of five points ("small")."""
    if model not in {"large", "small"}:
        raise ValueError("Invalid landmarks model type. Supported models are ['small', 'large'].")
    names = PARTS if model == "large" else PARTS_SMALL
    point_lists = [
        [(x, y) for x, y in face.points.tolist()] for face in _raw_face_landmarks(face_image, face_locations, model)
    ]
    return [{name: [points[i] for i in numbers] for name, numbers in names.items()} for points in point_lists]


def _raw_face_landmarks(
    face_image: Any, face_locations: Sequence[Css] | None = None, model: str = "large"
) -> list[Landmarks]:
    picture = _to_rgb(face_image)
    if face_locations is None:
        face_locations = [_to_css(face) for face in _detect([picture], 1, "hog")[0]]
    rectangles = [Rectangle((int(a), int(b), int(c), int(d))) for a, b, c, d in face_locations]
    points = _predict_points(picture, rectangles, model)
    return [Landmarks(rectangle, face_points) for rectangle, face_points in zip(rectangles, points, strict=True)]


def _load_predictor(model: str) -> landmarks.Predictor:
    """Load the predictor of 68 points ("large") or 5 ("small"); the user must accept a license with limited uses."""
    points = 68 if model == "large" else 5
    try:
        store.consent(landmarks.SPECS[points])
    except WeightsError as error:
        advice = "or find 5 points, free for every use: model='small'"
        raise WeightsError(f"{str(error).removesuffix('.')}; {advice}.") from error
    return landmarks.load_predictor(points=points)


def _predict_points(picture: RGB, rectangles: Sequence[Rectangle], model: str) -> NDArray[np.int64]:
    """Return points ``(n, k, 2)`` of dlib's predictors, in whole pixels like dlib."""
    boxes = np.array([(r.left(), r.top(), r.right(), r.bottom()) for r in rectangles], np.float32).reshape(-1, 4)
    points = _load_predictor(model).predict(picture, boxes)
    rounded: NDArray[np.int64] = np.floor(points + 0.5).astype(np.int64)
    return rounded


# --------------------------------------------------------------------------------------------------- encodings


def face_encodings(
    face_image: Any,
    known_face_locations: Sequence[Css] | None = None,
    num_jitters: int = 1,
    model: str = "small",
) -> list[Encoding]:
    """Return 128 numbers per face, the output of dlib's network, not scaled to unit length.

    ``num_jitters`` above 1 averages over that many slightly different crops, the same at each call.
    """
    picture = _to_rgb(face_image)
    with store.all_missing(partial(_load_predictor, model), _load_encoder):
        shapes = _raw_face_landmarks(picture, known_face_locations, model)
    crops = _chips.cut_chips(picture, np.array([shape.points for shape in shapes]))
    if num_jitters <= 1:
        return list(_load_encoder().raw(crops).astype(np.float64))
    return [_average(_load_encoder().raw(_chips.jitter(crop, count=num_jitters))) for crop in crops]


def _average(embeddings: Floats) -> Encoding:
    mean: Encoding = embeddings.mean(axis=0, dtype=np.float64)
    return mean


def face_distance(face_encodings: Any, face_to_compare: Any) -> Encoding:
    """Return the Euclidean distance of each encoding to ``face_to_compare``; an empty array for no encodings."""
    if len(face_encodings) == 0:
        return np.empty(0)
    distances: Encoding = np.linalg.norm(np.asarray(face_encodings) - np.asarray(face_to_compare), axis=1)
    return distances


def compare_faces(known_face_encodings: Any, face_encoding_to_check: Any, tolerance: float = 0.6) -> list[Any]:
    """Return whether each known encoding is within ``tolerance`` of ``face_encoding_to_check``."""
    return list(face_distance(known_face_encodings, face_encoding_to_check) <= tolerance)
