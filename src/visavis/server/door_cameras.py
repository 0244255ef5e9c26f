"""Follow the tracks of cameras at doors, and collect their passages."""

from __future__ import annotations

import logging

from visavis import images
from visavis.attendance.passages.door import CameraDoor
from visavis.attendance.passages.line import DoorLine
from visavis.attendance.passages.types import Passage, PathPoint, TrackIdentity
from visavis.videos.camera_file import CameraSettings
from visavis.videos.types import FrameResult, TrackedFace, VideoEvent

LEAST_SIZE = 1e-6
"""Least width and height of a face, as a part of the picture."""

log = logging.getLogger("visavis.server")


class DoorCameras:
    """The doors of the cameras that are open. Cameras without attendance have none."""

    def __init__(self) -> None:
        self._doors: dict[str, CameraDoor] = {}
        self._passages: list[Passage] = []

    def open(self, settings: CameraSettings) -> None:
        """Begin to follow a camera; UsageError for a line that is none."""
        attendance = settings.attendance
        if attendance is not None:
            line = attendance.line
            door_line = None if line is None else DoorLine(line.start, line.end, line.inside)
            self._doors[settings.name] = CameraDoor(settings.name, attendance.mode, door_line)

    def close(self, name: str) -> None:
        """End to follow a camera."""
        self._doors.pop(name, None)

    def follow(self, result: FrameResult) -> tuple[VideoEvent, ...]:
        """Follow the faces and the events of a frame; return its events."""
        door = self._doors.get(result.frame.source)
        moment = result.frame.captured
        if door is None:
            return result.events
        if moment is None:
            log.warning("camera %s is a file: it gives no attendance", images.shown(result.frame.source))
            self.close(result.frame.source)
            return result.events
        if result.detected:
            height, width = result.frame.pixels.shape[:2]
            for face in result.faces:
                if face.detected:
                    x, y, *size = _locate(face, width, height)
                    door.see(face.track, PathPoint(moment, x, y, *size))
        for event in result.events:
            identity = TrackIdentity(event.person_id, event.distance, event.probability, event.liveness)
            if event.event == "ended":
                self._passages += door.end(event.track, identity)
            else:
                door.identify(event.track, identity)
        self._passages += door.settle(moment)
        return result.events

    def take(self) -> list[Passage]:
        """Return the passages since the last call."""
        passages, self._passages = self._passages, []
        return passages


def _locate(face: TrackedFace, width: int, height: int) -> tuple[float, float, float, float]:
    """Return center and size of a face as parts of the picture."""
    left, top, right, bottom = (float(side) for side in face.face.box)
    sizes = max((right - left) / width, LEAST_SIZE), max((bottom - top) / height, LEAST_SIZE)
    return (left + right) / 2 / width, (top + bottom) / 2 / height, *sizes
