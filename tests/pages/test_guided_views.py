"""The enrollment coach: what it says about a picture, and a person enrolled by five views of the camera."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from browser import BROWSER, OPTIONS
from server.running_server import RunningServer
from visavis.challenge import measure_pose

from .appearance import look_at
from .conftest import CAMERA, Tab
from .expectation import await_value, expect
from .test_enroll import read_people

pytestmark = [pytest.mark.enable_socket, pytest.mark.xdist_group("pages")]
STRAIGHT = np.array([(250, 200), (330, 200), (290, 250), (260, 290), (320, 290)], np.float32)
BOX = [210.0, 130.0, 370.0, 330.0]
PARTS = {"sharpness": 1.0, "exposure": 1.0, "brightness": 0.5}
SIZE = {"width": 640, "height": 480}
ALL = ["front", "left", "right", "up", "down"]
FRONT = {"aside": 0.0, "down": 50 / 90}


def import_module(page: Any, name: str) -> str:
    """The address of a module of the page."""
    address: str = page.evaluate(
        "name => performance.getEntriesByType('resource').find((entry) => entry.name.endsWith(`/${name}`)).name", name
    )
    return address


def make_face(*, nose: tuple[float, float] = (0, 0), box: list[float] = BOX, **parts: float) -> dict[str, Any]:
    landmarks = STRAIGHT + np.array([(0, 0), (0, 0), nose, (0, 0), (0, 0)], np.float32)
    return {"box": box, "landmarks": landmarks.tolist(), "quality_parts": PARTS | parts, "quality": 1}


FAR_AWAY = [300.0, 200.0, 360.0, 280.0]
JUDGED: dict[str, tuple[list[dict[str, Any]], list[str], dict[str, float] | None, str]] = {
    "nothing": ([], ALL, None, "look_here"),
    "two": ([make_face(), make_face(box=[400, 130, 540, 330])], ALL, None, "two_faces"),
    "somebody far behind": ([make_face(), make_face(box=[500, 130, 530, 170])], ALL, None, "front"),
    "far": ([make_face(box=FAR_AWAY)], ALL, None, "nearer"),
    "far and dark": ([make_face(box=FAR_AWAY, exposure=0.1, brightness=0.1)], ALL, None, "nearer"),
    "dark": ([make_face(exposure=0.1, brightness=0.1)], ALL, None, "light"),
    "bright": ([make_face(exposure=0.1, brightness=0.9)], ALL, None, "less_light"),
    "near": ([make_face(box=[100, 20, 500, 470])], ALL, None, "farther"),
    "aside": ([make_face(box=[0, 130, 160, 330])], ALL, None, "center"),
    "blurred": ([make_face(sharpness=0.2)], ALL, None, "hold_still"),
    "front": ([make_face()], ALL, None, "front"),
    "turned before there is a front": ([make_face(nose=(20, 0))], ALL, None, "turn_front"),
    "left": ([make_face(nose=(20, 0))], ALL[1:], FRONT, "left"),
    "right": ([make_face(nose=(-20, 0))], ALL[1:], FRONT, "right"),
    "up": ([make_face(nose=(0, -12))], ALL[1:], FRONT, "up"),
    "down": ([make_face(nose=(0, 12))], ALL[1:], FRONT, "down"),
    "up before left": ([make_face(nose=(0, -12))], ["left"], FRONT, "turn_left"),
    "front again": ([make_face()], ALL[1:], FRONT, "turn_left"),
    "too far": ([make_face(nose=(55, 0))], ALL[1:], FRONT, "not_so_far"),
}


def test_the_largest_fault_of_a_picture_comes_first(signed_in: Tab) -> None:
    page = signed_in.open("/people/new")
    module = import_module(page, "guided_views.js")
    judge = """async ([module, cases]) => {
      const {judgePicture} = await import(module);
      return cases.map(([picture, missing, reference]) => {
        const {view, instruction} = judgePicture(picture, missing, reference);
        return view || instruction;
      });
    }"""
    cases = [[{"faces": faces, **SIZE}, missing, front] for faces, missing, front, _ in JUDGED.values()]
    await_value(
        page,
        lambda: dict(zip(JUDGED, page.evaluate(judge, [module, cases]), strict=True)),
        {name: expected for name, (*_, expected) in JUDGED.items()},
    )


def test_the_pose_is_that_of_the_library(signed_in: Tab) -> None:
    rng = np.random.default_rng(5)
    faces = [STRAIGHT + rng.normal(scale=12, size=(5, 2)) for _ in range(50)]
    page = signed_in.open("/people/new")
    module = import_module(page, "head_pose.js")
    measure = (
        "async ([module, faces]) => { const {measurePose} = await import(module); return faces.map(measurePose); }"
    )
    got = await_value(page, lambda: page.evaluate(measure, [module, [face.tolist() for face in faces]]), all)
    expected = [measure_pose(face) for face in faces]
    assert None not in expected
    assert [pose["aside"] for pose in got] == pytest.approx([pose.aside for pose in expected if pose])
    assert [pose["down"] for pose in got] == pytest.approx([pose.down for pose in expected if pose])
    mirrored = [STRAIGHT[[1, 0, 2, 4, 3]].tolist()]
    await_value(page, lambda: page.evaluate(measure, [module, mirrored]), [None])


FILM = {"front": 8, "left": 5, "right": 6, "up": 9, "down": 10}
"""Photos of ORL's first person that show the views."""
FRAMES = 20
"""Frames of each view in the film: two thirds of a second."""


