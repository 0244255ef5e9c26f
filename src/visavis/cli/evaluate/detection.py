"""evaluate detection: measure a detector on annotated photos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis import defaults
from visavis.cli._evaluation import PhotoFolder, Report, check_report
from visavis.cli._networks import DETECTING, Networks, takes
from visavis.cli._options import Json
from visavis.cli._output import Output, note, short
from visavis.printable import significant

if TYPE_CHECKING:
    from visavis.evaluate.detection import Band, Curve, DetectionResult, Share
    from visavis.evaluate.detector_answers import Answers

POINTS = 200
"""Greatest number of printed points of the curve."""


@takes(DETECTING)
def detection(
    annotations: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Annotated faces, in the format of WIDER FACE or as a CSV.",
        ),
    ],
    *,
    photos: PhotoFolder = None,
    networks: Networks,
    iou: Annotated[
        float, typer.Option("--iou", help="Least overlap (intersection over union) of a detected face.")
    ] = defaults.IOU,
    min_height: Annotated[
        float, typer.Option("--min-height", min=0, metavar="PIXELS", help="Ignore annotated faces of lower height.")
    ] = 0,
    report: Report = None,
    json: Json = False,
) -> None:
    """Measure how well faces are detected.

    Prints average precision, and precision and recall at the detector's own threshold. FILE is the text format of WIDER
    FACE (photo, number of faces, one line per face), or a CSV with the columns photo,x1,y1,x2,y2 and optionally ignore.
    Detecting an ignored face is neither right nor wrong.
    """
    from visavis.evaluate.data.annotations import read_annotations
    from visavis.evaluate.detection import measure_detection
    from visavis.evaluate.detector_answers import collect_answers

    check_report(report)
    detector, min_face = networks.detector, networks.min_face
    annotated = read_annotations(annotations, photos, min_height=min_height)
    with Output("", detector, "95 % interval", json=json) as output:
        detected = collect_answers(
            annotated, detector=detector, min_face=min_face, threads=networks.threads, progress=output.progress
        )
        result = measure_detection(detected.detected, detected.annotated, iou=iou, sensitive=detected.sensitive)
        _note_missing(detected, detector)
        line = {"data": annotations.name, "detector": detector, "min_face": min_face, "min_height": min_height}
        output.answer({**line, **_make_line(result, detected)}, *_make_rows(result))
        if report:
            from visavis.evaluate.report.detection_page import page

            page(result, detected, data=annotations.name, detector=detector).write(report)


def _note_missing(answers: Answers, detector: str) -> None:
    if answers.unread:
        message = next(iter(answers.unread.values()))
        note(f"{len(answers.unread)} photos cannot be read and are left out, for one: {message}")
    if answers.sensitive is None:
        note(f"{detector} offers no low scores: its curve, and with it average precision, ends at its own threshold.")


def _make_line(result: DetectionResult, answers: Answers) -> dict[str, object]:
    return {
        "photos": result.photos,
        "unread": len(answers.unread),
        "faces": result.faces,
        "ignored": result.ignored,
        "iou": result.iou,
        "ap": significant(result.average_precision),
        "low_scores": answers.sensitive is not None,
        "right": result.recall.part,
        "wrong": result.wrong,
        "wrong_per_photo": significant(result.wrong_per_photo),
        **_make_share("precision", result.precision),
        **_make_share("recall", result.recall),
        "mean_iou": significant(result.mean_overlap),
        "bands": [
            {"from": band.low, "to": band.high, "faces": band.recall.whole, **_make_share("recall", band.recall)}
            for band in result.bands
        ],
        "curve": _sample_points(result.curve),
    }


def _make_share(name: str, share: Share) -> dict[str, object]:
    ends = share.interval
    return {name: significant(share.rate), f"{name}_interval": ends and [significant(end, 4) for end in ends]}


def _sample_points(curve: Curve) -> list[list[float | None]]:
    """Return score, precision and recall at no more than ``POINTS`` points, with the first and the last."""
    last = len(curve.scores) - 1
    selected = sorted({round(n * last / (POINTS - 1)) for n in range(POINTS)}) if last >= 0 else []
    columns = (curve.scores, curve.precision, curve.recall)
    return [[significant(float(column[n])) for column in columns] for n in selected]


def _make_rows(result: DetectionResult) -> list[list[str]]:
    return [
        ["photos", f"{result.photos:,}", ""],
        ["faces", f"{result.faces:,}", ""],
        ["  ignored", f"{result.ignored:,}", ""],
        ["average precision", short(result.average_precision), ""],
        ["precision", *_format_share(result.precision)],
        ["recall", *_format_share(result.recall)],
        *([f"  {_format_height(band)}", *_format_share(band.recall)] for band in result.bands),
        ["false faces a photo", short(result.wrong_per_photo), ""],
        ["mean overlap", short(result.mean_overlap), ""],
    ]


def _format_share(share: Share) -> tuple[str, str]:
    ends = share.interval
    rate = f"{short(share.rate)} ({share.part:,} of {share.whole:,})"
    return rate, f"{ends[0]:.4f} to {ends[1]:.4f}" if ends else "-"


def _format_height(band: Band) -> str:
    if band.high is None:
        return f"{band.low:g} pixels high and more"
    return f"{band.low:g} to {band.high:g} pixels high" if band.low else f"less than {band.high:g} pixels high"
