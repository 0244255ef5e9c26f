"""Record the passages of cameras in the server's site of attendance, and the outages of these cameras.

A passage is stored with the events of its track first. It is recorded from there as soon as the site can be used, also
by the next server; its id makes that happen once.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic

from visavis.attendance.passages.outages import follow_door, make_outage_id
from visavis.attendance.passages.record import record_passage, record_tailgaters
from visavis.attendance.passages.tailgaters import PassageResult
from visavis.attendance.passages.types import Passage
from visavis.attendance.site import Site
from visavis.errors import UsageError, VisavisError
from visavis.gallery.check_text import NAME_LENGTH, check_text
from visavis.server.config import ServerConfig
from visavis.server.door_cameras import DoorCameras
from visavis.server.state.database import StateDatabase
from visavis.server.state.passages import Passages
from visavis.videos.camera_file import CameraFile, CameraSettings

POLL_SECONDS = 1.0
"""Time between looks for passages that another process has stored."""
DOOR_SECONDS = 2.0
"""Time between looks at how the cameras are doing."""
AWAY_SECONDS = 5.0
"""Time until the next try where the site or the database cannot be used."""
NOTE_SECONDS = 10.0
"""Time after which a note that cameras send frames says nothing any more."""
CLOSING_SECONDS = 20.0
"""Time that the end of a server waits for passages; what is left is recorded by the next one."""
KEPT = timedelta(minutes=10)
"""Time for which recorded passages are kept, to find tail-gaters."""
ACTOR = "cameras"

log = logging.getLogger("visavis.server")


def check_doors(config: ServerConfig, site: Site, doors: Iterable[CameraSettings]) -> None:
    """Raise UsageError where the people of the cameras are not those of the site, or a camera cannot be a device."""
    from visavis.server.kiosk_frames import find_site_gallery

    for camera in doors:
        check_text(camera.name, "the name of a camera for attendance", most=NAME_LENGTH, one_line=True)
        DoorCameras().open(camera)
        gallery = find_site_gallery(config, site)
        if gallery != config.video.gallery:
            raise UsageError(
                f"camera {camera.name!r} is for attendance, and cameras search the gallery {config.video.gallery!r}, "
                f"which is not that of the site: write its URL as gallery in {site.folder / 'site.toml'}."
            )


@contextmanager
def recording(config: ServerConfig, file: CameraFile, database: StateDatabase) -> Iterator[PassageRecorder | None]:
    """Yield a recorder, None where no camera is for attendance; the end waits for the passages that are stored."""
    if config.attendance_site is None or not file.doors:
        yield None
        return
    recorder = PassageRecorder(config, file, Passages(database))
    recorder.start()
    try:
        yield recorder
    finally:
        recorder.close()


class PassageRecorder:
    """Records passages in a thread of its own, so that no camera waits for the site."""

    def __init__(self, config: ServerConfig, file: CameraFile, passages: Passages) -> None:
        self._config, self._file, self._stored = config, file, passages
        self._doors = tuple(camera.name for camera in file.doors)
        self._wake, self._closing = threading.Event(), threading.Event()
        self._sending: tuple[frozenset[str], float] = frozenset(), monotonic()
        self._next_look = monotonic() + NOTE_SECONDS
        self._thread = threading.Thread(target=self._run, name="passages", daemon=True)

    def start(self) -> None:
        """Begin to record."""
        self._thread.start()

    def wake(self) -> None:
        """Note that passages were stored."""
        self._wake.set()

    def note(self, sending: Iterable[str]) -> None:
        """Note which cameras send frames now."""
        self._sending = frozenset(sending), monotonic()

    def close(self) -> None:
        """Record what is stored, as far as that is possible soon, and end."""
        self._closing.set()
        self._wake.set()
        self._thread.join(CLOSING_SECONDS)

    def _run(self) -> None:
        is_last = False
        while not is_last:
            is_last = self._closing.is_set()
            try:
                with Site(self._config.attendance_site or "") as site:
                    check_doors(self._config, site, self._file.doors)
                    is_last = self._follow(site)
            except (VisavisError, OSError) as error:
                log.warning("passages wait: %s", error)
                self._closing.wait(AWAY_SECONDS)
            except Exception:  # a defect must not end the thread
                log.exception("passages wait")
                self._closing.wait(AWAY_SECONDS)

    def _follow(self, site: Site) -> bool:
        """Record until the server ends; return True then."""
        while True:
            is_last = self._closing.is_set()
            record_waiting(site, self._stored, self._doors, tailgating_seconds=self._file.tailgating_seconds)
            if is_last:
                return True
            if monotonic() >= self._next_look:
                self._next_look = monotonic() + DOOR_SECONDS
                sending, noted = self._sending
                is_new = monotonic() - noted <= NOTE_SECONDS
                patience = timedelta(minutes=self._file.outage_minutes)
                watch_doors(site, self._stored, self._doors, sending if is_new else (), patience=patience)
            self._wake.wait(POLL_SECONDS)
            self._wake.clear()


def record_waiting(site: Site, stored: Passages, cameras: Collection[str], *, tailgating_seconds: float) -> None:
    """Record all passages of cameras that are stored and not recorded yet; raises VisavisError where that fails."""
    newest = None
    while waiting := stored.read_waiting(cameras):
        for passage in waiting:
            _record(site, stored, passage, tailgating_seconds)
            newest = passage.at if newest is None else max(newest, passage.at)
    if newest is not None:
        stored.forget(newest - KEPT)


def _record(site: Site, stored: Passages, passage: Passage, seconds: float) -> None:
    outcome = record_passage(site, passage)
    near = stored.read_results(passage.camera, passage.at, seconds)
    own = PassageResult(passage.id, passage.at, passage.direction, outcome)
    record_tailgaters(site, passage.camera, [*near, own], seconds)
    stored.finish(passage.id, outcome)
    log.info("passage at camera %s: %s", passage.camera, outcome)


def watch_doors(
    site: Site, stored: Passages, cameras: Sequence[str], sending: Collection[str], *, patience: timedelta
) -> None:
    """Note which cameras send frames, and record the outages of those that send none, or sent none for ``patience``."""
    states, now = stored.read_doors()
    for camera in cameras:
        before = states.get(camera)
        if before is not None and now < before.last_frame:
            log.warning("camera %s: the clock was set back by %s", camera, before.last_frame - now)
        state, outage = follow_door(camera, before, now, sends=camera in sending, patience=patience)
        if outage is not None:
            site.add_outage(outage, actor=ACTOR, outage_id=make_outage_id(outage))
        if state != before:
            stored.set_door(camera, state)
