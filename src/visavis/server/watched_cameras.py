"""The cameras that a server watches, with one gallery and one recognizer for all: how each is doing, and its events."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

from visavis import images
from visavis.attendance.passages.types import Passage
from visavis.errors import VideoError, VisavisError
from visavis.gallery.gallery import Gallery
from visavis.server.config import ServerConfig
from visavis.server.door_cameras import DoorCameras
from visavis.server.problems import describe_error
from visavis.server.shown_pictures import ShownPictures
from visavis.server.state.cameras import FAILED, FINAL, RUNNING, SILENT, CameraReport
from visavis.videos.camera_file import CameraFile, CameraSettings
from visavis.videos.cameras import CameraGroup
from visavis.videos.recognize import VideoOptions
from visavis.videos.strangers import open_strangers
from visavis.videos.types import CameraStatus, VideoEvent

RATE_SECONDS = 2.0
"""Least time over which the frames of a second are counted."""
ACTOR = "cameras"
"""Who stores strangers, in the audit log of a gallery."""
_FOLDER = re.compile(r"""(['"])(?:(?!\1).)*[/\\]((?:(?!\1)[^/\\])*)\1""")
"""A quoted path; its second group is the name of the file."""

log = logging.getLogger("visavis.server")


class WatchedCameras:
    """Cameras that are opened and closed one by one; the networks are loaded at once.

    Raises VisavisError where the gallery or a model cannot be used; what happens to one camera is in its report.
    """

    def __init__(self, config: ServerConfig, *, sighting_seconds: float, pictures: ShownPictures | None = None) -> None:
        video = config.video
        self._pictures = pictures
        options = VideoOptions(video.min_face, video.fpir, liveness=video.liveness)
        self._stack = ExitStack()
        self._settings: dict[str, CameraSettings] = {}
        self._faults: dict[str, str] = {}
        self._rates: dict[str, FrameRate] = {}
        self._doors = DoorCameras()
        try:
            gallery = self._stack.enter_context(_open_gallery(config))
            strangers = open_strangers(
                gallery, days=video.strangers, fpir=video.fpir, threshold=None, keeps_pictures=video.pictures
            )
            self._group = CameraGroup(
                CameraFile((), sighting_seconds), gallery.recognizer, gallery, options=options, strangers=strangers
            )
            self._stack.callback(self._group.close)
        except BaseException:
            self._stack.close()
            raise

    def open(self, settings: CameraSettings) -> None:
        """Open a camera; where that fails for good, its report says why."""
        name = settings.name
        self._settings[name], self._rates[name] = settings, FrameRate()
        self._faults.pop(name, None)
        try:
            refuse_pipes(settings)
            self._doors.open(settings)
            self._group.add(settings)
        except VisavisError as error:
            self._note_fault(name, describe_error(error).detail, logged=str(error))

    def close_camera(self, name: str) -> list[VideoEvent]:
        """Close a camera, if it is open; return the events with which its tracks end."""
        for table in (self._settings, self._rates, self._faults):
            table.pop(name, None)
        events = [event for result in self._group.remove(name) for event in self._doors.follow(result)]
        self._doors.close(name)
        if self._pictures is not None:
            self._pictures.hide(name)
        return events

    def look(self) -> Iterator[VideoEvent]:
        """Look at the newest frame of each camera; yield what happened, before an error is raised."""
        for result in self._group.look():
            if self._pictures is not None:
                self._pictures.show(result)
            yield from self._doors.follow(result)

    def finish(self) -> Iterator[VideoEvent]:
        """Yield the events with which all tracks end, before an error is raised."""
        return (event for result in self._group.finish() for event in self._doors.follow(result))

    def take_passages(self) -> list[Passage]:
        """Return the passages at doors since the last call."""
        return self._doors.take()

    def close(self) -> None:
        """Close all cameras and the gallery."""
        if self._pictures is not None:
            self._pictures.hide_all_but(())
        self._stack.close()

    def reports(self) -> dict[str, CameraReport]:
        """Return how the cameras are doing, by name."""
        reports = {name: CameraReport(FAILED, message) for name, message in self._faults.items()}
        for status in self._group.describe():
            if status.state == FAILED and status.name not in self._faults:
                self._note_fault(status.name, status.message, logged=status.message)
            message = self._faults.get(status.name, status.message)
            rate = 0.0 if status.state in FINAL else self._rates[status.name].update(status.frames)
            reports[status.name] = _make_report(status, message, rate)
        if self._pictures is not None:
            self._pictures.hide_all_but(name for name, report in reports.items() if report.state == RUNNING)
        return reports

    def _note_fault(self, name: str, message: str, *, logged: str) -> None:
        self._faults[name] = hide_folders(message, name) if self._settings[name].files else message
        log.warning("camera %s: %s", images.shown(name), logged)


class FrameRate:
    """Frames a second, counted over at least ``RATE_SECONDS``; 0 before."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._since, self._frames, self._rate = clock(), 0, 0.0

    def update(self, frames: int) -> float:
        """Return the rate, when ``frames`` were looked at so far."""
        moment = self._clock()
        if moment - self._since >= RATE_SECONDS:
            self._rate = (frames - self._frames) / (moment - self._since)
            self._since, self._frames = moment, frames
        return self._rate


def hide_folders(message: str, camera: str) -> str:
    """Return a message on a camera with the names of quoted files, but without their folders."""
    own = images.shown(camera)
    return _FOLDER.sub(lambda match: own if match[0] == own else f"{match[1]}{match[2]}{match[1]}", message)


def _open_gallery(config: ServerConfig) -> Gallery:
    """Open the gallery that is searched, with a recognizer of its model, whose networks are loaded."""
    url = config.galleries[config.video.gallery]
    gallery = Gallery(
        url, detector=config.detector, threads=config.threads_per_process, index=config.index, actor=ACTOR
    )
    try:
        _ = gallery.recognizer.detector, gallery.recognizer.embedder
    except BaseException:
        gallery.close()
        raise
    return gallery


def refuse_pipes(settings: CameraSettings) -> None:
    """Raise VideoError for a named pipe: to wait for what is written into it would stop all other cameras."""
    for file in settings.files:
        if Path(file).is_fifo():
            raise VideoError(f"{images.shown(file)} is a pipe: a camera of a server is a file, a device or an address.")


def _make_report(status: CameraStatus, message: str, rate: float) -> CameraReport:
    since = datetime.now(UTC) - timedelta(seconds=status.quiet) if status.state == SILENT else None
    return CameraReport(
        state=status.state,
        message=message,
        silent_since=None if since is None else since.isoformat(timespec="seconds"),
        frames_per_second=round(rate, 1),
        dropped=status.dropped,
        reopened=status.reopened,
    )
