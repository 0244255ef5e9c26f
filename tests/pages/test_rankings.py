"""Look-alikes and celebrities: people of a gallery and of a classifier, ranked for a face of a photo."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import visavis
from server.running_server import RunningServer, photos

from .appearance import look_at
from .conftest import Tab
from .expectation import await_value, expect, expect_text
from .held_requests import hold, wait_until
from .test_identify import enroll

pytestmark = [pytest.mark.enable_socket, pytest.mark.xdist_group("pages")]


def test_people_are_ranked_for_each_face(signed_in: Tab, server: RunningServer, faces: Path, tmp_path: Path) -> None:
    """The largest face first; the other one by a click, and back by the keyboard."""
    for name, photo in (("<i>Barack</i>", "obama.jpg"), ("Joe", "biden.jpg")):
        enroll(server, "ranked", name, faces / photo)
    page = signed_in.open("/look-alikes?gallery=ranked")
    page.set_input_files("#source input", str(faces / "both.jpg"))
    page.wait_for_selector(".ranking li")
    (answer,) = server.post(
        "/v1/identify", params={"gallery": "ranked"}, files=photos("photo", faces / "both.jpg")
    ).json()["photos"]
    by_size = sorted(answer["faces"], key=lambda face: face["box"][0] - face["box"][2])
    for face, names in zip(by_size, (["<i>Barack</i>", "Joe"], ["Joe", "<i>Barack</i>"]), strict=True):
        rows = [
            re.compile(f"^{name}\n.*distance {candidate['distance']:.3f}.*{words}", re.DOTALL)
            for name, candidate, words in zip(
                names, face["candidates"], ("below the threshold: the same person", "strangers"), strict=True
            )
        ]
        expect(page.locator(".ranking li")).to_have_text(rows, use_inner_text=True)
        page.click(".box:not(.chosen)")
    look_at(signed_in, "look-alikes", tmp_path)
    page.focus(".box.chosen")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_selector(".ranking li:first-child:has-text('Joe')")
    expect(page.locator("#announcement")).to_have_text(re.compile(r"^Nearest: Joe, distance 0\."))
    page.click("summary")
    page.wait_for_selector("details .ranking li")
    query = {"gallery": "ranked", "face": 1 + answer["faces"].index(by_size[1])}
    ranking = server.post("/v1/gallery/similar", params=query, files=photos("photo", faces / "both.jpg")).json()[
        "faces"
    ]
    assert [(face["photo"], face["name"]) for face in ranking] == [
        ("biden.jpg", "Joe"), ("obama.jpg", "<i>Barack</i>"),
    ]  # fmt: skip
    shown = [f"{face['photo']}\n{face['name']}\ndistance {face['distance']:.3f}" for face in ranking]
    await_value(page, lambda: page.locator("details .ranking li").all_inner_texts(), shown)
    page.click("details a")
    page.wait_for_url(f"**/people/{ranking[0]['person_id']}?gallery=ranked")


def test_a_rejected_person_is_not_called_the_same(
    signed_in: Tab, server: RunningServer, faces: Path, people_gallery: str
) -> None:
    """The distance is below the threshold, and the server does not name the face."""
    person_id = enroll(server, people_gallery, "Obama", faces / "obama.jpg")
    path, query = f"/v1/people/{person_id}/rejections", {"gallery": people_gallery}
    assert server.post(path, params=query, files=photos("photo", faces / "obama2.jpg")).status_code == 201
    page = signed_in.open(f"/look-alikes?gallery={people_gallery}")
    page.set_input_files("#source input", str(faces / "obama2.jpg"))
    expect(page.locator(".ranking li")).to_have_text([re.compile("below the threshold, but not named$")])
    expect(page.locator(".ranking .same")).to_have_count(0)


def test_a_gallery_without_people_has_no_look_alikes(signed_in: Tab, faces: Path) -> None:
    page = signed_in.open("/look-alikes?gallery=empty")
    page.set_input_files("#source input", str(faces / "obama.jpg"))
    page.wait_for_selector("#panel >> text=The gallery empty has no people yet.")
    page.click("text=Another photo")
    page.set_input_files("#source input", str(faces / "meadow.png"))
    expect_text(page, "#state [role=alert]", "No face was found")


def test_a_classifier_names_people_once_it_is_there(
    signed_in: Tab, server: RunningServer, faces: Path, tmp_path: Path
) -> None:
    page = signed_in.open("/celebrities")
    expect_text(page, "main .notice", "visavis models fetch vggface2-resnet50")
    expect(page.locator("#source")).to_have_count(0)
    look_at(signed_in, "no-classifier", tmp_path)
    for name, files in (("Biden", ["biden.jpg"]), ("Obama", ["obama.jpg", "obama2.jpg"])):
        (tmp_path / "people" / name).mkdir(parents=True)
        for file in files:
            shutil.copyfile(faces / file, tmp_path / "people" / name / file)
    visavis.train_classifier(tmp_path / "people").save(server.folder / "run")
    page = signed_in.open("/celebrities")
    expect(page.locator("#classifier")).to_have_value("presidents")
    page.set_input_files("#source input", str(faces / "both.jpg"))
    page.wait_for_selector(".ranking li")
    query = {"model": "presidents"}
    (answer,) = server.post("/v1/classify", params=query, files=photos("photo", faces / "both.jpg")).json()["photos"]
    for face in sorted(answer["faces"], key=lambda face: face["box"][0] - face["box"][2]):
        shares = [(name, f"{100 * probability:.1f}".removesuffix(".0")) for name, probability in face["names"]]
        rows = [re.compile(rf"^{name}\n{re.escape(share)}%(\n|$)") for name, share in shares]
        expect(page.locator(".ranking li")).to_have_text(rows, use_inner_text=True)
        page.click(".box:not(.chosen)")
    look_at(signed_in, "celebrities", tmp_path)
    check_change_of_classifier(page, answer)
    check_by_keyboard(signed_in, faces / "both.jpg")


def check_by_keyboard(tab: Tab, photo: Path) -> None:
    """A photo is chosen, and the names of its other face shown, without a mouse."""
    tab.page.unroute("**/v1/classify*")
    page = tab.open("/celebrities")
    page.on("filechooser", lambda _: None)
    tab.tab_to("#classifier")
    tab.tab_to("#source input")
    with page.expect_event("filechooser") as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(str(photo))
    page.wait_for_selector(".ranking li:first-child:has-text('Obama')")
    tab.tab_to(".box.chosen")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_selector(".ranking li:first-child:has-text('Biden')")
    expect(page.locator(":focus")).to_have_attribute("aria-label", re.compile("^Face 2 of 2: Biden"))
    expect(page.locator("#announcement")).to_have_text("Biden")


def check_change_of_classifier(page: Any, answer: dict[str, Any]) -> None:
    """The names of the former classifier go at once; a face that the other does not know has its likeliest names."""
    held = hold(page, "**/v1/classify*")
    page.evaluate("document.getElementById('classifier').append(new Option('other', 'other'))")
    page.select_option("#classifier", "other")
    wait_until(page, lambda: bool(held))
    assert "model=other" in held[0].request.url
    expect(page.locator("#picture img")).to_have_count(1)
    expect(page.locator("#panel > *, #picture .label")).to_have_count(0)
    names = [["Ann", 0.3], ["Bob", 0.2]]
    faces = [{**face, "known": False, "names": names} for face in answer["faces"]]
    held[0].fulfill(json={"photos": [{**answer, "faces": faces}]})
    page.wait_for_selector(".ranking li")
    expect(page.locator("#announcement")).to_have_text("None of them, surely: the likeliest are Ann, Bob")
