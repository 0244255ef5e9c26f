"""Thresholds of a gallery: the table in use, the threshold of a rate, a table of one's own."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from visavis import compare, defaults
from visavis.compare import Calibration, parse_calibration, uncalibrated
from visavis.gallery.gallery import Gallery
from visavis.gallery.types import SearchThreshold
from visavis.plain import plain
from visavis.server.auth import Principal, ServicesOf
from visavis.server.problems import responses
from visavis.server.resources import V1
from visavis.server.resources.options import Manager, OwnFpir, Reader, choose_rate
from visavis.server.routes import Router
from visavis.server.schema import model_of
from visavis.server.services import Services

router = Router(prefix=V1, tags=["galleries"])
OF_GALLERY = "/galleries/{name}"


class CalibrationTable(BaseModel):
    """A table that ``visavis calibrate`` wrote: pairs of a false accept rate and the cosine distance of it.

    ``logistic`` is slope and intercept of the map from a distance to the probability of one person. ``histogram`` has
    the numbers of measured pairs of one person (``genuine``) and of two (``impostors``) in bins of its ``width``.
    """

    model: str = Field(max_length=200)
    far_threshold: list[list[float]] = Field(min_length=1, max_length=10_000)
    logistic: list[float]
    provenance: dict[str, Any] = {}
    poor_photos: dict[str, Any] = {}
    histogram: dict[str, Any] = {}


TABLE: dict[str, Any] = {
    "response_model": CalibrationTable,
    "response_model_exclude_unset": True,
    "responses": responses(404),
}


@router.get("/calibration", **TABLE)
def read_default_calibration(_: Reader) -> dict[str, Any]:
    """Return the table of thresholds by which two photos are compared, that of the default model."""
    return _describe(compare.calibration(defaults.EMBEDDER), defaults.EMBEDDER)


@router.get(OF_GALLERY + "/calibration", **TABLE)
def read_calibration(services: ServicesOf, principal: Reader, name: str) -> dict[str, Any]:
    """Return the table of thresholds in use: the gallery's own, else the one shipped with its model."""
    return _read_table(_open(services, principal, name))


@router.put(OF_GALLERY + "/calibration", **TABLE)
def set_calibration(services: ServicesOf, principal: Manager, name: str, table: CalibrationTable) -> dict[str, Any]:
    """Use a table of one's own from now on."""
    gallery = _open(services, principal, name)
    gallery.calibrate(parse_calibration(table.model_dump(exclude_unset=True)))
    return _read_table(gallery)


@router.delete(OF_GALLERY + "/calibration", status_code=204, responses=responses(404))
def reset_calibration(services: ServicesOf, principal: Manager, name: str) -> None:
    """Return to the table that is shipped with the model."""
    _open(services, principal, name).calibrate(None)


@router.get(OF_GALLERY + "/threshold", response_model=model_of(SearchThreshold), responses=responses(404))
def read_threshold(services: ServicesOf, principal: Reader, name: str, fpir: OwnFpir = None) -> dict[str, Any]:
    """Return the distance up to which a search among the people of today names a person, at this rate."""
    gallery = _open(services, principal, name)
    answer: dict[str, Any] = plain(gallery.threshold(fpir=choose_rate(services, name, fpir)))
    return answer


def _open(services: Services, principal: Principal, name: str) -> Gallery:
    principal.require_gallery(name)
    return services.gallery(name)


def _read_table(gallery: Gallery) -> dict[str, Any]:
    return _describe(gallery.calibration, gallery.model)


def _describe(table: Calibration | None, model: str) -> dict[str, Any]:
    if table is None:
        raise uncalibrated(model, "so there is no table")
    return table.table()
