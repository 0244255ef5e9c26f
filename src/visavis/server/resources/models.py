"""Models that this server knows: whether their files are present, jobs that fetch them and measure their speed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Path
from pydantic import BaseModel, Field

from visavis.embedders import EMBEDDERS
from visavis.errors import UsageError, WeightsError
from visavis.server.auth import ServicesOf
from visavis.server.config import DEFAULT_GALLERY
from visavis.server.problems import responses
from visavis.server.resources import V1
from visavis.server.resources.options import Administrator, Reader
from visavis.server.routes import Router
from visavis.server.schema import model_of
from visavis.server.services import Services
from visavis.server.types import Job, ModelFile, ModelSpeed
from visavis.weights import store, user_models
from visavis.weights.spec import all_specs
from visavis.weights.spec import spec as find_spec

router = Router(prefix=f"{V1}/models", tags=["models"])
WeightName = Annotated[str, Path(max_length=200)]
EmbedderName = Annotated[str, Field(min_length=1, max_length=200)]


class Models(BaseModel):
    """All models."""

    models: list[model_of(ModelFile)]  # type: ignore[valid-type]


class FetchOrder(BaseModel, extra="forbid"):
    """``accept_license`` accepts a license that does not allow every use, for this server and from now on."""

    accept_license: bool = False


class MeasureOrder(BaseModel, extra="forbid"):
    """Measure the embedders of these names, on so many threads (None: as the server's own networks)."""

    models: list[EmbedderName] = Field(min_length=1, max_length=100)
    threads: int | None = Field(None, ge=1, le=1024)


@router.get("", response_model=Models, responses=responses())
def list_models(services: ServicesOf, principal: Reader) -> dict[str, Any]:
    """List the models: task, license, presence, speed, and the galleries of this key that use each."""
    allowed = [name for name in services.config.galleries if principal.may_use(name)]
    return {"models": [file.to_dict() for file in list_model_files(services, allowed)]}


@router.post("/{name}/fetch", response_model=model_of(Job), status_code=202, responses=responses(404))
def fetch_model(services: ServicesOf, principal: Administrator, name: WeightName, order: FetchOrder) -> dict[str, Any]:
    """Queue a job that downloads a weight file, and checks it; one that is there is checked alone."""
    spec = find_spec(name)
    if not order.accept_license:
        try:
            store.consent(spec)
        except WeightsError:
            raise UsageError(
                f"{spec.name} has a license that does not allow every use ({spec.license}): accept_license accepts it."
            ) from None
    content = {"model": spec.name, "accept_license": order.accept_license and spec.non_commercial}
    return services.jobs.create("fetch", DEFAULT_GALLERY, content, actor=principal.name).to_dict()


@router.post("/measure", response_model=model_of(Job), status_code=202, responses=responses(404))
def measure_models(services: ServicesOf, principal: Administrator, order: MeasureOrder) -> dict[str, Any]:
    """Queue a job that measures the milliseconds per face of models on the machine that runs it."""
    for name in order.models:
        require_embedder(name)
    return services.jobs.create("measure", DEFAULT_GALLERY, order.model_dump(), actor=principal.name).to_dict()


def require_embedder(name: str) -> None:
    """Raise UnknownNameError for what is no name of an embedder, UsageError where its file is missing here."""
    base = name.partition("@")[0]
    EMBEDDERS.check(base)  # a name: no folder of a model, as in the library
    spec = next((row for row in all_specs() if row.name == base), None)
    if spec is not None and store.locate(spec) is None:
        raise UsageError(f"the file of {base} is missing on this server: fetch it first.")


def list_model_files(services: Services, galleries: Sequence[str]) -> list[ModelFile]:
    """Return all models, each with those of the galleries that use it."""
    used: dict[str, list[str]] = {}
    for name in galleries:
        used.setdefault(services.gallery(name).model.partition("@")[0], []).append(name)
    speeds: dict[str, list[ModelSpeed]] = {}
    for speed in services.speeds.list():
        speeds.setdefault(speed.model.partition("@")[0], []).append(speed)
    files = [
        ModelFile(
            spec.name, spec.task, spec.license, spec.trained_on, spec.size, spec.non_commercial, imported=False,
            present=store.locate(spec) is not None, used_by=tuple(used.get(spec.name, ())),
            speeds=tuple(speeds.get(spec.name, ())),
        )
        for spec in all_specs()
    ]  # fmt: skip
    return files + [
        _describe_imported(name, tuple(used.get(name, ())), tuple(speeds.get(name, ()))) for name in user_models.names()
    ]


def _describe_imported(name: str, used_by: tuple[str, ...], speeds: tuple[ModelSpeed, ...]) -> ModelFile:
    try:
        row = user_models.row(name)
    except WeightsError:  # damaged
        return ModelFile(name, "embed", "", "", None, None, imported=True, present=False, used_by=used_by)
    return ModelFile(
        name, "embed", row.license, row.trained_on, None, None, imported=True, present=True, used_by=used_by,
        speeds=speeds,
    )  # fmt: skip
