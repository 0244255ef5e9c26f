"""The pages of the evaluations: order one, see all, and look at one or two of them side by side."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import Response

from visavis import defaults
from visavis.embedders.speed import list_present_models
from visavis.errors import UnknownNameError
from visavis.server.auth import ServicesOf
from visavis.server.pages.evaluation_view import compare, decide, find_headline
from visavis.server.pages.job_view import share_open_jobs
from visavis.server.pages.render import show_page
from visavis.server.pages.visitor import PageVisitor, Visitor
from visavis.server.roles import MANAGE
from visavis.server.routes import Router
from visavis.server.services import Services

router = Router(prefix="/evaluate", tags=["pages"], include_in_schema=False)
MOST = 2
"""Evaluations side by side."""


@router.get("")
def show_evaluations(request: Request, services: ServicesOf, visitor: PageVisitor) -> Response:
    """Show the evaluations of the visitor's galleries, and a form that orders another."""
    if not visitor.may(MANAGE):
        return _refuse(request, visitor)
    listed = services.evaluations.list(galleries=visitor.galleries)
    is_whole = visitor.galleries is None
    return show_page(
        request,
        "evaluate",
        visitor=visitor,
        module="evaluate.js",
        texts=("page", "jobs"),
        **share_open_jobs(services, visitor, ("evaluate",)),
        evaluations=[
            (evaluation, datetime.fromisoformat(evaluation.created), *find_headline(evaluation))
            for evaluation in listed
        ],
        roots=list(services.config.index_roots) if is_whole else [],
        galleries=visitor.list_galleries(services),
        models=list_present_models(),
        default_model=defaults.EMBEDDER,
    )


@router.get("/results")
def show_results(
    request: Request,
    services: ServicesOf,
    visitor: PageVisitor,
    evaluation_id: Annotated[list[str] | None, Query(alias="id", max_length=100)] = None,
) -> Response:
    """Show one evaluation, or two side by side."""
    if not visitor.may(MANAGE):
        return _refuse(request, visitor)
    chosen = list(dict.fromkeys(evaluation_id or []))
    if not 1 <= len(chosen) <= MOST:
        return _show_fault(request, visitor, "evaluate.choose_two", 400)
    return _show_chosen(request, services, visitor, chosen)


def _show_chosen(request: Request, services: Services, visitor: Visitor, chosen: list[str]) -> Response:
    try:
        evaluations = [services.evaluations.read(number, galleries=visitor.galleries) for number in chosen]
    except UnknownNameError:
        return _show_fault(request, visitor, "evaluate.missing", 404)
    if len({evaluation.kind for evaluation in evaluations}) > 1:
        return _show_fault(request, visitor, "evaluate.other_kinds", 400)
    return show_page(
        request,
        "evaluation",
        visitor=visitor,
        module="evaluation.js",
        texts=("evaluate", "scale", "people"),
        evaluations=[(evaluation, datetime.fromisoformat(evaluation.created)) for evaluation in evaluations],
        rows=compare(evaluations),
        decision=decide(*evaluations) if len(evaluations) == MOST else None,
    )


def _refuse(request: Request, visitor: Visitor) -> Response:
    return show_page(request, "forbidden", visitor=visitor, sections={}, status=403)


def _show_fault(request: Request, visitor: Visitor, sentence: str, status: int) -> Response:
    return show_page(request, "evaluation_fault", visitor=visitor, sentence=sentence, status=status)
