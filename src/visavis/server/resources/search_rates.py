"""The rate of a gallery, by which its searches name people, and what another rate would change."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from visavis.gallery.rate_effect import RateEffect, measure_rate_effect
from visavis.server.auth import Principal, ServicesOf
from visavis.server.problems import responses
from visavis.server.resources import V1
from visavis.server.resources.options import Fpir, Manager, Reader
from visavis.server.routes import Router
from visavis.server.schema import model_of
from visavis.server.services import Services
from visavis.server.types import GalleryRate

router = Router(prefix=f"{V1}/galleries/{{name}}/rate", tags=["galleries"])


class RateOrder(BaseModel, extra="forbid"):
    """The rate at which a search may name a stranger: from one in a billion, which is stricter than any threshold."""

    fpir: float = Field(ge=1e-9, lt=1)


@router.get("", response_model=model_of(GalleryRate), responses=responses(404))
def read_rate(services: ServicesOf, principal: Reader, name: str) -> dict[str, Any]:
    """Return the rate of searches that name none, and who set it; ``set_at`` is null for the default rate."""
    _require(services, principal, name)
    return services.search_rates.read(name).to_dict()


@router.put("", response_model=model_of(GalleryRate), responses=responses(404))
def set_rate(services: ServicesOf, principal: Manager, name: str, order: RateOrder) -> dict[str, Any]:
    """Search at this rate from now on, where a request names none."""
    _require(services, principal, name)
    services.search_rates.set(name, order.fpir, actor=principal.name)
    return services.search_rates.read(name).to_dict()


@router.delete("", status_code=204, responses=responses(404))
def reset_rate(services: ServicesOf, principal: Manager, name: str) -> None:
    """Return to the default rate."""
    _require(services, principal, name)
    services.search_rates.reset(name, actor=principal.name)


@router.get("/effect", response_model=model_of(RateEffect), responses=responses(404))
def measure_effect(services: ServicesOf, principal: Reader, name: str, fpir: Fpir) -> dict[str, Any]:
    """Return what a rate would change: each template of the gallery is searched for without itself, at both rates."""
    _require(services, principal, name)
    before = services.search_rates.read(name).fpir
    return measure_rate_effect(services.gallery(name).opened, fpir=fpir, fpir_before=before).to_dict()


def _require(services: Services, principal: Principal, name: str) -> None:
    principal.require_gallery(name)
    services.config.require_galleries([name])
