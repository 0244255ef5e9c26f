"""Enroll: photos by mouse, by keyboard and by paste, a result for each, and a name that the gallery has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from server.running_server import RunningServer

from .appearance import look_at
from .conftest import Tab
from .expectation import expect
from .held_requests import hold, wait_until
from .test_people import SCRIPT, add_people

pytestmark = [pytest.mark.enable_socket, pytest.mark.xdist_group("pages")]


def read_people(server: RunningServer, gallery: str) -> list[dict[str, Any]]:
    people: list[dict[str, Any]] = server.get("/v1/people", params={"gallery": gallery}).json()["people"]
    return people


def test_several_photos_by_mouse_have_a_result_each(
    signed_in: Tab, server: RunningServer, faces: Path, people_gallery: str, tmp_path: Path
) -> None:
    page = signed_in.open(f"/people?gallery={people_gallery}")
    page.click("main .primary >> nth=0")
    page.fill("#name", SCRIPT)
    page.set_input_files("#files", [str(faces / name) for name in ("obama.jpg", "both.jpg", "meadow.png", "notes.jpg")])
    expect(page.locator("#photos li")).to_have_count(4)
    expect(page.locator("#photos li")).to_contain_text(
        [
            "good quality",
            "2 faces: the largest is enrolled.",
            "No face was found",
            "not a picture that can be read",
        ],
        use_inner_text=True,
    )
    look_at(signed_in, "enroll-photos", tmp_path)
    page.click("summary")
    page.fill("#consent", "form 7")
    page.fill("#consented", "2026-11-29")
    page.click("#send")
    page.wait_for_selector("#result .card")
    expect(page.locator("#result")).to_contain_text(f"{SCRIPT} is enrolled: 2 of 4 photos.", use_inner_text=True)
    (person,) = read_people(server, people_gallery)
    assert (person["name"], person["consent"], person["consented"]) == (SCRIPT, "form 7", "2026-11-29")
    assert [template["photo"] for template in person["templates"]] == ["obama.jpg", "both.jpg"]
    page.click("#result a")
    page.wait_for_url(f"**/people/{person['id']}?gallery={people_gallery}")
    expect(page.locator("h1").first).to_have_text(SCRIPT, use_inner_text=True)
    expect(page).to_have_title(f"{SCRIPT} - visavis")


def test_photos_by_keyboard_alone_and_a_name_that_is_there(
    signed_in: Tab, server: RunningServer, faces: Path, people_gallery: str
) -> None:
    (stored,) = add_people(server, people_gallery, ["Barack Obama"])
    page = signed_in.open(f"/people/new?gallery={people_gallery}")
    page.on("filechooser", lambda _: None)
    page.keyboard.type("barack obama")
    signed_in.tab_to("#files")
    with page.expect_event("filechooser") as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(str(faces / "obama.jpg"))
    page.wait_for_selector("#photos .quality")
    signed_in.tab_to("#send")
    page.keyboard.press("Enter")
    page.wait_for_selector("#same-name input")
    assert len(read_people(server, people_gallery)) == 1
    expect(page.locator(":focus")).to_have_value(str(stored))
    page.keyboard.press("ArrowDown")  # a new person
    signed_in.tab_to("#send")
    page.keyboard.press("Enter")
    page.wait_for_selector("#result .card")
    people = read_people(server, people_gallery)
    assert [(person["name"], len(person["templates"])) for person in people] == [
        ("Barack Obama", 1),
        ("barack obama", 1),
    ]
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/people/{people[1]['id']}?**")
    signed_in.tab_to("#person .primary")
    page.keyboard.press("Enter")
    page.wait_for_url("**/enroll?**")
    page.set_input_files("#files", [str(faces / "obama.jpg"), str(faces / "obama2.jpg")])
    page.click("#send")
    page.wait_for_selector("#result .card")
    expect(page.locator("#photos")).to_contain_text("enrolled already, for barack obama", use_inner_text=True)
    assert len(read_people(server, people_gallery)[1]["templates"]) == 2


def test_a_photo_that_failed_is_sent_again(
    signed_in: Tab, server: RunningServer, faces: Path, people_gallery: str
) -> None:
    page = signed_in.open(f"/people/new?gallery={people_gallery}")
    page.fill("#name", "Ann")
    page.set_input_files("#files", str(faces / "obama2.jpg"))
    page.wait_for_selector("#photos .quality")
    page.route("**/v1/people?**", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    page.click("#send")
    page.wait_for_selector("#photos [role=alert]")
    expect(page.locator("#photos")).to_contain_text("cannot be reached", use_inner_text=True)
    page.unroute("**/v1/people?**")
    page.click("#photos [role=alert] button")
    page.wait_for_selector("#result .card")
    assert [person["name"] for person in read_people(server, people_gallery)] == ["Ann"]
    signed_in.errors.clear()  # the request that was broken off


def test_a_photo_that_is_removed_while_others_are_sent_is_not_enrolled(
    signed_in: Tab, server: RunningServer, faces: Path, people_gallery: str
) -> None:
    page = signed_in.open(f"/people/new?gallery={people_gallery}")
    page.fill("#name", "Ann")
    page.set_input_files("#files", [str(faces / "obama.jpg"), str(faces / "obama2.jpg")])
    page.wait_for_selector("#photos li:nth-child(2) .quality")
    held: list[Any] = []
    page.route(
        "**/v1/people?**", lambda route: held.append(route) if route.request.method == "POST" else route.continue_()
    )
    with page.expect_request(lambda request: request.method == "POST" and "/v1/people?" in request.url):
        page.click("#send")
    page.wait_for_selector("#photos .skeleton")
    expect(page.locator("#name")).not_to_be_editable()
    expect(page.locator("#photos li:first-child button").first).to_be_hidden()
    page.click("#photos li:nth-child(2) button")
    held.pop().continue_()
    page.wait_for_selector("#result .card")
    expect(page.locator("#result")).to_contain_text("Ann is enrolled: 1 of 1 photos.", use_inner_text=True)
    (person,) = read_people(server, people_gallery)
    assert [template["photo"] for template in person["templates"]] == ["obama.jpg"]
    assert held == []


def test_a_photo_that_is_being_sent_is_not_sent_again_with_another(
    signed_in: Tab, server: RunningServer, faces: Path, people_gallery: str
) -> None:
    """The first photo fails, and is tried again while the second is under way."""
    page = signed_in.open(f"/people/new?gallery={people_gallery}")
    page.fill("#name", "Ann")
    page.set_input_files("#files", [str(faces / "obama.jpg"), str(faces / "obama2.jpg")])
    page.wait_for_selector("#photos li:nth-child(2) .quality")
    sent = hold(page, "**/v1/people?**", "POST")
    page.click("#send")
    wait_until(page, lambda: len(sent) == 1)
    sent[0].abort()
    wait_until(page, lambda: len(sent) == 2)
    page.click("#photos li:first-child [role=alert] button")
    sent[1].continue_()
    page.wait_for_selector("#result .card")
    assert len(sent) == 2
    page.unroute("**/v1/people?**")
    page.click("#photos li:first-child [role=alert] button")
    page.wait_for_selector("#result :text('Ann is enrolled: 2 of 2 photos.')")
    (person,) = read_people(server, people_gallery)
    assert [template["photo"] for template in person["templates"]] == ["obama2.jpg", "obama.jpg"]
    signed_in.errors.clear()  # the request that was broken off


def test_a_consent_is_stored_for_a_person_who_is_there(
    signed_in: Tab, server: RunningServer, faces: Path, people_gallery: str
) -> None:
    (stored,) = add_people(server, people_gallery, ["Ann"])
    page = signed_in.open(f"/people/new?gallery={people_gallery}")
    page.fill("#name", "Ann")
    page.set_input_files("#files", str(faces / "obama2.jpg"))
    page.click("summary")
    page.fill("#consent", "form 7")
    page.click("#send")
    page.check("#same-name input >> nth=0")
    page.click("#send")
    page.wait_for_selector("#result .card")
    (person,) = read_people(server, people_gallery)
    assert (person["id"], len(person["templates"]), person["consent"]) == (stored, 2, "form 7")


def test_dropped_and_pasted_photos_are_listed(signed_in: Tab, faces: Path, people_gallery: str) -> None:
    page = signed_in.open(f"/people/new?gallery={people_gallery}")
    files = [list((faces / name).read_bytes()) for name in ("obama.jpg", "biden.jpg")]
    page.evaluate(
        """([dropped, pasted]) => {
             const carry = (bytes, name) => {
               const data = new DataTransfer();
               data.items.add(new File([new Uint8Array(bytes)], name, {type: "image/jpeg"}));
               return data;
             };
             const zone = document.querySelector(".zone");
             zone.dispatchEvent(new DragEvent("drop", {dataTransfer: carry(dropped, "dropped.jpg"), bubbles: true}));
             document.dispatchEvent(new ClipboardEvent("paste", {clipboardData: carry(pasted, "pasted.jpg")}));
           }""",
        files,
    )
    page.wait_for_selector("#photos li:nth-child(2) .quality")
    expect(page.locator("#photos .name")).to_have_text(["dropped.jpg", "pasted.jpg"], use_inner_text=True)
    page.click("#photos li:first-child button")
    expect(page.locator("#photos .name")).to_have_text(["pasted.jpg"], use_inner_text=True)
    expect(page.locator(":focus")).to_have_attribute("aria-label", "Remove pasted.jpg")


def test_a_session_that_ended_keeps_the_photos(
    signed_in: Tab, server: RunningServer, faces: Path, people_gallery: str
) -> None:
    page = signed_in.open(f"/people/new?gallery={people_gallery}")
    page.fill("#name", "Ann")
    page.set_input_files("#files", str(faces / "obama2.jpg"))
    page.wait_for_selector("#photos .quality")
    signed_in.context.clear_cookies()
    page.click("#send")
    page.wait_for_selector("#result [role=alert]")
    expect(page.locator("#result")).to_contain_text("Your photos are still here.", use_inner_text=True)
    second = signed_in.context.new_page()
    second.goto("/sign-in")
    second.fill("#key", server.key or "")
    second.press("#key", "Enter")
    second.wait_for_url("**/compare")
    page.click("#result [role=alert] button")
    page.wait_for_selector("#result .card")
    assert [person["name"] for person in read_people(server, people_gallery)] == ["Ann"]
    signed_in.errors.clear()  # the refused requests
