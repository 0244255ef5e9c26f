"""Errors of pages as pages: a sentence in the language of the browser, with the code, and the way on."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from visavis.printable import make_printable
from visavis.server.pages.catalogs import read_catalog
from visavis.server.pages.preferences import read_preferences
from visavis.server.pages.render import show_page
from visavis.server.pages.visitor import Visitor, find_visitor
from visavis.server.problems import ProblemError

OF_PROGRAMS = ("/v1/", "/api/", "/static/")
"""Beginnings of paths whose errors are for programs, also where there is no such address."""


def answer_error(request: Request, _error: Exception, problem: ProblemError) -> Response | None:
    """Return the answer of an error of a page; None where no page was asked for, or by a program.

    A page that needs a session leads to the sign-in.
    """
    is_page = "pages" in getattr(request.scope.get("route"), "tags", ())
    if is_page and problem.status == 401:
        return RedirectResponse("/", 303)
    is_elsewhere = problem.code == "not_found" and not request.scope["path"].startswith(OF_PROGRAMS)
    if not (is_page or is_elsewhere) or "text/html" not in request.headers.get("accept", ""):
        return None
    sentence, detail = _explain(request, problem)
    page = show_page(
        request,
        "error",
        visitor=_find_visitor(request, problem),
        status=problem.status,
        sentence=sentence,
        detail=detail,
        code=problem.code,
        is_bad_address=problem.code == "invalid_value" and request.method == "GET",
    )
    page.headers.update(problem.headers)
    return page


def _explain(request: Request, problem: ProblemError) -> tuple[str, str]:
    """Return the key of the sentence about a problem, and the server's own sentence where it says more."""
    catalog = read_catalog(read_preferences(request).language)
    for key in (f"error.{problem.code}", f"problem.{problem.code}"):
        if key in catalog:
            return key, make_printable(problem.detail) if problem.code == "invalid_value" else ""
    return "error.unknown", make_printable(problem.detail)


def _find_visitor(request: Request, problem: ProblemError) -> Visitor | None:
    """Return who looks at the page, where that can be found out: not of a server that has too much to do."""
    if problem.status == 429 or problem.status >= 500:
        return None
    try:
        return find_visitor(request, request.app.state.services)
    except ProblemError:
        return None
