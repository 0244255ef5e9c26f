"""Classifiers that were trained on this server, and runs that train networks: what was measured of each."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Query
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel

from visavis.server import trained_classifiers
from visavis.server.auth import ServicesOf
from visavis.server.pages.content_policy import make_report_headers
from visavis.server.problems import responses
from visavis.server.resources import V1
from visavis.server.resources.evaluations import HTML
from visavis.server.resources.options import Administrator
from visavis.server.routes import Router
from visavis.server.schema import model_of
from visavis.server.training_runs import read_training_run
from visavis.server.types import ServedClassifier, TrainingRun

router = Router(prefix=V1, tags=["training"])
TrainedName = Annotated[str, Path(max_length=200)]
RunFolder = Annotated[str, Query(min_length=1, max_length=4096, description="A root, and a folder in it.")]


class ClassifierList(BaseModel):
    """The classifiers of the configuration."""

    classifiers: list[model_of(ServedClassifier)]  # type: ignore[valid-type]


@router.get("/classifiers", response_model=ClassifierList, responses=responses())
def list_classifiers(services: ServicesOf, _: Administrator) -> dict[str, Any]:
    """List the classifiers of the configuration, also those that were not trained yet."""
    listed = trained_classifiers.list_trained_classifiers(services)
    return {"classifiers": [classifier.to_dict() for classifier in listed]}


@router.get("/classifiers/{name}", response_model=model_of(ServedClassifier), responses=responses(404))
def read_classifier(services: ServicesOf, _: Administrator, name: TrainedName) -> dict[str, Any]:
    """Return a classifier with its report: accuracy, and which people are taken for which."""
    return trained_classifiers.read_trained_classifier(services, name).to_dict()


@router.get("/classifiers/{name}/report", response_class=HTMLResponse, responses={**HTML, **responses(404)})
def read_classifier_report(services: ServicesOf, _: Administrator, name: TrainedName) -> HTMLResponse:
    """Return the report of a classifier: a page without scripts, that loads nothing."""
    page = trained_classifiers.read_classifier_page(services, name)
    return HTMLResponse(page, headers=make_report_headers(page))


@router.delete("/classifiers/{name}", status_code=204, responses=responses(404))
def remove_classifier(services: ServicesOf, principal: Administrator, name: TrainedName) -> Response:
    """Delete a trained classifier with its reports; its place stays, to be trained again."""
    trained_classifiers.remove_trained_classifier(services, name, actor=principal.name)
    return Response(status_code=204)


@router.get("/training-runs", response_model=model_of(TrainingRun), responses=responses(404))
def read_run(services: ServicesOf, _: Administrator, folder: RunFolder) -> dict[str, Any]:
    """Return the settings and the epochs of a run of visavis train network in a folder of the server."""
    return read_training_run(services.config, folder).to_dict()
