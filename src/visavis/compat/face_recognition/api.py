"""The functions of ``face_recognition`` 1.3, with its argument names, orders and types.

Encodings are dlib's own: the same network on chips cut at the points that dlib's own predictor finds, as they leave
the network, so that distances of .6 keep their meaning. Boxes are this package's detector's, brought to where
dlib's would lie. What the names with a leading underscore give is theirs too: their own tests call them.
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
"""Side in pixels of the smallest face that dlib's detectors see where the picture is not upsampled; as a setting of
our detector it lets through faces of about half of that, too."""
SMALLEST = 10

IN_BOX = np.array([(0.336, 0.311), (0.741, 0.301), (0.540, 0.541), (0.363, 0.744), (0.723, 0.736)])
"""Where the five landmarks lie in the boxes of dlib's frontal face detector: medians of 120 photos, most of LFW's
training people."""

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
"""Names of the 68 points: left and right as seen in the picture."""
PARTS_SMALL = {"nose_tip": (4,), "left_eye": (2, 3), "right_eye": (0, 1)}


@cache
def _detector() -> Detector:
    return DETECTORS.create("mtcnn")


@cache
def _encoder() -> Trained:
    return cast(Trained, embedders.create("dlib-resnet"))


# ---------------------------------------------------------------------------------------------------- pictures


def load_image_file(file: Any, mode: str | None = "RGB") -> NDArray[np.uint8]:
    """Picture as an array ``(h, w, 3)``, or ``(h, w)`` for mode "L"; turned upright as EXIF says, unlike theirs.

    A JPEG that is cut off is loaded as theirs loads it, gray where it ends, with a warning. Raises FileNotFoundError,
    and PIL.UnidentifiedImageError for what is no picture.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        pixels = _read(file)
    except UnreadableImageError as error:
        raise UnidentifiedImageError(str(error)) from error
    return np.array(pixels if mode in {None, "RGB"} else Image.fromarray(pixels).convert(mode))


def _read(file: Any) -> RGB:
    try:
        return images.read(file).pixels
    except UnreadableImageError as error:
        data = b"" if isinstance(file, np.ndarray) else images.encoded(file)
        if not data.startswith(b"\xff\xd8\xff") or data.find(END, data.find(b"\xff\xda")) >= 0:
            raise
        try:
            pixels = images.read(data + END).pixels  # what Pillow does where it loads truncated pictures
        except UnreadableImageError:
            raise error from None
        note(f"{error} What there is of it was loaded.")
        return pixels


def _pixels(picture: Any) -> RGB:
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
    """Boxes ``(top, right, bottom, left)`` of faces, best first, trimmed to the picture.

    Faces of 80 pixels and more are found, and most of 40; half as large with each upsampling. ``model`` chooses
    nothing.
    """
    picture = _pixels(img)
    return [_trimmed(_css(face), picture) for face in _found([picture], number_of_times_to_upsample, model)[0]]


def batch_face_locations(
    images: Sequence[Any], number_of_times_to_upsample: int = 1, batch_size: int = 128
) -> list[list[Css]]:
    """Boxes of each of many pictures, which may differ in size; memory is bounded whatever ``batch_size`` is."""
    pictures = [_pixels(img) for img in images]
    found = _found(pictures, number_of_times_to_upsample, "hog")
    return [[_trimmed(_css(face), picture) for face in faces] for picture, faces in zip(pictures, found, strict=True)]


def _raw_face_locations(
    img: Any, number_of_times_to_upsample: int = 1, model: str = "hog"
) -> list[Rectangle] | list[Detection]:
    (faces,) = _found([_pixels(img)], number_of_times_to_upsample, model)
    return _detections(faces) if model == "cnn" else [Rectangle(_css(face)) for face in faces]


def _raw_face_locations_batched(
    images: Sequence[Any], number_of_times_to_upsample: int = 1, batch_size: int = 128
) -> list[list[Detection]]:
    found = _found([_pixels(img) for img in images], number_of_times_to_upsample, "hog")
    return [_detections(faces) for faces in found]


def _detections(faces: Sequence[Face]) -> list[Detection]:
    return [Detection(Rectangle(_css(face)), face.score) for face in faces]


def _found(pictures: Sequence[RGB], upsample: int, model: str) -> list[list[Face]]:
    if model == "cnn":
        note("model='cnn' changes nothing here: one detector, mtcnn, does the work of both.")
    return _detector().detect(pictures, min_face=max(MIN_FACE / 2**upsample, SMALLEST))


