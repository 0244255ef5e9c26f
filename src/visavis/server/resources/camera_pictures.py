"""The newest pictures of the cameras, with boxes and names, as a stream of server-sent events; nothing is stored."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from time import monotonic
from typing import Annotated

import anyio
from anyio import to_thread
from fastapi import Query, Request
from fastapi.responses import StreamingResponse
from pydantic import Field

from visavis.errors import BusyError
from visavis.server.auth import ServicesOf, identify_principal
from visavis.server.camera_pictures import CameraPictures
from visavis.server.problems import ProblemError, responses
from visavis.server.resources import V1
from visavis.server.resources.events import BEAT_SECONDS, STREAM, EventStream
from visavis.server.resources.options import Reader
from visavis.server.roles import READ
from visavis.server.routes import Router
from visavis.server.services import MOST_VIEWERS, Services
from visavis.server.state.cameras import RUNNING

router = Router(prefix=f"{V1}/camera-pictures", tags=["cameras"])
POLL_SECONDS = 0.25
"""Time between two looks at the pictures: four a second of each camera at most."""
CHECK_SECONDS = 1.0
"""Time between two looks at what the key may see, and at which cameras run."""

CameraNames = Annotated[
    list[Annotated[str, Field(max_length=200)]] | None, Query(max_length=1000, description="Cameras to show, else all.")
]


@router.get(
    "/stream",
    response_class=StreamingResponse,
    responses={200: {"content": {STREAM: {"schema": {"type": "string"}}}}, **responses(404)},
)
def stream_pictures(
    request: Request, services: ServicesOf, principal: Reader, camera: CameraNames = None
) -> StreamingResponse:
    """Send the newest pictures of running cameras as they come, each as a JPEG in base64 with the faces in it.

    An event "picture" has camera, at, width, height, faces (track, box, name, person_id, stranger, decided) and jpeg;
    an event "blank" has the camera that shows nothing any more. Needs ``pictures = true`` in the table ``[video]``.
    """
    if services.camera_pictures is None:
        detail = "this server shows no pictures of cameras: write pictures = true in [video] of its configuration."
        raise ProblemError(404, "no_pictures", detail)
    if not services.viewers.acquire(blocking=False):
        raise BusyError(f"there are {MOST_VIEWERS} viewers of pictures already: close a page.")
    viewer = _Viewer(request, services, services.camera_pictures, camera)
    return EventStream(viewer.stream(), services.viewers)


class _Viewer:
    """What one viewer sees: the pictures of the cameras that run, and that the key may see, at any moment."""

    def __init__(
        self, request: Request, services: Services, pictures: CameraPictures, wanted: list[str] | None
    ) -> None:
        self._request, self._services, self._pictures = request, services, pictures
        self._wanted = {*pictures.cameras} if wanted is None else {*pictures.cameras} & {*wanted}
        self._sent: dict[str, int] = {}

    async def stream(self) -> AsyncIterator[bytes]:
        """Yield events until the client leaves, its key is revoked, or the server stops."""
        yield b": pictures\n\n"
        beat = monotonic()
        checked, running = 0.0, list[str]()
        while not self._services.stopping.is_set():
            if monotonic() - checked >= CHECK_SECONDS:
                running = await to_thread.run_sync(self._find_running)
                checked = monotonic()
            for part in self._read(running):
                yield part
                beat = monotonic()
            if monotonic() - beat > BEAT_SECONDS:
                beat = monotonic()
                yield b": alive\n\n"
            await anyio.sleep(POLL_SECONDS)

    def _find_running(self) -> list[str]:
        """Return the cameras to show now; raises ProblemError where the key was revoked or the session has ended."""
        services = self._services
        principal = identify_principal(self._request, services, is_use=False)
        principal.require(READ)
        cameras = services.cameras.read(names=services.camera_names, galleries=principal.galleries)
        return [camera.name for camera in cameras if camera.state == RUNNING and camera.name in self._wanted]

    def _read(self, running: list[str]) -> list[bytes]:
        """Return the events of pictures that are new, and of cameras that have none any more."""
        events = []
        shown = dict.fromkeys(running)
        for camera in running:
            self._pictures.look(camera)
            picture = self._pictures.read(camera)
            if picture is None:
                del shown[camera]
            elif self._sent.get(camera) != picture.number:
                self._sent[camera] = picture.number
                events.append(b"event: picture\ndata: " + picture.content + b"\n\n")
        for camera in self._sent.keys() - shown.keys():
            del self._sent[camera]
            events.append(b"event: blank\ndata: " + json.dumps({"camera": camera}).encode() + b"\n\n")
        return events
