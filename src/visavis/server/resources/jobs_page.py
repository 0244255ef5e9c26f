"""The page of the jobs: how far each is, and a form to index a folder."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import Response

from visavis.server.auth import ServicesOf
from visavis.server.pages.job_view import share_jobs
from visavis.server.pages.render import show_page
from visavis.server.pages.visitor import PageVisitor
from visavis.server.push_job import list_hidden
from visavis.server.roles import MANAGE
from visavis.server.routes import Router

router = Router(tags=["pages"], include_in_schema=False)
JOBS = 50
"""Jobs on the page, the newest."""


@router.get("/jobs")
def show_jobs(request: Request, services: ServicesOf, visitor: PageVisitor) -> Response:
    """Show the jobs on the visitor's galleries, and a form that orders another."""
    jobs = services.jobs.list(galleries=visitor.galleries, without=list_hidden(visitor.rights), limit=JOBS)
    return show_page(
        request,
        "jobs",
        visitor=visitor,
        module="jobs.js",
        texts=("page",),
        **share_jobs(jobs, visitor),
        may_train=visitor.may(MANAGE) and visitor.galleries is None,
        roots=list(services.config.index_roots),
        galleries=visitor.list_galleries(services),
    )
