"""The page of the jobs: folders that are indexed, classifiers that are trained, and how far each is."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response

from visavis import defaults
from visavis.embedders import EMBEDDERS
from visavis.server.auth import ServicesOf
from visavis.server.pages.render import show_page
from visavis.server.pages.visitor import PageVisitor
from visavis.server.roles import MANAGE
from visavis.server.state.jobs import CANCELED, FAILED, QUEUED, RUNNING

router = APIRouter(tags=["pages"], include_in_schema=False)
JOBS = 50
"""Jobs on the page, the newest."""


@router.get("/jobs")
def show_jobs(request: Request, services: ServicesOf, visitor: PageVisitor) -> Response:
    """Show the jobs on the visitor's galleries, and forms that order others."""
    jobs = services.jobs.list(galleries=visitor.galleries, limit=JOBS)
    return show_page(
        request,
        "jobs",
        visitor=visitor,
        module="jobs.js",
        texts=("page",),
        jobs=[(job, datetime.fromisoformat(job.created)) for job in jobs],
        cancelable=(QUEUED, RUNNING),
        resumable=(CANCELED, FAILED),
        may_index=visitor.may(MANAGE),
        may_train=visitor.may(MANAGE) and visitor.galleries is None,
        roots=list(services.config.index_roots),
        galleries=visitor.list_galleries(services),
        classifiers=list(services.config.classifiers),
        models=EMBEDDERS.names(),
        default_model=defaults.EMBEDDER,
    )
