"""Compare: two photos by mouse and by keyboard, the distance scale, and what goes wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from server.running_server import RunningServer, photos
from server.test_keys import make_key
from visavis import compare, defaults

from .conftest import ELSEWHERE, OpenTab, Tab

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


def test_two_photos_by_mouse(signed_in: Tab, server: RunningServer, faces: Path) -> None:
    page = signed_in.page
    assert "Choose two photos" in page.inner_text("#result")
    signed_in.choose("a", faces / "obama.jpg")
    assert "Choose the other photo." in page.inner_text("#result")
    signed_in.choose("b", faces / "obama2.jpg")
    assert signed_in.verdict == "Same person"
    answer = verify(server, faces, "obama.jpg", "obama2.jpg")
    assert f"{answer['distance']:.3f} is below the threshold {answer['threshold']:.3f}" in page.inner_text(".sentence")
    assert ">99.9% probability" in page.inner_text("#result")
    assert page.inner_text(".rate").endswith("1 in 1,000 strangers would pass")
    dot, plot = (page.locator(place).bounding_box() for place in (".dot", ".plot"))
    width = float(page.get_attribute(".histogram", "viewBox").split()[2])
    assert (dot["x"] + 8 - plot["x"]) / plot["width"] == pytest.approx(answer["distance"] / width, abs=0.005)
    page.click('[data-field="b"] .shown button')
    assert "Choose the other photo." in page.inner_text("#result")
    signed_in.choose("b", faces / "biden.jpg")
    assert signed_in.verdict == "Different people"


def test_two_photos_by_keyboard_alone(signed_in: Tab, server: RunningServer, faces: Path) -> None:
    page = signed_in.page
    page.on("filechooser", lambda _: None)  # from now on, so that no key is pressed before they are intercepted
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.activeElement.id == 'content'")
    for field, name in (("a", "both.jpg"), ("b", "biden.jpg")):
        signed_in.tab_to(f'[data-field="{field}"] input')
        with page.expect_event("filechooser") as chooser:
            page.keyboard.press("Enter")
        chooser.value.set_files(str(faces / name))
        page.wait_for_selector(f'[data-field="{field}"] .chip')
    assert signed_in.verdict == "Different people"
    page.evaluate("document.querySelector('[data-field=a] .shown button').focus()")
    signed_in.tab_to('[data-field="a"] .box')
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Face 1 of 2, good quality, compared"
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("Face 2 of 2, ")
    signed_in.tab_to("[role=slider]")
    table = compare.calibration(defaults.EMBEDDER)
    assert table is not None
    for key, far, words in (("Home", 3e-6, "1 in 330,000"), ("End", 0.1, "1 in 10 ")):
        page.keyboard.press(key)
        answer = verify(server, faces, "both.jpg", "biden.jpg", far=far)
        assert float(page.get_attribute("[role=slider]", "aria-valuenow")) == pytest.approx(
            answer["threshold"], abs=1e-3
        )
        assert words in page.get_attribute("[role=slider]", "aria-valuetext")
    page.keyboard.press("ArrowLeft")
    assert float(page.get_attribute("[role=slider]", "aria-valuenow")) < answer["threshold"]


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
    assert signed_in.verdict == "Same person"
    page.locator("#scale").scroll_into_view_if_needed()
    handle, plot = (page.locator(place).bounding_box() for place in ("[role=slider]", ".plot"))
    at = plot["x"] + plot["width"] * 0.55 / (0.8 * 1.6)
    page.mouse.move(handle["x"] + handle["width"] / 2, plot["y"] + 40)
    page.mouse.down()
    page.mouse.move(at, plot["y"] + 40, steps=5)
    page.mouse.up()
    assert float(page.get_attribute("[role=slider]", "aria-valuenow")) == pytest.approx(0.55, abs=0.01)
    assert page.inner_text(".rate").endswith("strangers would pass")
    assert signed_in.verdict == "Different people"
    page.mouse.click(plot["x"] + plot["width"] - 2, plot["y"] + 40)
    assert (float(page.get_attribute("[role=slider]", "aria-valuenow")), signed_in.verdict) == (0.8, "Same person")
    assert "1 in 10 strangers" in page.inner_text(".rate")


def test_rates_of_the_page_are_those_of_the_library(signed_in: Tab) -> None:
    table = compare.calibration(defaults.EMBEDDER)
    assert table is not None
    module = signed_in.page.evaluate(
        "performance.getEntriesByType('resource').find(({name}) => name.endsWith('calibration.js')).name"
    )
    fars = np.geomspace(table.far[-1], table.far[0], 50).tolist()
    got = signed_in.page.evaluate(
        """async ([module, table, fars]) => {
             const rates = (await import(module)).makeRates(table, 1);
             return fars.map((far) => [rates.thresholdAt(far), rates.farAt(rates.thresholdAt(far))]);
           }""",
        [module, table.table(), fars],
    )
    assert [threshold for threshold, _ in got] == pytest.approx([table.threshold(far) for far in fars])
    assert [far for _, far in got] == pytest.approx([table.far_at(threshold) for threshold, _ in got])


def test_poor_photos_get_no_answer_and_the_reason(signed_in: Tab, faces: Path) -> None:
    reason = "tiny.jpg is too poor to say: small."
    answer = {
        "same": False, "distance": 0.4, "metric": "cosine", "threshold": 0, "far": 0.001, "probability": None,
        "model": "sface", "detector": "mtcnn", "faces_a": 1, "faces_b": 1, "notes": [], "reason": reason,
    }  # fmt: skip
    signed_in.page.route("**/v1/verify", lambda route: route.fulfill(json=answer))
    signed_in.choose("a", faces / "obama.jpg")
    signed_in.choose("b", faces / "obama2.jpg")
    assert signed_in.verdict == "Too poor to say"
    assert reason in signed_in.page.inner_text("#result")
    assert not signed_in.page.is_visible("#scale")


def test_a_photo_from_the_camera(signed_in: Tab, faces: Path) -> None:
    page = signed_in.page
    page.click('[data-field="a"] .take')
    page.click("dialog .primary:enabled")
    page.wait_for_selector('[data-field="a"] .chip')
    assert "camera.jpg" in page.inner_text('[data-field="a"] .shown')
    signed_in.choose("b", faces / "obama.jpg")
    assert signed_in.verdict == "Same person"
    page.click('[data-field="b"] .shown button')
    page.click('[data-field="b"] .take')
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    assert page.is_visible('[data-field="b"] .drop')


def test_without_tls_the_camera_is_explained(open_tab: OpenTab, server: RunningServer) -> None:
    tab = open_tab(f"http://{ELSEWHERE}:{server.port}")
    tab.sign_in(server.key or "")
    assert "private_key" in tab.page.inner_text("#camera-notice")
    tab.page.click('[data-field="a"] .take')
    assert tab.page.evaluate("document.activeElement.id") == "camera-notice"
    assert tab.page.locator("dialog").count() == 0


def test_photos_that_cannot_be_used_are_named(signed_in: Tab, faces: Path) -> None:
    page = signed_in.page
    signed_in.choose("a", faces / "meadow.png")
    page.wait_for_selector('[data-field="a"] [role=alert]')
    assert "No face was found" in page.inner_text('[data-field="a"]')
    signed_in.choose("b", faces / "notes.jpg")
    page.wait_for_selector('[data-field="b"] [role=alert]')
    assert "not a picture" in page.inner_text('[data-field="b"]')
    assert "Code: unreadable" in page.inner_text('[data-field="b"]')
    signed_in.errors.clear()  # the image that the browser could not decode


def test_two_photos_that_are_too_large_together(signed_in: Tab, faces: Path) -> None:
    """A request takes 4 MB here: each photo is shown, and both are refused."""
    page = signed_in.page
    for field, name in (("a", "obama.jpg"), ("b", "biden.jpg")):
        padded = (faces / name).read_bytes() + bytes(2_500_000)  # after the end of the picture
        file = {"name": name, "mimeType": "image/jpeg", "buffer": padded}
        page.set_input_files(f'[data-field="{field}"] input', file)
        page.wait_for_selector(f'[data-field="{field}"] .chip')
    page.wait_for_selector("#result [role=alert]")
    assert "The two photos together have more bytes" in page.inner_text("#result")
    assert page.locator("#result [role=alert] button").count() == 0
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
    assert signed_in.verdict == "Same person"
    assert page.inner_text('[data-field="a"] .name') == name
    assert name in page.inner_text("#result")  # the note that the photo shows two faces
    assert page.title() == "Compare - visavis"
    assert page.locator("img[src=x]").count() == 0


def test_photos_outlive_a_server_that_is_away(signed_in: Tab, faces: Path) -> None:
    page = signed_in.page
    signed_in.context.set_offline(True)
    signed_in.choose("a", faces / "obama.jpg")
    page.wait_for_selector('[data-field="a"] [role=alert]')
    assert "The server cannot be reached." in page.inner_text('[data-field="a"]')
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
    tab.page.wait_for_selector('[data-field="a"] [role=alert]')
    assert "Your session has ended." in tab.page.inner_text('[data-field="a"]')
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
    tab.page.wait_for_selector(notice)
    assert "signed in with another key. Nothing was done" in tab.page.inner_text(notice)
    code = tab.page.evaluate(
        """async () => {
             const token = document.querySelector("form.session").elements.csrf.value;
             return (await (await fetch("/v1/galleries", {headers: {"x-csrf-token": token}})).json()).code;
           }"""
    )
    assert code == "wrong_csrf_token"
    tab.errors.clear()
    tab.page.click(f"{notice} a")
    tab.page.wait_for_selector("text=Key: that tab")


def test_another_face_than_the_largest_is_compared(signed_in: Tab, server: RunningServer, faces: Path) -> None:
    """The smaller face of two, by a click on its box, by the keyboard, and by its crop."""
    page = signed_in.page
    signed_in.choose("a", faces / "both.jpg")
    signed_in.choose("b", faces / "biden.jpg")
    assert signed_in.verdict == "Different people"
    (photo,) = server.post("/v1/detect", files=photos("photo", faces / "both.jpg")).json()["photos"]
    sides = [face["box"][2] - face["box"][0] for face in photo["faces"]]
    answer = verify(server, faces, "both.jpg", "biden.jpg", face_a=1 + sides.index(min(sides)))
    assert answer["same"]
    page.click('[data-field="a"] .box:not(.chosen)')
    page.wait_for_selector(".verdict:has-text('Same person')")
    assert f"The distance {answer['distance']:.3f} is below" in page.inner_text(".sentence")
    assert page.get_attribute('[data-field="a"] .box.chosen', "aria-pressed") == "true"
    page.focus('[data-field="a"] .box.chosen')
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    page.wait_for_selector(".verdict:has-text('Different people')")
    page.click('[data-field="a"] .face >> nth=1')
    page.wait_for_selector(".verdict:has-text('Same person')")
    for face, code in ((3, "usage"), (0, "invalid_value")):
        assert verify(server, faces, "both.jpg", "biden.jpg", face_a=face)["code"] == code


def test_a_cookie_alone_compares_nothing(signed_in: Tab) -> None:
    code = signed_in.page.evaluate(
        "async () => (await (await fetch('/v1/verify', {method: 'POST', body: new FormData()})).json()).code"
    )
    assert code == "wrong_csrf_token"
    signed_in.errors.clear()
