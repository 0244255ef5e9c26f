"""Compare: two photos by mouse and by keyboard, the distance scale, and what goes wrong."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from server.running_server import RunningServer, photos
from server.test_keys import make_key
from visavis import compare, defaults

from .conftest import ELSEWHERE, OpenTab, Tab
from .expectation import await_value, expect, expect_text

pytestmark = [pytest.mark.enable_socket, pytest.mark.xdist_group("pages")]


@pytest.fixture
def signed_in(signed_in: Tab) -> Tab:
    """On the page Compare."""
    signed_in.open("/compare")
    return signed_in


def verify(server: RunningServer, folder: Path, a: str, b: str, **options: Any) -> dict[str, Any]:
    """What the server answers about two photos of a folder."""
    parts = [*photos("a", folder / a), *photos("b", folder / b)]
    answer: dict[str, Any] = server.post("/v1/verify", files=parts, params=options).json()
    return answer


def read_threshold(page: Any) -> float:
    return float(page.get_attribute("[role=slider]", "aria-valuenow"))


def read_distance(page: Any) -> float:
    """Where the dot of the pair stands on the distance scale."""
    dot, plot = (page.locator(place).bounding_box() for place in (".dot", ".plot"))
    width = float(page.get_attribute(".histogram", "viewBox").split()[2])
    return float((dot["x"] + 8 - plot["x"]) / plot["width"] * width)


def test_two_photos_by_mouse(signed_in: Tab, server: RunningServer, faces: Path) -> None:
    page = signed_in.page
    expect_text(page, "#result", "Choose two photos")
    signed_in.choose("a", faces / "obama.jpg")
    expect_text(page, "#result", "Choose the other photo.")
    signed_in.choose("b", faces / "obama2.jpg")
    signed_in.expect_verdict("Same person")
    answer = verify(server, faces, "obama.jpg", "obama2.jpg")
    expect_text(page, ".sentence", f"{answer['distance']:.3f} is below the threshold {answer['threshold']:.3f}")
    expect_text(page, "#result", ">99.9% probability")
    expect(page.locator(".rate")).to_have_text(re.compile("1 in 1,000 strangers would pass$"))
    await_value(page, lambda: read_distance(page), pytest.approx(answer["distance"], abs=0.005))
    page.click('[data-field="b"] .shown button')
    expect_text(page, "#result", "Choose the other photo.")
    signed_in.choose("b", faces / "biden.jpg")
    signed_in.expect_verdict("Different people")


def test_two_photos_by_keyboard_alone(signed_in: Tab, server: RunningServer, faces: Path) -> None:
    page = signed_in.page
    page.on("filechooser", lambda _: None)  # from now on, so that no key is pressed before they are intercepted
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    for field, name in (("a", "both.jpg"), ("b", "biden.jpg")):
        signed_in.tab_to(f'[data-field="{field}"] input')
        with page.expect_event("filechooser") as chooser:
            page.keyboard.press("Enter")
        chooser.value.set_files(str(faces / name))
        page.wait_for_selector(f'[data-field="{field}"] .chip')
    signed_in.expect_verdict("Different people")
    page.evaluate("document.querySelector('[data-field=a] .shown button').focus()")
    signed_in.tab_to('[data-field="a"] .box')
    focused = page.locator(":focus")
    expect(focused).to_have_attribute("aria-label", "Face 1 of 2, good quality, compared")
    page.keyboard.press("ArrowRight")
    expect(focused).to_have_attribute("aria-label", re.compile("^Face 2 of 2, "))
    signed_in.tab_to("[role=slider]")
    table = compare.calibration(defaults.EMBEDDER)
    assert table is not None
    for key, far, words in (("Home", 3e-6, "1 in 330,000"), ("End", 0.1, "1 in 10 ")):
        page.keyboard.press(key)
        answer = verify(server, faces, "both.jpg", "biden.jpg", far=far)
        await_value(page, lambda: read_threshold(page), pytest.approx(answer["threshold"], abs=1e-3))
        expect(page.locator("[role=slider]")).to_have_attribute("aria-valuetext", re.compile(words))
    page.keyboard.press("ArrowLeft")
    await_value(page, lambda: read_threshold(page), lambda threshold: threshold < answer["threshold"])


def test_the_threshold_is_dragged_and_decides(signed_in: Tab, faces: Path) -> None:
    """A pair whose distance lies between the least and the greatest threshold is both, one after the other."""
    page = signed_in.page
    distance = 0.6
    far = [[0.1, 0.8], [0.001, 0.63], [0.0001, 0.55], [0.000003, 0.49]]
    answer = {
        "same": True, "distance": distance, "metric": "cosine", "threshold": 0.63, "far": 0.001, "probability": 0.9,
        "model": "sface", "detector": "mtcnn", "faces_a": 1, "faces_b": 1, "notes": [], "reason": "",
    }  # fmt: skip
    page.route("**/v1/verify", lambda route: route.fulfill(json=answer))
    table = {"model": "sface", "far_threshold": far, "logistic": [-30, 19], "provenance": {}}
    page.route("**/v1/calibration", lambda route: route.fulfill(json=table))
    signed_in.choose("a", faces / "obama.jpg")
    signed_in.choose("b", faces / "obama2.jpg")
    signed_in.expect_verdict("Same person")
    page.locator("#scale").scroll_into_view_if_needed()
    handle, plot = (page.locator(place).bounding_box() for place in ("[role=slider]", ".plot"))
    at = plot["x"] + plot["width"] * 0.55 / (0.8 * 1.6)
    page.mouse.move(handle["x"] + handle["width"] / 2, plot["y"] + 40)
    page.mouse.down()
    page.mouse.move(at, plot["y"] + 40, steps=5)
    page.mouse.up()
    await_value(page, lambda: read_threshold(page), pytest.approx(0.55, abs=0.01))
    expect(page.locator(".rate")).to_have_text(re.compile("strangers would pass$"))
    signed_in.expect_verdict("Different people")
    page.mouse.click(plot["x"] + plot["width"] - 2, plot["y"] + 40)
    expect(page.locator("[role=slider]")).to_have_attribute("aria-valuenow", "0.8000")
    signed_in.expect_verdict("Same person")
    expect_text(page, ".rate", "1 in 10 strangers")


def test_rates_of_the_page_are_those_of_the_library(signed_in: Tab) -> None:
    table = compare.calibration(defaults.EMBEDDER)
    assert table is not None
    page = signed_in.page
    fars = np.geomspace(table.far[-1], table.far[0], 50).tolist()
    call = """async ([name, table, values]) => {
      const module = performance.getEntriesByType('resource').find(({name}) => name.endsWith('calibration.js')).name;
      const rates = (await import(module)).makeRates(table, 1);
      return values.map((value) => rates[name](value));
    }"""
    expected = pytest.approx([table.threshold(far) for far in fars])
    thresholds = await_value(page, lambda: page.evaluate(call, ["thresholdAt", table.table(), fars]), expected)
    expected = pytest.approx([table.far_at(threshold) for threshold in thresholds])
    await_value(page, lambda: page.evaluate(call, ["farAt", table.table(), thresholds]), expected)


def test_poor_photos_get_no_answer_and_the_reason(signed_in: Tab, faces: Path) -> None:
    reason = "tiny.jpg is too poor to say: small."
    answer = {
        "same": False, "distance": 0.4, "metric": "cosine", "threshold": 0, "far": 0.001, "probability": None,
        "model": "sface", "detector": "mtcnn", "faces_a": 1, "faces_b": 1, "notes": [], "reason": reason,
    }  # fmt: skip
    signed_in.page.route("**/v1/verify", lambda route: route.fulfill(json=answer))
    signed_in.choose("a", faces / "obama.jpg")
    signed_in.choose("b", faces / "obama2.jpg")
    signed_in.expect_verdict("Too poor to say")
    expect_text(signed_in.page, "#result", reason)
    expect(signed_in.page.locator("#scale")).to_be_hidden()


def test_a_photo_from_the_camera(signed_in: Tab, faces: Path) -> None:
    page = signed_in.page
    page.click('[data-field="a"] .take')
    page.click("dialog .primary:enabled")
    page.wait_for_selector('[data-field="a"] .chip')
    expect_text(page, '[data-field="a"] .shown', "camera.jpg")
    signed_in.choose("b", faces / "obama.jpg")
    signed_in.expect_verdict("Same person")
    page.click('[data-field="b"] .shown button')
    page.click('[data-field="b"] .take')
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    expect(page.locator('[data-field="b"] .drop')).to_be_visible()


def test_without_tls_the_camera_is_explained(open_tab: OpenTab, server: RunningServer) -> None:
    tab = open_tab(f"http://{ELSEWHERE}:{server.port}")
    tab.sign_in(server.key or "")
    expect_text(tab.page, "#camera-notice", "private_key")
    tab.page.click('[data-field="a"] .take')
    expect(tab.page.locator("#camera-notice")).to_be_focused()
    expect(tab.page.locator("dialog")).to_have_count(0)


def test_photos_that_cannot_be_used_are_named(signed_in: Tab, faces: Path) -> None:
    page = signed_in.page
    signed_in.choose("a", faces / "meadow.png")
    expect_text(page, '[data-field="a"] [role=alert]', "No face was found")
    signed_in.choose("b", faces / "notes.jpg")
    expect_text(page, '[data-field="b"] [role=alert]', "not a picture")
    expect_text(page, '[data-field="b"] [role=alert]', "Code: unreadable")
    signed_in.errors.clear()  # the image that the browser could not decode


def test_two_photos_that_are_too_large_together(signed_in: Tab, faces: Path) -> None:
    """A request takes 4 MB here: each photo is shown, and both are refused."""
    page = signed_in.page
    for field, name in (("a", "obama.jpg"), ("b", "biden.jpg")):
        padded = (faces / name).read_bytes() + bytes(2_500_000)  # after the end of the picture
        file = {"name": name, "mimeType": "image/jpeg", "buffer": padded}
        page.set_input_files(f'[data-field="{field}"] input', file)
        page.wait_for_selector(f'[data-field="{field}"] .chip')
    expect_text(page, "#result [role=alert]", "The two photos together have more bytes")
    expect(page.locator("#result [role=alert] button")).to_have_count(0)
    signed_in.errors.clear()  # the request that was refused


def test_names_of_files_are_text(signed_in: Tab, faces: Path) -> None:
    name = "<img src=x onerror=document.title='run'>.jpg"
    page = signed_in.page
    page.set_input_files(
        '[data-field="a"] input',
        {"name": name, "mimeType": "image/jpeg", "buffer": (faces / "both.jpg").read_bytes()},
    )
    page.wait_for_selector('[data-field="a"] .chip')
    signed_in.choose("b", faces / "obama.jpg")
    signed_in.expect_verdict("Same person")
    expect(page.locator('[data-field="a"] .name')).to_have_text(name, use_inner_text=True)
    expect_text(page, "#result", name)  # the note that the photo shows two faces
    expect(page).to_have_title("Compare - visavis")
    expect(page.locator("img[src=x]")).to_have_count(0)


def test_photos_outlive_a_server_that_is_away(signed_in: Tab, faces: Path) -> None:
    page = signed_in.page
    signed_in.context.set_offline(True)
    signed_in.choose("a", faces / "obama.jpg")
    expect_text(page, '[data-field="a"] [role=alert]', "The server cannot be reached.")
    signed_in.context.set_offline(False)
    page.click('[data-field="a"] [role=alert] button')
    page.wait_for_selector('[data-field="a"] .chip')
    signed_in.errors.clear()  # the request that failed


def test_photos_outlive_a_session_that_has_ended(open_tab: OpenTab, server: RunningServer, faces: Path) -> None:
    """After signing in again, in another tab, the page goes on with the token of the new session."""
    key = make_key(server, "signs out", "read")
    tab = open_tab(server.url)
    tab.sign_in(key)
    other = tab.context.new_page()
    other.goto("/compare")
    other.click("text=Sign out")
    other.wait_for_url("**/sign-in")
    tab.choose("a", faces / "obama.jpg")
    expect_text(tab.page, '[data-field="a"] [role=alert]', "Your session has ended.")
    with tab.context.expect_page() as opened:
        tab.page.click('[data-field="a"] [role=alert] a')
    opened.value.fill("#key", key)
    opened.value.press("#key", "Enter")
    opened.value.wait_for_url("**/compare")
    tab.page.click('[data-field="a"] [role=alert] button')
    tab.page.wait_for_selector('[data-field="a"] .chip')
    assert [line for line in tab.errors if "401" not in line and "403" not in line] == []
    tab.errors.clear()


def test_nothing_is_done_with_another_key_than_the_page_shows(
    open_tab: OpenTab, server: RunningServer, faces: Path
) -> None:
    """A sign-in with another key, in another tab: this page says so, and sends nothing in its place."""
    keys = {name: make_key(server, name, "read") for name in ("this tab", "that tab")}
    tab = open_tab(server.url)
    tab.sign_in(keys["this tab"])
    other = tab.context.new_page()
    other.goto("/compare")
    other.click("text=Sign out")
    other.fill("#key", keys["that tab"])
    other.press("#key", "Enter")
    other.wait_for_selector("text=Key: that tab")
    tab.choose("a", faces / "obama.jpg")
    notice = '[data-field="a"] [role=alert]'
    expect_text(tab.page, notice, "signed in with another key. Nothing was done")
    read_code = """async () => {
      const token = document.querySelector("form.session").elements.csrf.value;
      return (await (await fetch("/v1/galleries", {headers: {"x-csrf-token": token}})).json()).code;
    }"""
    await_value(tab.page, lambda: tab.page.evaluate(read_code), "wrong_csrf_token")
    tab.errors.clear()
    tab.page.click(f"{notice} a")
    tab.page.wait_for_selector("text=Key: that tab")


def test_another_face_than_the_largest_is_compared(signed_in: Tab, server: RunningServer, faces: Path) -> None:
    """The smaller face of two, by a click on its box, by the keyboard, and by its crop."""
    page = signed_in.page
    signed_in.choose("a", faces / "both.jpg")
    signed_in.choose("b", faces / "biden.jpg")
    signed_in.expect_verdict("Different people")
    (photo,) = server.post("/v1/detect", files=photos("photo", faces / "both.jpg")).json()["photos"]
    sides = [face["box"][2] - face["box"][0] for face in photo["faces"]]
    answer = verify(server, faces, "both.jpg", "biden.jpg", face_a=1 + sides.index(min(sides)))
    assert answer["same"]
    page.click('[data-field="a"] .box:not(.chosen)')
    signed_in.expect_verdict("Same person")
    expect_text(page, ".sentence", f"The distance {answer['distance']:.3f} is below")
    expect(page.locator('[data-field="a"] .box.chosen')).to_have_attribute("aria-pressed", "true")
    page.focus('[data-field="a"] .box.chosen')
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    signed_in.expect_verdict("Different people")
    page.click('[data-field="a"] .face >> nth=1')
    signed_in.expect_verdict("Same person")
    for face, code in ((3, "usage"), (0, "invalid_value")):
        assert verify(server, faces, "both.jpg", "biden.jpg", face_a=face)["code"] == code


def test_a_cookie_alone_compares_nothing(signed_in: Tab) -> None:
    read_code = "async () => (await (await fetch('/v1/verify', {method: 'POST', body: new FormData()})).json()).code"
    await_value(signed_in.page, lambda: signed_in.page.evaluate(read_code), "wrong_csrf_token")
    signed_in.errors.clear()
