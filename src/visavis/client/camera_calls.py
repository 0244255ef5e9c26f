"""Calls about the cameras that a server watches, and about strangers before them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from visavis.client._requests import GalleryRequests
from visavis.client.job_calls import parse_data, read_data
from visavis.client.parse import parse
from visavis.gallery.near_people import NearPerson
from visavis.gallery.types import Person
from visavis.server.types import CameraCheck, ErasedCameraData, SeenStranger, ServedCamera


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

    def erase_camera_data(self, name: str) -> ErasedCameraData:
        """Erase the events of a camera, and its sightings of strangers. Needs the key of an administrator."""
        return parse(ErasedCameraData, self._connection.send("DELETE", f"/cameras/{quote(name, safe='')}/data"))

    def stream_pictures(self, *cameras: str) -> Iterator[dict[str, Any]]:
        """Yield the newest pictures of cameras (without names, of all) as they come, until the connection ends.

        A picture has "camera", "at", "width", "height", "faces" and "jpeg" (base64). One with a "camera" alone says
        that this camera shows nothing any more.
        """
        lines = self._connection.stream_lines("/camera-pictures/stream", {"camera": [*cameras]}, chunk_bytes=None)
        for data in read_data(lines):
            yield parse_data(data)

    def strangers(self) -> list[SeenStranger]:
        """Return the unknown people before the cameras, the latest first."""
        answer = self._ask_gallery("GET", "/strangers", params={"limit": 1000})
        return [parse(SeenStranger, line) for line in answer["strangers"]]

    def people_near_stranger(self, number: int, *, top: int = 3) -> list[NearPerson]:
        """Return the people of the gallery who look most like a stranger, the nearest first."""
        answer = self._ask_gallery("GET", f"/strangers/{int(number)}/near", params={"top": top})
        return [parse(NearPerson, line) for line in answer["people"]]

    def name_stranger(self, number: int, name: str, *, new: bool = False) -> Person:
        """Turn a stranger into the only person called ``name``, else into a new one; return the person."""
        order = {"name": name, "new": new}
        return parse(Person, self._ask_gallery("POST", f"/strangers/{int(number)}/name", json=order))

    def forget_stranger(self, number: int) -> None:
        """Remove all that is stored of a stranger; UnknownNameError if there is none of this number."""
        self._ask_gallery("DELETE", f"/strangers/{int(number)}")

    def forget_strangers(self, *, camera: str | None = None) -> int:
        """Remove all that is stored of strangers, or what one camera saw of them; return the number of strangers."""
        params = {} if camera is None else {"camera": camera}
        forgotten: int = self._ask_gallery("DELETE", "/strangers", params=params)["forgotten"]
        return forgotten
