"""The pages of the settings: keys, models, and the log of what was changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import RedirectResponse, Response

from visavis import runtime
from visavis.embedders.speed import list_present_models
from visavis.server.auth import ServicesOf
from visavis.server.pages.catalogs import read_catalog
from visavis.server.pages.job_view import share_open_jobs
from visavis.server.pages.preferences import read_preferences
from visavis.server.pages.render import show_page
from visavis.server.pages.settings_sections import list_sections, may_manage_server, refuse
from visavis.server.pages.visitor import AnyVisitor, PageVisitor
from visavis.server.resources.models import list_model_files
from visavis.server.roles import MANAGE, OF_EMPLOYEES, ROLES, uses_galleries
from visavis.server.routes import Router
from visavis.server.services import Services
from visavis.server.types import ModelFile

router = Router(prefix="/settings", tags=["pages"], include_in_schema=False)
ENTRIES = 100
"""Entries of the log on a page."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """An entry of either log, as the page shows it; ``number`` is its place in the log, from 1."""

    number: int
    at: datetime
    actor: str
    action: str
    person_id: int | None
    detail: str


@router.get("")
def show_settings(visitor: AnyVisitor) -> Response:
    """Lead to the first page of the settings that the visitor may see."""
    return RedirectResponse(next(iter(list_sections(visitor).values())), 303)


@router.get("/models")
def show_models(request: Request, services: ServicesOf, visitor: PageVisitor) -> Response:
    """Show the models, their licenses, whether their files are there, and how fast they are."""
    files = list_model_files(services, visitor.list_galleries(services))
    groups: dict[str, list[ModelFile]] = {}
    for file in files:  # the first of several tasks of a file is that of its network, without the layer for classes
        groups.setdefault(file.task.partition(",")[0], []).append(file)
    is_manager = may_manage_server(visitor)
    return show_page(
        request,
        "models",
        visitor=visitor,
        module="models.js" if is_manager else "local_values.js",
        texts=("page", "people", "jobs") if is_manager else (),
        **share_open_jobs(services, visitor, ("fetch", "measure")),
        sections=list_sections(visitor),
        groups=list(groups.items()),
        may_fetch=is_manager,
        present=list_present_models(),
        threads=services.config.threads_per_process,
        processors=runtime.thread_count(None),
    )


@router.get("/keys")
def show_keys(request: Request, services: ServicesOf, visitor: PageVisitor) -> Response:
    """Show all keys, and a form for another."""
    if not may_manage_server(visitor):
        return refuse(request, visitor)
    return show_page(
        request, "keys", visitor=visitor, module="keys.js", sections=list_sections(visitor), texts=("role", "key"),
        keys=services.keys.list(), roles=_list_roles(services), galleries=list(services.config.galleries),
        of_galleries=[role for role in ROLES if uses_galleries(role)], of_employees=OF_EMPLOYEES,
    )  # fmt: skip


@router.get("/log")
def show_log(
    request: Request,
    services: ServicesOf,
    visitor: PageVisitor,
    gallery: Annotated[str, Query(max_length=200)] = "",
    before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
) -> Response:
    """Show who changed the server, or a gallery, the newest first; ``before`` is the last number of the page before."""
    galleries = visitor.list_galleries(services)
    if not visitor.may(MANAGE) or not (galleries or may_manage_server(visitor)):
        return refuse(request, visitor)
    chosen = gallery or ("" if may_manage_server(visitor) else galleries[0])
    if chosen not in galleries and (chosen or not may_manage_server(visitor)):
        return refuse(request, visitor)
    lines = _read_gallery_log(services, chosen, before) if chosen else _read_server_log(services, before)
    catalog = read_catalog(read_preferences(request).language)
    actions = {line.action: catalog.get(f"action.{line.action.replace(' ', '_')}", line.action) for line in lines}
    logs = [*([""] if may_manage_server(visitor) else []), *galleries]
    return show_page(
        request,
        "log",
        visitor=visitor,
        module="local_values.js",
        sections=list_sections(visitor),
        logs=logs,
        chosen=chosen,
        lines=lines[:ENTRIES],
        actions=actions,
        before=lines[ENTRIES - 1].number if len(lines) > ENTRIES else None,
        is_first=before is None,
    )


def _list_roles(services: Services) -> list[str]:
    """Return the roles that keys of this server can have: those of attendance need a site."""
    return [role for role in ROLES if services.config.attendance_site is not None or uses_galleries(role)]


def _read_server_log(services: Services, before: int | None) -> list[LogLine]:
    entries = services.database.read_latest_log(before=before, limit=ENTRIES + 1)
    return [
        LogLine(entry.number, datetime.fromisoformat(entry.at), entry.actor, entry.action, None, entry.detail)
        for entry in entries
    ]


def _read_gallery_log(services: Services, gallery: str, before: int | None) -> Sequence[LogLine]:
    entries = services.gallery(gallery).audit()
    end = len(entries) if before is None else min(before - 1, len(entries))
    return [
        LogLine(number, entry.at, entry.actor or "", entry.action, entry.person_id, entry.detail)
        for number, entry in zip(
            range(end, 0, -1), reversed(entries[max(0, end - ENTRIES - 1) : end]), strict=False
        )
    ]  # fmt: skip
