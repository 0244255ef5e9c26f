"""Interfaces of other servers, whose clients then work with this one: a file, or several, for each.

These requests answer, and fail, in the form of the server that their clients expect. OpenAPI leaves them out: their
description is that of the other server; docs/coming-from.md says what differs.
"""

from __future__ import annotations

from importlib import import_module

from fastapi import FastAPI, Request
from fastapi.responses import Response

from visavis.server.compat import compreface_errors, deepstack_errors, zkteco_errors
from visavis.server.problems import ProblemError

NAMES = ("compreface_photos", "compreface_faces", "compreface_subjects", "deepstack", "zkteco")
ERROR_FORMS = {
    "/api/v1/": compreface_errors.answer_error,
    "/v1/vision/": deepstack_errors.answer_error,
    "/iclock/": zkteco_errors.answer_error,
}
"""What answers an error of the requests below a path, instead of a problem of RFC 9457."""


def install(app: FastAPI) -> None:
    """Add the routes."""
    for name in NAMES:
        app.router.routes.extend(import_module(f"{__name__}.{name}").router.routes)


def answer_error(request: Request, error: Exception, problem: ProblemError) -> Response | None:
    """Return the answer of an error in the form of another server; None where the request is not one of its own."""
    path: str = request.scope["path"]  # request.url cannot be had of every Host header
    form = next((form for prefix, form in ERROR_FORMS.items() if path.startswith(prefix)), None)
    return None if form is None else form(request, error, problem)
