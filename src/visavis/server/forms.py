"""Forms of requests, read in memory: a photo is never written to the temporary folder."""

from __future__ import annotations

import sys

from fastapi import Request
from starlette.datastructures import FormData
from starlette.formparsers import MultiPartException, MultiPartParser

from visavis.server.problems import ProblemError

MULTIPART = "multipart/form-data"
MOST_FIELDS = 100
FIELD_BYTES = 100_000
"""Bytes of a field of a form that is no photo."""


def media_type(request: Request) -> str:
    """Return the type of the body, in lower case and without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


class _MemoryParser(MultiPartParser):
    spool_max_size = sys.maxsize  # the body of a request is bounded already


async def read_form(request: Request, *, photos: int) -> FormData:
    """Read a form with at most ``photos`` files; raises ProblemError where it cannot be read or has more parts.

    A body of another type is an empty form.
    """
    if media_type(request) != MULTIPART:
        return await request.form(max_fields=MOST_FIELDS, max_part_size=FIELD_BYTES)
    parser = _MemoryParser(
        request.headers, request.stream(), max_files=photos, max_fields=MOST_FIELDS, max_part_size=FIELD_BYTES
    )
    try:
        return await parser.parse()
    except MultiPartException as error:
        raise ProblemError(400, "invalid_form", f"the form cannot be read: {error.message}") from error
