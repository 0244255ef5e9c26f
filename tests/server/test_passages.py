"""Passages at the doors of a server: stored with their events, recorded once in its site, and outages of cameras."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from conftest import DATA
from videos.camera_servers import MjpegCamera
from visavis.attendance.consents import give_consent, link_person
from visavis.attendance.kiosk.refused_days import list_refused
from visavis.attendance.passages.types import Passage
from visavis.attendance.settings import SiteSettings
from visavis.attendance.site import Site
from visavis.attendance.types import Employee
from visavis.errors import AttendanceError, UsageError
from visavis.server import passage_recorder
from visavis.server.config import ServerConfig
from visavis.server.door_cameras import DoorCameras
from visavis.server.passage_recorder import record_waiting, recording, watch_doors
from visavis.server.run import prepare
from visavis.server.state.cameras import Cameras
from visavis.server.state.database import StateDatabase
from visavis.server.state.passages import Passages
from visavis.types import RGB, Face
from visavis.videos.camera_door import CameraAttendance, CameraLine
from visavis.videos.camera_file import CameraFile, CameraSettings
from visavis.videos.types import Frame, FrameResult, TrackedFace, VideoEvent

from .running_server import RunningServer, photos
from .test_cameras import await_that, encode, kill_all

MOMENT = datetime(2026, 3, 2, 7, tzinfo=UTC)
GATE = CameraSettings("gate", "rtsp://gate", attendance=CameraAttendance("entrance"))
FILE = CameraFile((GATE, CameraSettings("yard", "rtsp://yard")))
PATIENCE = timedelta(minutes=5)


def passage(number: int, person: int | None, seconds: float = 0, camera: str = "gate") -> Passage:
    return Passage(f"{number:032x}", camera, MOMENT + timedelta(seconds=seconds), "in", person, 0.3)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site in which person 1 of the gallery is Ann, who has given consent."""
    with Site.create(tmp_path / "site", SiteSettings("Office", "Europe/Berlin", gallery="../faces.db")) as made:
        link_ann(made, 1)
        yield made


def count_by_device(site: Site, day: date) -> dict[str, dict[str, int]]:
    return {refused.device: refused.counts for refused in list_refused(site, day)}


def link_ann(site: Site, person: int) -> None:
    site.put_employees([Employee("1", "Ann")], actor="test")
    with site.ledger.write(actor="test") as writer:
        give_consent(writer, "1", text_version="2026-01", given=date(2026, 1, 2))
        link_person(writer, "1", person)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[StateDatabase]:
    with closing(StateDatabase(f"sqlite:///{tmp_path / 'server.db'}")) as opened:
        cameras = Cameras(opened)
        cameras.register(["gate", "yard"], "default")
        cameras.claim("a", cameras.leases(["gate"]), gallery="default")
        yield opened


def configure(tmp_path: Path, **changes: Any) -> ServerConfig:
    galleries = {"default": str(tmp_path / "faces.db"), "other": str(tmp_path / "other.db")}
    state = f"sqlite:///{tmp_path / 'server.db'}"
    return replace(ServerConfig(attendance_site=tmp_path / "site", galleries=galleries, state=state, port=0), **changes)


