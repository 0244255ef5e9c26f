"""Cameras: how each is doing, and whether it is to run."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path
from pydantic import BaseModel

from visavis.errors import BusyError, UnknownNameError
from visavis.gallery.acting import acting_as
from visavis.server.auth import Principal, ServicesOf
from visavis.server.problems import responses
from visavis.server.resources import V1
from visavis.server.resources.options import Manager, Reader
from visavis.server.routes import Router
from visavis.server.schema import model_of
from visavis.server.services import Services
from visavis.server.types import CameraCheck, ErasedCameraData, ServedCamera
from visavis.videos.strangers import forget_sightings_of_camera

router = Router(prefix=f"{V1}/cameras", tags=["cameras"])
CameraName = Annotated[str, Path(max_length=200)]


class CameraList(BaseModel):
    """Cameras, by name."""

    cameras: list[model_of(ServedCamera)]  # type: ignore[valid-type]


@router.get("", response_model=CameraList, responses=responses())
def list_cameras(services: ServicesOf, principal: Reader) -> dict[str, Any]:
    """List the cameras whose people are in galleries of this key: their states and latest events."""
    cameras = services.cameras.read(names=services.camera_names, galleries=principal.galleries)
    return {"cameras": [camera.to_dict() for camera in cameras]}


@router.get("/{name:path}", response_model=model_of(ServedCamera), responses=responses(404))
def read_camera(services: ServicesOf, principal: Reader, name: CameraName) -> dict[str, Any]:
    """Return a camera: its state, frames per second, and latest event."""
    return _find(services, principal, name).to_dict()


@router.post("/{name:path}/start", response_model=model_of(ServedCamera), responses=responses(404))
def start_camera(services: ServicesOf, principal: Manager, name: CameraName) -> dict[str, Any]:
    """Start a camera, also again after it has ended or failed; it is to run until it is stopped."""
    services.cameras.start(_find(services, principal, name).name, actor=principal.name)
    return _find(services, principal, name).to_dict()


@router.post("/{name:path}/stop", response_model=model_of(ServedCamera), responses=responses(404))
def stop_camera(services: ServicesOf, principal: Manager, name: CameraName) -> dict[str, Any]:
    """Stop a camera until it is started, also when the server begins anew; the tracks of its faces end."""
    services.cameras.stop(_find(services, principal, name).name, actor=principal.name)
    return _find(services, principal, name).to_dict()


@router.post("/{name:path}/check", response_model=model_of(CameraCheck), responses=responses(404))
def check_source(services: ServicesOf, principal: Manager, name: CameraName) -> dict[str, Any]:
    """Try the source of a camera of this server, and return the size of its first picture, or why none came."""
    from visavis.server.check_camera import check_camera

    _find(services, principal, name)
    settings = next((camera for camera in services.camera_settings if camera.name == name), None)
    if settings is None:
        raise UnknownNameError(f"there is no camera {name!r} in the configuration of this server: another watches it.")
    if not services.camera_checks.acquire(blocking=False):
        raise BusyError("other cameras are being checked: try again.")
    try:
        return check_camera(settings).to_dict()
    finally:
        services.camera_checks.release()


@router.delete("/{name:path}/data", response_model=model_of(ErasedCameraData), responses=responses(404))
def erase_camera_data(services: ServicesOf, principal: Manager, name: CameraName) -> dict[str, Any]:
    """Erase what a camera has seen: its events, and its sightings of strangers who have no name."""
    camera = _find(services, principal, name)
    with acting_as(principal.name):
        sightings = forget_sightings_of_camera(services.gallery(camera.gallery), name)
    events = services.cameras.erase_events(name, galleries=principal.galleries, actor=principal.name)
    return ErasedCameraData(events, sightings).to_dict()


def _find(services: Services, principal: Principal, name: str) -> ServedCamera:
    """Return a camera; raises UnknownNameError, also where the key may not use its gallery."""
    cameras = services.cameras.read(names=services.camera_names, galleries=principal.galleries)
    camera = next((camera for camera in cameras if camera.name == name), None)
    if camera is None:
        raise UnknownNameError(f"there is no camera {name!r} on this server.")
    return camera
