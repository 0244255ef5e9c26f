"""Jobs: long work, in a process of its own."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import BaseModel, Field

from visavis import defaults
from visavis.errors import UnknownNameError
from visavis.server.auth import Principal, ServicesOf
from visavis.server.config import DEFAULT_GALLERY
from visavis.server.index_folders import resolve_folder
from visavis.server.problems import responses
from visavis.server.push_job import list_hidden
from visavis.server.resources import V1
from visavis.server.resources.models import require_embedder
from visavis.server.resources.options import Administrator, GalleryName, Manager, Reader
from visavis.server.routes import Router
from visavis.server.schema import model_of
from visavis.server.services import Services
from visavis.server.state.jobs import unknown_job
from visavis.server.types import Job

router = Router(prefix=f"{V1}/jobs", tags=["jobs"])
JobId = Annotated[str, Path(max_length=64)]
OF_SERVER = frozenset({"train", "fetch", "measure"})
"""Kinds of jobs that a key of all galleries orders."""


class IndexOrder(BaseModel, extra="forbid"):
    """Add the faces of a folder to the gallery, unassigned: ``folder`` is a root of the server and a folder in it.

    ``exclude`` are patterns of names that are left out.
    """

    folder: str = Field(min_length=1, max_length=4096)
    exclude: list[str] = Field([], max_length=100)
    min_face: float = Field(defaults.MIN_FACE, ge=1, le=10_000)


class TrainOrder(BaseModel, extra="forbid"):
    """Train a classifier of the configuration on a folder with a folder of photos per person.

    Without ``folder``: on the people of the gallery. ``model`` is the name of the network that embeds the photos of a
    folder, ``head`` one of the heads of visavis train classifier (None: the best in cross-validation), ``fpir`` the
    wanted rate of strangers who are given a name.
    """

    classifier: str = Field(min_length=1, max_length=200)
    folder: str | None = Field(None, min_length=1, max_length=4096)
    model: str = Field(defaults.EMBEDDER, min_length=1, max_length=200)
    head: str | None = Field(None, min_length=1, max_length=200)
    fpir: float = Field(defaults.FPIR, ge=1e-6, le=0.5)


class JobList(BaseModel):
    """Jobs, the newest first."""

    jobs: list[model_of(Job)]  # type: ignore[valid-type]


@router.post("/index", response_model=model_of(Job), status_code=202, responses=responses(404))
def index_folder(services: ServicesOf, principal: Manager, gallery: GalleryName, order: IndexOrder) -> dict[str, Any]:
    """Queue a job that indexes a folder of the server; read it to see how far it is."""
    principal.require_gallery(gallery)
    services.gallery(gallery)  # 404 where there is none
    resolve_folder(services.config, order.folder)
    return services.jobs.create("index", gallery, order.model_dump(), actor=principal.name).to_dict()


@router.post("/train", response_model=model_of(Job), status_code=202, responses=responses(404, 501))
def train_classifier(
    services: ServicesOf, principal: Administrator, gallery: GalleryName, order: TrainOrder
) -> dict[str, Any]:
    """Queue a job that trains a classifier, which /classify then takes by its name.

    One of a gallery names its people, for the keys of this gallery and of all galleries; people with fewer than 4
    templates are left out.
    """
    from visavis.train.gallery_classifier import check_people, require_heads

    if order.classifier not in services.config.classifiers:
        raise UnknownNameError(f"there is no classifier {order.classifier!r} in the configuration of this server.")
    require_heads(order.head)
    if order.folder is None:
        check_people(services.gallery(gallery))
    else:
        require_embedder(order.model)
        resolve_folder(services.config, order.folder)
    place = gallery if order.folder is None else DEFAULT_GALLERY
    return services.jobs.create("train", place, order.model_dump(), actor=principal.name).to_dict()


@router.get("", response_model=JobList, responses=responses())
def list_jobs(
    services: ServicesOf, principal: Reader, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> dict[str, Any]:
    """List the jobs on the galleries of this key; those of attendance for keys that see all of it."""
    without = list_hidden(principal.rights)
    listed = services.jobs.list(galleries=principal.galleries, without=without, limit=limit)
    return {"jobs": [job.to_dict() for job in listed]}


@router.get("/{job_id}", response_model=model_of(Job), responses=responses(404))
def read_job(services: ServicesOf, principal: Reader, job_id: JobId) -> dict[str, Any]:
    """Return a job: its state, and how many photos of how many are done."""
    return _find(services, principal, job_id).to_dict()


@router.post("/{job_id}/cancel", response_model=model_of(Job), responses=responses(404))
def cancel_job(services: ServicesOf, principal: Manager, job_id: JobId) -> dict[str, Any]:
    """Stop a job; what it has stored stays. One that saves its result or has ended goes on as it was."""
    _require_change(services, principal, job_id)
    return services.jobs.cancel(job_id, actor=principal.name).to_dict()


@router.post("/{job_id}/resume", response_model=model_of(Job), responses=responses(404))
def resume_job(services: ServicesOf, principal: Manager, job_id: JobId) -> dict[str, Any]:
    """Queue a canceled or failed job again; photos that are stored are not embedded again."""
    _require_change(services, principal, job_id)
    return services.jobs.resume(job_id, actor=principal.name).to_dict()


def _require_change(services: Services, principal: Principal, job_id: str) -> None:
    """Raise UnknownNameError as :func:`_find`, ProblemError for a job that takes a key of all galleries."""
    job = _find(services, principal, job_id)
    if job.kind in OF_SERVER or (job.kind == "evaluate" and job.order["folder"] is not None):
        principal.require_all_galleries()


def _find(services: Services, principal: Principal, job_id: str) -> Job:
    job = services.jobs.read(job_id)
    if not principal.may_use(job.gallery) or job.kind in list_hidden(principal.rights):
        raise unknown_job(job_id)
    return job
