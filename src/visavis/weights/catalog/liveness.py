"""Rows of the networks that tell a real face from a photo or a screen: Minivision's Silent-Face-Anti-Spoofing."""

from __future__ import annotations

from visavis.weights.row import WeightSpec

_MINIVISION = "https://github.com/minivision-ai/Silent-Face-Anti-Spoofing/raw/master/resources/anti_spoof_models/"


def _minifasnet_row(name: str, *, file: str, scale: float, sha256: str, size: int, parameters: int) -> WeightSpec:
    return WeightSpec(
        name=name,
        file=file,
        task="liveness",
        url=f"{_MINIVISION}{file}",
        sha256=sha256,
        size=size,
        license="Apache-2.0",
        trained_on="not said",
        input_size=80,
        mean=(0.0, 0.0, 0.0),
        scale=1.0,
        geometry=f"the box {scale:g} times as large, shifted into the picture, stretched to the square",
        output="3 classes, the second is a real face",
        channels="BGR",
        parameters=parameters,
    )


MINIFASNET_V2 = _minifasnet_row(
    "minifasnet-v2",
    file="2.7_80x80_MiniFASNetV2.pth",
    scale=2.7,
    sha256="a5eb02e1843f19b5386b953cc4c9f011c3f985d0ee2bb9819eea9a142099bec0",
    size=1_849_453,
    parameters=444_928,
)
MINIFASNET_V1SE = _minifasnet_row(
    "minifasnet-v1se",
    file="4_0_0_80x80_MiniFASNetV1SE.pth",
    scale=4.0,
    sha256="84ee1d37d96894d5e82de5a57df044ef80a58be2b218b5ed7cdfd875ec2f5990",
    size=1_856_130,
    parameters=444_554,
)

ROWS = (MINIFASNET_V2, MINIFASNET_V1SE)
