"""Errors as RFC 9457 problems: a code, one sentence and the id of the request; never a traceback or a path."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from visavis.errors import (
    NO_ROOM,
    AttendanceError,
    BusyError,
    GalleryError,
    MissingExtraError,
    ServerError,
    VisavisError,
    WeightsError,
    code_of,
)
from visavis.printable import make_printable

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 1
TITLES = {
    400: "The request is not valid.",
    401: "A key is needed.",
    403: "This key has no right to do that.",
    404: "There is no such thing.",
    405: "This address does not take that method.",
    408: "The request took too long to arrive.",
    409: "That contradicts what is stored.",
    413: "That is too large.",
    415: "The body has a form that is not taken here.",
    421: "This server does not answer for that host.",
    422: "A photo, or a value, cannot be used.",
    429: "Too many requests.",
    431: "The headers are too large.",
    500: "The server made a mistake.",
    501: "This server does not have that part.",
    503: "The server cannot answer now.",
}
HIDDEN = {
    GalleryError: "the gallery cannot be used now; the server's log says why.",
    WeightsError: "a model file is missing on the server; its administrator can run visavis models fetch.",
    ServerError: "the server cannot answer now; its log says why.",
    AttendanceError: "the attendance site cannot be used now; the server's log says why.",
}
"""Sentences instead of messages that may name paths of the server."""

NO_ADDRESS = "there is no such address: /docs lists all requests."

log = logging.getLogger("visavis.server")


class ProblemDetails(BaseModel):
    """An error: ``code`` is a word for programs, ``detail`` a sentence for people."""

    type: str = Field(description="A URN that ends in the code.")
    title: str
    status: int
    code: str
    detail: str
    request_id: str


class ProblemError(Exception):
    """An error that the server itself raises; ``headers`` are added to the answer."""

    def __init__(self, status: int, code: str, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.headers = status, code, detail, headers or {}


ErrorForm = Callable[[Request, Exception, ProblemError], Response | None]
"""Answers an error in another form, as clients of other servers and browsers expect it; None: not of this request."""


def describe_error(error: Exception) -> ProblemError:
    """Return an exception as a problem; one that is not expected is "internal", and its text stays in the log."""
    if isinstance(error, HTTPException) and isinstance(error.__cause__, ProblemError):
        error = error.__cause__  # FastAPI raises its own error for a body that the guard refused
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, BusyError):
        return ProblemError(503, "busy", str(error), {"Retry-After": str(RETRY_SECONDS)})
    if _lacks_room(error):
        error = ServerError(str(error))
    if isinstance(error, VisavisError):
        return _describe_own(error)
    if isinstance(error, RequestValidationError):
        return ProblemError(422, "invalid_value", _join_faults(error))
    if isinstance(error, HTTPException):
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "invalid_request")
        detail = NO_ADDRESS if error.status_code == 404 else str(error.detail)
        return ProblemError(error.status_code, code, detail, dict(error.headers or {}))
    return ProblemError(500, "internal", "the server made a mistake; its log has the details under the request id.")


def answer(request: Request, error: Exception) -> Response:
    """Return the answer of an error."""
    problem = describe_error(error)
    request_id = request.scope.get("request_id", "")
    if problem.status == 500:
        log.error("request %s failed", request_id, exc_info=error)
    elif isinstance(error, tuple(HIDDEN)) or _lacks_room(error):
        log.warning("request %s: %s", request_id, make_printable(str(error)))
    forms: Sequence[ErrorForm] = request.app.state.error_forms
    for form in forms:
        answered = form(request, error, problem)
        if answered is not None:
            return answered
    content = make_details(problem, request_id).model_dump()
    return JSONResponse(content, problem.status, problem.headers, MEDIA_TYPE)


def make_details(problem: ProblemError, request_id: str) -> ProblemDetails:
    """Return the content of the answer of a problem."""
    return ProblemDetails(
        type=f"urn:visavis:problem:{problem.code}",
        title=TITLES.get(problem.status, "The request failed."),
        status=problem.status,
        code=problem.code,
        detail=make_printable(problem.detail),
        request_id=request_id,
    )


def install(app: FastAPI) -> None:
    """Let the application answer these exceptions with a problem; others get one from the guard."""
    for kind in (ProblemError, VisavisError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, answer)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the description of errors for OpenAPI; those that every request may have come with them."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    all_statuses = sorted({400, 401, 403, 421, 422, 429, 503, *statuses})
    return {status: {"description": TITLES[status], "content": content} for status in all_statuses}


def _lacks_room(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in NO_ROOM


def _describe_own(error: VisavisError) -> ProblemError:
    headers = {"Retry-After": str(RETRY_SECONDS)} if error.http_status == 503 else {}
    detail = next((text for kind, text in HIDDEN.items() if isinstance(error, kind)), str(error))
    if isinstance(error, MissingExtraError):
        detail = str(error)
    return ProblemError(error.http_status, code_of(type(error)), detail, headers)


def _join_faults(error: RequestValidationError) -> str:
    faults = []
    for fault in error.errors()[:5]:
        place = ".".join(str(part) for part in fault["loc"] if part not in {"query", "body", "path"})
        faults.append(f"{place or 'the body'}: {_explain(place, fault)}")
    return "; ".join(faults) + "."


def _explain(name: str, fault: Mapping[str, Any]) -> str:
    if fault["loc"] == ("body",) and isinstance(fault.get("input"), bytes):
        return "send it with Content-Type: application/json"
    if fault["loc"][0] == "query" and fault["type"] == "missing":
        return f"this parameter is missing from the address (?{name}=...)"
    return str(fault["msg"])
