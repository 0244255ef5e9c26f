"""The page of the thresholds: a rate is chosen by mouse and by keyboard; its effect is shown before it is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from server.running_server import RunningServer
from server.test_keys import make_key
from visavis import Gallery, compare, defaults
from visavis.gallery import Template

from .appearance import look_at
from .conftest import OpenTab, Tab
from .held_requests import wait_until
from .test_people import SCRIPT

pytestmark = [pytest.mark.enable_socket, pytest.mark.xdist_group("pages")]


def add_spread_people(server: RunningServer, gallery: str, names: list[str]) -> None:
    """Add people with two templates each, whose cosine distance grows from .3 to .6 from one person to the next."""
    random = np.random.default_rng(3)
    people = []
    for name, distance in zip(names, np.linspace(0.3, 0.6, len(names)), strict=True):
        first, other = np.linalg.qr(random.normal(size=(128, 2)))[0].T
        second = (1 - distance) * first + np.sqrt(1 - (1 - distance) ** 2) * other
        rows = [row.astype(np.float32) for row in (first, second)]
        people.append((name, [Template(row, photo=f"{number}.jpg") for number, row in enumerate(rows)]))
    with Gallery(server.folder / f"{gallery}.db") as opened:
        opened.add_many(people)


def read_rate(server: RunningServer, gallery: str) -> dict[str, Any]:
    rate: dict[str, Any] = server.get(f"/v1/galleries/{gallery}/rate").json()
    return rate


def await_effect(page: Any, expected: dict[str, Any]) -> str:
    """Wait until the page shows the threshold of an effect; return what it says."""
    text = f"The threshold would be the distance {expected['distance']:.3f}."
    page.wait_for_function("text => document.getElementById('effect').innerText.includes(text)", arg=text)
    shown: str = page.inner_text("#effect")
    return shown


def read_effect(server: RunningServer, gallery: str, strangers: int) -> dict[str, Any]:
    answer = server.get(f"/v1/galleries/{gallery}/rate/effect", params={"fpir": 1 / strangers})
    effect: dict[str, Any] = answer.json()
    return effect


def test_a_rate_is_chosen_by_mouse_its_effect_shown_and_stored(
    signed_in: Tab, server: RunningServer, people_gallery: str
) -> None:
    names = [f"Person {number}" for number in range(30)]
    names[23] = SCRIPT
    add_spread_people(server, people_gallery, names)
    page = signed_in.open(f"/settings/thresholds?gallery={people_gallery}")
    assert page.inner_text("#current .rate") == "1 in 100 strangers would get a name"
    threshold = server.get(f"/v1/galleries/{people_gallery}/threshold").json()["distance"]
    assert f"distance {threshold:.3f}" in page.inner_text("#current")
    assert "This is the default rate." in page.inner_text("#current")
    page.wait_for_selector("#rate:not([hidden])")
    page.fill("#strangers", "100000")
    expected = read_effect(server, people_gallery, 100_000)
    lost = [person for person in expected["changed"] if person["after"] == 0]
    assert len(lost) > 3
    shown = await_effect(page, expected)
    assert f"{len(lost)} people would become unknown" in shown
    assert SCRIPT in shown
    assert "So low a rate was not measured" in shown
    assert f"{expected['before']} of {expected['templates']} are recognized now, {expected['after']} would be" in shown
    assert read_rate(server, people_gallery)["set_at"] is None  # shown before it is stored
    page.click("#store")
    page.wait_for_selector(".undo :text('Stored: 1 in 100,000 strangers would get a name.')")
    assert read_rate(server, people_gallery)["fpir"] == 1 / 100_000
    page.wait_for_selector("#current .rate:text('1 in 100,000')")
    assert "Set by first admin" in page.inner_text("#current")
    page.click("#undo")
    page.wait_for_selector(".undo :text('Undone.')")
    assert read_rate(server, people_gallery)["set_at"] is None
    assert page.inner_text("#current .rate") == "1 in 100 strangers would get a name"


def test_a_rate_is_chosen_on_the_scale_by_keyboard_alone(
    signed_in: Tab, server: RunningServer, people_gallery: str
) -> None:
    add_spread_people(server, people_gallery, [f"Person {number}" for number in range(8)])
    page = signed_in.open(f"/settings/thresholds?gallery={people_gallery}")
    page.wait_for_selector("#rate:not([hidden])")
    signed_in.tab_to("#scale [role=slider]")
    before = float(page.get_attribute("#scale [role=slider]", "aria-valuenow"))
    assert before == pytest.approx(server.get(f"/v1/galleries/{people_gallery}/threshold").json()["distance"], abs=1e-4)
    for _ in range(6):
        page.keyboard.press("ArrowLeft")
    after = float(page.get_attribute("#scale [role=slider]", "aria-valuenow"))
    assert after == pytest.approx(before - 6 * 0.005, abs=1e-4)
    table = compare.calibration("sface")
    far = None if table is None else table.far_at(after)
    assert far is not None
    strangers = int(page.input_value("#strangers"))
    assert strangers == pytest.approx(1 / (1 - (1 - far) ** 8), rel=0.05)
    words = page.get_attribute("#scale [role=slider]", "aria-valuetext")
    assert words.endswith(f"1 in {strangers:,} strangers would get a name")
    await_effect(page, read_effect(server, people_gallery, strangers))
    signed_in.tab_to("#store")
    page.keyboard.press("Enter")
    wait_until(page, lambda: read_rate(server, people_gallery)["set_at"] is not None)
    assert read_rate(server, people_gallery)["fpir"] == pytest.approx(1 / strangers)
    page.wait_for_selector("#reset:not([hidden])")
    page.focus("#store")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".undo :text('The default rate is used again.')")
    assert read_rate(server, people_gallery) == {"fpir": defaults.FPIR, "set_at": None, "set_by": None}


def test_a_number_that_the_browser_restores_is_not_taken_for_the_rate(
    signed_in: Tab, server: RunningServer, people_gallery: str
) -> None:
    page = signed_in.open(f"/settings/thresholds?gallery={people_gallery}")
    page.wait_for_selector("#rate:not([hidden])")
    page.fill("#strangers", "5000")
    page.click("text=Models")
    page.wait_for_url("**/settings/models")
    server.request("PUT", f"/v1/galleries/{people_gallery}/rate", json={"fpir": 0.005})
    page.go_back()
    page.wait_for_selector("#rate:not([hidden])")
    assert (page.inner_text("#current .rate"), page.input_value("#strangers")) == (
        "1 in 200 strangers would get a name", "200",
    )  # fmt: skip


def test_a_number_that_is_no_rate_is_not_stored(signed_in: Tab, server: RunningServer, people_gallery: str) -> None:
    page = signed_in.open(f"/settings/thresholds?gallery={people_gallery}")
    page.wait_for_selector("#rate:not([hidden])")
    page.fill("#strangers", "1")
    page.click("#store")
    assert page.evaluate("document.activeElement.id") == "strangers"
    assert read_rate(server, people_gallery)["set_at"] is None


def test_a_rate_that_was_stored_is_not_said_to_be_lost(
    signed_in: Tab, server: RunningServer, people_gallery: str
) -> None:
    """The rate is stored; what is stored cannot be read then."""
    page = signed_in.open(f"/settings/thresholds?gallery={people_gallery}")
    page.wait_for_selector("#rate:not([hidden])")
    page.route(
        f"**/v1/galleries/{people_gallery}/rate",
        lambda route: route.abort() if route.request.method == "GET" else route.continue_(),
    )
    page.fill("#strangers", "500")
    page.click("#store")
    page.wait_for_selector("#notices [role=alert]")
    assert read_rate(server, people_gallery)["fpir"] == 1 / 500
    assert "not changed" not in page.inner_text("#notices")
    page.unroute(f"**/v1/galleries/{people_gallery}/rate")
    page.click("#notices button")
    page.wait_for_selector("#current .rate:text('1 in 500')")
    assert page.inner_text("#notices") == ""
    signed_in.errors.clear()  # the request that failed


def test_rates_are_written_as_the_reader_writes_numbers(
    open_tab: OpenTab, server: RunningServer, people_gallery: str
) -> None:
    """In Vietnamese "1,000" is one, with three digits after the point."""
    server.request("PUT", f"/v1/galleries/{people_gallery}/rate", json={"fpir": 0.001})
    tab = open_tab(server.url, locale="vi-VN")
    tab.begin_session(server.key or "")
    page = tab.open(f"/settings/thresholds?gallery={people_gallery}")
    page.wait_for_selector("#rate:not([hidden])")
    assert "1.000" in page.inner_text("#current .rate")
    assert "1,000" not in page.inner_text("main")


def test_keys_that_do_not_manage_see_the_rate_alone(
    open_tab: OpenTab, server: RunningServer, people_gallery: str
) -> None:
    server.request("PUT", f"/v1/galleries/{people_gallery}/rate", json={"fpir": 0.0005})
    tab = open_tab(server.url, java_script_enabled=False)
    tab.begin_session(make_key(server, f"rates of {people_gallery}", "enroll", [people_gallery]))
    page = tab.open("/settings/thresholds")
    assert page.inner_text("#current .rate") == "1 in 2,000 strangers would get a name"
    assert page.locator("#rate, #store").count() == 0
    assert "fpir in the table [compat]" in page.inner_text("main")


@pytest.mark.slow(seconds=12)
def test_it_is_accessible_at_each_width(
    signed_in: Tab, server: RunningServer, people_gallery: str, tmp_path: Path
) -> None:
    add_spread_people(server, people_gallery, [f"Person {number}" for number in range(8)])
    page = signed_in.open(f"/settings/thresholds?gallery={people_gallery}")
    page.wait_for_selector("#rate:not([hidden])")
    page.fill("#strangers", "100000")
    await_effect(page, read_effect(server, people_gallery, 100_000))
    look_at(signed_in, "thresholds", tmp_path)
