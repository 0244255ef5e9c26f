"""Galleries of the server, and the statistics of each."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel

from visavis.gallery.coach_types import CoachReport
from visavis.gallery.types import Stats
from visavis.server.auth import ServicesOf
from visavis.server.photo_answers import hide_folders
from visavis.server.problems import responses
from visavis.server.resources import V1
from visavis.server.resources.options import OwnFpir, Reader, choose_rate
from visavis.server.routes import Router
from visavis.server.schema import model_of

router = Router(prefix=f"{V1}/galleries", tags=["galleries"])


class Galleries(BaseModel):
    """The names of the galleries that the key may use."""

    galleries: list[str]


@router.get("", response_model=Galleries, responses=responses())
def list_galleries(services: ServicesOf, principal: Reader) -> dict[str, Any]:
    """List the galleries that this key may use."""
    allowed = principal.galleries
    return {"galleries": [name for name in services.config.galleries if allowed is None or name in allowed]}


@router.get("/{name}/coach", response_model=model_of(CoachReport), responses=responses(404))
def coach_gallery(
    services: ServicesOf,
    principal: Reader,
    name: str,
    fpir: OwnFpir = None,
    person_id: Annotated[int | None, Query(ge=1, le=2**62, description="Only what is about this person.")] = None,
) -> dict[str, Any]:
    """Return what in a gallery will cause wrong answers: each template is compared with all people, without itself."""
    principal.require_gallery(name)
    report = services.gallery(name).coach(fpir=choose_rate(services, name, fpir))
    return hide_folders((report if person_id is None else report.about(person_id)).to_dict())


@router.get("/{name}", response_model=model_of(Stats), responses=responses(404))
def read_gallery(services: ServicesOf, principal: Reader, name: str) -> dict[str, Any]:
    """Return the statistics of a gallery; its ``url`` is shown as its name."""
    principal.require_gallery(name)
    return {**asdict(services.gallery(name).stats()), "url": name}
