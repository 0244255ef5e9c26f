"""Cameras in the server's database: one server holds each, events are of the holder alone, orders outlive processes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from servers import Postgres
from visavis.errors import UnknownNameError
from visavis.server import camera_leases
from visavis.server.camera_leases import LeaseWatch
from visavis.server.state import tables
from visavis.server.state.cameras import CameraLease, CameraReport, Cameras
from visavis.server.state.database import StateDatabase
from visavis.server.state.events import EventFilter, Events
from visavis.server.types import ServedCamera
from visavis.sql_database import write_time

from .machine_clock import set_clock

NAMES = ["door", "yard"]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[StateDatabase]:
    opened = StateDatabase(f"sqlite:///{tmp_path / 'server.db'}")
    Cameras(opened).register(NAMES, "default")
    yield opened
    opened.close()


def take(cameras: Cameras, holder: str, *names: str) -> None:
    leases = cameras.leases(names)
    cameras.claim(holder, leases, gallery="default")


def read(cameras: Cameras, name: str) -> ServedCamera:
    (camera,) = (camera for camera in cameras.read(names=NAMES) if camera.name == name)
    return camera


def make_event(number: int, camera: str = "door") -> dict[str, object]:
    return {"id": f"e{number}", "event": "ended", "camera": camera, "person_id": None}


def stored(database: StateDatabase) -> list[str]:
    return [event.content["id"] for event in Events(database).read(EventFilter())]


def test_a_camera_is_claimed_by_the_lease_that_was_seen(database: StateDatabase) -> None:
    cameras = Cameras(database)
    free = cameras.leases(NAMES)
    assert free == {name: CameraLease(None, 0) for name in NAMES}
    cameras.claim("a", free, gallery="default")
    cameras.claim("b", free, gallery="default")
    assert cameras.orders("a").keys() == {*NAMES}
    assert cameras.orders("b") == {}
    lapsed = cameras.leases(NAMES)
    cameras.report("a", {"door": CameraReport("running")})
    cameras.claim("b", lapsed, gallery="default")
    assert (cameras.orders("a").keys(), cameras.orders("b").keys()) == ({"door"}, {"yard"})
    cameras.release("b")
    assert cameras.leases(["yard"])["yard"].holder is None


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_of_many_servers_at_once_one_holds_a_camera(tmp_path: Path, request: pytest.FixtureRequest, kind: str) -> None:
    url = f"sqlite:///{tmp_path / 'many.db'}"
    if kind == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.new()
    database = StateDatabase(url)
    cameras = Cameras(database)
    cameras.register(NAMES, "default")
    free = cameras.leases(NAMES)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda holder: cameras.claim(str(holder), free, gallery="default"), range(8)))
    held = [cameras.orders(str(holder)).keys() for holder in range(8)]
    holders = [str(number) for number, names in enumerate(held) if names]
    assert len(holders) == 1
    cameras.add_events(holders[0], [make_event(1), make_event(2, "yard"), make_event(1)])
    cameras.add_events("another", [make_event(3)])
    assert stored(database) == ["e1", "e2"]
    assert read(cameras, "yard").latest_event == Events(database).read(EventFilter())[1]
    database.close()


def test_a_server_that_lost_a_camera_adds_no_event_and_no_report(database: StateDatabase) -> None:
    cameras = Cameras(database)
    take(cameras, "a", *NAMES)
    cameras.add_events("a", [make_event(1)])
    take(cameras, "b", "door")
    cameras.add_events("a", [make_event(1), make_event(2), make_event(3, "yard")])
    cameras.report("a", {name: CameraReport("silent", "'door' sent nothing.") for name in NAMES})
    cameras.add_events("b", [make_event(4)])
    assert stored(database) == ["e1", "e3", "e4"]
    assert [read(cameras, name).state for name in NAMES] == ["starting", "silent"]
    cameras.fail("a", NAMES, "the gallery is away.")
    assert [(read(cameras, name).state, read(cameras, name).message) for name in NAMES] == [
        ("starting", ""),
        ("failed", "the gallery is away."),
    ]
    assert cameras.leases(["yard"])["yard"].holder is None


def test_a_camera_of_another_gallery_shows_no_event_of_the_one_before(database: StateDatabase) -> None:
    cameras = Cameras(database)
    take(cameras, "a", *NAMES)
    cameras.add_events("a", [make_event(1), make_event(2, "yard")])
    cameras.claim("b", cameras.leases(["yard"]), gallery="staff")
    assert [(read(cameras, name).gallery, read(cameras, name).latest_event is None) for name in NAMES] == [
        ("default", False),
        ("staff", True),
    ]
    take(cameras, "a", *NAMES)
    assert [read(cameras, name).latest_event is None for name in NAMES] == [False, True]
    cameras.add_events("a", [make_event(3, "yard")])
    with database.write() as conn:  # as a camera was left by a server that kept the event
        conn.execute(update(tables.CAMERAS).values(gallery="staff"))
    assert [camera.latest_event for camera in cameras.read(names=NAMES, galleries=["staff"])] == [None, None]


def test_a_lease_lapses_by_the_clock_of_the_machine_that_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = 100.0
    monkeypatch.setattr(camera_leases, "monotonic", lambda: moment)
    watch = LeaseWatch("b")
    leases = {"door": CameraLease("a", 5), "yard": CameraLease(None, 2), "hall": CameraLease("b", 3)}

    def look(seconds: int) -> set[str]:
        """Look each second; return what is free after some seconds."""
        nonlocal moment
        for _ in range(seconds):
            moment += 1
            watch.find_free(leases)
        return {*watch.find_free(leases)}

    assert look(1) == {"yard"}
    assert look(15) == {"yard"}
    assert look(1) == {"door", "yard"}
    leases["door"] = CameraLease("a", 6)
    assert look(16) == {"yard"}
    moment += 100  # the database was away, or this process was stopped
    assert look(15) == {"yard"}
    assert look(2) == {"door", "yard"}


def test_states_follow_orders_and_reports(database: StateDatabase) -> None:
    cameras = Cameras(database)
    assert read(cameras, "door").state == "starting"
    take(cameras, "a", *NAMES)
    cameras.report("a", {"door": CameraReport("running", frames_per_second=9.5, dropped=3, reopened=1)})
    door = read(cameras, "door")
    assert (door.state, door.frames_per_second, door.dropped, door.reopened) == ("running", 9.5, 3, 1)
    cameras.stop("door", actor="Ann")
    assert read(cameras, "door").state == "stopping"
    order = cameras.orders("a")["door"]
    assert (order.wanted, order.number, order.followed, order.state) == ("stopped", 1, 0, "running")
    cameras.report("a", {"door": CameraReport("stopped", followed=1)})
    assert read(cameras, "door").state == "stopped"
    cameras.release("a")
    assert read(cameras, "door").state == "stopped"
    cameras.start("door", actor="Bob")
    assert (read(cameras, "door").state, read(cameras, "yard").state) == ("starting", "starting")
    log = [(entry.actor, entry.action, entry.detail) for entry in database.read_log()]
    assert log == [("Ann", "stop camera", "door"), ("Bob", "start camera", "door")]
    with pytest.raises(UnknownNameError, match="no camera 'none'"):
        cameras.start("none", actor="Bob")


def test_a_file_that_was_read_stays_ended_and_a_silent_server_is_named(database: StateDatabase) -> None:
    cameras = Cameras(database)
    take(cameras, "a", *NAMES)
    cameras.report("a", {"door": CameraReport("ended"), "yard": CameraReport("running")})
    cameras.fail("a", NAMES, "the gallery is away.")
    assert [read(cameras, name).state for name in NAMES] == ["ended", "failed"]
    take(cameras, "a", *NAMES)
    cameras.report("a", {"yard": CameraReport("running")})
    with database.write() as conn:
        conn.execute(update(tables.CAMERAS).values(updated="2026-01-01T00:00:00+00:00"))
    yard = read(cameras, "yard")
    assert yard.state == "failed"
    assert yard.message == "no server has reported on it since 2026-01-01T00:00:00+00:00."


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_server_with_another_clock_counts_as_alive(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    with closing(StateDatabase(postgres.new())) as database:
        cameras = Cameras(database)
        cameras.register(NAMES, "default")
        set_clock(monkeypatch, hours)
        take(cameras, "a", *NAMES)
        cameras.report("a", dict.fromkeys(NAMES, CameraReport("running")))
        set_clock(monkeypatch, 0)
        assert [read(cameras, name).state for name in NAMES] == ["running", "running"]
        with database.write() as conn:
            long_ago = database.read_clock(conn) - timedelta(seconds=70)
            conn.execute(update(tables.CAMERAS).values(updated=write_time(long_ago)))
        set_clock(monkeypatch, hours)
        assert [read(cameras, name).state for name in NAMES] == ["failed", "failed"]


def test_cameras_of_other_files_and_galleries_are_left_out(database: StateDatabase) -> None:
    cameras = Cameras(database)
    cameras.register(["gate"], "staff")
    cameras.stop("yard", actor="Ann")
    cameras.register(NAMES, "default")
    assert [camera.name for camera in cameras.read(names=NAMES)] == NAMES
    take(cameras, "b", "gate")
    assert [camera.name for camera in cameras.read(names=NAMES)] == ["door", "gate", "yard"]
    assert [camera.name for camera in cameras.read(names=NAMES, galleries=["staff"])] == []
    assert read(cameras, "yard").state == "stopped"
