"""The page of the thresholds: a rate is chosen by mouse and by keyboard; its effect is shown before it is stored."""

from __future__ import annotations

import re
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
from .expectation import await_value, expect, expect_text
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


def await_effect(page: Any, expected: dict[str, Any], *texts: str) -> None:
    """Wait until the page shows the threshold of an effect, and texts."""
    for text in (f"The threshold would be the distance {expected['distance']:.3f}.", *texts):
        expect_text(page, "#effect", text)


def expect_rate(page: Any, text: str) -> None:
    """Wait until the page shows a text as the rate that is stored."""
    expect(page.locator("#current .rate")).to_have_text(text)


def read_threshold(page: Any) -> float:
    return float(page.get_attribute("#scale [role=slider]", "aria-valuenow"))


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
    expect_rate(page, "1 in 100 strangers would get a name")
    threshold = server.get(f"/v1/galleries/{people_gallery}/threshold").json()["distance"]
    expect_text(page, "#current", f"distance {threshold:.3f}")
    expect_text(page, "#current", "This is the default rate.")
    page.wait_for_selector("#rate:not([hidden])")
    page.fill("#strangers", "100000")
    expected = read_effect(server, people_gallery, 100_000)
    lost = [person for person in expected["changed"] if person["after"] == 0]
    assert len(lost) > 3
    counts = f"{expected['before']} of {expected['templates']} are recognized now, {expected['after']} would be"
    words = ("So low a rate was not measured", f"{len(lost)} people would become unknown", SCRIPT)
    await_effect(page, expected, counts, *words)
    assert read_rate(server, people_gallery)["set_at"] is None  # shown before it is stored
    page.click("#store")
    page.wait_for_selector(".undo :text('Stored: 1 in 100,000 strangers would get a name.')")
    assert read_rate(server, people_gallery)["fpir"] == 1 / 100_000
    page.wait_for_selector("#current .rate:text('1 in 100,000')")
    expect_text(page, "#current", "Set by first admin")
    page.click("#undo")
    page.wait_for_selector(".undo :text('Undone.')")
    assert read_rate(server, people_gallery)["set_at"] is None
    expect_rate(page, "1 in 100 strangers would get a name")


def test_a_rate_is_chosen_on_the_scale_by_keyboard_alone(
    signed_in: Tab, server: RunningServer, people_gallery: str
) -> None:
    add_spread_people(server, people_gallery, [f"Person {number}" for number in range(8)])
    page = signed_in.open(f"/settings/thresholds?gallery={people_gallery}")
    page.wait_for_selector("#rate:not([hidden])")
    signed_in.tab_to("#scale [role=slider]")
    threshold = server.get(f"/v1/galleries/{people_gallery}/threshold").json()["distance"]
    before = await_value(page, lambda: read_threshold(page), pytest.approx(threshold, abs=1e-4))
    for _ in range(6):
        page.keyboard.press("ArrowLeft")
    after = await_value(page, lambda: read_threshold(page), pytest.approx(before - 6 * 0.005, abs=1e-4))
    table = compare.calibration("sface")
    far = None if table is None else table.far_at(after)
    assert far is not None
    rate = pytest.approx(1 / (1 - (1 - far) ** 8), rel=0.05)
    strangers = await_value(page, lambda: int(page.input_value("#strangers")), rate)
    words = re.compile(f"1 in {strangers:,} strangers would get a name$")
    expect(page.locator("#scale [role=slider]")).to_have_attribute("aria-valuetext", words)
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
    expect_rate(page, "1 in 200 strangers would get a name")
    expect(page.locator("#strangers")).to_have_value("200")


def test_a_number_that_is_no_rate_is_not_stored(signed_in: Tab, server: RunningServer, people_gallery: str) -> None:
    page = signed_in.open(f"/settings/thresholds?gallery={people_gallery}")
    page.wait_for_selector("#rate:not([hidden])")
    page.fill("#strangers", "1")
    page.click("#store")
    expect(page.locator("#strangers")).to_be_focused()
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
    expect(page.locator("#notices")).not_to_contain_text("not changed")
    page.unroute(f"**/v1/galleries/{people_gallery}/rate")
    page.click("#notices button")
    page.wait_for_selector("#current .rate:text('1 in 500')")
    expect(page.locator("#notices")).to_have_text("")
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
    expect_text(page, "#current .rate", "1.000")
    expect(page.locator("main")).not_to_contain_text("1,000", use_inner_text=True)


def test_keys_that_do_not_manage_see_the_rate_alone(
    open_tab: OpenTab, server: RunningServer, people_gallery: str
) -> None:
    server.request("PUT", f"/v1/galleries/{people_gallery}/rate", json={"fpir": 0.0005})
    tab = open_tab(server.url, java_script_enabled=False)
    tab.begin_session(make_key(server, f"rates of {people_gallery}", "enroll", [people_gallery]))
    page = tab.open("/settings/thresholds")
    expect_rate(page, "1 in 2,000 strangers would get a name")
    expect_text(page, "main", "fpir in the table [compat]")
    expect(page.locator("#rate, #store")).to_have_count(0)


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
