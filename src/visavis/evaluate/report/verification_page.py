"""Report of verification: results side by side as one page of HTML without external files.

The page needs no scripts and fetches nothing: figures are SVG, faces are JPEG within the page. Text from outside (file
names, names of models and data) is escaped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from visavis import atomic
from visavis.errors import UsageError
from visavis.evaluate.data.templates import Templates
from visavis.evaluate.report import _figures
from visavis.evaluate.report._rendering import render, without_common_folder
from visavis.evaluate.report.thumbnails import thumbnails
from visavis.evaluate.results import FARS, Mistake, Rate, VerificationResult
from visavis.evaluate.stats.bootstrap import LEAST


@dataclass(frozen=True, slots=True)
class _Tabled:
    """A rate of false accepts in the summary, or the reason why it is missing."""

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
    """A result, and its parts of the page."""

    name: str
    result: VerificationResult
    tabled: tuple[_Tabled, ...]
    distances: str
    accepts: tuple[_Pair, ...]
    rejects: tuple[_Pair, ...]
    mistakes_threshold: float | None


def write(path: Path, results: Sequence[VerificationResult], templates: Sequence[Templates], *, title: str) -> None:
    """Write the page atomically; ``templates[i]`` are those that ``results[i]`` was made from.

    Raises UsageError without results, and if the numbers of results and templates differ.
    """
    atomic.write_text(path, page(results, templates, title=title))


def page(results: Sequence[VerificationResult], templates: Sequence[Templates], *, title: str) -> str:
    """Return the page as text; see :func:`write`."""
    if not results or len(results) != len(templates):
        raise UsageError(f"a report needs templates for each result, got {len(results)} and {len(templates)}.")
    names = _name_results(results)
    models = [_make_model(*parts) for parts in zip(names, results, templates, strict=True)]
    return render(
        "report.html.j2",
        title=title,
        models=models,
        fars=FARS,
        least=LEAST,
        roc=_figures.roc(results, names),
        det=_figures.det(results, names),
        rejection=_figures.rejection(results, names),
    )


def _make_model(name: str, result: VerificationResult, templates: Templates) -> _Model:
    mistakes = [*result.worst_accepts, *result.worst_rejects]
    pictures = thumbnails(templates, (row for mistake in mistakes for row in (mistake.a, mistake.b)))
    photos = without_common_folder(templates.photos)

    def pair(mistake: Mistake) -> _Pair:
        a, b = (_Face(photos[row], pictures.get(row)) for row in (mistake.a, mistake.b))
        return _Pair(a, b, mistake.distance)

    return _Model(
        name,
        result,
        tuple(_find_rate(result, far) for far in FARS),
        _figures.distances(result, name),
        tuple(pair(mistake) for mistake in result.worst_accepts),
        tuple(pair(mistake) for mistake in result.worst_rejects),
        _find_threshold(result, result.mistakes_at),
    )


def _find_threshold(result: VerificationResult, far: float | None) -> float | None:
    """Return the tabled threshold of a rate, or else that of the curve."""
    if far is None:
        return None
    tabled = next((rate.threshold for rate in result.rates if math.isclose(rate.far, far, rel_tol=1e-6)), None)
    return result.roc.threshold(far) if tabled is None else tabled


def _name_results(results: Sequence[VerificationResult]) -> list[str]:
    """Name each result as briefly as distinguishes it from the others."""
    by_model = [result.model for result in results]
    by_detector = [f"{result.model}, {result.detector}" for result in results]
    by_data = [f"{result.model}, {result.detector}, {result.data}" for result in results]
    numbered = [f"{name} ({n})" for n, name in enumerate(by_data, 1)]
    return next(names for names in (by_model, by_detector, by_data, numbered) if len({*names}) == len(names))


def _find_rate(result: VerificationResult, far: float) -> _Tabled:
    rate = next((rate for rate in result.rates if math.isclose(rate.far, far, rel_tol=1e-6)), None)
    needed, impostors = round(LEAST / far), result.roc.impostors
    few = f"needs {needed:,} pairs of two people for {LEAST} false accepts, and there are {impostors:,}"
    return _Tabled(far, rate, few if impostors < needed else "not measured")
