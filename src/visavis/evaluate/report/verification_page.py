"""REPORT: results side by side as one page of HTML, which needs nothing but itself.

No script, no address that is fetched: figures are SVG, faces are JPEG within the page. Whatever comes from outside
(file names, names of models and data) is escaped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from visavis.errors import UsageError
from visavis.evaluate.data.templates import Templates
from visavis.evaluate.report import _figures
from visavis.evaluate.report._rendering import rendered, thumbnails, without_common_folder, write_text
from visavis.evaluate.results import Mistake, Rate, Verification
from visavis.evaluate.stats.bootstrap import LEAST

FARS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
"""Rates of false accepts in the summary."""


@dataclass(frozen=True, slots=True)
class _Tabled:
    """A rate of false accepts in the summary: what is known there, or why nothing is."""

    far: float
    rate: Rate | None
    reason: str


@dataclass(frozen=True, slots=True)
class _Face:
    photo: str
    picture: str | None


@dataclass(frozen=True, slots=True)
class _Pair:
    a: _Face
    b: _Face
    distance: float


@dataclass(frozen=True, slots=True)
class _Model:
    """One result, and what the page shows of it."""

    name: str
    result: Verification
    tabled: tuple[_Tabled, ...]
    distances: str
    accepts: tuple[_Pair, ...]
    rejects: tuple[_Pair, ...]
    mistakes_threshold: float | None


def write(path: Path, results: Sequence[Verification], templates: Sequence[Templates], *, title: str) -> None:
    """Write the page, whole or not at all; ``templates[i]`` are those that ``results[i]`` was made from.

    Raises UsageError where there is no result, or not one set of templates for each.
    """
    write_text(path, page(results, templates, title=title))


def page(results: Sequence[Verification], templates: Sequence[Templates], *, title: str) -> str:
    """Return the page as text; see :func:`write`."""
    if not results or len(results) != len(templates):
        raise UsageError(f"a report needs templates for each result, got {len(results)} and {len(templates)}.")
    names = _names(results)
    models = [_model(*one) for one in zip(names, results, templates, strict=True)]
    return rendered(
        "report.html.j2",
        title=title,
        models=models,
        fars=FARS,
        least=LEAST,
        roc=_figures.roc(results, names),
        det=_figures.det(results, names),
        rejection=_figures.rejection(results, names),
    )


def _model(name: str, result: Verification, templates: Templates) -> _Model:
    mistakes = [*result.worst_accepts, *result.worst_rejects]
    pictures = thumbnails(templates, (row for one in mistakes for row in (one.a, one.b)))
    photos = without_common_folder(templates.photos)

    def pair(mistake: Mistake) -> _Pair:
        a, b = (_Face(photos[row], pictures.get(row)) for row in (mistake.a, mistake.b))
        return _Pair(a, b, mistake.distance)

    return _Model(
        name,
        result,
        tuple(_tabled(result, far) for far in FARS),
        _figures.distances(result, name),
        tuple(pair(one) for one in result.worst_accepts),
        tuple(pair(one) for one in result.worst_rejects),
        _threshold(result, result.mistakes_at),
    )


def _threshold(result: Verification, far: float | None) -> float | None:
    """Return the tabled threshold of a rate, or else that of the curve."""
    if far is None:
        return None
    tabled = next((one.threshold for one in result.rates if math.isclose(one.far, far, rel_tol=1e-6)), None)
    return result.roc.threshold(far) if tabled is None else tabled


def _names(results: Sequence[Verification]) -> list[str]:
    """Name each result as briefly as tells it from the others."""
    by_model = [one.model for one in results]
    by_detector = [f"{one.model}, {one.detector}" for one in results]
    by_data = [f"{one.model}, {one.detector}, {one.data}" for one in results]
    numbered = [f"{name} ({n})" for n, name in enumerate(by_data, 1)]
    return next(names for names in (by_model, by_detector, by_data, numbered) if len({*names}) == len(names))


def _tabled(result: Verification, far: float) -> _Tabled:
    rate = next((one for one in result.rates if math.isclose(one.far, far, rel_tol=1e-6)), None)
    needed, there = round(LEAST / far), result.roc.impostors
    few = f"needs {needed:,} pairs of two people for {LEAST} false accepts, and there are {there:,}"
    return _Tabled(far, rate, few if there < needed else "not measured")