def _css(face: Face) -> Css:
    """Box of dlib's kind: a square that its mean face fills as the landmarks do, by least squares."""
    middle, center = face.landmarks.mean(axis=0), IN_BOX.mean(axis=0)
    offsets = IN_BOX - center
    side = float((offsets * (face.landmarks - middle)).sum() / (offsets**2).sum())
    side = max(side, face.width / 2)  # of faces from the side, whose landmarks lie close together
    left, top = middle - side * center
    return round(top), round(left + side), round(top + side), round(left)


def _trimmed(css: Css, picture: RGB) -> Css:
    height, width = picture.shape[:2]
    return max(css[0], 0), min(css[1], width), min(css[2], height), max(css[3], 0)


# --------------------------------------------------------------------------------------------------- landmarks


def face_landmarks(
    face_image: Any, face_locations: Sequence[Css] | None = None, model: str = "large"
) -> list[dict[str, Points]]:
    """Points of each face by the names of its parts: nine of 68 points ("large"), three of five ("small")."""
    if model not in {"large", "small"}:
        raise ValueError("Invalid landmarks model type. Supported models are ['small', 'large'].")
    names = PARTS if model == "large" else PARTS_SMALL
    found = [[(x, y) for x, y in one.points.tolist()] for one in _raw_face_landmarks(face_image, face_locations, model)]
    return [{name: [points[i] for i in numbers] for name, numbers in names.items()} for points in found]


def _raw_face_landmarks(
    face_image: Any, face_locations: Sequence[Css] | None = None, model: str = "large"
) -> list[Landmarks]:
    picture = _pixels(face_image)
    if face_locations is None:
        face_locations = [_css(face) for face in _found([picture], 1, "hog")[0]]
    rectangles = [Rectangle((int(a), int(b), int(c), int(d))) for a, b, c, d in face_locations]
    points = _points(picture, rectangles, model)
    return [Landmarks(rectangle, one) for rectangle, one in zip(rectangles, points, strict=True)]


def _predictor(model: str) -> landmarks.Predictor:
    """Load the predictor of 68 points ("large") or of 5 ("small"); a license that forbids some uses is asked for."""
    points = 68 if model == "large" else 5
    try:
        store.consent(landmarks.SPECS[points])
    except WeightsError as error:
        free = "or find 5 points, free for every use: model='small'"
        raise WeightsError(f"{str(error).removesuffix('.')}; {free}.") from error
    return landmarks.predictor(points=points)


def _points(picture: RGB, rectangles: Sequence[Rectangle], model: str) -> NDArray[np.int64]:
    """Points ``(n, k, 2)`` by dlib's predictors, in whole pixels as dlib gives them."""
    boxes = np.array([(r.left(), r.top(), r.right(), r.bottom()) for r in rectangles], np.float32).reshape(-1, 4)
    points = _predictor(model).predict(picture, boxes)
    whole: NDArray[np.int64] = np.floor(points + 0.5).astype(np.int64)
    return whole


# --------------------------------------------------------------------------------------------------- encodings


def face_encodings(
    face_image: Any,
    known_face_locations: Sequence[Css] | None = None,
    num_jitters: int = 1,
    model: str = "small",
) -> list[Encoding]:
    """128 figures a face, as they leave dlib's network: not of unit length.

    ``num_jitters`` above 1 takes the mean over so many slightly different crops, the same ones each time.
    """
    picture = _pixels(face_image)
    with store.all_missing(partial(_predictor, model), _encoder):
        found = _raw_face_landmarks(picture, known_face_locations, model)
    crops = _chips.chips(picture, np.array([one.points for one in found]))
    if num_jitters <= 1:
        return list(_encoder().raw(crops).astype(np.float64))
    return [_mean(_encoder().raw(_chips.jittered(crop, count=num_jitters))) for crop in crops]


def _mean(embeddings: Floats) -> Encoding:
    mean: Encoding = embeddings.mean(axis=0, dtype=np.float64)
    return mean


def face_distance(face_encodings: Any, face_to_compare: Any) -> Encoding:
    """Euclidean distance of each encoding to one; an empty array of none."""
    if len(face_encodings) == 0:
        return np.empty(0)
    distances: Encoding = np.linalg.norm(np.asarray(face_encodings) - np.asarray(face_to_compare), axis=1)
    return distances


def compare_faces(known_face_encodings: Any, face_encoding_to_check: Any, tolerance: float = 0.6) -> list[Any]:
    """Whether each known encoding lies within ``tolerance`` of one."""
    return list(face_distance(known_face_encodings, face_encoding_to_check) <= tolerance)
