"""Who changed what: the audit log of a gallery, and the log of the server itself."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel

from visavis.gallery.types import AuditEntry
from visavis.plain import plain
from visavis.server.auth import ServicesOf
from visavis.server.problems import responses
from visavis.server.resources import V1
from visavis.server.resources.options import Administrator, Manager
from visavis.server.routes import Router
from visavis.server.schema import model_of
from visavis.server.types import LogEntry

router = Router(prefix=V1, tags=["logs"])
PAGE = 100
Skip = Annotated[int, Query(ge=0, le=2**62, description="The next of the page before.")]
Limit = Annotated[int, Query(ge=1, le=1000)]


class GalleryLog(BaseModel):
    """A page of the audit log of a gallery, the oldest entry first; ``next`` is null on the last one."""

    entries: list[model_of(AuditEntry)]  # type: ignore[valid-type]
    next: int | None


class ServerLog(BaseModel):
    """A page of the log of the server, the oldest entry first; ``next`` is null on the last one."""

    entries: list[model_of(LogEntry)]  # type: ignore[valid-type]
    next: int | None


@router.get("/galleries/{name}/audit", response_model=GalleryLog, responses=responses(404))
def read_gallery_log(
    services: ServicesOf, principal: Manager, name: str, after: Skip = 0, limit: Limit = PAGE
) -> dict[str, Any]:
    """Return the changes of a gallery with the keys that made them; people are ids, never names."""
    principal.require_gallery(name)
    entries = services.gallery(name).audit()[after:]
    return {
        "entries": [plain(entry) for entry in entries[:limit]],
        "next": after + limit if len(entries) > limit else None,
    }


@router.get("/log", response_model=ServerLog, responses=responses())
def read_server_log(services: ServicesOf, _: Administrator, after: Skip = 0, limit: Limit = PAGE) -> dict[str, Any]:
    """Return the changes of the server: keys and jobs."""
    entries = services.database.read_log(after=after, limit=limit + 1)
    return {
        "entries": [plain(entry) for entry in entries[:limit]],
        "next": entries[limit - 1].number if len(entries) > limit else None,
    }
