"""Measurement and output of verification, for ``evaluate pairs`` and ``evaluate lfw``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from visavis.cli._evaluation import check_report, templates_of
from visavis.cli._networks import Networks
from visavis.cli._options import MODEL, Precision, model_id
from visavis.cli._output import Output, short

if TYPE_CHECKING:
    from visavis.evaluate.data.templates import Templates
    from visavis.evaluate.results import VerificationResult

    Evaluated = tuple[VerificationResult, Templates]


def list_models(models: list[str] | None, views: int | None, precision: Precision | None) -> list[str]:
    """Return the ids of all requested models, without repeats."""
    return list(dict.fromkeys(model_id(model, views=views, precision=precision) for model in models or [MODEL]))


def evaluate_models(
    photos: Sequence[str],
    measure: Callable[[Templates], VerificationResult],
    *,
    models: Sequence[str],
    networks: Networks,
    report: Path | None,
    fresh: bool,
    json: bool,
    title: str,
) -> None:
    from visavis.evaluate.result_lines import describe_verification
    from visavis.evaluate.speed import measure as speed_of

    check_report(report)
    results: list[Evaluated] = []
    with Output("", *models, json=json) as output:
        for model in models:
            recognizer = networks.recognizer(model)
            templates = templates_of(photos, recognizer, min_face=networks.min_face, fresh=fresh, output=output)
            speed = speed_of(photos, recognizer, min_face=networks.min_face)
            results.append((replace(measure(templates), speed=speed), templates))
            if json:
                output.answer(describe_verification(results[-1][0]))
        if not json:
            output.answer({}, *_make_rows([result for result, _ in results]))
    if report:
        from visavis.evaluate.report.verification_page import write

        write(report, [result for result, _ in results], [templates for _, templates in results], title=title)


def _make_rows(results: Sequence[VerificationResult]) -> Iterable[list[str]]:
    """Return the rows of the table: one row per figure, one column per model."""
    from visavis.evaluate.results import FARS
    from visavis.evaluate.verification import PROMISED

    figures: list[tuple[str, Callable[[VerificationResult], str]]] = [
        ("photos", lambda result: f"{result.photos:,}"),
        ("without a face", lambda result: f"{result.failures:,}"),
        ("pairs of one person", lambda result: f"{result.roc.genuine:,}"),
        ("pairs of two people", lambda result: f"{result.roc.impostors:,}"),
        ("accuracy", _format_accuracy),
        ("  at distance", lambda result: short(result.accuracy.threshold if result.accuracy else None)),
        ("equal error rate", lambda result: short(result.roc.equal_error)),
        ("area under the ROC", lambda result: short(result.roc.area, ".5f")),
        *((f"TAR at FAR {far:g}", partial(_format_tar, far=far)) for far in FARS),
        *((f"FAR where {far:g} is promised", partial(_format_promised, far=far)) for far in PROMISED),
        ("FNMR", partial(_format_missed, share=0.0)),
        ("  worst 5 % rejected", partial(_format_missed, share=0.05)),
        ("ms a photo: detect", lambda result: short(result.speed.detect if result.speed else None, ".1f")),
        ("ms a face: embed", lambda result: short(result.speed.embed if result.speed else None, ".1f")),
    ]
    return [[head, *(figure(result) for result in results)] for head, figure in figures]


def _format_accuracy(result: VerificationResult) -> str:
    return "-" if result.accuracy is None else f"{result.accuracy.accuracy:.4f} ± {result.accuracy.error:.4f}"


def _format_tar(result: VerificationResult, far: float) -> str:
    rate = next((rate for rate in result.rates if rate.far == far), None)
    if rate is None:
        return "- (too few pairs)"
    low, high = rate.tar_interval or (rate.tar, rate.tar)
    return f"{rate.tar:.4f} ({low:.4f} to {high:.4f})"


def _format_promised(result: VerificationResult, far: float) -> str:
    """Return the FAR on this data at the threshold shipped with the model."""
    promise = next((promise for promise in result.promises if promise.far == far), None)
    if promise is None:
        return "- (uncalibrated)"
    interval = f" ({promise.interval[0]:.2g} to {promise.interval[1]:.2g})" if promise.interval else ""
    return f"{promise.measured:.2g}{interval}"


def _format_missed(result: VerificationResult, share: float) -> str:
    """Return the FNMR at the threshold of the listed errors without the genuine pairs rejected by quality."""
    curve = result.rejection
    if curve is None or share not in curve.shares:
        return "-"
    return f"{curve.fnmr[curve.shares.index(share)]:.4f} at FAR {result.mistakes_at:g}"
