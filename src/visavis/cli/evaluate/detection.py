"""evaluate detection: how well faces are found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._evaluation import PhotoFolder, Report, check_report
from visavis.cli._networks import DETECTING, Networks, takes
from visavis.cli._options import Json
from visavis.cli._output import Output, note, short, significant

if TYPE_CHECKING:
    from visavis.evaluate.detection import Band, Curve, DetectionResult, Share
    from visavis.evaluate.detector_answers import Answers

POINTS = 200
"""Points of the curve that are printed."""


@takes(DETECTING)
def detection(
    annotations: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", exists=True, dir_okay=False, help="Faces of photos, as WIDER FACE has them or as a CSV."
        ),
    ],
    *,
    photos: PhotoFolder = None,
    networks: Networks,
    iou: Annotated[
        float, typer.Option("--iou", help="Overlap (intersection over union) from which a face is found.")
    ] = 0.5,
    min_height: Annotated[
        float, typer.Option("--min-height", min=0, metavar="PIXELS", help="Ignore annotated faces less high.")
    ] = 0,
    report: Report = None,
    json: Json = False,
) -> None:
    """Measure how well faces are found.

    Prints average precision, and precision and recall at the detector's own threshold.
    FILE is WIDER FACE's text (a photo, the number of its faces, a line a face), or a CSV headed photo,x1,y1,x2,y2
    and perhaps ignore. To find an ignored face is neither right nor wrong.
    """
    from visavis.evaluate.data.annotations import read_annotations
    from visavis.evaluate.detection import detection_result
    from visavis.evaluate.detector_answers import answers

    check_report(report)
    detector, min_face = networks.detector, networks.min_face
    annotated = read_annotations(annotations, photos, min_height=min_height)
    with Output("", detector, "95 % interval", json=json) as output:
        seen = answers(
            annotated, detector=detector, min_face=min_face, threads=networks.threads, progress=output.progress
        )
        result = detection_result(seen.found, seen.annotated, iou=iou, sensitive=seen.sensitive)
        _say_what_is_missing(seen, detector)
        line = {"data": annotations.name, "detector": detector, "min_face": min_face, "min_height": min_height}
        output.answer({**line, **_line(result, seen)}, *_rows(result))
        if report:
            from visavis.evaluate.report.detection_page import page

            page(result, seen, data=annotations.name, detector=detector).write(report)


def _say_what_is_missing(seen: Answers, detector: str) -> None:
    if seen.unread:
        message = next(iter(seen.unread.values()))
        note(f"{len(seen.unread)} photos cannot be read and are left out, for one: {message}")
    if seen.sensitive is None:
        note(f"{detector} offers no low scores: its curve, and with it average precision, ends at its own threshold.")


def _line(result: DetectionResult, seen: Answers) -> dict[str, object]:
    return {
        "photos": result.photos,
        "unread": len(seen.unread),
        "faces": result.faces,
        "ignored": result.ignored,
        "iou": result.iou,
        "ap": significant(result.average_precision),
        "low_scores": seen.sensitive is not None,
        "right": result.recall.part,
        "wrong": result.wrong,
        "wrong_per_photo": significant(result.wrong_per_photo),
        **_share("precision", result.precision),
        **_share("recall", result.recall),
        "mean_iou": significant(result.mean_overlap),
        "bands": [
            {"from": band.low, "to": band.high, "faces": band.recall.whole, **_share("recall", band.recall)}
            for band in result.bands
        ],
        "curve": _points(result.curve),
    }


def _share(name: str, share: Share) -> dict[str, object]:
    ends = share.interval
    return {name: significant(share.rate), f"{name}_interval": ends and [significant(end, 4) for end in ends]}


def _points(curve: Curve) -> list[list[float | None]]:
    """Score, precision, recall: at most ``POINTS`` of them, the first and the last among these."""
    last = len(curve.scores) - 1
    chosen = sorted({round(n * last / (POINTS - 1)) for n in range(POINTS)}) if last >= 0 else []
    columns = (curve.scores, curve.precision, curve.recall)
    return [[significant(float(column[n])) for column in columns] for n in chosen]


def _rows(result: DetectionResult) -> list[list[str]]:
    return [
        ["photos", f"{result.photos:,}", ""],
        ["faces", f"{result.faces:,}", ""],
        ["  ignored", f"{result.ignored:,}", ""],
        ["average precision", short(result.average_precision), ""],
        ["precision", *_figure(result.precision)],
        ["recall", *_figure(result.recall)],
        *([f"  {_height(band)}", *_figure(band.recall)] for band in result.bands),
        ["false faces a photo", short(result.wrong_per_photo), ""],
        ["mean overlap", short(result.mean_overlap), ""],
    ]


def _figure(share: Share) -> tuple[str, str]:
    ends = share.interval
    counted = f"{short(share.rate)} ({share.part:,} of {share.whole:,})"
    return counted, f"{ends[0]:.4f} to {ends[1]:.4f}" if ends else "-"


def _height(band: Band) -> str:
    if band.high is None:
        return f"{band.low:g} pixels high and more"
    return f"{band.low:g} to {band.high:g} pixels high" if band.low else f"less than {band.high:g} pixels high"
