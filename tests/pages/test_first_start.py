"""The first start: a one-time code becomes the first key, which is shown once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from server.running_server import CODE, RunningServer

from .appearance import look_at
from .conftest import WEIGHTS, OpenTab
from .expectation import await_value, expect

pytestmark = [pytest.mark.enable_socket, pytest.mark.xdist_group("pages")]


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[RunningServer]:
    """A server without a key."""
    running = RunningServer(folder=tmp_path, environment=WEIGHTS)
    yield running
    running.stop()
    assert "Traceback" not in running.text


def read_code(server: RunningServer) -> str:
    (code,) = CODE.findall(server.text)
    return str(code)


def test_the_first_key_by_mouse(open_tab: OpenTab, fresh: RunningServer) -> None:
    tab = open_tab(fresh.url)
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = tab.open("/")
    expect(page).to_have_url(f"{fresh.url}/start")
    with page.expect_navigation():
        page.click("text=Go on without a key")
    await_value(page, lambda: page.evaluate("async () => (await fetch('/v1/galleries')).status"), 200)
    page.click("text=No key yet")
    page.fill("#code", "1234-1234-1234-1234")
    page.fill("#name", "Ann")
    page.click("main button")
    expect(page.locator("[role=alert]").first).to_contain_text("not the one-time code", use_inner_text=True)
    expect(page.locator("#name")).to_have_value("Ann")
    tab.errors.clear()  # the wrong code
    page.fill("#code", f" {read_code(fresh).replace('-', '')} ")
    page.click("main button")
    key = await_value(page, lambda: page.input_value("#key"), bool)
    assert [item["name"] for item in fresh.get("/v1/keys", key=key).json()["keys"]] == ["Ann"]
    page.click("#copy")
    page.wait_for_selector("#copied:text('Copied.')")
    await_value(page, lambda: page.evaluate("navigator.clipboard.readText()"), key)
    expect(page.locator("main ul").first).to_contain_text("default", use_inner_text=True)
    expect(page.locator("form[action='/preferences']")).to_have_count(0)  # it would leave the only page with the key
    page.click("main .primary")
    page.wait_for_url("**/compare")
    page.wait_for_selector("text=Key: Ann")
    page.goto("/start")
    expect(page).to_have_url(f"{fresh.url}/compare")
    with requests.Session() as other:
        other.trust_env = False
        assert other.post(f"{fresh.url}/start", data={"code": read_code(fresh), "name": "Ben"}, timeout=30).url == (
            f"{fresh.url}/sign-in"
        )


def test_the_first_key_by_keyboard_alone(open_tab: OpenTab, fresh: RunningServer, tmp_path: Path) -> None:
    tab = open_tab(fresh.url, locale="vi-VN")
    page = tab.open("/")
    page.wait_for_function("() => document.activeElement && document.activeElement.id == 'code'")
    expect(page.locator("html")).to_have_attribute("lang", "vi")
    look_at(tab, "start", tmp_path)
    page.keyboard.type(read_code(fresh))
    page.keyboard.press("Tab")
    page.keyboard.press("Control+a")
    page.keyboard.type("<b>Bảo & Ann")
    page.keyboard.press("Enter")
    page.wait_for_selector("#copy")
    key = await_value(page, lambda: page.input_value("#key"), bool)
    assert [item["name"] for item in fresh.get("/v1/keys", key=key).json()["keys"]] == ["<b>Bảo & Ann"]
    expect(page.locator("header").first).to_contain_text("Khóa: <b>Bảo & Ann", use_inner_text=True)
    look_at(tab, "first-key", tmp_path)
    tab.tab_to("main a.primary")
    page.keyboard.press("Enter")
    page.wait_for_url("**/compare")


def test_the_first_gallery_is_chosen_among_those_of_the_configuration(open_tab: OpenTab, tmp_path: Path) -> None:
    names = ["Khách & bạn", "staff"]
    tables = "".join(f"{name!r} = '{number}.db'\n" for number, name in enumerate(names))
    (tmp_path / "server.toml").write_text(f"[galleries]\n{tables}", encoding="utf-8")
    server = RunningServer("--config", "server.toml", folder=tmp_path, environment=WEIGHTS)
    try:
        tab = open_tab(server.url)
        page = tab.open("/")
        page.fill("#code", read_code(server))
        page.click("main button")
        page.click(f"main ul >> text={names[0]}")
        page.wait_for_selector("#page")
        expect(page.locator("#page")).to_have_attribute("data-gallery", names[0])
        page.goto("/look-alikes")
        expect(page.locator("#page")).to_have_attribute("data-gallery", names[0])
        page.goto("/identify?gallery=staff")
        expect(page.locator("#page")).to_have_attribute("data-gallery", "staff")
    finally:
        server.stop()
