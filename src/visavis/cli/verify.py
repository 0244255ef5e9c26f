"""verify: whether two photos are of one person."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._options import (
    DETECTOR,
    MODEL,
    DetectorName,
    Json,
    Metric,
    MinFace,
    ModelName,
    PrecisionName,
    Threads,
    Views,
    model_id,
)
from visavis.cli._output import Output, note, percent, significant, write
from visavis.errors import UsageError

if TYPE_CHECKING:
    from visavis.types import Verification

FAR = 1e-3


def verify(  # noqa: PLR0913 - a command's options
    a: Annotated[str, typer.Argument(metavar="A", help="A photo; - is standard input.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another photo.")],
    *,
    model: ModelName = MODEL,
    views: Views = None,
    precision: PrecisionName = None,
    far: Annotated[
        float | None,
        typer.Option("--far", help="Rate at which strangers may be taken for one person.", show_default=str(FAR)),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option("--threshold", help="Greatest distance of one person, in place of --far.")
    ] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(
            "--calibration",
            metavar="FILE",
            help="A table that visavis calibrate wrote.",
            show_default="the model's own",
        ),
    ] = None,
    metric: Annotated[Metric, typer.Option("--metric", help="Unit of distance and threshold.")] = Metric.cosine,
    detector: DetectorName = DETECTOR,
    min_face: MinFace = 20,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Say whether two photos show the same person.

    The largest face of each is looked at. Exits 0 if they are of one person, 1 if not.
    """
    if far is not None and threshold is not None:
        raise UsageError("--far and --threshold exclude each other: a threshold stands for its own FAR.")
    if a == b == "-":
        raise UsageError("standard input can be read only once: give - for one photo.")
    from visavis.compare import read_calibration
    from visavis.pipeline import Recognizer

    wanted = model_id(model, views=views, precision=precision)
    answer = Recognizer(detector=detector, embedder=wanted, threads=threads).verify(
        a,
        b,
        far=FAR if far is None else far,
        threshold=threshold,
        metric=metric.value,
        min_face=min_face,
        calibration=None if calibration is None else read_calibration(calibration),
    )
    for text in answer.notes:
        note(text)
    if json:
        with Output(json=True) as output:
            output.answer(_line(answer))
    else:
        write(_sentences(answer))
    raise typer.Exit(0 if answer.same else 1)


def _line(answer: Verification) -> dict[str, object]:
    line: dict[str, object] = {
        "same": answer.same,
        "distance": significant(answer.distance),
        "metric": answer.metric,
        "threshold": significant(answer.threshold),
        "far": significant(answer.far),
        "probability": significant(answer.probability),
        "model": answer.model,
        "detector": answer.detector,
        "faces_a": answer.faces_a,
        "faces_b": answer.faces_b,
    }
    return {**line, "notes": list(answer.notes)} if answer.notes else line


def _sentences(answer: Verification) -> str:
    verdict, sign = ("the same person", "<=") if answer.same else ("different people", ">")
    rate = "uncalibrated" if answer.far is None else f"strangers pass at a rate of {answer.far:.3g}"
    odds = percent(answer.probability)
    likely = "" if answer.probability is None else f"\nprobability of one person, at even odds: {odds}"
    return (
        f"{verdict}\n"
        f"{answer.metric} distance {answer.distance:.4f} {sign} threshold {answer.threshold:.4f} ({rate})"
        f"{likely}\n"
        f"model {answer.model}, detector {answer.detector}\n"
    )
