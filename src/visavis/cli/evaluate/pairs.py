"""evaluate pairs: measure verification on pairs of photos."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli._evaluation import Fresh, Models, PhotoFolder, Report
from visavis.cli._networks import DETECTING, Networks, takes
from visavis.cli._options import Json, PrecisionName, Views
from visavis.cli._sources import Exclude
from visavis.cli.evaluate._verification import evaluate_models, list_models

if TYPE_CHECKING:
    from visavis.evaluate.data.templates import Templates
    from visavis.evaluate.results import VerificationResult


@takes(DETECTING)
def pairs(  # noqa: PLR0913 - a command's options
    source: Annotated[
        Path,
        typer.Argument(
            metavar="FILE|DIR",
            exists=True,
            help="A list of pairs (CSV, or in LFW's format), or a folder with one subfolder per person.",
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

    A list has one pair per line: two photos, and 1 (one person) or 0 (two people); accuracy is cross-validated over its
    folds, or over ten. In a folder of people, all photos are compared with all others. A photo without a face makes its
    pairs errors.
    """
    from visavis.evaluate import verification
    from visavis.evaluate.data.pairs import read_pairs, read_people

    if source.is_dir():
        people = read_people(source, exclude=exclude or ())
        paths: Sequence[str] = people.photos

        def measure(templates: Templates) -> VerificationResult:
            return verification.of_people(templates, people.names, data=source.name)
    else:
        pair_list = read_pairs(source, photos)
        paths = pair_list.photos

        def measure(templates: Templates) -> VerificationResult:
            return verification.of_pairs(templates, pair_list, data=source.name)

    evaluate_models(paths, measure, models=list_models(model, views, precision), networks=networks,
         report=report, fresh=fresh, json=json, title=f"Verification on {source.name}")  # fmt: skip
