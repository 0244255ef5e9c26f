"""Errors as DeepStack sends them: ``{"success": false, "error", "duration"}``."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import JSONResponse

from visavis.server.problems import ProblemError

UNUSABLE = {"unreadable", "too_large", "invalid_form"}
"""Codes of problems that are "invalid image" there."""


def answer_error(_request: Request, _error: Exception, problem: ProblemError) -> JSONResponse:
    """Return the answer of an error; ``problem`` is what the same error is below /v1."""
    status, message = 400 if problem.status == 422 else problem.status, problem.detail
    if problem.code == "unauthorized":
        message = "Incorrect api key"
    elif problem.code in UNUSABLE:
        status, message = 400 if problem.status != 413 else 413, "invalid image"
    return JSONResponse({"success": False, "error": message, "duration": 0}, status, problem.headers)
