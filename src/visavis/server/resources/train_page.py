"""The page of the training: train a classifier, see what was measured of it, and the curves of a run."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import Response

from visavis import defaults
from visavis.embedders.speed import list_present_models
from visavis.errors import MissingExtraError, UsageError
from visavis.server.auth import ServicesOf
from visavis.server.pages.catalogs import read_catalog
from visavis.server.pages.job_view import share_open_jobs
from visavis.server.pages.preferences import read_preferences
from visavis.server.pages.render import show_page
from visavis.server.pages.training_view import draw_curves, share_confusions
from visavis.server.pages.visitor import PageVisitor
from visavis.server.roles import MANAGE
from visavis.server.routes import Router
from visavis.server.services import Services
from visavis.server.trained_classifiers import list_trained_classifiers, read_trained_classifier
from visavis.server.training_runs import read_training_run

router = Router(tags=["pages"], include_in_schema=False)
RATES = (10, 100, 1000)
"""Rates of strangers who are given a name, as 1 in so many."""


@router.get("/train")
def show_training(
    request: Request,
    services: ServicesOf,
    visitor: PageVisitor,
    run: Annotated[str, Query(max_length=4096)] = "",
) -> Response:
    """Show the classifiers of the configuration, a form that trains one, and the curves of the run in a folder."""
    from visavis.train.gallery_classifier import LEAST_TEMPLATES
    from visavis.train.heads import HEADS

    if not visitor.may(MANAGE) or visitor.galleries is not None:
        return show_page(request, "forbidden", visitor=visitor, sections={}, status=403)
    return show_page(
        request,
        "train",
        visitor=visitor,
        module="train.js",
        texts=("page", "jobs", "people"),
        **share_open_jobs(services, visitor, ("train",)),
        trained=[_describe(services, classifier.name) for classifier in list_trained_classifiers(services)],
        galleries=visitor.list_galleries(services),
        roots=list(services.config.index_roots),
        models=list_present_models(),
        default_model=defaults.EMBEDDER,
        heads=HEADS,
        rates=RATES,
        default_rate=round(1 / defaults.FPIR),
        least=LEAST_TEMPLATES,
        extra=_find_missing_extra(),
        run=run,
        **_read_run(request, services, run),
    )


def _describe(services: Services, name: str) -> dict[str, Any]:
    classifier = read_trained_classifier(services, name)
    return {
        "classifier": classifier,
        "trained": None if classifier.trained is None else datetime.fromisoformat(classifier.trained),
        **share_confusions(classifier.report),
    }


def _find_missing_extra() -> str:
    """Return what is to be installed before most heads can be fitted; empty where nothing is."""
    from visavis.train.gallery_classifier import require_heads

    try:
        require_heads(None)
    except MissingExtraError as error:
        return str(error)
    return ""


def _read_run(request: Request, services: Services, folder: str) -> dict[str, Any]:
    """Return the curves of the run in a folder, or why there are none."""
    if not folder:
        return {"curves": [], "epochs": [], "fault": ""}
    try:
        training_run = read_training_run(services.config, folder)
    except UsageError as error:
        return {"curves": [], "epochs": [], "fault": str(error)}
    catalog = read_catalog(read_preferences(request).language)
    return {"curves": draw_curves(training_run, catalog.__getitem__), "epochs": training_run.epochs, "fault": ""}
