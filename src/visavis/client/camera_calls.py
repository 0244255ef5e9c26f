"""Calls about the cameras that a server watches."""

from __future__ import annotations

from urllib.parse import quote

from visavis.client._requests import GalleryRequests
from visavis.client.parse import parse
from visavis.server.types import CameraCheck, ServedCamera


class CameraCalls(GalleryRequests):
    """Methods of :class:`visavis.Client` about cameras; their events are those of ``events`` and ``stream_events``."""

    def cameras(self) -> list[ServedCamera]:
        """Return the cameras of the server, by name: how each is doing, and its latest event."""
        return [parse(ServedCamera, line) for line in self._connection.send("GET", "/cameras")["cameras"]]

    def camera(self, name: str) -> ServedCamera:
        """Return a camera; UnknownNameError if there is none of this name."""
        return parse(ServedCamera, self._connection.send("GET", f"/cameras/{quote(name, safe='')}"))

    def start_camera(self, name: str) -> ServedCamera:
        """Start a camera until it is stopped; its state changes a moment later. Needs the key of an administrator."""
        return parse(ServedCamera, self._connection.send("POST", f"/cameras/{quote(name, safe='')}/start"))

    def stop_camera(self, name: str) -> ServedCamera:
        """Stop a camera until it is started; its state changes a moment later. Needs the key of an administrator."""
        return parse(ServedCamera, self._connection.send("POST", f"/cameras/{quote(name, safe='')}/stop"))

    def check_camera(self, name: str) -> CameraCheck:
        """Try the source of a camera, beside all else that watches it. Needs the key of an administrator."""
        return parse(CameraCheck, self._connection.send("POST", f"/cameras/{quote(name, safe='')}/check"))
