"""Try the source of a camera: whether it gives a picture, and how soon."""

from __future__ import annotations

from time import monotonic

from visavis import images
from visavis.errors import VideoError, VisavisError
from visavis.server.problems import describe_error
from visavis.server.types import CameraCheck
from visavis.server.watched_cameras import hide_folders, refuse_pipes
from visavis.videos.camera_file import CameraSettings
from visavis.videos.cameras import open_stream
from visavis.videos.types import Frame
from visavis.videos.watchdog import CameraSource

CHECK_SECONDS = 10.0
"""How long a camera may take to give its first picture."""


def check_camera(settings: CameraSettings) -> CameraCheck:
    """Open the main stream of a camera beside all else that watches it, and close it after the first picture."""
    started = monotonic()
    try:
        refuse_pipes(settings)
        frame = _read_frame(settings)
    except VisavisError as error:
        message = describe_error(error).detail
        return CameraCheck(settings.name, message=hide_folders(message, settings.name) if settings.files else message)
    height, width = frame.pixels.shape[:2]
    return CameraCheck(settings.name, width, height, round(monotonic() - started, 1))


def _read_frame(settings: CameraSettings) -> Frame:
    source = open_stream(settings.source, settings)
    why = ""
    try:
        if isinstance(source, CameraSource):
            frame = source.next_frame(CHECK_SECONDS)
            why = source.failure or f"it has sent none within {CHECK_SECONDS:g} seconds."
        else:
            frame = next(iter(source), None)
        if frame is None:
            raise VideoError(why or f"{images.shown(settings.name)} has no picture.")
        return frame
    finally:
        source.close()
