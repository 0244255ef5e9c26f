"""Report of a run as one page of HTML: curves of what was measured in each epoch, and what the run was."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from visavis.evaluate.report import svg
from visavis.evaluate.report.page import Figure, Page, Section, Table
from visavis.train.config import Settings
from visavis.train.health import Epoch, Illness

WORDS = {
    "loss": "What training lowers, as the mean over an epoch.",
    "active triplets": "Share of the triplets whose negative is not yet farther than the positive by the margin.",
    "spread": "Distance of embeddings of length 1 from their mean: near 0 all are equal, near 1 they differ fully.",
    "TAR": "Share of the pairs of one person, held out, that pass where 1 % of the pairs of two people pass.",
}
Value = Callable[[Epoch], float | None]


def page(
    epochs: Sequence[Epoch], settings: Settings, *, name: str, illness: Illness | None, facts: Sequence[tuple[str, str]]
) -> Page:
    """Return the report of a run; ``facts`` are names and values for its table."""
    margin = f" It is {settings.loss_margin:g} where all embeddings are equal." if settings.loss == "triplet" else ""
    curves = [
        _curve(epochs, "Loss", [("loss", lambda epoch: epoch.loss)], f"Loss.{margin}"),
        _curve(
            epochs,
            "Mean squared distance",
            [("one person", lambda epoch: epoch.positive), ("two people", lambda epoch: epoch.negative)],
            "Distances within a person, and between people: they part as the network learns.",
        ),
        _curve(
            epochs, "Active triplets, %", [("", lambda epoch: _percent(epoch.active))], "Triplets that still teach."
        ),
        _curve(epochs, "TAR at FAR 1e-2, %", [("", lambda epoch: _percent(epoch.tar))], "Faces held out."),
        _curve(epochs, "Accuracy, %", [("", lambda epoch: _percent(epoch.accuracy))], "Faces held out, nearest mean."),
        _curve(epochs, "Spread", [("", lambda epoch: epoch.spread)], "Spread of the embeddings."),
        _curve(epochs, "Learning rate", [("", lambda epoch: epoch.rate)], "Learning rate at the end of each epoch."),
    ]
    sections = [Section("Curves", figures=[curve for curve in curves if curve is not None])]
    sections.append(Section("The run", tables=[Table([list(fact) for fact in facts])]))
    verdict = "Nothing ails this run." if illness is None else str(illness)
    return Page(f"Training {name}", verdict, sections, WORDS)


def _curve(epochs: Sequence[Epoch], title: str, values: Sequence[tuple[str, Value]], caption: str) -> Figure | None:
    """Draw values over epochs; None where there are none."""
    series = [(label, [value(epoch) for epoch in epochs]) for label, value in values]
    drawn = draw_curve([epoch.epoch for epoch in epochs], title, series)
    return None if drawn is None else Figure(drawn, caption)


def draw_curve(
    epochs: Sequence[int], title: str, series: Sequence[tuple[str, Sequence[float | None]]], *, axis: str = "Epoch"
) -> str | None:
    """Draw series of values, each with its label, over the numbers of epochs, as SVG; None where there are none."""
    measured = [y for _, ys in series for y in ys if y is not None and math.isfinite(y)]
    if not measured:
        return None
    low, high = min(0.0, *measured), max(measured)
    frame = svg.PlotFrame(svg.linear(axis, 1.0, float(max(len(epochs), 2))), svg.linear(title, low, high or 1.0))
    lines, keys = [], []
    for number, (label, ys) in enumerate(series):
        shown = [(epoch, y) for epoch, y in zip(epochs, ys, strict=True) if y is not None and math.isfinite(y)]
        x, y = np.array(shown, np.float64).reshape(-1, 2).T
        tips = [f"{axis.lower()} {epoch}: {value:.4g}" for epoch, value in shown]
        lines.append(svg.polyline(frame, x, y, series=number, tips=tips))
        keys += [svg.Key(label, number)] if label else []
    return svg.figure(frame, lines, label=title, keys=keys)


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value
