"""Make small pictures of the newest frames of cameras, with the faces in them, where viewers look."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import numpy as np

from visavis.server.camera_pictures import MOST_BYTES, CameraPictures
from visavis.types import RGB
from visavis.videos.types import FrameResult, TrackedFace

WIDTH = 640
"""Most pixels of the longer side of a picture."""
PAUSE_SECONDS = 0.25
"""Least time between two pictures of a camera."""
QUALITIES = (75, 50, 25)
"""Qualities of JPEG, the next one where a picture is too large for its place."""


class ShownPictures:
    """What the process of the cameras shows of their frames. It begins with no picture: those of a former one go."""

    def __init__(self, pictures: CameraPictures) -> None:
        self._pictures = pictures
        self._next = dict.fromkeys(pictures.cameras, 0.0)
        self._shown = {*pictures.cameras}
        self.hide_all_but(())

    def show(self, result: FrameResult) -> None:
        """Show a frame in which faces were detected, if a viewer looks and the last picture is not too new.

        Between two detections faces are where they are expected, not where they were seen: those frames are not shown.
        """
        camera = result.frame.source
        if not result.detected or camera not in self._next:
            return
        if not self._pictures.is_viewed(camera):
            self.hide(camera)
        elif monotonic() >= self._next[camera]:
            self._next[camera] = monotonic() + PAUSE_SECONDS
            self._pictures.write(camera, describe_picture(result))
            self._shown.add(camera)

    def hide(self, camera: str) -> None:
        """Erase the picture of a camera."""
        if camera in self._shown:
            self._pictures.clear(camera)
            self._shown.discard(camera)

    def hide_all_but(self, running: Iterable[str]) -> None:
        """Erase the pictures of cameras that do not run, or that no viewer looks at."""
        shown = {camera for camera in running if camera in self._next and self._pictures.is_viewed(camera)}
        for camera in self._shown - shown:
            self.hide(camera)


def describe_picture(result: FrameResult) -> bytes:
    """Return a frame and its faces as JSON, empty where it is too large: boxes are in pixels of the small picture."""
    small, scale = _shrink(result.frame.pixels)
    captured = result.frame.captured or datetime.now(UTC)
    values: dict[str, Any] = {
        "camera": result.frame.source,
        "at": captured.isoformat(timespec="milliseconds"),
        "width": small.shape[1],
        "height": small.shape[0],
        "faces": [_describe_face(face, scale) for face in result.faces if face.detected and face.confirmed],
    }
    for quality in QUALITIES:
        content = json.dumps({**values, "jpeg": _encode(small, quality)}).encode()
        if len(content) <= MOST_BYTES:
            return content
    return b""


def _shrink(pixels: RGB) -> tuple[RGB, float]:
    from visavis.opencv import cv2

    height, width = pixels.shape[:2]
    scale = min(1.0, WIDTH / max(height, width))
    if scale == 1.0:
        return pixels, scale
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8), scale


def _encode(pixels: RGB, quality: int) -> str:
    from visavis.opencv import cv2

    _, data = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return base64.b64encode(data.tobytes()).decode()


def _describe_face(face: TrackedFace, scale: float) -> dict[str, Any]:
    return {
        "track": face.track,
        "box": [round(float(side) * scale, 1) for side in face.face.box],
        "name": face.name,
        "person_id": face.person_id,
        "stranger": face.stranger,
        "decided": face.decided,
    }
