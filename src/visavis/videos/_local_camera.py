"""Cameras of this machine, read by OpenCV, which numbers them alike on all systems."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from visavis.errors import VideoError

DEVICE = re.compile(r"(?:/dev/video)?(\d{1,3})")


def device_number(source: object) -> int | None:
    """Return the number of the camera that a source names (0, "0", "/dev/video0"); None for another source."""
    if isinstance(source, int) and not isinstance(source, bool):
        return source
    match = DEVICE.fullmatch(str(source)) if isinstance(source, (str, Path)) else None
    return None if match is None else int(match[1])


class LocalCamera:
    """The camera of a number; raises VideoError where it is not there, or is used by another program."""

    duration: float | None = None
    start: float | None = None

    def __init__(self, number: int) -> None:
        from visavis.opencv import cv2

        self._capture: Any = cv2.VideoCapture(number) if number >= 0 else None
        if self._capture is None or not self._capture.isOpened():
            raise VideoError(_describe_missing(number))
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        rate = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.rate = rate if 0 < rate <= 1000 else None

    def pictures(self, on_packet: Callable[[], None]) -> Iterator[tuple[Any, None]]:
        """Yield the pictures, BGR, until the camera is gone; they have no time stamps."""
        while True:
            there, picture = self._capture.read()
            on_packet()
            if not there:
                return
            yield picture, None

    def convert(self, picture: Any) -> Any:
        """Return a picture as RGB."""
        from visavis.opencv import cv2

        return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)

    def luma(self, picture: Any) -> Any:
        """Return the pixels by which unchanged pictures are recognized."""
        return picture

    def close(self) -> None:
        """Release the camera."""
        self._capture.release()


def _describe_missing(number: int) -> str:
    if sys.platform != "linux":
        return f"there is no camera {number}, or another program uses it."
    present = sorted(int(path.name[5:]) for path in Path("/dev").glob("video[0-9]*"))
    if number in present:
        return f"camera {number} cannot be opened: another program uses it, or this user may not (group video)."
    others = f"there are {', '.join(map(str, present))}" if present else "this machine has none"
    return f"there is no camera {number}: {others}."
