"""API keys, and the one-time code of the first administrator."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import Request
from pydantic import BaseModel, Field

from visavis.attendance.employees import NUMBER_LENGTH
from visavis.gallery.check_text import NAME_LENGTH
from visavis.server.auth import ServicesOf, count_failure, refuse_after_failures
from visavis.server.key_owners import find_owner
from visavis.server.problems import ProblemError, responses
from visavis.server.resources import V1
from visavis.server.resources.options import Administrator
from visavis.server.routes import Router
from visavis.server.schema import model_of
from visavis.server.services import Services
from visavis.server.types import ApiKey, NewKey

router = Router(prefix=V1, tags=["keys"])


class KeyRequest(BaseModel, extra="forbid"):
    """A key to create: ``role`` is read, enroll, admin, employee, manager, payroll or kiosk.

    ``galleries`` are the names it may use, null for all. ``employee`` is the number of the employee that a key of the
    role employee or manager is for.
    """

    name: str = Field(min_length=1, max_length=NAME_LENGTH)
    role: str
    galleries: list[str] | None = Field(None, min_length=1)
    employee: str | None = Field(None, min_length=1, max_length=NUMBER_LENGTH)


class KeyList(BaseModel):
    """All keys without their secrets."""

    keys: list[model_of(ApiKey)]  # type: ignore[valid-type]


class SetupRequest(BaseModel, extra="forbid"):
    """The one-time code that the server printed at its first start, and the name of the key it makes."""

    code: str = Field(max_length=100)
    name: str = Field("admin", min_length=1, max_length=NAME_LENGTH)


@router.get("/keys", response_model=KeyList, responses=responses())
def list_keys(services: ServicesOf, _: Administrator) -> dict[str, Any]:
    """List all keys, also revoked ones."""
    return {"keys": [asdict(key) for key in services.keys.list()]}


@router.post("/keys", response_model=model_of(NewKey), status_code=201, responses=responses(404))
def create_key(services: ServicesOf, principal: Administrator, order: KeyRequest) -> dict[str, Any]:
    """Create a key; its text is in this answer alone."""
    services.config.require_galleries(order.galleries or ())
    owner = find_owner(services.attendance_site, order.role, order.employee)
    return asdict(
        services.keys.create(order.name, order.role, galleries=order.galleries, owner=owner, actor=principal.name)
    )


@router.post("/keys/{name:path}/rotate", response_model=model_of(NewKey), responses=responses(404))
def rotate_key(services: ServicesOf, principal: Administrator, name: str) -> dict[str, Any]:
    """Give a key a new secret; the old one is refused at once."""
    return asdict(services.keys.rotate(name, actor=principal.name))


@router.delete("/keys/{name:path}", status_code=204, responses=responses(404))
def revoke_key(services: ServicesOf, principal: Administrator, name: str) -> None:
    """Refuse a key from now on."""
    services.keys.revoke(name, actor=principal.name)


@router.post("/setup", response_model=model_of(NewKey), status_code=201, responses=responses())
def set_up(request: Request, services: ServicesOf, order: SetupRequest) -> dict[str, Any]:
    """Make the first administrator's key with the one-time code, which ends with it."""
    return asdict(use_code(request, services, order.code, order.name))


def use_code(request: Request, services: Services, code: str, name: str) -> NewKey:
    """Return the key that the one-time code makes; raises ProblemError for a wrong code, and for too many of them."""
    refuse_after_failures(request, services)
    key = services.keys.use_setup_code(code, name)
    if key is None and services.keys.any_usable():
        raise ProblemError(403, "wrong_code", "this server has a key already: create others by visavis keys create.")
    if key is None:
        count_failure(request, services)
        raise ProblemError(403, "wrong_code", "this is not the one-time code that the server printed.")
    return key
