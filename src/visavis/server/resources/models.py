"""Models that this server knows, and whether their files are present."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from visavis.errors import WeightsError
from visavis.server.auth import ServicesOf
from visavis.server.problems import responses
from visavis.server.resources.options import Reader
from visavis.server.schema import model_of
from visavis.server.types import ModelFile
from visavis.weights import user_models
from visavis.weights.spec import all_specs
from visavis.weights.store import locate

router = APIRouter(prefix="/models", tags=["models"])


class Models(BaseModel):
    """All models."""

    models: list[model_of(ModelFile)]  # type: ignore[valid-type]


@router.get("", response_model=Models, responses=responses())
def list_models(services: ServicesOf, principal: Reader) -> dict[str, Any]:
    """List the models: task, license, presence, and the galleries of this key that use each."""
    allowed = [name for name in services.config.galleries if principal.galleries is None or name in principal.galleries]
    used: dict[str, list[str]] = {}
    for name in allowed:
        used.setdefault(services.gallery(name).model.partition("@")[0], []).append(name)
    lines = [
        {
            "name": spec.name, "task": spec.task, "license": spec.license, "trained_on": spec.trained_on,
            "bytes": spec.size, "non_commercial": spec.non_commercial, "imported": False,
            "present": locate(spec) is not None,
        }
        for spec in all_specs()
    ]  # fmt: skip
    lines += [_describe_imported(name) for name in user_models.names()]
    return {"models": [{**line, "used_by": used.get(str(line["name"]), [])} for line in lines]}


def _describe_imported(name: str) -> dict[str, object]:
    try:
        row = user_models.row(name)
    except WeightsError:  # damaged
        return _describe(name, "", "", present=False)
    return _describe(name, row.license, row.trained_on, present=True)


def _describe(name: str, license_name: str, trained_on: str, *, present: bool) -> dict[str, object]:
    return {
        "name": name, "task": "embed", "license": license_name, "trained_on": trained_on, "bytes": None,
        "non_commercial": None, "imported": True, "present": present,
    }  # fmt: skip
