"""The runner of cameras: one process that watches the cameras which this server holds, and stores their events.

Nothing that happens to a camera, the gallery or the database ends it: cameras are opened again, and events wait.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from datetime import datetime
from time import monotonic
from typing import Any

from visavis.attendance.passages.types import Passage
from visavis.errors import ServerError, VisavisError
from visavis.server.camera_leases import LeaseWatch
from visavis.server.camera_pictures import CameraPictures
from visavis.server.child import begin_child
from visavis.server.config import ServerConfig
from visavis.server.file_events import FileEventIds
from visavis.server.passage_recorder import PassageRecorder, recording
from visavis.server.problems import describe_error
from visavis.server.shown_pictures import ShownPictures
from visavis.server.state.cameras import ENDED, FINAL, RUNNING, STOPPED, CameraOrder, CameraReport, Cameras
from visavis.server.state.database import StateDatabase
from visavis.server.watched_cameras import WatchedCameras
from visavis.videos.camera_file import CameraFile
from visavis.videos.types import VideoEvent

LOOK_SECONDS = 0.5
"""Time between looks at what is wanted of the cameras."""
REPORT_SECONDS = 2.0
"""Time between reports, which are also the beats of the leases."""
AWAY_SECONDS = 5.0
"""Time until the next try where the gallery or the database cannot be used."""
NICENESS = 5
"""By how much this process gives way to the workers: a person at a kiosk waits for them, a track for the next frame."""
MOST_WAITING = 10_000
"""Events that wait for the database; then the oldest are dropped."""

log = logging.getLogger("visavis.server")


def run_cameras(
    config: ServerConfig, file: CameraFile, server: str, life: int, *, pictures: CameraPictures | None = None
) -> int:
    """Watch cameras until SIGTERM, or until the supervisor is gone; return the exit code.

    ``server`` is the name of this server among those of its database; ``life`` is as in :func:`begin_child`;
    ``pictures`` is where workers find the pictures of the cameras.
    """
    stopping = begin_child(life)
    os.nice(NICENESS)
    shown = None if pictures is None else ShownPictures(pictures)
    while not stopping.is_set():
        try:
            with closing(StateDatabase(config.state_url)) as database, recording(config, file, database) as recorder:
                CameraRunner(config, file, Cameras(database), server, shown, recorder).run(stopping)
        except ServerError as error:
            log.warning("cameras wait: %s", error)
            stopping.wait(AWAY_SECONDS)
    return 0


class CameraRunner:
    """Watches the cameras of a file that no other server watches."""

    def __init__(
        self,
        config: ServerConfig,
        file: CameraFile,
        cameras: Cameras,
        server: str,
        pictures: ShownPictures | None = None,
        recorder: PassageRecorder | None = None,
    ) -> None:
        self._pictures, self._recorder = pictures, recorder
        self._config, self._file, self._cameras, self._server = config, file, cameras, server
        self._settings = {camera.name: camera for camera in file.cameras}
        self._leases = LeaseWatch(server)
        self._watched: WatchedCameras | None = None
        self._orders: dict[str, CameraOrder] = {}
        self._reports: dict[str, CameraReport] = {}
        self._ids: dict[str, FileEventIds] = {}
        self._waiting: deque[Mapping[str, Any]] = deque(maxlen=MOST_WAITING)
        self._passages: deque[Passage] = deque(maxlen=MOST_WAITING)
        self._next_look = self._next_report = self._next_try = 0.0

    def run(self, stopping: threading.Event) -> None:
        """Watch until ``stopping`` is set; then end the tracks, and let other servers have the cameras."""
        while not stopping.is_set():
            try:
                self._keep_state()
                if self._watched is not None and any(map(self._is_active, self._reports)):
                    self._keep(self._watched.look())
                else:
                    stopping.wait(LOOK_SECONDS)
            except (VisavisError, OSError) as error:
                log.warning("the cameras are opened again: %s", error)
                self._fail(error)
                stopping.wait(AWAY_SECONDS)
            except Exception as error:  # a defect must not end the runner
                log.exception("the cameras are opened again")
                self._fail(error)
                stopping.wait(AWAY_SECONDS)
        self._end()

    def _keep_state(self) -> None:
        """Follow orders, report, and store events; while the database is away, the cameras are watched on."""
        moment = monotonic()
        if moment < self._next_try or not (self._waiting or self._passages or moment >= self._next_look):
            return
        try:
            self._store()  # before a report says that a file has ended: it would not be read again for them
            if moment >= self._next_look:
                self._next_look = moment + LOOK_SECONDS
                self._follow_orders()
                self._store()
                self._report()
        except ServerError as error:
            log.warning("events of cameras wait: %s", error)
            self._next_try = monotonic() + AWAY_SECONDS

    def _follow_orders(self) -> None:
        """Take over cameras that are free, and open and close what is wanted."""
        free = self._leases.find_free(self._cameras.leases(self._settings))
        held = self._cameras.orders(self._server)
        if self._watched is None and (free or held):  # before they are claimed: networks load for a while
            self._watched = WatchedCameras(
                self._config, sighting_seconds=self._file.sighting_seconds, pictures=self._pictures
            )
        if free:
            self._cameras.claim(self._server, free, gallery=self._config.video.gallery)
            held = self._cameras.orders(self._server)
        for name in self._orders.keys() - held.keys():  # another server has taken them over
            self._drop(name)
        for name, order in held.items():
            if self._must_follow(name, order):
                self._follow(name, order)
            self._orders[name] = order

    def _must_follow(self, name: str, order: CameraOrder) -> bool:
        """Return whether an order is new here; a file that was read to its end is not read again by itself."""
        if name in self._orders:
            return order.number != self._orders[name].number
        return order.number != order.followed or order.state != ENDED

    def _follow(self, name: str, order: CameraOrder) -> None:
        if self._watched is None or (order.wanted != STOPPED and self._is_active(name)):
            return
        self._keep(self._watched.close_camera(name))
        if order.wanted != STOPPED:
            self._ids[name] = FileEventIds(name, self._config.video.gallery, order.number)
            self._watched.open(self._settings[name])

    def _is_active(self, name: str) -> bool:
        return name in self._reports and self._reports[name].state not in FINAL

    def _drop(self, name: str) -> None:
        """Close a camera that another server watches now; the events of its tracks are not stored here."""
        if self._watched is not None:
            self._watched.close_camera(name)
        del self._orders[name]

    def _report(self) -> None:
        """Report how the cameras are doing, when that changes and at every beat."""
        watched = {} if self._watched is None else self._watched.reports()
        reports = {name: _make_report(order, watched.get(name)) for name, order in self._orders.items()}
        changed = _outline(reports) != _outline(self._reports)
        self._reports = reports
        if self._recorder is not None:
            self._recorder.note(name for name, report in reports.items() if report.state == RUNNING)
        if changed or monotonic() >= self._next_report:
            self._next_report = monotonic() + REPORT_SECONDS
            self._cameras.report(self._server, reports)

    def _keep(self, events: Iterable[VideoEvent]) -> None:
        try:
            for event in events:
                content = event.to_dict()
                self._waiting.append(self._ids[event.camera].identify(content) if _is_of_file(event) else content)
        finally:
            if self._watched is not None:
                self._passages.extend(self._watched.take_passages())

    def _store(self) -> None:
        if self._waiting or self._passages:
            self._cameras.add_events(self._server, list(self._waiting), list(self._passages))
            self._waiting.clear()
            self._passages.clear()
            if self._recorder is not None:
                self._recorder.wake()

    def _fail(self, error: Exception) -> None:
        """Close all, and let any server try: what stops this one may not stop the others."""
        self._finish()
        self._close()
        self._orders.clear()
        self._reports.clear()
        try:
            self._store()
            self._cameras.fail(self._server, self._settings, describe_error(error).detail)
        except ServerError as fault:
            log.warning("events of cameras wait: %s", fault)

    def _end(self) -> None:
        self._finish()
        self._close()
        try:
            self._store()
            self._cameras.release(self._server)
        except ServerError as error:
            log.warning("the last events of the cameras are lost: %s", error)

    def _finish(self) -> None:
        """End all tracks, and store their events before the cameras are closed, which may take seconds.

        Tracks in files do not end here: the files will be read again.
        """
        try:
            if self._watched is not None:
                self._keep(event for event in self._watched.finish() if not _is_of_file(event))
        except (VisavisError, OSError) as error:
            log.warning("the last events of some tracks are lost: %s", error)
        except Exception:  # a defect must not end the runner
            log.exception("the last events of some tracks are lost")
        try:
            self._store()
        except ServerError as error:
            log.warning("events of cameras wait: %s", error)

    def _close(self) -> None:
        if self._watched is not None:
            with suppress(VisavisError, OSError):
                self._watched.close()
        self._watched = None


def _make_report(order: CameraOrder, report: CameraReport | None) -> CameraReport:
    """Return the report on a camera; one that is not watched has stopped, or was read to its end."""
    if order.wanted == STOPPED:
        report = CameraReport(STOPPED)
    return replace(report or CameraReport(ENDED), followed=order.number)


def _is_of_file(event: VideoEvent) -> bool:
    """Return whether the times of an event are seconds of a file."""
    return not isinstance(event.start, datetime)


def _outline(reports: Mapping[str, CameraReport]) -> dict[str, tuple[int, str]]:
    """Return what other processes wait for: which order of each camera is followed, and its state."""
    return {name: (report.followed, report.state) for name, report in reports.items()}
