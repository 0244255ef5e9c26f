"""Page of a comparison of architectures: one table, the curves of all, and the photos that each gets wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path

import numpy as np

from visavis.evaluate.report import svg
from visavis.evaluate.report.page import Cell, Figure, Page, Picture, Section, Table, Words, percent
from visavis.evaluate.report.thumbnails import face_picture
from visavis.images.load import data_address
from visavis.train.compare_report import ComparedClassifier, ComparedNetwork, NetworkComparison
from visavis.train.health import Epoch
from visavis.train.network_page import Value
from visavis.types import RGB

HEADS = ("", "Accuracy", "TAR", "Seconds", "Epochs", "Parameters", "File, MB", "Remark")
SHOWN_PHOTOS = 60
WORDS = {
    "Accuracy": "Share of the held-out photos that are nearest to the mean of their own person's training photos.",
    "TAR": "Share of the pairs of held-out photos of one person that pass where 1 % of the pairs of two people pass.",
    "Seconds": "Time of the training steps; of the classifier, that of embedding all photos and fitting.",
    "95 % interval": "Where the figure would lie, 19 times in 20, for other photos like these.",
}


def page(comparison: NetworkComparison, *, crops: Mapping[str, RGB]) -> Page:
    """Return the page; ``crops`` are pictures ``(s, s, 3)`` of the photos that networks got wrong, by path."""
    networks = comparison.networks
    curves = [
        _curves(networks, "Held-out accuracy, %", _accuracy, "Accuracy over the time of the training steps."),
        _curves(networks, "Loss", lambda epoch: epoch.loss, "Loss over the time of the training steps."),
    ]
    text = (
        f"{comparison.people:,} people, {comparison.train_photos:,} photos to learn from, "
        f"{comparison.test_photos:,} held out; seed {comparison.settings.seed}, the same for all."
    )
    sections = [
        Section("Results", text, tables=[Table(list_rows(comparison), list(HEADS))]),
        Section("Learning curves", figures=[curve for curve in curves if curve is not None]),
    ]
    sections += [_show_wrong(network, crops) for network in networks if network.right is not None]
    if comparison.classifier is not None and comparison.classifier.report is not None:
        sections.append(_show_wrong_of_classifier(comparison.classifier))
    return Page("Architectures compared", "Which network learns these people best?", sections, WORDS)


def list_rows(comparison: NetworkComparison) -> list[list[Cell]]:
    """Return the rows of the table, in the columns ``HEADS``."""
    rows = [_list_network(network) for network in comparison.networks]
    return rows if comparison.classifier is None else [*rows, _list_classifier(comparison.classifier)]


def _list_network(network: ComparedNetwork) -> list[Cell]:
    last = network.last
    return [
        network.architecture,
        percent(network.accuracy, network.accuracy_interval, digits=1),
        percent(None if last is None or network.right is None else last.tar, digits=1),
        f"{network.seconds:.0f}",
        f"{len(network.epochs):,}",
        f"{network.parameters:,}",
        _megabytes(network.file_bytes),
        Words(network.illness),
    ]


def _list_classifier(classifier: ComparedClassifier) -> list[Cell]:
    report = classifier.report
    name = "classifier" if report is None else f"{report.chosen} on {report.model}"
    accuracy = "–" if report is None else percent(report.accuracy, report.accuracy_interval, digits=1)
    size, remark = _megabytes(classifier.file_bytes), Words(classifier.reason)
    return [name, accuracy, "–", f"{classifier.seconds:.0f}", "–", "–", size, remark]


def _megabytes(size: int | None) -> str:
    return "–" if size is None else f"{size / 1e6:.1f}"


def _accuracy(epoch: Epoch) -> float | None:
    return None if epoch.accuracy is None else 100 * epoch.accuracy


def _curves(networks: tuple[ComparedNetwork, ...], title: str, value: Value, caption: str) -> Figure | None:
    """Draw a value of all networks in one figure; None where there is none."""
    curves = [(network.architecture, _points(network, value)) for network in networks]
    points = [point for _, curve in curves for point in curve]
    if not points:
        return None
    seconds, values = np.array(points, np.float64).T
    frame = svg.PlotFrame(svg.linear("Seconds", 0.0, float(seconds.max())), svg.linear(title, 0.0, values.max() or 1.0))
    lines = []
    for number, (name, curve) in enumerate(curves):
        x, y = np.array(curve, np.float64).reshape(-1, 2).T
        tips = [f"{name}, {second:.0f} s: {height:.4g}" for second, height in curve]
        lines.append(svg.polyline(frame, x, y, series=number % svg.COLORS, tips=tips))
    keys = [svg.Key(name, number % svg.COLORS) for number, (name, _) in enumerate(curves)]
    return Figure(svg.figure(frame, lines, label=title, keys=keys), caption)


def _points(network: ComparedNetwork, value: Value) -> list[tuple[float, float]]:
    """Return the seconds of training until the end of each epoch, and the value there, where it is a number."""
    seconds = accumulate(epoch.seconds for epoch in network.epochs)
    pairs = [(second, value(epoch)) for second, epoch in zip(seconds, network.epochs, strict=True)]
    return [(second, height) for second, height in pairs if height is not None and math.isfinite(height)]


def _show_wrong(network: ComparedNetwork, crops: Mapping[str, RGB]) -> Section:
    pictures = [
        Picture(
            data_address(np.asarray(crops[answer.photo])),
            [f"{answer.person}, taken for {answer.named}", Path(answer.photo).name],
        )
        for answer in network.wrong[:SHOWN_PHOTOS]
    ]
    text = f"{len(network.wrong):,} of {network.tested:,}."
    return Section(f"Wrong photos of {network.architecture}", text, pictures=pictures)


def _show_wrong_of_classifier(classifier: ComparedClassifier) -> Section:
    report = classifier.report
    wrong = () if report is None else report.wrong
    pictures = [
        Picture(
            face_picture(photo.photo, photo.box),
            [f"{photo.person}, taken for {photo.named}", Path(photo.photo).name],
        )
        for photo in wrong[:SHOWN_PHOTOS]
    ]
    text = f"{len(wrong):,} of {0 if report is None else report.test_photos:,}."
    return Section("Wrong photos of the classifier", text, pictures=pictures)
