"""The runner of cameras on bad days: galleries and databases that are away, leases that are lost; and old events."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import update

from cli.fakes import BLUE, DETECTOR, MODEL, RED, photo
from visavis.attendance.passages.types import Passage
from visavis.errors import GalleryError, ServerError
from visavis.gallery import Gallery
from visavis.pipeline import Recognizer
from visavis.server import camera_runner, retention, watched_cameras
from visavis.server.camera_runner import CameraRunner
from visavis.server.config import ServerConfig, VideoSettings
from visavis.server.shown_pictures import ShownPictures
from visavis.server.state import tables
from visavis.server.state.cameras import CameraReport, Cameras
from visavis.server.state.database import StateDatabase
from visavis.server.state.events import EventFilter, Events
from visavis.server.types import ServedCamera
from visavis.server.watched_cameras import FrameRate, hide_folders
from visavis.videos.camera_file import CameraFile, CameraSettings
from visavis.videos.types import CameraStatus, EventKind, Frame, FrameResult, VideoEvent

FILE = CameraFile((CameraSettings("door", "rtsp://door"),))
MOMENT = datetime(2026, 11, 29, 8, tzinfo=UTC)


class Script:
    """What the cameras of a runner do in a test: ``opening`` and ``looking`` raise errors, ``events`` happen."""

    def __init__(self) -> None:
        self.opening: list[Exception] = []
        self.looking: list[Exception] = []
        self.events: list[VideoEvent] = []
        self.passages: list[Passage] = []
        self.opened: list[str] = []
        self.closed: list[str] = []
        self.ends = 0
        self.is_file = False
        self.closing: Callable[[], object] = lambda: None

    def happens(self, name: str) -> None:
        self.events.append(VideoEvent(name, "updated", 1, None, None, MOMENT, MOMENT, "door"))

    def end(self) -> None:
        """End a track, which in a file would have gone on."""
        self.ends += 1
        if self.is_file:
            self.happens_in_file("ended", 1.0, 3.5)
        else:
            self.happens(f"end {self.ends}")

    def happens_in_file(self, kind: EventKind, start: float, end: float) -> None:
        self.events.append(VideoEvent(f"random {len(self.events)}", kind, 1, None, None, start, end, "door"))


SCRIPTS: dict[str, Script] = {}
"""By server, which a test writes in the place of a detector."""


def make(config: ServerConfig, *, sighting_seconds: float, pictures: ShownPictures | None) -> ScriptedCameras:
    script = SCRIPTS[config.detector]
    if script.opening:
        raise script.opening.pop(0)
    assert (sighting_seconds, pictures) == (30, None)
    return ScriptedCameras(script)


class ScriptedCameras:
    """Cameras that are watched without any network."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._open: set[str] = set()

    def open(self, settings: CameraSettings) -> None:
        self._open.add(settings.name)
        self._script.opened.append(settings.name)

    def close_camera(self, name: str) -> list[VideoEvent]:
        if name in self._open:
            self._open.remove(name)
            self._script.closed.append(name)
        return []

    def look(self) -> Iterator[VideoEvent]:
        time.sleep(0.01)
        if self._script.looking:
            raise self._script.looking.pop(0)
        events, self._script.events = self._script.events, []
        yield from events

    def finish(self) -> Iterator[VideoEvent]:
        self._script.end()
        yield from self.look()

    def take_passages(self) -> list[Passage]:
        passages, self._script.passages = self._script.passages, []
        return passages

    def close(self) -> None:
        self._open.clear()
        self._script.closing()

    def reports(self) -> dict[str, CameraReport]:
        return {name: CameraReport("running") for name in self._open}


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StateDatabase]:
    for name in ("LOOK_SECONDS", "REPORT_SECONDS", "AWAY_SECONDS"):
        monkeypatch.setattr(camera_runner, name, 0.05)
    opened = StateDatabase(f"sqlite:///{tmp_path / 'server.db'}")
    Cameras(opened).register(["door"], "default")
    yield opened
    opened.close()


