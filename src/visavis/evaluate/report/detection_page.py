"""Page of a detection: rates, recall by height of the face, and the photos with most mistakes."""

from __future__ import annotations

import numpy as np

from visavis.evaluate.detection import Band, DetectionResult, mistakes
from visavis.evaluate.detector_answers import Answers
from visavis.evaluate.report import svg
from visavis.evaluate.report._rendering import without_common_folder
from visavis.evaluate.report.page import Cell, Figure, Page, Section, Table, percent

LISTED = 30
"""Most photos in the list, the most mistakes first."""

CURVE = "Precision over recall, from the surest face to the least sure. The dot is the detector's own threshold."

WORDS = {
    "Overlap (IoU)": "Intersection of a found and an annotated box over their union. From the threshold on the "
    "face is found.",
    "Precision, recall": "Share of the found faces that are right; share of the annotated faces that are found.",
    "Average precision": "Area under the envelope of precision over recall, from the surest face on.",
    "Ignored": "An annotated face that is neither right nor wrong to find.",
    "95 % interval": "Where the figure would lie, 19 times in 20; faces of one photo are taken for independent.",
}


def page(result: DetectionResult, answers: Answers, *, data: str, detector: str) -> Page:
    """Return the page of one detector on one set of photos."""
    worst = _list_worst(answers, result.iou)
    return Page(
        f"Detection on {data}",
        f"Which faces are found? Detector {detector}, overlap from {result.iou:g};",
        [
            Section(
                "Summary", tables=[Table(_make_summary(result, answers), ["", "Figure, 95 % interval", "Counted"])]
            ),
            Section(
                "Precision and recall",
                _note_scores(answers, detector),
                [Figure(_draw_curve(result), CURVE)],
                [_make_bands(result)],
            ),
            Section(
                "Photos with most mistakes",
                f"{len(worst):,} of {result.photos:,} photos have a mistake. Before blaming the detector, look whether "
                "the annotation is right.",
                tables=[Table(worst[:LISTED], ["Photo", "Faces", "Missed", "False"])] if worst else [],
            ),
        ],
        WORDS,
    )


def _make_summary(result: DetectionResult, answers: Answers) -> list[list[Cell]]:
    precision, recall = result.precision, result.recall
    overlap = "–" if result.mean_overlap is None else f"{result.mean_overlap:.3f}"
    return [
        ["Photos", f"{result.photos:,}", f"{len(answers.unread):,} more cannot be read" if answers.unread else ""],
        ["Faces", f"{result.faces:,}", f"{result.ignored:,} more ignored" if result.ignored else ""],
        ["Average precision", f"{result.average_precision:.4f}", ""],
        ["Precision", percent(precision.rate, precision.interval), f"{precision.part:,} of {precision.whole:,}"],
        ["Recall", percent(recall.rate, recall.interval), f"{recall.part:,} of {recall.whole:,}"],
        ["False faces a photo", f"{result.wrong_per_photo:.4f}", f"{result.wrong:,}"],
        ["Mean overlap", overlap, ""],
    ]


def _note_scores(answers: Answers, detector: str) -> str:
    return (
        ""
        if answers.sensitive is not None
        else f"{detector} offers no low scores: its curve ends at its own threshold."
    )


def _make_bands(result: DetectionResult) -> Table:
    heads = ["Height of the face", "Recall, 95 % interval", "Found"]
    return Table([_make_band_row(band) for band in result.bands], heads)


def _make_band_row(band: Band) -> list[Cell]:
    pixels = f"{band.low:g} pixels and more" if band.high is None else f"{band.low:g} to {band.high:g} pixels"
    return [pixels, percent(band.recall.rate, band.recall.interval), f"{band.recall.part:,} of {band.recall.whole:,}"]


def _draw_curve(result: DetectionResult) -> str:
    curve = result.curve
    lowest = 10.0 * np.floor(10 * min(float(curve.precision.min(initial=1.0)), 0.9))
    frame = svg.PlotFrame(svg.linear("Recall, %", 0.0, 100.0), svg.linear("Precision, %", float(lowest), 100.0))
    parts = []
    if len(curve.recall):
        envelope = np.maximum.accumulate(curve.precision[::-1])[::-1]
        parts.append(svg.steps(frame, 100 * curve.recall, 100 * envelope, series=0))
    if result.precision.rate is not None and result.recall.rate is not None:
        recall, precision = 100 * result.recall.rate, 100 * result.precision.rate
        ends = result.precision.interval
        bar = None if ends is None else (100 * ends[0], 100 * ends[1])
        parts.append(svg.whisker(frame, recall, precision, bar, series=1, tip="the detector's own threshold"))
    return svg.figure(frame, parts, label="Precision over recall")


def _list_worst(answers: Answers, iou: float) -> list[list[Cell]]:
    names = without_common_folder([truth.photo for truth in answers.annotated])
    all_photos = zip(names, mistakes(answers.detected, answers.annotated, iou=iou), strict=True)
    counted = [(name, mistake) for name, mistake in all_photos if mistake.missed or mistake.false]
    counted.sort(key=lambda pair: -(pair[1].missed + pair[1].false))
    return [[name, f"{mistake.faces:,}", f"{mistake.missed:,}", f"{mistake.false:,}"] for name, mistake in counted]
