"""Change of the model of a gallery: a job, and its state."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, Field, model_validator

from visavis.errors import UsageError
from visavis.gallery.migration_types import MigrationState
from visavis.server.auth import ServicesOf
from visavis.server.migration import resolve_model
from visavis.server.problems import responses
from visavis.server.resources import V1
from visavis.server.resources.options import Manager, Reader
from visavis.server.routes import Router
from visavis.server.schema import model_of
from visavis.server.types import Job

router = Router(prefix=f"{V1}/galleries", tags=["galleries"])


class MigrateOrder(BaseModel, extra="forbid"):
    """Change to ``model``, go ``back`` to the model that answered before, or ``finish``: one of the three.

    ``accept_loss`` removes faces that cannot be embedded anew; ``accept_errors`` switches to a model that errs more or
    could not be measured.
    """

    model: str | None = Field(None, min_length=1, max_length=200)
    back: bool = False
    finish: bool = False
    accept_loss: bool = False
    accept_errors: bool = False

    @model_validator(mode="after")
    def check_choice(self) -> Self:
        """Raise ValueError unless one thing is to be done."""
        if (self.model is not None) + self.back + self.finish != 1:
            raise ValueError("say one of model, back and finish")
        return self


@router.post("/{name}/migrate", response_model=model_of(Job), status_code=202, responses=responses(404))
def migrate(services: ServicesOf, principal: Manager, name: str, order: MigrateOrder) -> dict[str, Any]:
    """Queue a job that changes the model of a gallery; its result says whether it switched, and if not, why."""
    principal.require_gallery(name)
    gallery = services.gallery(name)  # 404 where there is none
    if order.model is not None and resolve_model(order.model) == gallery.model:
        raise UsageError(f"this gallery is of {gallery.model} already.")
    state = gallery.migration()
    is_switched = state.state == "switched"
    second = state.second if order.finish or (order.back and is_switched) else None
    content = {**order.model_dump(), "second": second}
    return services.jobs.create("migrate", name, content, actor=principal.name).to_dict()


@router.get("/{name}/migrate", response_model=model_of(MigrationState), responses=responses(404))
def read_migration(services: ServicesOf, principal: Reader, name: str) -> dict[str, Any]:
    """Return which models a gallery has embeddings of, and how many faces have one of the second."""
    principal.require_gallery(name)
    return services.gallery(name).migration().to_dict()
