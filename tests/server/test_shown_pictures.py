"""Pictures of cameras in shared memory: what is shown, to which processes, how long, and what is left of it."""

from __future__ import annotations

import base64
import json
import os
from datetime import UTC, datetime
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from visavis.server import camera_pictures, shown_pictures
from visavis.server.camera_pictures import MOST_BYTES, PLACE_BYTES, CameraPictures
from visavis.server.shown_pictures import ShownPictures, describe_picture
from visavis.types import RGB, Face
from visavis.videos.types import Frame, FrameResult, TrackedFace

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


class Clock:
    """The seconds of the modules under test."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(camera_pictures, "monotonic", made)
    monkeypatch.setattr(shown_pictures, "monotonic", made)
    return made


def make_face(left: float, *, name: str | None = None, stranger: int | None = None, **options: bool) -> TrackedFace:
    box = np.array([left, 100, left + 200, 300], np.float32)
    face = Face(box, 0.9, np.zeros((5, 2), np.float32))
    return TrackedFace(1, face, options.pop("detected", True), name, stranger=stranger, **options)


def make_result(
    *faces: TrackedFace, camera: str = "door", detected: bool = True, pixels: RGB | None = None
) -> FrameResult:
    pixels = np.full((480, 1280, 3), 120, np.uint8) if pixels is None else pixels
    return FrameResult(Frame(pixels, 1.0, 1, camera, NOON), faces, detected=detected)


def read(pictures: CameraPictures, camera: str = "door") -> dict[str, object] | None:
    picture = pictures.read(camera)
    return None if picture is None else json.loads(picture.content)


def test_another_process_reads_what_the_process_of_the_cameras_wrote() -> None:
    pictures = CameraPictures(["gate", "door"])
    child = os.fork()
    if child == 0:
        try:
            pictures.write("door", b"first")
            pictures.write("door", b"second")
            os._exit(0)
        finally:  # else it would go on with the tests
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    assert pictures.read("door") == (2, b"second")
    assert pictures.read("gate") is None


def test_a_picture_is_gone_when_it_is_old_or_cleared_and_nothing_of_it_is_left(clock: Clock) -> None:
    pictures = CameraPictures(["gate", "door"])
    pictures.write("door", b"a face" * 1000)
    pictures.write("door", b"another face")
    memory = pictures._memory[:]
    assert (len(memory), memory.count(b"a face"), memory.count(b"another face")) == (2 * PLACE_BYTES, 0, 1)
    clock.now += 2.9
    assert pictures.read("door") == (2, b"another face")
    clock.now += 0.2
    assert pictures.read("door") is None
    pictures.write("door", b"a third face")
    pictures.clear("door")
    assert pictures.read("door") is None
    assert b"face" not in pictures._memory[:]


def test_a_picture_that_is_being_overwritten_is_not_shown() -> None:
    pictures = CameraPictures(["door"])
    pictures.write("door", b"a whole picture")
    place = pictures._memory.find(b"whole")
    pictures._memory[place] = 0
    assert pictures.read("door") is None


def test_a_place_takes_as_much_as_it_has_and_touches_no_other() -> None:
    pictures = CameraPictures(["door", "gate"])
    pictures.write("gate", b"the gate")
    pictures.write("door", b"x" * MOST_BYTES)
    assert pictures.read("door") == (1, b"x" * MOST_BYTES)
    assert pictures.read("gate") == (1, b"the gate")


def test_pictures_are_made_while_a_viewer_looks_four_a_second(clock: Clock) -> None:
    pictures = CameraPictures(["door"])
    shown = ShownPictures(pictures)
    shown.show(make_result())
    assert read(pictures) is None
    pictures.look("door")
    numbers = []
    for _ in range(10):  # a second of ten frames
        shown.show(make_result())
        picture = pictures.read("door")
        numbers.append(picture.number if picture else 0)
        clock.now += 0.1
    assert numbers[-1] - numbers[0] == 3
    clock.now += 4
    shown.show(make_result())
    assert read(pictures) is None
    assert b"jpeg" not in pictures._memory[:]


def test_frames_without_detection_and_other_cameras_are_not_shown(clock: Clock) -> None:
    pictures = CameraPictures(["door"])
    shown = ShownPictures(pictures)
    pictures.look("door")
    shown.show(make_result(detected=False))
    shown.show(make_result(camera="elsewhere"))
    assert read(pictures) is None


def test_a_camera_that_does_not_run_shows_no_old_face(clock: Clock) -> None:
    pictures = CameraPictures(["door", "gate"])
    shown = ShownPictures(pictures)
    for camera in ("door", "gate"):
        pictures.look(camera)
        shown.show(make_result(camera=camera))
    shown.hide_all_but(["gate"])
    assert (read(pictures, "door"), read(pictures, "gate") is None) == (None, False)
    ShownPictures(pictures)  # the process of the cameras died and was started again
    assert read(pictures, "gate") is None


def test_boxes_are_in_pixels_of_the_small_picture_and_faces_say_who_they_are() -> None:
    faces = (
        make_face(200, name="Ann"),
        make_face(600, stranger=7),
        make_face(900, decided=False),
        make_face(1000, detected=False),
        make_face(1000, confirmed=False),
    )
    picture = json.loads(describe_picture(make_result(*faces)))
    assert (picture["camera"], picture["at"]) == ("door", "2026-11-01T12:00:00.000+00:00")
    assert (picture["width"], picture["height"]) == (640, 240)
    assert picture["faces"] == [
        {"track": 1, "box": [100, 50, 200, 150], "name": "Ann", "person_id": None, "stranger": None, "decided": True},
        {"track": 1, "box": [300, 50, 400, 150], "name": None, "person_id": None, "stranger": 7, "decided": True},
        {"track": 1, "box": [450, 50, 550, 150], "name": None, "person_id": None, "stranger": None, "decided": False},
    ]
    with Image.open(BytesIO(base64.b64decode(picture["jpeg"]))) as image:
        assert (image.format, image.size) == ("JPEG", (640, 240))
        assert np.abs(np.asarray(image).astype(int) - 120).max() <= 2


def test_a_picture_that_compresses_badly_is_made_coarser_until_it_has_room() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (640, 640, 3), np.uint8)
    content = describe_picture(make_result(pixels=noise))
    assert 0 < len(content) <= MOST_BYTES
    with Image.open(BytesIO(base64.b64decode(json.loads(content)["jpeg"]))) as image:
        assert image.size == (640, 640)
