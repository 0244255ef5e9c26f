"""Several cameras: one stream of events, zones, sightings, and cameras that die without touching the others."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Sequence
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from visavis import images, spoof_networks
from visavis.embedders import Embedder
from visavis.errors import GalleryError, UsageError, VideoError
from visavis.gallery import Gallery
from visavis.pipeline import Recognizer
from visavis.types import RGB, Face, Floats
from visavis.videos import cameras, watchdog
from visavis.videos._frame_memory import FrameMemory
from visavis.videos.camera_door import CameraAttendance, CameraLine
from visavis.videos.camera_file import CameraFile, CameraSettings, read_camera_file
from visavis.videos.cameras import CameraGroup
from visavis.videos.reader_process import ReaderOrder
from visavis.videos.recognize import VideoOptions
from visavis.videos.sightings import SightingLog
from visavis.videos.strangers import Strangers, list_strangers
from visavis.videos.track_people import TrackPeople
from visavis.videos.types import CameraStatus, VideoEvent
from visavis.videos.zones import Zones, is_inside

from .camera_servers import MjpegCamera
from .made_video import draw_frames, make_video
from .test_watchdog import await_that, no_camera_is_read

SIZE = 240, 320


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer()


@pytest.fixture(scope="module")
def faces(data: Path) -> list[RGB]:
    """Photos of two people, 160 pixels high."""
    folder = data / "photos" / "presidents"
    return [shrink(images.read(folder / f"{name}.jpg").pixels, 160) for name in ("obama", "biden")]


def shrink(pixels: RGB, height: int) -> RGB:
    from visavis.opencv import cv2

    width = round(pixels.shape[1] * height / pixels.shape[0])
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA))


def place(face: RGB, left: int, *, size: tuple[int, int] = SIZE) -> RGB:
    picture = np.full((*size, 3), 120, np.uint8)
    height, width = face.shape[:2]
    picture[40 : 40 + height, left : left + width] = face
    return picture


def write(path: Path, face: RGB, *, left: int = 20, seconds: float = 2, start: float = 0) -> Path:
    """A face that moves slowly to the right, from ``start`` on; before it the picture is gray."""
    rate = 10
    pictures = [
        place(face, left + number) if number >= start * rate else np.full((*SIZE, 3), 120, np.uint8)
        for number in range(round((start + seconds) * rate))
    ]
    return make_video(path, pictures, rate=rate)


def run(file: CameraFile, recognizer: Recognizer, gallery: Gallery | None = None) -> list[VideoEvent]:
    return [event for result in CameraGroup(file, recognizer, gallery).run() for event in result.events]


# ------------------------------------------------------------------------------------------------------------ zones


def test_points_in_polygons() -> None:
    triangle = np.array([[0, 0], [1, 0], [0, 1]], np.float32)
    assert is_inside(triangle, 0.2, 0.2)
    assert not is_inside(triangle, 0.7, 0.7)
    horseshoe = np.array([[0, 0], [1, 0], [1, 1], [0.7, 1], [0.7, 0.3], [0.3, 0.3], [0.3, 1], [0, 1]], np.float32)
    assert [is_inside(horseshoe, x, 0.8) for x in (0.1, 0.5, 0.9)] == [True, False, True]


@pytest.mark.parametrize(
    ("look", "ignore", "kept"),
    [
        ([], [], [0, 1]),
        ([[[0, 0], [0.5, 0], [0.5, 1], [0, 1]]], [], [0]),
        ([], [[[0, 0], [0.5, 0], [0.5, 1], [0, 1]]], [1]),
        ([[[0, 0], [1, 0], [1, 1], [0, 1]]], [[[0.5, 0], [1, 0], [1, 1], [0.5, 1]]], [0]),
    ],
)
def test_zones_select_faces_by_their_center(look: list[object], ignore: list[object], kept: list[int]) -> None:
    made = [Face(np.array([x - 10, 40, x + 10, 60], np.float32), 0.9, np.zeros((5, 2), np.float32)) for x in (30, 150)]
    zones = Zones(*(tuple(np.array(polygon, np.float32) for polygon in polygons) for polygons in (look, ignore)))
    assert [made.index(face) for face in zones.select(made, width=200, height=100)] == kept


# --------------------------------------------------------------------------------------------------------- the file


ONE = '[[camera]]\nname = "a"\nsource = 0\n'


def test_cameras_for_attendance(tmp_path: Path) -> None:
    path = tmp_path / "cameras.toml"
    path.write_text(
        f'tailgating_seconds = 5\n{ONE}[[camera]]\nname = "in"\nsource = 1\nattendance = "entrance"\n'
        '[[camera]]\nname = "gate"\nsource = "rtsp://gate"\nattendance = "line"\n'
        "line = [[0.5, 0], [0.5, 1]]\ninside = [1, 0.5]\n"
    )
    file = read_camera_file(path)
    assert (file.tailgating_seconds, file.outage_minutes) == (5, 5)
    assert [(door.name, door.attendance) for door in file.doors] == [
        ("in", CameraAttendance("entrance")),
        ("gate", CameraAttendance("line", CameraLine((0.5, 0), (0.5, 1), (1, 0.5)))),
    ]


def test_a_file_of_cameras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOOR_PASSWORD", "secret")
    path = tmp_path / "cameras.toml"
    path.write_text(
        'sighting_seconds = 12\n[[camera]]\nname = "door"\nsource = "rtsp://ann:${DOOR_PASSWORD}@cam/main"\n'
        'detect = "rtsp://cam/sub"\nmin_face = 30\nignore = [[[0, 0], [0.5, 0], [0.5, 1]]]\n'
        '[[camera]]\nname = "yard"\nsource = "yard.mp4"\nevery = 2\n[[camera]]\nname = "desk"\nsource = 0\n'
    )
    file = read_camera_file(path)
    door, yard, desk = file.cameras
    assert file.sighting_seconds == 12
    assert (door.name, door.source, door.detect) == ("door", "rtsp://ann:secret@cam/main", "rtsp://cam/sub")
    assert (door.min_face, door.every, len(door.zones.ignore), len(door.zones.look)) == (30, 1, 1, 0)
    assert (yard.source, yard.every, yard.detect) == (str(tmp_path / "yard.mp4"), 2, None)
    assert desk.source == 0
    assert "secret" not in repr(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it names no camera"),
        ("camera = 3", "it names no camera"),
        ("[[camera]]\nsource = 0", "camera number 1 has no name"),
        ('[[camera]]\nname = "a"', "camera 'a' has no source"),
        ('[[camera]]\nname = "a"\nsource = true', "camera 'a': source is a path"),
        ('[[camera]]\nname = "a"\nsource = 0\nspeed = 3', "camera 'a' has an unknown key 'speed'"),
        ('[[camera]]\nname = "a"\nsource = 0\nevery = 0', "camera 'a': every is a number of frames of 1 or more"),
        ('[[camera]]\nname = "a"\nsource = "${NO_SUCH}"', "environment variable NO_SUCH, which is not set"),
        ('[[camera]]\nname = "a"\nsource = 0\nlook = [[[0, 0], [1, 1]]]', "a zone of look is a list of 3 or more"),
        ('[[camera]]\nname = "a"\nsource = 0\nlook = [[[0, 0], [1, 1], [2, 0]]]', "corners outside of the picture"),
        ('[[camera]]\nname = "a"\nsource = 0\n[[camera]]\nname = "a"\nsource = 1', "two cameras are called 'a'"),
        ("sighting_seconds = -1\n[[camera]]\nname = 'a'\nsource = 0", "sighting_seconds is a number of seconds"),
        ("tailgating_seconds = 1e12\n[[camera]]\nname = 'a'\nsource = 0", "a number of seconds from 0 to 86400"),
        ("outage_minutes = 1e15\n[[camera]]\nname = 'a'\nsource = 0", "outage_minutes is a number from 1 to 1440"),
        ("no toml", "is not TOML"),
        ('[[camera]]\nname = "a"\nsource = -1', "camera 'a': source: the number of a device is from 0 to 999, got -1"),
        (
            '[[camera]]\nname = "a"\nsource = 99999999999999999999',
            "camera 'a': source: the number of a device is from 0 to 999",
        ),
        (
            '[[camera]]\nname = "a"\nsource = "rtsp://u:secret@h:x/"',
            "camera 'a': source: the port 'x' is not a number from 1 to 65535",
        ),
        (
            '[[camera]]\nname = "a"\nsource = 0\ndetect = "rtsp://h:99999"',
            "camera 'a': detect: the port '99999' is not a number from 1 to 65535",
        ),
        (ONE + 'attendance = "door"', "camera 'a': attendance is entrance, exit or line, got 'door'"),
        (ONE + 'attendance = "line"', "camera 'a': line is two ends, each [x, y], and inside a point"),
        (ONE + 'attendance = "line"\nline = [[0, 0], [0, 2]]\ninside = [1, 1]', "camera 'a': line is two ends"),
        (ONE + 'attendance = "line"\nline = [[0, 0], [0, 1]]\ninside = 1', "camera 'a': line is two ends"),
        (ONE + "line = [[0, 0], [0, 1]]", "camera 'a' has a line, which needs attendance = \"line\""),
        (ONE + 'attendance = "exit"\ninside = [1, 1]', "camera 'a' has a line, which needs"),
        (
            '[[camera]]\nname = "a"\nsource = "a.mp4"\nattendance = "exit"',
            "camera 'a' is a file, whose frames have no time",
        ),
        ("outage_minutes = 0\n" + ONE, "outage_minutes is a number from 1 to 1440"),
        ("a." * 30_000 + "b = 1", "is not TOML: a key has more than 20 parts"),
    ],
)
def test_mistakes_in_the_file_are_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "cameras.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as raised:
        read_camera_file(path)
    assert message in str(raised.value)
    assert "cameras.toml" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_that_is_missing_is_named_with_its_camera(tmp_path: Path, recognizer: Recognizer) -> None:
    path = tmp_path / "cameras.toml"
    path.write_text('[[camera]]\nname = "door"\nsource = "none.mp4"\n')
    missing = re.escape(repr(str(tmp_path / "none.mp4")))
    with pytest.raises(VideoError, match=rf"^there is no file {missing} \(camera 'door'\)\.$"):
        CameraGroup(read_camera_file(path), recognizer)


# -------------------------------------------------------------------------------------------------------- sightings


def make_event(camera: str, start: float, end: float, *, person: int | None = 1, track: int = 1) -> VideoEvent:
    return VideoEvent(f"{camera}{track}{end}", "ended", track, person, person and "Ann", start, end, camera)


def test_one_person_in_two_cameras_is_one_sighting() -> None:
    log = SightingLog(seconds=10)
    first = log.add(make_event("door", 0, 5))
    second = log.add(make_event("yard", 12, 20, track=2))
    third = log.add(make_event("door", 31, 40, track=3))
    other = log.add(make_event("yard", 12, 20, person=2, track=4))
    unknown = log.add(make_event("yard", 12, 20, person=None, track=5))
    assert first.sighting == second.sighting
    assert len({first.sighting, third.sighting, other.sighting}) == 3
    assert unknown.sighting is None
    assert "sighting" not in unknown.to_dict()
    assert second.to_dict()["sighting"] == first.sighting


def test_a_sighting_knows_its_views() -> None:
    log = SightingLog(seconds=10)
    log.add(make_event("door", 0, 5))
    log.add(make_event("yard", 3, 9, track=2))
    log.add(make_event("door", 0, 7))
    (sighting,) = log.latest
    assert sighting.cameras == ("door", "yard")
    assert [(view.camera, view.start, view.end) for view in sighting.views.values()] == [("door", 0, 7), ("yard", 3, 9)]
    assert (sighting.start, sighting.end) == (0, 9)


def test_sightings_of_long_ago_are_forgotten() -> None:
    log = SightingLog(seconds=10)
    for number in range(200):
        log.add(make_event("door", number * 600, number * 600 + 5, person=number, track=number))
    assert len(log.latest) <= 8


# ---------------------------------------------------------------------------------------------------------- cameras


def test_two_cameras_one_gallery_one_sighting(tmp_path: Path, recognizer: Recognizer, faces: list[RGB]) -> None:
    files = [write(tmp_path / "door.mp4", faces[0]), write(tmp_path / "yard.mp4", faces[0], start=3)]
    other = write(tmp_path / "desk.mp4", faces[1])
    cameras = [CameraSettings(path.stem, str(path)) for path in (*files, other)]
    with Gallery(f"sqlite:///{tmp_path}/faces.db", recognizer=recognizer) as gallery:
        gallery.enroll("Ann", faces[0])
        events = run(CameraFile(tuple(cameras), 10), recognizer, gallery)
    ended = {event.camera: event for event in events if event.event == "ended"}
    assert {name: event.name for name, event in ended.items()} == {"door": "Ann", "yard": "Ann", "desk": None}
    assert ended["door"].sighting == ended["yard"].sighting is not None
    assert ended["desk"].sighting is None
    assert len({event.track for event in ended.values()}) == 3
    assert ended["yard"].start == pytest.approx(3, abs=0.3)


def test_a_stranger_in_two_cameras_has_one_number_and_one_sighting(
    tmp_path: Path, recognizer: Recognizer, faces: list[RGB]
) -> None:
    paths = [write(tmp_path / "door.mp4", faces[0]), write(tmp_path / "gate.mp4", faces[0], start=1)]
    other = write(tmp_path / "desk.mp4", faces[1])
    cameras = tuple(CameraSettings(path.stem, str(path)) for path in (*paths, other))
    with Gallery(f"sqlite:///{tmp_path}/faces.db", recognizer=recognizer) as gallery:
        memory = Strangers(gallery, days=30, fpir=0.01)
        group = CameraGroup(CameraFile(cameras, 10), recognizer, gallery, strangers=memory)
        events = [event for result in group.run() for event in result.events]
        stored = {stranger.number: stranger for stranger in list_strangers(gallery)}
    ended = {event.camera: event for event in events if event.event == "ended"}
    assert ended["door"].stranger == ended["gate"].stranger
    assert {ended["door"].stranger, ended["desk"].stranger} == stored.keys()
    assert len(stored) == 2
    assert stored[ended["door"].stranger or 0].cameras == ("door", "gate")
    assert ended["door"].sighting == ended["gate"].sighting is not None
    assert ended["desk"].sighting not in {None, ended["door"].sighting}


def test_faces_in_ignored_zones_begin_no_track(tmp_path: Path, recognizer: Recognizer, faces: list[RGB]) -> None:
    path = write(tmp_path / "door.mp4", faces[0])
    left = np.array([[0, 0], [0.6, 0], [0.6, 1], [0, 1]], np.float32)
    ignoring = CameraSettings("door", str(path), zones=Zones(ignore=(left,)))
    looking = CameraSettings("hall", str(path), zones=Zones(look=(left,)))
    events = run(CameraFile((ignoring, looking)), recognizer)
    assert {event.camera for event in events} == {"hall"}


class CountingDetector:
    """The default detector, which counts the pictures of each call, and their greatest side."""

    def __init__(self, detector: object) -> None:
        self.name = "counting"
        self._detector = detector
        self.batches: list[list[int]] = []

    def detect(self, pictures: Sequence[RGB], *, min_face: float = 20) -> list[list[Face]]:
        self.batches.append([max(picture.shape[:2]) for picture in pictures])
        return self._detector.detect(pictures, min_face=min_face)  # type: ignore[attr-defined,no-any-return]


def test_newest_frames_are_detected_in_one_batch(tmp_path: Path, recognizer: Recognizer, faces: list[RGB]) -> None:
    detector = CountingDetector(recognizer.detector)
    counting = Recognizer(detector=detector, embedder=recognizer.embedder)
    paths = [write(tmp_path / f"{number}.mp4", faces[0], seconds=1) for number in range(3)]
    run(CameraFile(tuple(CameraSettings(path.stem, str(path)) for path in paths)), counting)
    assert len(detector.batches) <= 10
    assert all(batch == [320] * 3 for batch in detector.batches)


class CountingEmbedder:
    """The default embedder, which counts the faces of each call."""

    def __init__(self, embedder: Embedder) -> None:
        self.name, self.dimension, self._embedder = embedder.name, embedder.dimension, embedder
        self.batches: list[int] = []

    def crops(self, picture: RGB, faces: Sequence[Face]) -> RGB:
        return self._embedder.crops(picture, faces)

    def embed(self, crops: RGB) -> Floats:
        self.batches.append(len(crops))
        return self._embedder.embed(crops)


def test_faces_of_all_cameras_are_embedded_in_one_batch(
    tmp_path: Path, recognizer: Recognizer, faces: list[RGB]
) -> None:
    embedder = CountingEmbedder(recognizer.embedder)
    counting = Recognizer(detector=recognizer.detector, embedder=embedder)
    paths = [write(tmp_path / f"{number}.mp4", faces[0], seconds=1) for number in range(3)]
    cameras = tuple(CameraSettings(path.stem, str(path)) for path in paths)
    with Gallery(f"sqlite:///{tmp_path}/faces.db", recognizer=recognizer) as gallery:
        gallery.enroll("Ann", faces[0])
        results = list(CameraGroup(CameraFile(cameras), counting, gallery).run())
    names = {event.camera: event.name for result in results for event in result.events}
    assert names == {"0": "Ann", "1": "Ann", "2": "Ann"}
    assert embedder.batches == [3]


def test_all_cameras_share_the_networks_of_liveness(
    tmp_path: Path, recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []

    class Networks:
        def __init__(self, *, threads: int | None = None) -> None:
            opened.append(threads)

    monkeypatch.setattr(spoof_networks, "SpoofNetworks", Networks)
    paths = [make_video(tmp_path / f"{number}.mp4", draw_frames(5)) for number in range(3)]
    cameras = tuple(CameraSettings(path.stem, str(path)) for path in paths)
    CameraGroup(CameraFile(cameras), recognizer, options=VideoOptions(liveness="require")).close()
    assert len(opened) == 1


def test_a_file_at_an_address_ends_as_a_camera(tmp_path: Path, recognizer: Recognizer) -> None:
    make_video(tmp_path / "a.mp4", draw_frames(20))

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    cameras = (CameraSettings("a", f"http://127.0.0.1:{server.server_port}/a.mp4"),)
    results = list(CameraGroup(CameraFile(cameras), recognizer).run())
    server.shutdown()
    server.server_close()
    assert len(results) == 21  # and the end of all tracks


def test_a_stream_for_detection_and_one_for_faces(tmp_path: Path, recognizer: Recognizer, faces: list[RGB]) -> None:
    """Only the parts of the large pictures around faces are looked at, and tracks lie in the large pictures."""
    detector = CountingDetector(recognizer.detector)
    counting = Recognizer(detector=detector, embedder=recognizer.embedder)
    large = make_video(tmp_path / "main.mp4", [place(faces[0], 300, size=(480, 640))] * 12, rate=10)
    small = make_video(tmp_path / "sub.mp4", [shrink(place(faces[0], 300, size=(480, 640)), 240)] * 12, rate=10)
    file = CameraFile((CameraSettings("door", str(large), str(small)),))
    results = list(CameraGroup(file, counting).run())
    boxes = [face.face.box for result in results for face in result.faces if face.detected]
    assert boxes
    assert all(300 < (box[0] + box[2]) / 2 < 460 and 40 < box[1] < 200 for box in boxes)
    assert all(side <= 320 for batch in detector.batches for side in batch)
    assert sum(event.event == "ended" for result in results for event in result.events) == 1


@pytest.fixture
def camera() -> Iterator[MjpegCamera]:
    server = MjpegCamera()
    yield server
    server.stop()


def test_a_camera_that_is_dead_or_dies_does_not_touch_the_others(
    camera: MjpegCamera, recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying = MjpegCamera()
    gone = MjpegCamera()
    gone.stop()
    cameras = [CameraSettings(name, made.address) for name, made in (("a", camera), ("b", dying), ("c", gone))]
    group = CameraGroup(CameraFile(tuple(cameras)), recognizer)
    shown: dict[str, list[float]] = {"a": [], "b": [], "c": []}
    refused = "'c' cannot be opened: connection refused"
    until = time.monotonic() + 60
    for result in group.run():
        shown[result.frame.source].append(time.monotonic())
        if len(shown["b"]) == 5:
            dying.stop()
        after = [moment for moment in shown["a"] if moment > shown["b"][-1]] if len(shown["b"]) >= 5 else []
        is_dead_for_long = len(after) > 10 and after[-1] - shown["b"][-1] > 1.5
        if (is_dead_for_long and any(refused in note for note in group.counts().notes)) or time.monotonic() > until:
            break
    counts = group.counts()
    group.close()
    assert len(shown["b"]) >= 5
    assert not shown["c"]
    assert len(after) > 10
    assert np.diff(after).max() < 2
    assert any(note.startswith(refused) for note in counts.notes)
    await_that(no_camera_is_read)


def break_off(good: Path, path: Path) -> Path:
    """Write a video whose index is whole and whose pictures are not."""
    data = good.read_bytes()
    start = data.index(b"mdat") + 4
    path.write_bytes(data[:start] + bytes(data.index(b"moov") - 4 - start) + data[data.index(b"moov") - 4 :])
    return path


def test_a_file_that_breaks_off_ends_alone(tmp_path: Path, recognizer: Recognizer, faces: list[RGB]) -> None:
    good = write(tmp_path / "good.mp4", faces[0])
    bad = break_off(good, tmp_path / "bad.mp4")
    group = CameraGroup(CameraFile((CameraSettings("bad", str(bad)), CameraSettings("good", str(good)))), recognizer)
    events = [event for result in group.run() for event in result.events]
    assert {event.camera for event in events} == {"good"}
    assert any("no picture that can be decoded" in note for note in group.counts().notes)


# ------------------------------------------------------------------------------------- cameras opened one by one


def test_cameras_are_added_and_removed_while_others_go_on(
    tmp_path: Path, recognizer: Recognizer, faces: list[RGB], camera: MjpegCamera
) -> None:
    path = write(tmp_path / "door.mp4", faces[0])
    group = CameraGroup(CameraFile((CameraSettings("yard", camera.address),)), recognizer)
    group.add(CameraSettings("door", str(path)))
    assert [(status.name, status.state) for status in group.describe()] == [("yard", "starting"), ("door", "starting")]
    events = []
    for _ in range(10):
        events += [event for result in group.look() for event in result.events]
    ended = [event for result in group.remove("door") for event in result.events]
    assert [(event.event, event.camera) for event in ended] == [("ended", "door")]
    assert events == []
    assert group.remove("door") == []
    until = time.monotonic() + 60
    while group.describe()[0].state != "running" and time.monotonic() < until:
        list(group.look())
    (yard,) = group.describe()
    assert (yard.name, yard.state, yard.message) == ("yard", "running", "")
    assert yard.frames >= 1
    group.close()


def test_a_camera_says_why_it_is_silent_and_since_when(
    camera: MjpegCamera, recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cameras, "SILENT_SECONDS", 0.5)
    gone = MjpegCamera()
    gone.stop()
    file = CameraFile((CameraSettings("a", camera.address), CameraSettings("b", gone.address)))
    group = CameraGroup(file, recognizer)

    def look_until(number: int, state: str, message: str) -> CameraStatus:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            list(group.look())
            status = group.describe()[number]
            if status.state == state and re.fullmatch(message, status.message):
                return status
        pytest.fail(f"not within 60 s: {group.describe()}")

    look_until(0, "running", "")
    refused = look_until(1, "silent", r"'b' cannot be opened: connection refused.*\.")
    assert refused.frames == 0
    camera.mode = "silent"
    silent = look_until(0, "silent", r"'a' has sent no frame for \d s\.")
    assert 0.5 < silent.quiet < 10
    camera.mode = "play"
    assert look_until(0, "running", "").frames > silent.frames
    group.close()


def test_an_error_of_a_camera_does_not_lose_what_happened_in_others(
    tmp_path: Path, recognizer: Recognizer, faces: list[RGB], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "face.mp4", faces[0], seconds=1)
    names = ("a", "b", "c")
    group = CameraGroup(CameraFile(tuple(CameraSettings(name, str(path)) for name in names)), recognizer)
    results = [result.frame.source for _ in range(5) for result in group.look()]
    assert results == [*names] * 5
    search = TrackPeople.search
    failing = {"a"}

    def fail(people: TrackPeople, *args: object) -> list[VideoEvent]:
        if people._camera in failing:
            raise GalleryError(f"the gallery is locked for {people._camera}.")
        return search(people, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(TrackPeople, "search", fail)
    seen = []
    with pytest.raises(GalleryError, match="for a"):
        seen.extend(result.frame.source for result in group.look())
    assert seen == ["b", "c"]
    failing = {"b"}
    events: list[VideoEvent] = []
    with pytest.raises(GalleryError, match="for b"):
        events.extend(event for result in group.finish() for event in result.events)
    assert [(event.event, event.camera) for event in events] == [("ended", "a"), ("ended", "c")]
    assert list(group.finish()) == []
    group.close()


class SlowReader:
    """A reader process of a camera that hangs: it ends when as many others as ``ending`` waits for are to end too."""

    ending: threading.Barrier

    def __init__(self, order: ReaderOrder) -> None:
        self.memory = FrameMemory.create()
        self._ended = threading.Event()

    def request(self) -> None:
        pass

    def messages(self) -> Iterator[dict[str, object]]:
        self._ended.wait()
        yield from ()

    def end(self, *, patience: float = 0) -> str:
        try:
            self.ending.wait()
        finally:
            self._ended.set()
        return "SIGKILL"

    def release(self) -> None:
        self.memory.close()


def test_cameras_that_hang_are_closed_at_the_same_time(recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "ReaderProcess", SlowReader)
    settings = [CameraSettings(f"camera {n}", "rtsp://a/main", detect="rtsp://a/sub") for n in range(10)]
    group = CameraGroup(CameraFile(tuple(settings)), recognizer)
    for readers, close in ((2, partial(group.remove, "camera 0")), (18, group.close)):
        monkeypatch.setattr(SlowReader, "ending", threading.Barrier(readers, timeout=60), raising=False)
        close()
        assert not SlowReader.ending.broken
    await_that(no_camera_is_read)


def test_a_file_says_whether_it_ended_or_failed(tmp_path: Path, recognizer: Recognizer) -> None:
    good = make_video(tmp_path / "good.mp4", draw_frames(5))
    bad = break_off(good, tmp_path / "bad.mp4")
    file = CameraFile((CameraSettings("good", str(good)), CameraSettings("bad", str(bad))))
    group = CameraGroup(file, recognizer)
    list(group.run())
    ended, failed = group.describe()
    assert (ended.state, ended.message, ended.frames) == ("ended", "", 5)
    assert failed.state == "failed"
    assert "no picture that can be decoded" in failed.message
