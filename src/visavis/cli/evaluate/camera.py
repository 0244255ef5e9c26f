"""evaluate camera: measure what a camera gives to recognition, and how far it reaches."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._networks import DETECTING, Networks, takes
from visavis.cli._options import Json
from visavis.cli._output import Output, note, short
from visavis.printable import significant

if TYPE_CHECKING:
    from visavis.evaluate.camera import CameraResult

CameraOrFile = Annotated[str, typer.Argument(metavar="CAMERA|FILE", help="Number or address of a camera, or a video.")]
Seconds = Annotated[float, typer.Option("--seconds", min=0.1, help="How long to look.")]
Distance = Annotated[
    float | None,
    typer.Option("--distance", min=0.05, metavar="METERS", help="How far from the camera the person stands."),
]
Angle = Annotated[
    float | None,
    typer.Option(
        "--angle",
        min=1,
        max=179,
        metavar="DEGREES",
        help="Horizontal angle of the camera, where no --distance is given.",
        show_default="65",
    ),
]

DARK = 0.8
"""Exposure below which the light is bad."""


@takes(DETECTING)
def camera(
    source: CameraOrFile,
    *,
    seconds: Seconds = 10.0,
    distance: Distance = None,
    angle: Angle = None,
    networks: Networks,
    json: Json = False,
) -> None:
    """Measure how well a camera shows faces.

    Stand before it. Prints the size of the face, blur, light, frames per second, and up to how many meters a face is
    identified. Exits 1 if there is no face.
    """
    from visavis.evaluate.camera import examine_camera
    from visavis.videos.source import open_source

    frames = open_source(source)
    result = examine_camera(
        frames,
        networks.recognizer(),
        seconds=seconds,
        distance=distance,
        angle=angle,
        min_face=networks.min_face,
    )
    with Output("", "", json=json) as output:
        output.answer({"camera": frames.name, **_make_line(result)}, *_make_rows(result))
    _note_faults(result)
    raise typer.Exit(0 if result.faces else 1)


def _make_line(result: CameraResult) -> dict[str, object]:
    line: dict[str, object] = {}
    for key, value in asdict(result).items():
        ends = isinstance(value, tuple)
        line[key] = (
            [significant(end) for end in value] if ends else significant(value) if isinstance(value, float) else value
        )
    return line


def _make_rows(result: CameraResult) -> list[list[str]]:
    rows = [
        ["picture", f"{result.width} x {result.height}"],
        ["frames per second", short(result.rate, ".1f")],
        ["frames with a face", f"{result.faces} of {result.examined}"],
    ]
    if result.eyes is None or result.eyes_range is None:
        return rows
    return [
        *rows,
        ["pixels between the eyes", f"{result.eyes:.0f} ({result.eyes_range[0]:.0f} to {result.eyes_range[1]:.0f})"],
        ["resolution left by blur", short(result.resolution, ".0%")],
        ["brightness of the face", short(result.brightness, ".0%")],
        ["quality", short(result.quality, ".2f")],
        ["distance", _format_meters(result.distance)],
        ["identifies up to", _format_meters(result.reach)],
    ]


def _format_meters(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} m"


def _note_faults(result: CameraResult) -> None:
    if not result.faces:
        note("no face was found: stand before the camera, or try a smaller --min-face.")
        return
    if result.angle is not None:
        note(
            f"distances are for a camera of {result.angle:g} degrees: for exact ones, stand at a measured distance and "
            "give --distance METERS."
        )
    if result.exposure is not None and result.exposure < DARK:
        note("the light is bad: the face is too dark, too bright or without contrast.")
