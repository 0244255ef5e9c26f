"""What the pages show of evaluations: a line of each in the list, and one or two of them side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from visavis.server.pages.people_view import round_count
from visavis.server.types import Evaluation

HEADLINE_FAR = 1e-3
"""False accept rate at which evaluations of verification are compared, where there are enough pairs for it."""
StoredInterval = Sequence[float | None] | None


@dataclass(frozen=True, slots=True)
class MeasuredShare:
    """A share from 0 to 1, with its 95 % interval where there is one."""

    value: float | None
    interval: StoredInterval = None


@dataclass(frozen=True, slots=True)
class FigureRow:
    """A row of the table: the key of its text with the rate ``one_in``, and a cell for each evaluation.

    Cells are numbers of things, distances with intervals, or shares; None: not measured. ``form`` is "count",
    "distance" or "percent".
    """

    key: str
    form: str
    cells: tuple[MeasuredShare, ...]
    one_in: int | None = None


def find_headline(evaluation: Evaluation) -> tuple[str, MeasuredShare, int | None]:
    """Return what stands for an evaluation in the list: the key of its text, the share, and the rate as 1 in so many.

    For verification it is the TAR at the least FAR that is not below ``HEADLINE_FAR``, for identification the rate of
    rank 1.
    """
    if evaluation.kind == "identification":
        rank = evaluation.result["ranks"][0]
        return "evaluate.headline_rank", MeasuredShare(rank["rate"], rank["interval"]), None
    rates = [rate for rate in evaluation.result["rates"] if rate["far"] >= HEADLINE_FAR * (1 - 1e-9)]
    if not rates:
        return "evaluate.headline_none", MeasuredShare(None), None
    rate = min(rates, key=lambda rate: rate["far"])
    return "evaluate.headline_tar", MeasuredShare(rate["tar"], rate["tar_interval"]), _one_in(rate["far"])


def compare(evaluations: Sequence[Evaluation]) -> list[FigureRow]:
    """Return the rows of a table with a column for each evaluation; all are of one kind."""
    results = [evaluation.result for evaluation in evaluations]
    return _compare_verification(results) if evaluations[0].kind == "verification" else _compare_searches(results)


def decide(first: Evaluation, second: Evaluation) -> str:
    """Return the key of the sentence on which of two evaluations is better.

    It is undecided where the 95 % intervals overlap, and not asked where the photos differ in place or number.
    """
    if _describe_photos(first) != _describe_photos(second):
        return "evaluate.other_photos"
    (_, a, a_in), (_, b, b_in) = find_headline(first), find_headline(second)
    if a_in == b_in and a.interval and b.interval:
        if _ends(a)[0] > _ends(b)[1]:
            return "evaluate.first_better"
        if _ends(b)[0] > _ends(a)[1]:
            return "evaluate.second_better"
    return "evaluate.undecided"


def _describe_photos(evaluation: Evaluation) -> tuple[str | None, str | None, int]:
    return evaluation.gallery, evaluation.folder, evaluation.result["photos"]


def _ends(share: MeasuredShare) -> tuple[float, float]:
    low, high = share.interval or (None, None)
    return (0.0 if low is None else low, 1.0 if high is None else high)


def _compare_verification(results: Sequence[Mapping[str, Any]]) -> list[FigureRow]:
    rows = [
        _count("evaluate.photos", results, "photos"),
        _count("evaluate.people", results, "people"),
        _count("evaluate.failures", results, "failures"),
        _count("evaluate.genuine", results, "genuine"),
        _count("evaluate.impostors", results, "impostors"),
        FigureRow("evaluate.eer", "percent", tuple(MeasuredShare(result["eer"]) for result in results)),
    ]
    for far in sorted({rate["far"] for result in results for rate in result["rates"]}, reverse=True):
        rates = [_find(result["rates"], "far", far) for result in results]
        one_in = _one_in(far)
        rows.append(FigureRow("evaluate.tar", "percent", _pick(rates, "tar", "tar_interval"), one_in))
        rows.append(
            FigureRow("evaluate.threshold", "distance", _pick(rates, "threshold", "threshold_interval"), one_in)
        )
    for far in sorted({promise["far"] for result in results for promise in result["promises"]}, reverse=True):
        promises = [_find(result["promises"], "far", far) for result in results]
        rows.append(FigureRow("evaluate.promised", "percent", _pick(promises, "measured", "interval"), _one_in(far)))
    return rows


def _compare_searches(results: Sequence[Mapping[str, Any]]) -> list[FigureRow]:
    rows = [
        _count("evaluate.photos", results, "photos"),
        _count("evaluate.enrolled", results, "people"),
        _count("evaluate.known", results, "known"),
        _count("evaluate.unknown", results, "unknown"),
    ]
    for rank in sorted({rank["rank"] for result in results for rank in result["ranks"]}):
        ranks = [_find(result["ranks"], "rank", rank) for result in results]
        rows.append(FigureRow("evaluate.rank", "percent", _pick(ranks, "rate", "interval"), rank))
    for fpir in sorted({search["fpir"] for result in results for search in result["searches"]}, reverse=True):
        searches = [_find(result["searches"], "fpir", fpir) for result in results]
        rows.append(FigureRow("evaluate.fnir", "percent", _pick(searches, "fnir", "fnir_interval"), _one_in(fpir)))
        tables = [search and search["calibrated"] for search in searches]
        if any(tables):
            rows.append(FigureRow("evaluate.named", "percent", _pick(tables, "fpir", "fpir_interval"), _one_in(fpir)))
    return rows


def _count(name: str, results: Sequence[Mapping[str, Any]], key: str) -> FigureRow:
    return FigureRow(name, "count", tuple(MeasuredShare(result[key]) for result in results))


def _find(rows: Sequence[Mapping[str, Any]], key: str, value: float) -> Mapping[str, Any] | None:
    return next((row for row in rows if row[key] == value), None)


def _pick(rows: Sequence[Mapping[str, Any] | None], value: str, interval: str) -> tuple[MeasuredShare, ...]:
    return tuple(MeasuredShare(None) if row is None else MeasuredShare(row[value], row[interval]) for row in rows)


def _one_in(rate: float) -> int:
    return round_count(1 / rate)
