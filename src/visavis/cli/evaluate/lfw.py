"""evaluate lfw: measure verification by the protocol of LFW."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._evaluation import Fresh, Models, PhotoFolder, Report
from visavis.cli._networks import DETECTING, Networks, takes
from visavis.cli._options import Json, PrecisionName, Views
from visavis.cli.evaluate._verification import evaluate_models, list_models

if TYPE_CHECKING:
    from visavis.evaluate.data.templates import Templates
    from visavis.evaluate.results import VerificationResult


@takes(DETECTING)
def lfw(  # noqa: PLR0913 - a command's options
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", exists=True, file_okay=False, help="LFW folder: photos and lists of pairs."),
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

    LFW is Labeled Faces in the Wild; error rates are those of all pairs of its photos. View 1, for development, chooses
    the threshold on one list and counts on another. View 2, to report, is the mean over ten folds, each with the
    threshold chosen on the other nine.
    """
    from visavis.evaluate import verification

    lists = verification.read_lfw(folder, view=view, photos=photos)
    name = f"LFW view {view}"

    def measure(templates: Templates) -> VerificationResult:
        return verification.of_lfw(templates, lists, data=name)

    evaluate_models(lists[0].photos, measure, models=list_models(model, views, precision), networks=networks,
         report=report, fresh=fresh, json=json, title=name)  # fmt: skip
