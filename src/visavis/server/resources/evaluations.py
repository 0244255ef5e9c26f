"""Evaluations of models: ordered as jobs, listed, with the report of each."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Path, Query
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, Field

from visavis import defaults
from visavis.server.auth import ServicesOf
from visavis.server.config import DEFAULT_GALLERY
from visavis.server.index_folders import resolve_folder
from visavis.server.pages.content_policy import make_report_headers
from visavis.server.problems import responses
from visavis.server.resources import V1
from visavis.server.resources.models import require_embedder
from visavis.server.resources.options import GalleryName, Manager
from visavis.server.routes import Router
from visavis.server.schema import model_of
from visavis.server.types import Evaluation, Job

router = Router(prefix=f"{V1}/evaluations", tags=["evaluations"])
EvaluationId = Annotated[str, Path(max_length=64)]
HTML: dict[int | str, dict[str, Any]] = {200: {"content": {"text/html": {"schema": {"type": "string"}}}}}


class EvaluateOrder(BaseModel, extra="forbid"):
    """Measure verification or identification: on a folder of the server with a folder of photos per person.

    Without ``folder``: on the people of the gallery. ``model`` embeds the photos of a folder; the templates of a
    gallery are those of its model.
    """

    kind: Literal["verification", "identification"] = "verification"
    folder: str | None = Field(None, min_length=1, max_length=4096)
    model: str = Field(defaults.EMBEDDER, min_length=1, max_length=200)


class EvaluationList(BaseModel):
    """Evaluations, the newest first."""

    evaluations: list[model_of(Evaluation)]  # type: ignore[valid-type]


@router.post("", response_model=model_of(Job), status_code=202, responses=responses(404))
def evaluate(services: ServicesOf, principal: Manager, gallery: GalleryName, order: EvaluateOrder) -> dict[str, Any]:
    """Queue a job that evaluates a model; the evaluation has the id of the job. A folder takes a key of all galleries.

    Its result stays until it is deleted.
    """
    if order.folder is None:
        principal.require_gallery(gallery)
        services.gallery(gallery)  # 404 where there is none
    else:
        principal.require_all_galleries()
        require_embedder(order.model)
        resolve_folder(services.config, order.folder)
    place = gallery if order.folder is None else DEFAULT_GALLERY
    return services.jobs.create("evaluate", place, order.model_dump(), actor=principal.name).to_dict()


@router.get("", response_model=EvaluationList, responses=responses())
def list_evaluations(
    services: ServicesOf, principal: Manager, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> dict[str, Any]:
    """List the evaluations of the people of this key's galleries; those of folders for keys of all galleries."""
    listed = services.evaluations.list(galleries=principal.galleries, limit=limit)
    return {"evaluations": [evaluation.to_dict() for evaluation in listed]}


@router.get("/{evaluation_id}", response_model=model_of(Evaluation), responses=responses(404))
def read_evaluation(services: ServicesOf, principal: Manager, evaluation_id: EvaluationId) -> dict[str, Any]:
    """Return an evaluation."""
    return services.evaluations.read(evaluation_id, galleries=principal.galleries).to_dict()


@router.get("/{evaluation_id}/report", response_class=HTMLResponse, responses={**HTML, **responses(404)})
def read_report(services: ServicesOf, principal: Manager, evaluation_id: EvaluationId) -> HTMLResponse:
    """Return the report of an evaluation: a page without scripts, that loads nothing."""
    page = services.evaluations.read_page(evaluation_id, galleries=principal.galleries)
    return HTMLResponse(page, headers=make_report_headers(page))


@router.delete("/{evaluation_id}", status_code=204, responses=responses(404))
def remove_evaluation(services: ServicesOf, principal: Manager, evaluation_id: EvaluationId) -> Response:
    """Delete an evaluation and its report."""
    services.evaluations.remove(evaluation_id, galleries=principal.galleries, actor=principal.name)
    return Response(status_code=204)