@pytest.fixture(scope="module")
def browser(driver: Any, data: Path, faces: Path) -> Iterator[Any]:
    """A Chromium whose camera shows a head that turns."""
    film = faces / "turning.mjpeg"
    pictures = []
    for number in FILM.values():
        frame = Image.new("RGB", (640, 480), (90, 95, 100))
        with Image.open(data / "orl" / "s1" / f"{number}.pgm") as photo:
            frame.paste(photo.convert("RGB").resize((276, 336), Image.Resampling.LANCZOS), (182, 72))
        frame.save(faces / "view.jpg", quality=92)
        pictures.append((faces / "view.jpg").read_bytes() * FRAMES)
    film.write_bytes(b"".join(pictures))
    chromium = driver.chromium.launch(
        executable_path=BROWSER, args=[*OPTIONS, *CAMERA, f"--use-file-for-fake-video-capture={film}"]
    )
    yield chromium
    chromium.close()


def test_five_views_of_the_camera_by_keyboard_alone(
    signed_in: Tab, server: RunningServer, people_gallery: str, tmp_path: Path
) -> None:
    page = signed_in.open(f"/people/new?gallery={people_gallery}")
    waiting = ["two", "nothing"]

    def answer(route: Any) -> None:
        """Two faces, then none until the film shows its first view: the others count from it."""
        real = route.fetch()
        faces = real.json()["photos"][0]["faces"]
        pose = measure_pose(np.array(faces[0]["landmarks"])) if faces else None
        is_front = pose is not None and abs(pose.aside - 0.04) < 0.05 and abs(pose.down - 0.53) < 0.05
        if waiting and not (waiting == ["nothing"] and is_front):
            name = waiting[0] if len(waiting) == 1 else waiting.pop(0)
            route.fulfill(json={"photos": [{"status": "ok", "faces": JUDGED[name][0], **SIZE}]})
        else:
            waiting.clear()
            route.fulfill(response=real)

    page.route("**/v1/quality?**", answer)
    page.evaluate(
        """() => {
             window.said = [];
             new MutationObserver(() => {
               const place = document.querySelector(".instruction");
               if (place && said.at(-1) !== place.textContent) said.push(place.textContent);
             }).observe(document.body, {childList: true, subtree: true, characterData: true});
           }"""
    )
    page.keyboard.type("Ann")
    signed_in.tab_to("#guide")
    page.keyboard.press("Enter")
    page.wait_for_selector(".mark-of-view.full >> nth=4", timeout=60_000)
    expect(page.locator(".instruction")).to_have_text("All five views are there.")
    expect(page.locator(".mark-of-view").first).to_contain_text("front: taken", use_inner_text=True)
    ends = ["Two faces are in the picture: one person at a time.", "All five views are there."]
    await_value(page, lambda: page.evaluate("[said[1], said.at(-1)]"), ends)
    look_at(signed_in, "guide", tmp_path)
    expect(page.locator(":focus")).to_have_text("Use these views")
    page.keyboard.press("Enter")
    for number in range(1, 6):
        page.wait_for_selector(f"#photos li:nth-child({number}) .quality")
    expect(page.locator("#guide")).to_be_focused()
    await_value(page, lambda: {*page.locator("#photos .name").all_inner_texts()}, {f"{view}.jpg" for view in FILM})
    signed_in.tab_to("#send")
    page.keyboard.press("Enter")
    page.wait_for_selector("#result .card")
    (person,) = read_people(server, people_gallery)
    assert (person["name"], len(person["templates"])) == ("Ann", 5)


def test_leaving_the_camera_takes_nothing(signed_in: Tab, people_gallery: str) -> None:
    page = signed_in.open(f"/people/new?gallery={people_gallery}")
    page.click("#guide")
    page.wait_for_selector(".mark-of-view.full")
    page.keyboard.press("Escape")
    expect(page.locator("#guide")).to_be_focused()
    expect(page.locator("dialog")).to_have_count(0)
    expect(page.locator("#photos li")).to_have_count(0)
