"""evaluate pairs, evaluate lfw: how often two photos are rightly or wrongly taken for one person."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._evaluation import Fresh, Models, PhotoFolder, Report, check_report, ends, templates_of
from visavis.cli._networks import DETECTING, Networks, takes
from visavis.cli._options import MODEL, Json, Precision, PrecisionName, Views, model_id
from visavis.cli._output import Output, short, significant
from visavis.cli._sources import Exclude

if TYPE_CHECKING:
    from visavis.evaluate.data.templates import Templates
    from visavis.evaluate.results import Rate, Verification

    Evaluated = tuple[Verification, Templates]


@takes(DETECTING)
def pairs(  # noqa: PLR0913 - a command's options
    source: Annotated[
        Path,
        typer.Argument(
            metavar="FILE|DIR",
            exists=True,
            help="A list of pairs (CSV, or of LFW's format), or a folder of folders, one a person.",
        ),
    ],
    *,
    exclude: Exclude = None,
    photos: PhotoFolder = None,
    model: Models = None,
    views: Views = None,
    precision: PrecisionName = None,
    networks: Networks,
    report: Report = None,
    fresh: Fresh = False,
    json: Json = False,
) -> None:
    """Measure verification on pairs of photos.

    A list tells two photos and 1 (one person) or 0 (two) a line; accuracy is cross-validated over its folds, or over
    ten. A folder of people is compared everybody with everybody. A photo without a face makes its pairs errors.
    """
    from visavis.evaluate import verification
    from visavis.evaluate.data.pairs import read_pairs, read_people

    if source.is_dir():
        people = read_people(source, exclude=exclude or ())
        paths: Sequence[str] = people.photos

        def measure(taken: Templates) -> Verification:
            return verification.of_people(taken, people.names, data=source.name)
    else:
        listed = read_pairs(source, photos)
        paths = listed.photos

        def measure(taken: Templates) -> Verification:
            return verification.of_pairs(taken, listed, data=source.name)

    _run(paths, measure, models=_models(model, views, precision), networks=networks,
         report=report, fresh=fresh, json=json, title=f"Verification on {source.name}")  # fmt: skip


@takes(DETECTING)
def lfw(  # noqa: PLR0913 - a command's options
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", exists=True, file_okay=False, help="LFW: photos and lists of pairs."),
    ],
    *,
    view: Annotated[
        int,
        typer.Option("--view", min=1, max=2, help="1: pairsDevTrain.txt, pairsDevTest.txt; 2: pairs.txt, ten folds."),
    ] = 1,
    photos: PhotoFolder = None,
    model: Models = None,
    views: Views = None,
    precision: PrecisionName = None,
    networks: Networks,
    report: Report = None,
    fresh: Fresh = False,
    json: Json = False,
) -> None:
    """Measure verification by the protocol of LFW.

    LFW is Labeled Faces in the Wild; error rates are those of all pairs of its photos.
    View 1 chooses the threshold on one list and counts on another; it is the view to develop on. View 2 is the one to
    report: the mean over ten folds, the threshold of each chosen on the other nine.
    """
    from visavis.evaluate import verification

    lists = verification.read_lfw(folder, view=view, photos=photos)
    name = f"LFW view {view}"

    def measure(taken: Templates) -> Verification:
        return verification.of_lfw(taken, lists, data=name)

    _run(lists[0].photos, measure, models=_models(model, views, precision), networks=networks,
         report=report, fresh=fresh, json=json, title=name)  # fmt: skip


def _models(models: list[str] | None, views: int | None, precision: Precision | None) -> list[str]:
    """Return the ids of all models that are asked for, each once."""
    return list(dict.fromkeys(model_id(one, views=views, precision=precision) for one in models or [MODEL]))


def _run(
    photos: Sequence[str],
    measure: Callable[[Templates], Verification],
    *,
    models: Sequence[str],
    networks: Networks,
    report: Path | None,
    fresh: bool,
    json: bool,
    title: str,
) -> None:
    from visavis.evaluate.speed import measure as speed_of

    check_report(report)
    done: list[Evaluated] = []
    with Output("", *models, json=json) as output:
        for model in models:
            one = networks.recognizer(model)
            taken = templates_of(photos, one, min_face=networks.min_face, fresh=fresh, output=output)
            speed = speed_of(photos, one, min_face=networks.min_face)
            done.append((replace(measure(taken), speed=speed), taken))
            if json:
                output.answer(_line(done[-1][0]))
        if not json:
            output.answer({}, *_rows([result for result, _ in done]))
    if report:
        from visavis.evaluate.report.verification_page import write

        write(report, [result for result, _ in done], [taken for _, taken in done], title=title)


def _line(one: Verification) -> dict[str, object]:
    return {
        "data": one.data,
        "model": one.model,
        "detector": one.detector,
        "photos": one.photos,
        "people": one.people or None,
        "failures": one.failures,
        "genuine": one.roc.genuine,
        "impostors": one.roc.impostors,
        "failed_genuine": one.failed_genuine,
        "failed_impostors": one.failed_impostors,
        "accuracy": one.accuracy and significant(one.accuracy.accuracy),
        "accuracy_error": one.accuracy and significant(one.accuracy.error),
        "accuracy_threshold": one.accuracy and significant(one.accuracy.threshold),
        "auc": significant(one.roc.area),
        "eer": significant(one.roc.equal_error),
        "rates": [_rate(rate) for rate in one.rates],
        "promises": [
            {
                "far": promise.far,
                "threshold": significant(promise.threshold),
                "measured": significant(promise.measured),
                "interval": ends(promise.interval),
                "tar": significant(promise.tar),
            }
            for promise in one.promises
        ],
        "rejection": one.rejection
        and {
            "threshold": significant(one.rejection.threshold),
            "shares": list(one.rejection.shares),
            "fnmr": [significant(rate) for rate in one.rejection.fnmr],
        },
        "ms_detect": one.speed and significant(one.speed.detect, 3),
        "ms_embed": one.speed and significant(one.speed.embed, 3),
        "threads": one.speed and one.speed.threads,
    }


def _rate(rate: Rate) -> dict[str, object]:
    return {
        "far": rate.far,
        "threshold": significant(rate.threshold),
        "threshold_interval": ends(rate.threshold_interval),
        "far_interval": ends(rate.far_interval),
        "tar": significant(rate.tar),
        "tar_interval": ends(rate.tar_interval),
        "false_accepts": rate.false_accepts,
    }


def _rows(results: Sequence[Verification]) -> Iterable[list[str]]:
    """Rows of the table: a figure each, a column a model."""
    from visavis.evaluate.verification import FARS, PROMISED

    figures: list[tuple[str, Callable[[Verification], str]]] = [
        ("photos", lambda one: f"{one.photos:,}"),
        ("without a face", lambda one: f"{one.failures:,}"),
        ("pairs of one person", lambda one: f"{one.roc.genuine:,}"),
        ("pairs of two people", lambda one: f"{one.roc.impostors:,}"),
        ("accuracy", _accuracy),
        ("  at distance", lambda one: short(one.accuracy.threshold if one.accuracy else None)),
        ("equal error rate", lambda one: short(one.roc.equal_error)),
        ("area under the ROC", lambda one: short(one.roc.area, ".5f")),
        *((f"TAR at FAR {far:g}", partial(_tar, far=far)) for far in FARS),
        *((f"FAR where {far:g} is promised", partial(_promised, far=far)) for far in PROMISED),
        ("FNMR", partial(_missed, share=0.0)),
        ("  worst 5 % rejected", partial(_missed, share=0.05)),
        ("ms a photo: detect", lambda one: short(one.speed.detect if one.speed else None, ".1f")),
        ("ms a face: embed", lambda one: short(one.speed.embed if one.speed else None, ".1f")),
    ]
    return [[head, *(figure(one) for one in results)] for head, figure in figures]


def _accuracy(one: Verification) -> str:
    return "-" if one.accuracy is None else f"{one.accuracy.accuracy:.4f} ± {one.accuracy.error:.4f}"


def _tar(one: Verification, far: float) -> str:
    rate = next((rate for rate in one.rates if rate.far == far), None)
    if rate is None:
        return "- (too few pairs)"
    low, high = rate.tar_interval or (rate.tar, rate.tar)
    return f"{rate.tar:.4f} ({low:.4f} to {high:.4f})"


def _promised(one: Verification, far: float) -> str:
    """FAR on this data at the threshold that the model comes with."""
    promise = next((promise for promise in one.promises if promise.far == far), None)
    if promise is None:
        return "- (uncalibrated)"
    between = f" ({promise.interval[0]:.2g} to {promise.interval[1]:.2g})" if promise.interval else ""
    return f"{promise.measured:.2g}{between}"


def _missed(one: Verification, share: float) -> str:
    """FNMR at the threshold of the mistakes, with that share of the genuine pairs rejected for their quality."""
    curve = one.rejection
    if curve is None or share not in curve.shares:
        return "-"
    return f"{curve.fnmr[curve.shares.index(share)]:.4f} at FAR {one.mistakes_at:g}"
