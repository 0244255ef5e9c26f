"""The page of the cameras of this server: how each is configured and doing, and a check of its source."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from fastapi import Request
from fastapi.responses import Response

from visavis.server.auth import ServicesOf
from visavis.server.pages.render import show_page
from visavis.server.pages.settings_sections import list_sections, refuse
from visavis.server.pages.visitor import PageVisitor
from visavis.server.roles import MANAGE
from visavis.server.routes import Router
from visavis.server.state.cameras import FINAL, RUNNING

if TYPE_CHECKING:
    from visavis.videos.camera_file import CameraInput, CameraSettings

router = Router(tags=["pages"], include_in_schema=False)
EXAMPLE = """[[camera]]
name = "door"
source = "rtsp://viewer:${DOOR_PASSWORD}@192.168.0.20/stream1"
detect = "rtsp://viewer:${DOOR_PASSWORD}@192.168.0.20/stream2"
"""


@router.get("/settings/cameras")
def show_cameras(request: Request, services: ServicesOf, visitor: PageVisitor) -> Response:
    """Show the cameras of the visitor's galleries."""
    if not visitor.may(MANAGE):
        return refuse(request, visitor)
    settings = {camera.name: camera for camera in services.camera_settings}
    return show_page(
        request,
        "cameras",
        visitor=visitor,
        module="cameras.js",
        texts=("live", "page"),
        sections=list_sections(visitor),
        cameras=[
            (camera, settings.get(camera.name))
            for camera in services.cameras.read(names=services.camera_names, galleries=visitor.galleries)
        ],
        describe_source=_describe_source,
        final_states=FINAL,
        running=RUNNING,
        example=EXAMPLE,
    )


def _describe_source(source: CameraInput, settings: CameraSettings) -> str:
    """Return a source as people may see it: an address without secrets, a device, or the name of a file."""
    from visavis.videos.source import name_of

    name = name_of(source)
    return PurePath(name).name if str(source) in settings.files else name
