"""What the page of the training shows: which people a classifier takes for which, and the curves of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from visavis.server.types import TrainingRun

if TYPE_CHECKING:
    from markupsafe import Markup

CONFUSIONS = 50
"""Most people whose mistakes are listed."""
CURVES: Sequence[tuple[str, Sequence[str], float]] = (
    ("loss", ("loss",), 1),
    ("distances", ("positive", "negative"), 1),
    ("active", ("active",), 100),
    ("tar", ("tar",), 100),
    ("accuracy", ("accuracy",), 100),
    ("spread", ("spread",), 1),
    ("rate", ("rate",), 1),
)
"""Names of the curves, the values of an epoch that each shows, and the factor to its unit."""


def share_confusions(report: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return how many people of a classifier's report were taken for others, and those of the most mistakes, first."""
    people = [] if report is None else [person for person in report.get("per_person", ()) if person["mistaken_for"]]
    people.sort(key=lambda person: (person["right"] - person["test"], person["name"]))
    return {"confused": len(people), "confusions": people[:CONFUSIONS]}


def draw_curves(run: TrainingRun, translate: Callable[[str], str]) -> list[tuple[str, Markup]]:
    """Return the name of each curve that the run has values for, and its drawing in SVG."""
    from markupsafe import Markup

    from visavis.train.network_page import draw_curve

    drawn = []
    for name, columns, factor in CURVES:
        series = [
            (
                translate(f"train.series_{column}") if len(columns) > 1 else "",
                [None if epoch[column] is None else factor * epoch[column] for epoch in run.epochs],
            )
            for column in columns
        ]
        svg = draw_curve(
            [int(epoch["epoch"]) for epoch in run.epochs], translate(f"train.curve_{name}"), series,
            axis=translate("train.epoch"),
        )  # fmt: skip
        if svg is not None:
            drawn.append((name, Markup(svg)))
    return drawn