def test_passages_are_stored_by_the_server_that_holds_the_camera_and_recorded_once(
    database: StateDatabase, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored, cameras = Passages(database), Cameras(database)
    events = [passage(1, 1), passage(2, None, 2), passage(3, 1, camera="yard")]
    cameras.add_events("b", [], events)  # another server, which was too slow
    assert stored.read_waiting(["gate", "yard"]) == []
    for _ in range(2):
        cameras.add_events("a", [], events)
    assert stored.read_waiting(["gate", "yard"]) == events[:2]

    def die(*_: object) -> None:
        raise AttendanceError("killed")

    with monkeypatch.context() as killed:
        killed.setattr(Passages, "finish", die)
        with pytest.raises(AttendanceError):
            record_waiting(site, stored, ["gate"], tailgating_seconds=3)
    assert len(site.punches()) == 1
    record_waiting(site, stored, ["gate"], tailgating_seconds=3)
    assert [(punch.employee, punch.at, punch.device) for punch in site.punches()] == [("1", MOMENT, "gate")]
    assert count_by_device(site, date(2026, 3, 2)) == {"gate": {"stranger": 1, "tailgater": 1}}
    assert stored.read_waiting(["gate"]) == []
    with database.read() as conn:
        assert conn.exec_driver_sql("SELECT person_id FROM server_passages").scalars().all() == [None, None]


@pytest.mark.parametrize("employee_first", [True, False])
def test_a_tail_gater_is_found_whoever_is_recorded_first(
    database: StateDatabase, site: Site, employee_first: bool
) -> None:
    stored, cameras = Passages(database), Cameras(database)
    passages = [passage(1, 1), passage(2, None, 3), passage(3, None, 3.5)]
    for each in passages if employee_first else passages[::-1]:
        cameras.add_events("a", [], [each])
        record_waiting(site, stored, ["gate"], tailgating_seconds=3)
    assert count_by_device(site, date(2026, 3, 2)) == {"gate": {"stranger": 2, "tailgater": 1}}


def test_recorded_passages_are_forgotten_after_a_while(database: StateDatabase, site: Site) -> None:
    stored = Passages(database)
    for each in (passage(1, 1), passage(2, None, 700)):
        Cameras(database).add_events("a", [], [each])
        record_waiting(site, stored, ["gate"], tailgating_seconds=3)
    assert [result.id for result in stored.read_results("gate", MOMENT, 1000)] == [passage(2, None).id]


def test_a_camera_that_fails_is_an_outage_of_the_site(
    database: StateDatabase, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored, clock = Passages(database), [MOMENT]
    monkeypatch.setattr(StateDatabase, "read_clock", lambda *_: clock[0])

    def look(minute: float, *sending: str) -> list[tuple[str, datetime, datetime]]:
        clock[0] = MOMENT + timedelta(minutes=minute)
        watch_doors(site, stored, ["gate"], sending, patience=PATIENCE)
        return [(outage.device, outage.start, outage.end) for outage in site.outages()]

    assert look(0, "gate", "yard") == look(1, "gate") == look(6) == []
    start = MOMENT + timedelta(minutes=1)
    assert look(7) == [("gate", start, MOMENT + timedelta(minutes=67))]
    assert look(30, "gate") == [("gate", start, MOMENT + timedelta(minutes=30))]
    assert look(31) == look(32, "gate") == [("gate", start, MOMENT + timedelta(minutes=30))]
    assert site.verify() == []


def test_a_clock_that_is_set_back_in_an_outage_is_logged_once(
    database: StateDatabase, site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stored, clock = Passages(database), [MOMENT]
    monkeypatch.setattr(StateDatabase, "read_clock", lambda *_: clock[0])
    for minute, sending in ((0, ["gate"]), (6, []), (-30, ["gate"]), (-29, ["gate"])):
        clock[0] = MOMENT + timedelta(minutes=minute)
        watch_doors(site, stored, ["gate"], sending, patience=PATIENCE)
    assert [record.getMessage() for record in caplog.records] == ["camera gate: the clock was set back by 0:30:00"]
    (outage,) = site.outages()
    assert (outage.start, outage.end) == (MOMENT, MOMENT + timedelta(minutes=6))


@pytest.mark.parametrize(
    ("without", "has_outage"),
    [(None, False), (CameraFile(FILE.cameras[1:]), False), (CameraFile((replace(GATE, attendance=None),)), False),
     (FILE, True)],
)  # fmt: skip
def test_the_time_of_a_server_without_the_camera_is_no_outage(
    database: StateDatabase,
    site: Site,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    without: CameraFile | None,
    has_outage: bool,
) -> None:
    stored, clock = Passages(database), [MOMENT]
    monkeypatch.setattr(StateDatabase, "read_clock", lambda *_: clock[0])
    watch_doors(site, stored, ["gate"], ["gate"], patience=PATIENCE)
    prepare(configure(tmp_path), lambda _: None, without).close()
    assert set(stored.read_doors()[0]) == {"gate"}  # a server holds the camera
    Cameras(database).release("a")
    for file in (without, FILE):
        prepare(configure(tmp_path), lambda _: None, file).close()
    clock[0] = MOMENT + timedelta(days=2)
    watch_doors(site, stored, ["gate"], ["gate"], patience=PATIENCE)
    assert [outage.end for outage in site.outages()] == ([clock[0]] if has_outage else [])


def test_a_recorder_waits_for_a_site_that_is_away(
    database: StateDatabase, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passage_recorder, "AWAY_SECONDS", 0.05)
    monkeypatch.setattr(passage_recorder, "POLL_SECONDS", 0.05)
    away = threading.Event()

    def open_site(folder: Path) -> Site:
        if not away.is_set():
            raise AttendanceError("the database is away.")
        return Site(folder)

    monkeypatch.setattr(passage_recorder, "Site", open_site)
    config = configure(tmp_path)
    with recording(config, CameraFile(FILE.cameras[1:]), database) as recorder:
        assert recorder is None
    with recording(config, FILE, database) as recorder:
        assert recorder is not None
        Cameras(database).add_events("a", [], [passage(1, 1)])
        recorder.wake()
        assert site.punches() == []
        away.set()
        until = time.monotonic() + 120
        while not site.punches() and time.monotonic() < until:
            time.sleep(0.01)
        assert len(site.punches()) == 1
        Cameras(database).add_events("a", [], [passage(2, None)])
    assert count_by_device(site, date(2026, 3, 2)) == {"gate": {"stranger": 1, "tailgater": 1}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"attendance_site": None}, "camera 'gate' is for attendance, and the server has no site: write"),
        ({"video": "other"}, "cameras search the gallery 'other', which is not that of the site"),
        ({"camera": "x" * 3000}, "the name of a camera for attendance"),
        ({"line": CameraLine((0, 0), (1, 1), (0.5, 0.5))}, "inside is a point beside the line"),
    ],
)
def test_a_server_refuses_doors_that_would_be_wrong(
    site: Site, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    config, gate = configure(tmp_path), GATE
    if "attendance_site" in changes:
        config = replace(config, attendance_site=None)
    if "video" in changes:
        config = replace(config, video=replace(config.video, gallery="other"))
    if "camera" in changes:
        gate = replace(gate, name=changes["camera"])
    if "line" in changes:
        gate = replace(gate, attendance=CameraAttendance("line", changes["line"]))
    with pytest.raises(UsageError, match=message):
        prepare(config, print, CameraFile((gate,)))


# ---------------------------------------------------------------------------------------------- from frames to passages


def show(
    seconds: float, *faces: tuple[int, float], events: Sequence[VideoEvent] = (), file: bool = False
) -> FrameResult:
    """A frame with the faces of tracks, each at a part of the width, in a picture of 200 x 100."""
    moment = MOMENT + timedelta(seconds=seconds)
    frame = Frame(np.zeros((100, 200, 3), np.uint8), seconds, 0, "gate", None if file else moment)
    tracked = tuple(
        TrackedFace(
            track, Face(np.array([200 * x - 10, 40, 200 * x + 10, 60], np.float32), 1.0, np.zeros((5, 2))), True
        )
        for track, x in faces
    )
    return FrameResult(frame, tracked, tuple(events), detected=True)


def end(track: int, person: int | None) -> VideoEvent:
    return VideoEvent(f"e{track}", "ended", track, person, None, MOMENT, MOMENT, "gate", distance=0.2)


def test_frames_of_a_camera_become_passages() -> None:
    doors = DoorCameras()
    line = CameraLine((0.5, 0), (0.5, 1), (1, 0.5))
    doors.open(replace(GATE, attendance=CameraAttendance("line", line)))
    results = [
        show(0, (1, 0.2), (2, 0.9)),
        show(1, (1, 0.56), (2, 0.6)),  # face 1 is .1 wide, and clear of the line from .55 on
        show(2, (1, 0.8), (2, 0.1)),
        show(5, events=[end(1, 7), end(2, None)]),
    ]
    assert [event.id for result in results for event in doors.follow(result)] == ["e1", "e2"]
    outline = [(each.direction, each.person_id, each.distance, (each.at - MOMENT).seconds) for each in doors.take()]
    assert outline == [("in", 7, 0.2, 1), ("out", None, 0.2, 2)]
    assert doors.take() == []
    doors.close("gate")
    assert [*map(len, map(doors.follow, results))] == [0, 0, 0, 2]
    assert doors.take() == []


def test_a_file_gives_no_passage(caplog: pytest.LogCaptureFixture) -> None:
    doors = DoorCameras()
    doors.open(GATE)
    for second in range(2):
        doors.follow(show(second, (1, 0.5), file=True, events=[end(1, 7)] * second))
    assert doors.take() == []
    assert caplog.messages == ["camera 'gate' is a file: it gives no attendance"]


# --------------------------------------------------------------------------------------------------- server and camera

STEPS = 120
"""Frames of a walk, ten a second: slow enough that a busy machine sees it too."""


def walk(*people: tuple[RGB, int, int]) -> list[bytes]:
    """Frames of 640 x 240 in which photos move from a place to another one, in pixels from the left."""
    pictures = []
    for step in range(STEPS):
        frame = np.full((240, 640, 3), 120, np.uint8)
        for face, start, stop in people:
            left = start + (stop - start) * step // (STEPS - 1)
            frame[40 : 40 + face.shape[0], left : left + face.shape[1]] = face
        pictures.append(encode(frame))
    return pictures


def shrink(photo: Path) -> RGB:
    with Image.open(photo) as opened:
        return np.asarray(opened.convert("RGB").resize((round(160 * opened.width / opened.height), 160)))


class Walker(MjpegCamera):
    """A camera before which people walk when they are asked to; else the picture is empty."""

    def __init__(self) -> None:
        super().__init__(rate=10)
        self._left: list[bytes] = []
        self._empty = encode(np.full((240, 640, 3), 120, np.uint8))
        self.picture = lambda _: self._left.pop(0) if self._left else self._empty

    def play(self, pictures: list[bytes]) -> None:
        self._left = [*pictures]


@pytest.mark.slow(seconds=50)
def test_people_walk_through_a_door_and_the_server_is_killed(sample_photos: Path, tmp_path: Path) -> None:
    """Ann comes in with a stranger, goes out alone; after a kill all is there, and nothing twice."""
    ann, stranger = shrink(sample_photos / "obama.jpg"), shrink(sample_photos / "biden.jpg")
    camera, today = Walker(), datetime.now(UTC).date()
    with Site.create(tmp_path / "site", SiteSettings("Office", "UTC", gallery="../faces.db")) as site:
        (tmp_path / "server.toml").write_text(
            "[server]\nattendance_site = 'site'\ncameras = 'cameras.toml'\n[galleries]\ndefault = 'faces.db'\n"
        )
        (tmp_path / "cameras.toml").write_text(
            f'tailgating_seconds = 30\n[[camera]]\nname = "gate"\nsource = "{camera.address}"\nattendance = "line"\n'
            "line = [[0.5, 0], [0.5, 1]]\ninside = [1, 0.5]\n"
        )
        weights = {"VISAVIS_WEIGHTS": os.environ.get("VISAVIS_WEIGHTS") or str(DATA.parent / "weights")}
        server = RunningServer("--config", "server.toml", folder=tmp_path, environment=weights)
        try:
            server.set_up()
            answer = server.post(
                "/v1/people", data={"name": "Ann"}, files=photos("photo", sample_photos / "obama2.jpg")
            )
            link_ann(site, answer.json()["person_id"])
            await_that(lambda: server.get("/v1/cameras/gate").json()["state"] == "running", "frames", server)
            begun = datetime.now(UTC)
            camera.play(walk((ann, 150, 470), (stranger, 0, 320)))
            await_that(lambda: count_refusals(site, today), "a stranger", server)
            (punch,) = await_that(site.punches, "a punch", server)
            assert (punch.employee, punch.direction, punch.device, punch.method) == ("1", "in", "gate", "face")
            assert begun < punch.at < datetime.now(UTC)
            camera.play(walk((ann, 470, 20)))
            await_that(lambda: len(site.punches()) == 2, "a second punch", server)
            with closing(StateDatabase(f"sqlite:///{tmp_path / 'faces.server.db'}")) as state:
                # a passage is finished after its punch is recorded
                await_that(lambda: not Passages(state).read_waiting(["gate"]), "the end of recording", server)
            kill_all(server)
        finally:
            server.stop()
        before = site.punches()
        assert [each.direction for each in before] == ["in", "out"]
        with closing(StateDatabase(f"sqlite:///{tmp_path / 'faces.server.db'}")) as state:
            assert Passages(state).read_waiting(["gate"]) == []
            Cameras(state).claim("late", Cameras(state).leases(["gate"]), gallery="default")
            Cameras(state).add_events("late", [], [passage(1, None)])  # stored when its server is killed
            Cameras(state).release("late")
        again = RunningServer("--config", "server.toml", folder=tmp_path, environment=weights)
        try:
            await_that(lambda: count_by_device(site, MOMENT.date()), "the passage that waited", again)
            assert site.punches() == before
            assert site.verify() == []
        finally:
            again.stop()
            camera.stop()
        assert "Traceback" not in server.text + again.text


def count_refusals(site: Site, day: date) -> bool:
    """Whether the stranger was counted as a tail-gater too, on a day or the next one."""
    days = [count_by_device(site, day + timedelta(days)).get("gate", {}) for days in (0, 1)]
    return {"stranger": 1, "tailgater": 1} in days
