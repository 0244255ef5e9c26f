"""evaluate liveness: measure how often attacks pass at one camera, and how often real faces do not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis import defaults
from visavis.cli._networks import DETECTING, Networks, takes
from visavis.cli._options import Json
from visavis.cli._output import Output, note
from visavis.errors import UsageError
from visavis.printable import significant

if TYPE_CHECKING:
    from visavis.evaluate.liveness import KindResult, LivenessResult
    from visavis.types import RGB

KINDS = ("real", "print", "screen")

Camera = Annotated[str | None, typer.Argument(metavar="[CAMERA]", help="Number or address of a camera to record.")]
From = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="DIR",
        file_okay=False,
        help="Folder with a folder for each kind of attack, and one called real, of photos or videos.",
    ),
]
Recorded = Annotated[
    Path, typer.Option("--out", metavar="DIR", file_okay=False, help="Folder for what CAMERA records.")
]
Kinds = Annotated[
    list[str] | None,
    typer.Option(
        "--kind", metavar="NAME", help="Kind to record; may be given several times.", show_default=" ".join(KINDS)
    ),
]
Tries = Annotated[int, typer.Option("--tries", min=1, metavar="N", help="Recordings of each kind.")]
Seconds = Annotated[float, typer.Option("--seconds", min=1, help="Length of a recording.")]
MinScore = Annotated[float, typer.Option("--threshold", min=0, max=1, help="Score from which a face is real.")]


@takes(DETECTING)
def liveness(  # noqa: PLR0913 - a command's options
    camera: Camera = None,
    *,
    recorded: From = None,
    out: Recorded = Path("liveness"),
    kinds: Kinds = None,
    tries: Tries = 10,
    seconds: Seconds = 3.0,
    threshold: MinScore = defaults.REAL_FROM,
    networks: Networks,
    json: Json = False,
) -> None:
    """Measure liveness against attacks, and on real faces.

    With CAMERA, asks for real faces and for attacks in turn, and records them. Prints the APCER of each kind of attack,
    of which the worst counts, and the BPCER, each with an interval.
    """
    from visavis.evaluate.liveness import PresentationJudge, list_presentations, measure_liveness
    from visavis.liveness import LivenessCheck

    if (camera is None) is (recorded is None):
        raise UsageError("give either a CAMERA to record, or --from DIR with recordings.")
    check = LivenessCheck(threshold=threshold, threads=networks.threads)
    if camera is not None:
        _record(camera, out, kinds or [*KINDS], tries, seconds)
    folder = out if recorded is None else recorded
    listed = list_presentations(folder)
    judge = PresentationJudge(check, networks.recognizer(), min_face=networks.min_face)
    with Output("kind", "error", "95 % interval", "tries", "no answer", json=json) as output:
        result = measure_liveness(output.progress(judge.judge(listed), len(listed)))
        output.answer(_make_line(result, folder, threshold), *_make_rows(result))
    if result.real is None:
        note(f"there are no real faces: put some into {folder}/real, for the rate at which they are refused.")


def _record(camera: str, out: Path, kinds: list[str], tries: int, seconds: float) -> None:
    """Ask for each kind in turn, and record it."""
    from visavis.evaluate.liveness import record_presentation
    from visavis.videos.source import open_source

    def frames() -> Iterator[tuple[float, RGB]]:
        source = open_source(camera)
        try:
            for frame in source:
                yield frame.seconds, frame.pixels
        finally:
            source.close()

    for kind in kinds:
        if Path(kind).name != kind or kind.startswith("."):
            raise UsageError(f"--kind is the name of a folder, got {kind!r}.")
        for number in range(1, tries + 1):
            subject = "Look into the camera" if kind == "real" else f"Hold the attack ({kind}) before the camera"
            typer.prompt(f"{subject}, {number} of {tries}, then press Enter", default="", show_default=False, err=True)
            if not record_presentation(frames, out / kind / f"{number:03}", seconds=seconds):
                raise UsageError(f"{camera} delivered no picture.")


def _make_line(result: LivenessResult, folder: Path, threshold: float) -> dict[str, object]:
    worst = result.worst
    real = result.real
    return {
        "data": str(folder),
        "threshold": threshold,
        "apcer": significant(worst.error) if worst else None,
        "apcer_interval": _ends(worst),
        "worst": worst.kind if worst else None,
        "bpcer": significant(real.error) if real else None,
        "bpcer_interval": _ends(real),
        "bpnrr": significant(real.non_response) if real else None,
        "attacks": [
            {
                "kind": kind.kind,
                "presentations": kind.presentations,
                "answered": kind.answered,
                "wrong": kind.wrong,
                "apcer": significant(kind.error),
                "interval": _ends(kind),
                "apnrr": significant(kind.non_response),
            }
            for kind in result.attacks
        ],
    }


def _ends(kind: KindResult | None) -> list[float | None] | None:
    return None if kind is None or kind.interval is None else [significant(end, 4) for end in kind.interval]


def _make_rows(result: LivenessResult) -> list[list[str]]:
    rows = [_make_row(kind.kind, kind) for kind in result.attacks]
    if result.worst:
        rows.append(_make_row(f"APCER ({result.worst.kind}, the worst)", result.worst))
    return [*rows, _make_row("BPCER (real)", result.real)] if result.real else rows


def _make_row(name: str, kind: KindResult) -> list[str]:
    ends = f"{kind.interval[0]:.3f} to {kind.interval[1]:.3f}" if kind.interval else "-"
    error = f"{kind.error:.3f}" if kind.error is not None else "-"
    return [name, error, ends, str(kind.presentations), str(kind.presentations - kind.answered)]
