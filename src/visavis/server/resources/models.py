"""Models that this server knows, and whether their files are present."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from visavis.errors import WeightsError
from visavis.server.auth import ServicesOf
from visavis.server.problems import responses
from visavis.server.resources import V1
from visavis.server.resources.options import Reader
from visavis.server.schema import model_of
from visavis.server.services import Services
from visavis.server.types import ModelFile
from visavis.weights import user_models
from visavis.weights.spec import all_specs
from visavis.weights.store import locate

router = APIRouter(prefix=f"{V1}/models", tags=["models"])


class Models(BaseModel):
    """All models."""

    models: list[model_of(ModelFile)]  # type: ignore[valid-type]


@router.get("", response_model=Models, responses=responses())
def list_models(services: ServicesOf, principal: Reader) -> dict[str, Any]:
    """List the models: task, license, presence, and the galleries of this key that use each."""
    allowed = [name for name in services.config.galleries if principal.may_use(name)]
    return {"models": [file.to_dict() for file in list_model_files(services, allowed)]}


def list_model_files(services: Services, galleries: Sequence[str]) -> list[ModelFile]:
    """Return all models, each with those of the galleries that use it."""
    used: dict[str, list[str]] = {}
    for name in galleries:
        used.setdefault(services.gallery(name).model.partition("@")[0], []).append(name)
    files = [
        ModelFile(
            spec.name, spec.task, spec.license, spec.trained_on, spec.size, spec.non_commercial,
            imported=False, present=locate(spec) is not None, used_by=tuple(used.get(spec.name, ())),
        )
        for spec in all_specs()
    ]  # fmt: skip
    return files + [_describe_imported(name, tuple(used.get(name, ()))) for name in user_models.names()]


def _describe_imported(name: str, used_by: tuple[str, ...]) -> ModelFile:
    try:
        row = user_models.row(name)
    except WeightsError:  # damaged
        return ModelFile(name, "embed", "", "", None, None, imported=True, present=False, used_by=used_by)
    return ModelFile(
        name, "embed", row.license, row.trained_on, None, None, imported=True, present=True, used_by=used_by
    )
