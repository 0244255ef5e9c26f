"""Cameras of a running server: real files, folders and streams, whose events come by REST."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image

import visavis
from videos.camera_servers import MjpegCamera
from videos.rtsp_server import TcpRtspCamera
from visavis.server.camera_runner import NICENESS
from visavis.server.state.cameras import Cameras
from visavis.server.state.database import StateDatabase
from visavis.types import RGB

from .running_server import RunningServer
from .test_jobs import read_stream
from .test_keys import make_key

PASSWORD = "x7Kq-secret"
HEIGHT = 160
SECONDS = 180.0
"""Time for what takes a few seconds on a quiet machine."""


def draw(photo: Path, left: int) -> RGB:
    """A frame with the face of a photo, ``left`` pixels from its left side."""
    with Image.open(photo) as opened:
        face = np.asarray(opened.convert("RGB").resize((round(HEIGHT * opened.width / opened.height), HEIGHT)))
    frame = np.full((240, 320, 3), 120, np.uint8)
    frame[40 : 40 + HEIGHT, left : left + face.shape[1]] = face
    return frame


def encode(frame: RGB) -> bytes:
    file = BytesIO()
    Image.fromarray(frame).save(file, "JPEG", quality=95)
    return file.getvalue()


@dataclass
class Place:
    """A folder with a gallery, in which Ann is enrolled, and a folder of frames that show her."""

    folder: Path
    pictures: list[bytes]
    yard: MjpegCamera

    def write_cameras(self, *tables: str) -> Path:
        path = self.folder / "cameras.toml"
        path.write_text("".join(f"[[camera]]\n{table}\n" for table in tables))
        path.chmod(0o600)
        return path

    @property
    def yard_table(self) -> str:
        return f'name = "yard"\nsource = "http://ann:${{CAMERA_PASSWORD}}@127.0.0.1:{self.yard.port}/video"'

    def serve(self, *options: str) -> RunningServer:
        return RunningServer(*options, folder=self.folder, environment={"CAMERA_PASSWORD": PASSWORD})


DOOR = 'name = "door"\nsource = "frames"'


@pytest.fixture(scope="module")
def place(sample_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = make_place(sample_photos, tmp_path_factory.mktemp("cameras"))
    yield made
    made.yard.stop()


def make_place(sample_photos: Path, folder: Path) -> Place:
    frames = [draw(sample_photos / "obama.jpg", 20 + number) for number in range(30)]
    pictures = [encode(frame) for frame in frames]
    (folder / "frames").mkdir()
    for number, picture in enumerate(pictures):
        (folder / "frames" / f"{number}.jpg").write_bytes(picture)
    with visavis.Gallery(folder / "faces.db") as gallery:
        gallery.enroll("Ann", sample_photos / "obama.jpg")
    yard = MjpegCamera(rate=10)
    yard.picture = lambda number: pictures[number % len(pictures)]
    return Place(folder, pictures, yard)


def await_camera(server: RunningServer, name: str, *states: str, seconds: float = SECONDS) -> dict[str, Any]:
    """Return a camera once it is in one of these states."""
    return await_that(lambda: read_if(server, name, states), f"{name} in {states}", server, seconds)


def read_if(server: RunningServer, name: str, states: tuple[str, ...]) -> dict[str, Any] | None:
    camera: dict[str, Any] = server.get(f"/v1/cameras/{name}").json()
    return camera if camera["state"] in states else None


def await_that(find: Callable[[], Any], what: str, server: RunningServer, seconds: float = SECONDS) -> Any:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if value := find():
            return value
        time.sleep(0.1)
    pytest.fail(f"{what}: not within {seconds:g} s; {server.get('/v1/cameras').text} {server.text}")


def events_of(server: RunningServer, camera: str) -> list[dict[str, Any]]:
    listed = server.get("/v1/events", params={"camera": camera, "after": 0, "limit": 1000}).json()["events"]
    return [event["content"] for event in listed]


def camera_process(server: RunningServer) -> psutil.Process:
    """The process of the server that has reader processes of its own, or else that started last."""
    children = psutil.Process(server.process.pid).children()
    readers = [child for child in children if child.children()]
    return readers[0] if readers else max(children, key=lambda child: child.pid)


@pytest.fixture(scope="module")
def watching(place: Place) -> Iterator[RunningServer]:
    """A server with a folder of frames, an MJPEG camera with a password, an RTSP camera, and a file that is missing."""
    gate = TcpRtspCamera([np.asarray(Image.open(BytesIO(picture))) for picture in place.pictures[:4]])
    place.write_cameras(
        DOOR,
        place.yard_table,
        f'name = "gate"\nsource = "rtsp://ann:{PASSWORD}@127.0.0.1:{gate.port}/x?token={PASSWORD}"\nmin_face = 60',
        'name = "hall/left"\nsource = "away/none.mp4"',
    )
    galleries = "default = 'faces.db'\nelsewhere = 'elsewhere.db'\n"
    (place.folder / "server.toml").write_text(f"[server]\ncameras = 'cameras.toml'\n[galleries]\n{galleries}")
    running = place.serve("--config", "server.toml")
    running.set_up()
    yield running
    gate.stop()
    assert running.stop() in {0, -signal.SIGTERM}
    assert "Traceback" not in running.text
    assert PASSWORD not in running.text


@pytest.fixture(autouse=True)
def yard_plays_for_the_next_test(request: pytest.FixtureRequest) -> Iterator[None]:
    """Start the camera again that a test stopped, also where the test failed halfway."""
    yield
    if "watching" in request.fixturenames:
        server: RunningServer = request.getfixturevalue("watching")
        if server.get("/v1/cameras/yard").json()["state"] in {"stopping", "stopped"}:
            server.post("/v1/cameras/yard/start")


def test_files_and_streams_are_watched_and_each_says_how_it_is_doing(watching: RunningServer, place: Place) -> None:
    door = await_camera(watching, "door", "ended")
    assert (door["gallery"], door["message"], door["silent_since"], door["dropped"]) == ("default", "", None, 0)
    assert door["latest_event"]["content"] == events_of(watching, "door")[-1]
    hall = await_camera(watching, "hall/left", "failed")
    assert hall["message"] == "there is no file 'none.mp4' (camera 'hall/left')."
    for name in ("yard", "gate"):
        await_camera(watching, name, "running")
        await_that(
            lambda name=name: watching.get(f"/v1/cameras/{name}").json()["frames_per_second"] > 0, name, watching
        )
    listed = watching.get("/v1/cameras")
    assert [camera["name"] for camera in listed.json()["cameras"]] == ["door", "gate", "hall/left", "yard"]
    assert str(place.folder) not in listed.text
    assert watching.get("/v1/cameras/none").json()["detail"] == "there is no camera 'none' on this server."


def test_events_name_the_people_of_the_gallery_and_are_streamed(watching: RunningServer, place: Place) -> None:
    await_camera(watching, "door", "ended")
    events = events_of(watching, "door")
    runs = len(events) // 2  # other tests start the camera again
    assert [(event["event"], event["name"]) for event in events] == runs * [("recognized", "Ann"), ("ended", "Ann")]
    assert runs
    assert (events[1]["from"], events[1]["to"]) == (0.0, pytest.approx(29 / 25, abs=0.15))
    with watching.get("/v1/events/stream", params={"camera": "yard", "after": 0}, stream=True) as answer:
        ((_, first),) = read_stream(answer, 1)
    assert (first["gallery"], first["content"]["name"]) == ("default", "Ann")  # type: ignore[index]
    assert first["content"]["from"].endswith("+00:00")  # type: ignore[index]


def test_a_camera_stops_and_starts_and_the_log_says_who_did_it(watching: RunningServer, place: Place) -> None:
    await_camera(watching, "yard", "running")
    await_camera(watching, "gate", "running")
    await_that(lambda: events_of(watching, "yard"), "an event", watching)
    key = make_key(watching, "guard", "admin", ["default"])
    assert watching.post("/v1/cameras/yard/stop", key=key).json()["state"] in {"stopping", "stopped"}
    assert await_camera(watching, "yard", "stopped")["frames_per_second"] == 0.0
    await_that(lambda: events_of(watching, "yard")[-1]["event"] == "ended", "the end of the track", watching)
    assert [camera["state"] for camera in watching.get("/v1/cameras").json()["cameras"]][1] == "running"  # the gate
    connections = place.yard.connections
    time.sleep(1)
    assert place.yard.connections == connections
    assert watching.post("/v1/cameras/yard/start").json()["state"] in {"starting", "running"}
    await_camera(watching, "yard", "running")
    assert place.yard.connections == connections + 1
    entries = watching.get("/v1/log").json()["entries"]
    orders = [(entry["actor"], entry["action"]) for entry in entries if entry["detail"] == "yard"]
    assert orders[-2:] == [("guard", "stop camera"), ("first admin", "start camera")]


def test_a_file_is_read_again_when_it_is_started(watching: RunningServer) -> None:
    await_camera(watching, "door", "ended")
    before = len(events_of(watching, "door"))
    assert watching.post("/v1/cameras/door/start").json()["state"] in {"starting", "running"}
    await_camera(watching, "door", "ended")
    assert len(events_of(watching, "door")) == before + 2
    assert watching.post("/v1/cameras/hall/left/start").status_code == 200
    await_camera(watching, "hall/left", "failed")


def test_the_client_reads_and_orders_cameras(watching: RunningServer) -> None:
    await_camera(watching, "door", "ended")
    with visavis.Client(watching.url, watching.key) as client:
        assert [camera.name for camera in client.cameras()] == ["door", "gate", "hall/left", "yard"]
        door = client.camera("door")
        events = client.events(camera="door", after=0)
        assert [event.content["name"] for event in events][:2] == ["Ann", "Ann"]
        assert door.latest_event == events[-1]
        assert (door.state, door.message) == ("ended", "")
        assert client.stop_camera("hall/left").state in {"stopping", "stopped"}
        await_camera(watching, "hall/left", "stopped")
        assert client.start_camera("hall/left").state in {"starting", "failed"}
        with pytest.raises(visavis.UsageError, match="no camera 'none'"):
            client.camera("none")


def test_keys_may_do_with_cameras_what_their_role_and_galleries_allow(watching: RunningServer) -> None:
    reader = make_key(watching, "camera reader", "read")
    assert watching.get("/v1/cameras/door", key=reader).status_code == 200
    refused = watching.post("/v1/cameras/door/stop", key=reader)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    other = make_key(watching, "of another gallery", "admin", ["elsewhere"])
    assert watching.get("/v1/cameras", key=other).json() == {"cameras": []}
    for method, path in (("GET", "door"), ("POST", "door/stop"), ("POST", "none/start")):
        answer = watching.request(method, f"/v1/cameras/{path}", key=other)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_name")
    assert watching.get("/v1/cameras", key=None).status_code == 401


def test_cameras_give_way_to_requests(watching: RunningServer) -> None:
    """The process of the cameras has less priority than the workers, for which a person at a kiosk waits."""
    for name in ("yard", "gate"):
        await_camera(watching, name, "running")
    own, cameras = psutil.Process(watching.process.pid), camera_process(watching)
    workers = [child for child in own.children() if child != cameras]
    assert cameras.children()
    assert cameras.nice() == min(own.nice() + NICENESS, 19)  # 19 is the greatest
    assert {child.nice() for child in workers} == {own.nice()}


def test_no_password_leaves_the_server(watching: RunningServer, place: Place) -> None:
    for name in ("yard", "gate"):
        await_camera(watching, name, "running")
    paths = ("/v1/cameras", "/v1/events?after=0&limit=1000", "/v1/log?limit=1000", "/openapi.json", "/metrics")
    for path in paths:
        assert PASSWORD not in watching.get(path).text
    for file in place.folder.glob("faces*.db*"):
        assert PASSWORD.encode() not in file.read_bytes()
    for process in psutil.Process(watching.process.pid).children(recursive=True):
        with suppress(psutil.Error):  # it has ended
            assert PASSWORD not in " ".join(process.cmdline())
    assert PASSWORD not in watching.text


# -------------------------------------------------------------------------------------------------- bad days, slowly


@pytest.fixture
def own_place(sample_photos: Path, tmp_path: Path) -> Iterator[Place]:
    made = make_place(sample_photos, tmp_path)
    yield made
    made.yard.stop()


@pytest.mark.slow
def test_a_camera_that_hangs_is_silent_until_it_plays_again(own_place: Place) -> None:
    server = own_place.serve("--cameras", str(own_place.write_cameras(own_place.yard_table)))
    try:
        await_camera(server, "yard", "running")
        await_that(lambda: events_of(server, "yard"), "an event", server)
        own_place.yard.mode = "silent"
        silent = await_camera(server, "yard", "silent")
        assert silent["silent_since"] is not None
        assert silent["message"].startswith("'yard' has sent no frame for")
        await_that(lambda: events_of(server, "yard")[-1]["event"] == "ended", "the end of the track", server)
        again = await_that(lambda: read_matching(server, "yard", OPENED_AGAIN), "opened again", server)
        assert again["silent_since"][:18] == silent["silent_since"][:18]
        own_place.yard.mode = "play"
        camera = await_camera(server, "yard", "running", seconds=3 * SECONDS)  # the pauses between attempts grow
        assert (camera["message"], camera["silent_since"]) == ("", None)
        assert camera["reopened"] >= 1
    finally:
        server.stop()


OPENED_AGAIN = ("'yard' sent nothing for 10 s.", "'yard' cannot be opened: connection timed out.")
"""What is said of a camera that hangs once it was opened again: by the watchdog, until the next attempt fails too."""


def read_matching(server: RunningServer, name: str, messages: Collection[str]) -> dict[str, Any] | None:
    camera: dict[str, Any] = server.get(f"/v1/cameras/{name}").json()
    return camera if camera["message"] in messages else None


@pytest.mark.slow
def test_the_process_of_the_cameras_is_started_again_when_it_is_killed(own_place: Place) -> None:
    server = own_place.serve("--cameras", str(own_place.write_cameras(DOOR, own_place.yard_table)))
    try:
        await_camera(server, "door", "ended")
        await_that(lambda: events_of(server, "yard"), "an event", server)
        connections, before = own_place.yard.connections, len(events_of(server, "yard"))
        killed = camera_process(server)
        readers = killed.children()
        killed.kill()
        await_that(lambda: own_place.yard.connections > connections, "a new connection", server)
        await_that(lambda: len(events_of(server, "yard")) > before, "a new event", server)
        assert server.get("/readyz").status_code == 200
        assert len(events_of(server, "door")) == 2
        assert psutil.wait_procs(readers, timeout=SECONDS)[1] == []
    finally:
        assert server.stop() in {0, -signal.SIGTERM}
    assert "Traceback" not in server.text


@pytest.mark.slow
def test_the_events_of_a_file_are_stored_once_when_its_process_is_killed_in_the_middle(own_place: Place) -> None:
    """As many as of a reading that nothing disturbs, at the same times."""
    folder, visits = own_place.folder / "visits", 8
    folder.mkdir()
    empty = encode(np.full((240, 320, 3), 120, np.uint8))
    for number in range(visits * 90):
        shows_ann = number % 90 < 20
        (folder / f"{number:04}.jpg").write_bytes(own_place.pictures[number % 90] if shows_ann else empty)
    server = own_place.serve("--cameras", str(own_place.write_cameras('name = "hall"\nsource = "visits"')))
    try:
        await_that(lambda: len(events_of(server, "hall")) >= 3, "three events", server, 90)
        process = camera_process(server)
        process.kill()
        process.wait(60)
        before = [outline(event) for event in events_of(server, "hall")]
        await_camera(server, "hall", "ended", seconds=120)
        once = [outline(event) for event in events_of(server, "hall")]
        server.post("/v1/cameras/hall/start")
        await_that(lambda: len(events_of(server, "hall")) >= 2 * len(once), "a second reading", server, 120)
        await_camera(server, "hall", "ended")
        assert 3 <= len(before) < len(once) == 2 * visits
        assert once[: len(before)] == before
        assert [outline(event) for event in events_of(server, "hall")] == once + once
    finally:
        server.stop()


def outline(event: dict[str, Any]) -> tuple[str, str, float, float]:
    return event["event"], event["name"], event["from"], event["to"]


@pytest.mark.slow
def test_a_stopped_camera_stays_stopped_when_the_server_begins_anew(own_place: Place) -> None:
    options = ("--cameras", str(own_place.write_cameras(DOOR, own_place.yard_table)))
    server = own_place.serve(*options)
    try:
        await_camera(server, "door", "ended")
        server.post("/v1/cameras/yard/stop")
        await_camera(server, "yard", "stopped")
    finally:
        server.stop()
    connections = own_place.yard.connections
    again = own_place.serve(*options)
    try:
        parent = psutil.Process(again.process.pid)
        await_that(lambda: len(parent.children()) == 3, "a worker and the runners of jobs and cameras", again)
        process = camera_process(again)
        assert [camera["state"] for camera in again.get("/v1/cameras").json()["cameras"]] == ["ended", "stopped"]
        time.sleep(5)
        assert [camera["state"] for camera in again.get("/v1/cameras").json()["cameras"]] == ["ended", "stopped"]
        assert own_place.yard.connections == connections
        assert len(events_of(again, "door")) == 2
        assert process.is_running()
    finally:
        again.stop()


@pytest.mark.slow
def test_of_two_servers_one_watches_and_the_other_takes_over_when_it_is_killed(own_place: Place) -> None:
    options = ("--cameras", str(own_place.write_cameras(DOOR, own_place.yard_table)))
    servers = [own_place.serve(*options) for _ in range(2)]
    first, second = servers
    try:
        await_camera(second, "door", "ended")
        await_that(lambda: events_of(second, "yard"), "an event", second)
        time.sleep(3)
        assert [event["event"] for event in events_of(second, "door")] == ["recognized", "ended"]
        assert own_place.yard.connections == 1
        holder, other = servers if camera_process(first).children() else servers[::-1]
        kill_all(holder)
        killed, before = time.monotonic(), len(events_of(other, "yard"))
        await_that(lambda: len(events_of(other, "yard")) > before, "an event of the other server", other, 90)
        assert time.monotonic() - killed > 10
        assert [event["event"] for event in events_of(other, "door")] == ["recognized", "ended"]
        await_camera(other, "yard", "running")
    finally:
        for server in servers:
            server.stop()


def kill_all(server: RunningServer) -> None:
    """Kill a server and all its processes, as the end of its machine does."""
    processes = [*psutil.Process(server.process.pid).children(recursive=True), psutil.Process(server.process.pid)]
    for kill in (psutil.Process.suspend, psutil.Process.kill):
        for process in processes:
            with suppress(psutil.NoSuchProcess):  # it has ended by itself
                kill(process)


@pytest.mark.slow
def test_a_server_that_ends_gives_its_cameras_away_at_once(own_place: Place) -> None:
    options = ("--cameras", str(own_place.write_cameras(own_place.yard_table)))
    servers = [own_place.serve(*options) for _ in range(2)]
    try:
        await_that(lambda: events_of(servers[0], "yard"), "an event", servers[0])
        await_that(lambda: any(camera_process(server).children() for server in servers), "a reader", servers[0])
        holder, other = servers if camera_process(servers[0]).children() else servers[::-1]
        former = holder_of_yard(own_place)
        assert holder.stop() in {0, -signal.SIGTERM}
        assert holder_of_yard(own_place) != former  # not when its lease lapses
        assert "ended" in [event["event"] for event in events_of(other, "yard")]  # the other server may have more
        await_that(lambda: events_of(other, "yard")[-1]["event"] != "ended", "an event of the other server", other)
    finally:
        for server in servers:
            server.stop()


def holder_of_yard(place: Place) -> str | None:
    """Return the id of the server that watches the camera, by their database."""
    with closing(StateDatabase(f"sqlite:///{place.folder / 'faces.server.db'}")) as database:
        return Cameras(database).leases(["yard"])["yard"].holder