@contextmanager
def running(
    database: StateDatabase, script: Script, monkeypatch: pytest.MonkeyPatch, *, server: str = "a"
) -> Iterator[Cameras]:
    """Run a runner in a thread; yield the cameras of the database as it uses them."""
    SCRIPTS[server] = script
    monkeypatch.setattr(camera_runner, "WatchedCameras", make)
    cameras, stopping = Cameras(database), threading.Event()
    runner = CameraRunner(ServerConfig(detector=server), FILE, cameras, server)
    thread = threading.Thread(target=runner.run, args=(stopping,))
    thread.start()
    yield cameras
    stopping.set()
    thread.join(60)
    assert not thread.is_alive()


def door(database: StateDatabase) -> ServedCamera:
    (camera,) = Cameras(database).read(names=["door"])
    return camera


def stored(database: StateDatabase) -> list[str]:
    return [event.content["id"] for event in Events(database).read(EventFilter())]


def await_that(find: Callable[[], Any]) -> Any:
    until = time.monotonic() + 60
    while not (value := find()) and time.monotonic() < until:
        time.sleep(0.01)
    assert value
    return value


def test_a_gallery_that_is_away_is_said_without_its_path_and_tried_again(
    database: StateDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Script()
    script.opening = [GalleryError("/secret/faces.db is damaged.")] * 1000
    with running(database, script, monkeypatch):
        failed = await_that(lambda: door(database).state == "failed" and door(database))
        assert failed.message == "the gallery cannot be used now; the server's log says why."
        del script.opening[1:]
        await_that(lambda: door(database).state == "running")
        assert door(database).message == ""
        script.happens("e1")
        await_that(lambda: stored(database) == ["e1"])
        script.looking = [GalleryError("/secret/faces.db is locked.")]
        await_that(lambda: script.opened == ["door", "door"])
        script.happens("e2")
        await_that(lambda: stored(database) == ["e1", "end 1", "e2"])
        script.looking = [KeyError("a defect"), KeyError("and its end is a defect too")]
        await_that(lambda: script.opened == ["door"] * 3)
        await_that(lambda: stored(database) == ["e1", "end 1", "e2", "end 2"])
    assert stored(database) == ["e1", "end 1", "e2", "end 2", "end 3"]
    assert Cameras(database).leases(["door"])["door"].holder is None


def test_what_one_server_cannot_do_another_one_does(database: StateDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, sound = Script(), Script()
    broken.opening = [GalleryError("away")] * 1000
    with running(database, broken, monkeypatch):
        await_that(lambda: door(database).state == "failed")
        sound.happens("e1")
        with running(database, sound, monkeypatch, server="b"):
            await_that(lambda: stored(database) == ["e1"])
            assert Cameras(database).leases(["door"])["door"].holder == "b"


def test_last_events_are_stored_before_cameras_are_closed_which_may_take_long(
    database: StateDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Script()
    states: list[tuple[list[str], str | None]] = []
    script.closing = lambda: states.append((stored(database), Cameras(database).leases(["door"])["door"].holder))
    with running(database, script, monkeypatch):
        await_that(lambda: door(database).state == "running")
        script.looking = [GalleryError("/secret/faces.db is locked.")]
        await_that(lambda: script.opened == ["door", "door"])
    assert states == [(["end 1"], "a"), (["end 1", "end 2"], "a")]
    assert Cameras(database).leases(["door"])["door"].holder is None


READING: list[tuple[EventKind, float, float]] = [
    ("recognized", 0.0, 1.0), ("recognized", 0.0, 1.0), ("updated", 1.0, 3.0), ("ended", 0.0, 3.5), ("ended", 0.0, 4.0),
]  # fmt: skip
"""Of two tracks that begin together, and a third."""


def test_a_file_that_is_read_again_gives_no_event_twice(
    database: StateDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its second reading stores what the first did not come to; tracks at the end of the first go on."""
    for read_to in (3, 5):
        script = Script()
        for event in READING[:read_to]:
            script.happens_in_file(*event)
        script.is_file = True
        with running(database, script, monkeypatch):
            await_that(lambda read_to=read_to: len(stored(database)) == read_to)
    events = Events(database).read(EventFilter())
    times = [(event.content["event"], event.content["from"], event.content["to"]) for event in events]
    assert times == READING
    again = Script()
    again.is_file = True
    for event in READING[:2]:
        again.happens_in_file(*event)
    Cameras(database).start("door", actor="Ann")
    with running(database, again, monkeypatch):
        await_that(lambda: len(stored(database)) == 7)
    assert len({*stored(database)}) == 7


class FailingGroup:
    """Cameras of which one finds its person, and one cannot search, at each look and at the end."""

    def __init__(self, *_: object, **__: object) -> None:
        self.looks = 0

    def add(self, settings: CameraSettings) -> None:
        pass

    def remove(self, name: str) -> list[FrameResult]:
        return []

    def look(self) -> Iterator[FrameResult]:
        self.looks += 1
        yield self._make_result(f"look {self.looks}")
        raise GalleryError("/secret/faces.db is locked.")

    def finish(self) -> Iterator[FrameResult]:
        yield self._make_result("end")
        raise GalleryError("/secret/faces.db is locked.")

    def describe(self) -> list[CameraStatus]:
        return [CameraStatus("door", "running", "", 0.0, 1, 0, 0)]

    def close(self) -> None:
        pass

    @staticmethod
    def _make_result(name: str) -> FrameResult:
        event = VideoEvent(name, "updated", 1, None, None, MOMENT, MOMENT, "door")
        return FrameResult(Frame(np.zeros((8, 8, 3), np.uint8), 0.0, 0, "door"), (), (event,))


def test_events_before_an_error_are_kept_and_tracks_end(
    tmp_path: Path, database: StateDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched_cameras, "CameraGroup", FailingGroup)
    config = ServerConfig(galleries={"default": f"sqlite:///{tmp_path / 'faces.db'}"}, detector=DETECTOR)
    recognizer = Recognizer(detector=DETECTOR, embedder=MODEL)
    monkeypatch.setattr(
        watched_cameras, "_open_gallery", lambda _: Gallery(config.galleries["default"], recognizer=recognizer)
    )
    stopping = threading.Event()
    thread = threading.Thread(target=CameraRunner(config, FILE, Cameras(database), "a").run, args=(stopping,))
    thread.start()
    try:
        await_that(lambda: stored(database) == ["look 1", "end"])
    finally:
        stopping.set()
        thread.join(60)
    assert not thread.is_alive()


def test_events_wait_while_the_database_is_away(database: StateDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script()
    with running(database, script, monkeypatch) as cameras:
        await_that(lambda: door(database).state == "running")
        add, orders = cameras.add_events, cameras.orders

        def away(*_: object) -> Any:
            raise ServerError("the database is away.")

        monkeypatch.setattr(cameras, "add_events", away)
        monkeypatch.setattr(cameras, "orders", away)
        for number in range(3):
            script.happens(f"e{number}")
        await_that(lambda: not script.events)
        time.sleep(0.2)
        assert stored(database) == []
        monkeypatch.setattr(cameras, "add_events", add)
        monkeypatch.setattr(cameras, "orders", orders)
        await_that(lambda: stored(database) == ["e0", "e1", "e2"])
    assert script.opened == ["door"]


def test_a_camera_that_another_server_took_over_is_closed(
    database: StateDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Script()
    with running(database, script, monkeypatch) as cameras:
        await_that(lambda: door(database).state == "running")
        with database.write() as conn:
            conn.execute(update(tables.CAMERAS).values(holder="b", beat=1000))
        await_that(lambda: script.closed == ["door"])
        assert door(database).state == "running"
        cameras.release("b")
        await_that(lambda: script.opened == ["door", "door"])


def test_a_camera_stops_and_starts_by_orders(database: StateDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script()
    Cameras(database).stop("door", actor="Ann")
    with running(database, script, monkeypatch) as cameras:
        await_that(lambda: cameras.leases(["door"])["door"].holder == "a")
        await_that(lambda: door(database).state == "stopped")
        assert script.opened == []
        cameras.start("door", actor="Ann")
        await_that(lambda: door(database).state == "running")
        cameras.start("door", actor="Ann")
        await_that(lambda: door(database).state == "running")
        assert script.opened == ["door"]
        cameras.stop("door", actor="Ann")
        await_that(lambda: door(database).state == "stopped")


@pytest.mark.parametrize(("days", "left"), [(30, ["new"]), (31, ["old", "new"]), (0, ["old", "new"])])
def test_events_are_kept_for_their_days(tmp_path: Path, days: int, left: list[str]) -> None:
    config = replace(ServerConfig(), state=f"sqlite:///{tmp_path / 'server.db'}", video=VideoSettings(event_days=days))
    database = StateDatabase(config.state)
    events = Events(database)
    for name in ("old", "new"):
        events.add("default", {"id": name, "event": "ended", "camera": "door"})
    old = (datetime.now(UTC) - timedelta(days=30, hours=1)).isoformat(timespec="microseconds")
    with database.write() as conn:
        conn.execute(update(tables.EVENTS).where(tables.EVENTS.c.id == "old").values(at=old))
    stopping = threading.Event()
    thread = threading.Thread(target=retention.tidy_events, args=(config, stopping))
    thread.start()
    try:
        await_that(lambda: stored(database) == left)
        time.sleep(0.2)
        assert stored(database) == left
    finally:
        stopping.set()
        thread.join(60)
    assert not thread.is_alive()
    database.close()


def test_events_forget_people_who_were_removed(tmp_path: Path, database: StateDatabase) -> None:
    config = ServerConfig(galleries={"default": f"sqlite:///{tmp_path / 'faces.db'}", "staff": "sqlite:///none.db"})
    events = Events(database)
    with Gallery(config.galleries["default"], recognizer=Recognizer(detector=DETECTOR, embedder=MODEL)) as gallery:
        ann, ben = (
            gallery.enroll(name, photo(tmp_path / f"{name}.png", (color, 40, 40, 120))).person_id
            for name, color in (("Ann", RED), ("Ben", BLUE))
        )
        for number, (person, name) in enumerate(((ann, "Ann"), (ben, "Ben"), (None, None), (ann, "Ann"))):
            event = {"id": f"e{number}", "event": "ended", "camera": "door", "person_id": person, "name": name}
            events.add("default", event)
        assert retention.forget_removed_people(events, config) == 0
        gallery.remove(ann)
    assert retention.forget_removed_people(events, config) == 2
    shown = [(event.content["id"], event.content["name"]) for event in events.read(EventFilter())]
    assert shown == [("e0", None), ("e1", "Ben"), ("e2", None), ("e3", None)]
    assert [event.content["id"] for event in events.read(EventFilter(person_id=ben))] == ["e1"]
    database.close()
    assert b"Ben" in (tmp_path / "server.db").read_bytes()
    assert b"Ann" not in (tmp_path / "server.db").read_bytes()


def test_frames_a_second_are_counted_over_some_time() -> None:
    moment = 50.0
    rate = FrameRate(lambda: moment)
    moment += 1
    assert rate.update(9) == 0
    moment += 1
    assert rate.update(20) == 10
    moment += 1
    assert rate.update(21) == 10
    moment += 3
    assert rate.update(28) == 2


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("there is no file '/srv/faces/none.mp4' (camera 'a/b').", "there is no file 'none.mp4' (camera 'a/b')."),
        ('"/srv/o\'hara/x.mp4" is empty.', '"x.mp4" is empty.'),
        ("'C:\\\\videos\\\\x.mp4' is empty.", "'x.mp4' is empty."),
        ("the folder '/a/b' has no photo: '/a/b/1.jpg' is text.", "the folder 'b' has no photo: '1.jpg' is text."),
        ("'/srv/long...long/x.mp4' is empty.", "'x.mp4' is empty."),
        ("'door' sent nothing for 10 s.", "'door' sent nothing for 10 s."),
    ],
)  # fmt: skip
def test_messages_name_files_without_their_folders(message: str, shown: str) -> None:
    assert hide_folders(message, "a/b") == shown
