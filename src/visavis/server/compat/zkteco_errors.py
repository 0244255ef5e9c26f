"""Errors as ZKTeco terminals understand them: a line of text, and a status that makes them send again later."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import PlainTextResponse

from visavis.server.problems import ProblemError


def answer_error(_request: Request, _error: Exception, problem: ProblemError) -> PlainTextResponse:
    """Return the answer of an error."""
    return PlainTextResponse(f"ERROR: {problem.code}\n", problem.status, problem.headers)
