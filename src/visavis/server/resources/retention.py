"""Retention: how long the server keeps what it stores beside the people, and its removal before the next run."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from visavis.gallery.acting import acting_as
from visavis.server import retention
from visavis.server.auth import ServicesOf
from visavis.server.problems import responses
from visavis.server.resources import V1
from visavis.server.resources.options import Administrator
from visavis.server.routes import Router
from visavis.server.schema import model_of
from visavis.server.state.events import Events
from visavis.server.state.expiry import Expiry
from visavis.server.types import ExpiringKind

router = Router(prefix=f"{V1}/retention", tags=["server"])


class ExpiringKinds(BaseModel):
    """All that is kept for a number of days."""

    kinds: list[model_of(ExpiringKind)]  # type: ignore[valid-type]


class RemovedRows(BaseModel):
    """The numbers of rows that were removed, by kind."""

    removed: dict[str, int]


@router.get("", response_model=ExpiringKinds, responses=responses())
def read_retention(services: ServicesOf, _: Administrator) -> dict[str, Any]:
    """Return for each kind how long it is kept, how much is stored, since when, and how much is due."""
    kinds = Expiry(services.database, services.config.kept_days).describe()
    return {"kinds": [kind.to_dict() for kind in kinds]}


@router.post("/run", response_model=RemovedRows, responses=responses())
def remove_expired(services: ServicesOf, principal: Administrator) -> dict[str, Any]:
    """Remove now what is due, as the server does by itself every ten minutes."""
    removed = Expiry(services.database, services.config.kept_days).remove(actor=principal.name)
    retention.forget_removed_people(Events(services.database), services.config)
    with acting_as(principal.name):
        retention.forget_strangers(services.config)
    return {"removed": removed}
