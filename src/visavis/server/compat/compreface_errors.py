"""Errors as CompreFace sends them: ``{"message", "code"}``, where clients look at the number of the code.

The numbers are those of CompreFace 1.2 (``CommonExceptionCode``). Its statuses too, but for errors that it does not
have: no right (403), too large (413), too many requests (429), busy (503).
"""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from visavis.server.problems import ProblemError

UNDEFINED, MODEL_NOT_FOUND, PREDICTION_COUNT = 0, 10, 12
MISSING_HEADER, UNUSABLE_FILE, INVALID_VALUE = 20, 21, 26
NO_FACE, SEVERAL_FACES, WRITING_NOT_ALLOWED = 28, 31, 32
MISSING_PARAMETER, MISSING_PART, WRONG_TYPE = 33, 34, 36
SUBJECT_NOT_FOUND, SUBJECT_EXISTS, IMAGE_NOT_FOUND = 42, 43, 44

STATUSES: dict[str, tuple[int, int]] = {
    "forbidden": (403, WRITING_NOT_ALLOWED),
    "unreadable": (400, UNUSABLE_FILE),
    "too_large": (413, UNUSABLE_FILE),
    "usage": (400, INVALID_VALUE),
    "unknown_name": (404, UNDEFINED),
    "similar_name": (400, SUBJECT_EXISTS),
}
"""Status and number of the problems whose sentence is kept."""


class CompreFaceError(ProblemError):
    """An error with CompreFace's status, number and message."""

    def __init__(self, status: int, number: int, message: str) -> None:
        super().__init__(status, "compreface", message)
        self.number = number


def no_face() -> CompreFaceError:
    """Return the error of a photo without a face."""
    return CompreFaceError(400, NO_FACE, "No face is found in the given image")


def several_faces() -> CompreFaceError:
    """Return the error of a photo of several faces where only one may be."""
    return CompreFaceError(400, SEVERAL_FACES, "More than one face in the source image")


def subject_not_found(name: str) -> CompreFaceError:
    """Return the error of a subject that does not exist."""
    return CompreFaceError(404, SUBJECT_NOT_FOUND, f"Subject {name} not found")


def subject_exists() -> CompreFaceError:
    """Return the error of a new subject whose name exists already."""
    return CompreFaceError(400, SUBJECT_EXISTS, "Subject already exists")


def image_not_found(image_id: object) -> CompreFaceError:
    """Return the error of an image id that does not exist."""
    return CompreFaceError(404, IMAGE_NOT_FOUND, f"Image {image_id} not found")


def unknown_key() -> CompreFaceError:
    """Return the error of a key that is wrong or was revoked."""
    return CompreFaceError(404, MODEL_NOT_FOUND, "Service with this API Key not found")


def no_base64() -> CompreFaceError:
    """Return the error of a photo in JSON that is not base64."""
    return CompreFaceError(400, UNUSABLE_FILE, "Provided value is not Base64")


NAMED = {"no_face": no_face, "invalid_base64": no_base64, "unauthorized": unknown_key}
"""What makes the error of the problems that have a sentence of CompreFace."""


def answer_error(request: Request, error: Exception, problem: ProblemError) -> JSONResponse:
    """Return the answer of an error; ``problem`` is what the same error is below /v1."""
    described = _translate(request, error, problem)
    return JSONResponse({"message": described.detail, "code": described.number}, described.status, problem.headers)


def _translate(request: Request, error: Exception, problem: ProblemError) -> CompreFaceError:
    if isinstance(problem, CompreFaceError):
        return problem
    if isinstance(error, RequestValidationError):
        return _describe_fault(error.errors()[0])
    if problem.code == "unauthorized" and "x-api-key" not in request.headers:
        return CompreFaceError(400, MISSING_HEADER, "Missing header: x-api-key")
    if problem.code in NAMED:
        return NAMED[problem.code]()
    status, number = STATUSES.get(problem.code, (problem.status, UNDEFINED))
    return CompreFaceError(400 if status == 422 else status, number, problem.detail)


def _describe_fault(fault: dict[str, Any]) -> CompreFaceError:
    """Return the error of a parameter, or a value of the body, that is missing or wrong."""
    place, name = fault["loc"][0], str(fault["loc"][-1])
    if fault["type"] == "missing" and place == "query":
        return CompreFaceError(400, MISSING_PARAMETER, f"Required parameter {name} is missing")
    if place == "body":
        return CompreFaceError(400, INVALID_VALUE, f"{name}: {fault['msg']}")
    number = WRONG_TYPE if "parsing" in fault["type"] else INVALID_VALUE
    return CompreFaceError(400, number, f"{name}: {fault['msg']}")
