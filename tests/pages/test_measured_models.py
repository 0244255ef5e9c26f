"""The pages of the models, the evaluations and the training, with the real runner of jobs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from server.measuring_server import PEOPLE, WeightServer, serve_weights, start_measuring
from server.running_server import RunningServer
from server.test_jobs_to_the_end import wait_until
from server.test_keys import make_key
from visavis.train.health import Epoch
from visavis.train.run_folder import write_log

from .appearance import look_at
from .conftest import OpenTab, Tab
from .expectation import await_value, expect, expect_text

pytestmark = [pytest.mark.enable_socket, pytest.mark.xdist_group("pages")]
MINUTE = 60_000


@pytest.fixture(scope="module")
def weights() -> Iterator[WeightServer]:
    with serve_weights() as serving:
        yield serving


@pytest.fixture(scope="module")
def measuring(weights: WeightServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with a gallery of people whose names are markup, and weight files that it can fetch."""
    running = start_measuring(tmp_path_factory.mktemp("measuring"), weights)
    folder = running.folder / "photos/net"
    folder.mkdir()
    (folder / "settings.json").write_text('{"settings": {}, "data": "x"}')
    write_log(
        folder, [Epoch(n, 10 * n, 0.3 / n, 0.01, 0.9 / n, 0.4 / n, 1.5, 1.0, 0.9, 100.0, 2.0) for n in range(1, 6)]
    )
    yield running
    running.stop()
    assert "Traceback" not in running.text


@pytest.fixture
def tab(open_tab: OpenTab, measuring: RunningServer) -> Tab:
    """A tab with the session of an administrator."""
    opened = open_tab(measuring.url)
    opened.begin_session(measuring.key or "")
    return opened


def evaluate(server: RunningServer, **order: str) -> str:
    """Let the people of the gallery ``colors`` be evaluated; return the id."""
    job: str = server.post("/v1/evaluations?gallery=colors", json=order).json()["id"]
    wait_until(lambda: server.get(f"/v1/jobs/{job}").json()["state"] == "done")
    return job


def choose_by_letter(tab: Tab, place: str, value: str) -> None:
    """Choose the first value that begins with a letter: a browser takes a letter that comes late for a choice anew."""
    tab.tab_to(place)
    tab.page.keyboard.press(value[0])
    expect(tab.page.locator(place)).to_have_value(value)


def list_evaluations(server: RunningServer) -> list[dict[str, Any]]:
    """The evaluations of the server, the newest first."""
    evaluations: list[dict[str, Any]] = server.get("/v1/evaluations").json()["evaluations"]
    return evaluations


def test_a_gallery_is_evaluated_by_mouse(tab: Tab, measuring: RunningServer) -> None:
    page = tab.open("/evaluate")
    before = len(list_evaluations(measuring))
    page.select_option("#gallery", "colors")
    page.click("#new button.primary")
    page.wait_for_selector("#result [role=status]")
    wait_until(lambda: len(list_evaluations(measuring)) > before)
    evaluation = list_evaluations(measuring)[0]
    row = f'tr[data-evaluation="{evaluation["id"]}"]'
    (rate,) = [rate for rate in evaluation["result"]["rates"] if rate["far"] == 0.001]
    expect_text(page, row, f"{100 * rate['tar']:.2f}%")
    expect_text(page, row, "where 1 in 1,000 strangers is")
    page.click(f"{row} a")
    slider = page.locator(".distances [role=slider]")
    expect(slider).to_have_attribute("aria-valuetext", re.compile("1 in 100 strangers would pass$"))
    slider.press("End")
    expect(page.locator(".rate")).to_have_text(re.compile("1 in 10 strangers would pass$"))
    expect(page.locator(".dot:not([hidden])")).to_have_count(0)
    with page.expect_popup() as opening:
        page.click("text=Open the report")
    report = opening.value
    report.wait_for_selector("#summary")
    read_origin = "location.origin + self.origin"
    await_value(report, lambda: report.evaluate(read_origin), lambda origin: origin.endswith("null"))  # a sandbox
    report.close()
    page.click("button.delete")
    page.click("dialog button.primary")
    page.wait_for_url("**/evaluate")
    assert measuring.get(f"/v1/evaluations/{evaluation['id']}").status_code == 404


@pytest.mark.slow(seconds=6)
def test_two_evaluations_stand_side_by_side_by_keyboard_alone(tab: Tab, measuring: RunningServer) -> None:
    before = evaluate(measuring, kind="identification")
    tab.open("/evaluate")
    tab.tab_to('#new [name="kind"]')
    tab.page.keyboard.press("ArrowDown")
    choose_by_letter(tab, "#gallery", "colors")
    tab.tab_to("#new button.primary")
    tab.page.keyboard.press("Enter")
    is_newest = "before => document.querySelector('#evaluations tbody tr')?.dataset.evaluation !== before"
    tab.page.wait_for_function(is_newest, arg=before, timeout=MINUTE)
    tab.page.reload()
    tab.tab_to('#evaluations input[name="id"]')
    tab.page.keyboard.press("Space")
    tab.tab_to('tr:nth-child(2) input[name="id"]')
    tab.page.keyboard.press("Space")
    tab.tab_to("#evaluations button")
    tab.page.keyboard.press("Enter")
    expect_text(tab.page, "#decision", "do not show whether")
    first, second = measuring.get("/v1/evaluations").json()["evaluations"][:2]
    assert {first["kind"], second["kind"]} == {"identification"}
    photos = [f"{item['result']['photos']}" for item in (first, second)]
    expect(tab.page.locator(".figures tbody tr:first-child td")).to_have_text(photos)


def test_what_cannot_be_shown_side_by_side_is_a_sentence(measuring: RunningServer) -> None:
    one, other = evaluate(measuring), evaluate(measuring, kind="identification")
    with requests.Session() as visitor:
        visitor.trust_env = False
        visitor.post(f"{measuring.url}/sign-in", data={"key": measuring.key}, timeout=60)
        for query, status, words in (
            (f"id={one}&id={other}", 400, "choose two of one kind"),
            ("", 400, "Choose one evaluation, or two"),
            (f"id={one}&id={other}&id=x", 400, "Choose one evaluation, or two"),
            ("id=%3Cb%3E", 404, "There is no such evaluation"),
        ):
            answer = visitor.get(f"{measuring.url}/evaluate/results?{query}", timeout=60)
            assert (answer.status_code, words in answer.text) == (status, True), query


@pytest.mark.slow(seconds=6)
def test_a_missing_file_is_fetched_by_mouse(tab: Tab, measuring: RunningServer, weights: WeightServer) -> None:
    weights.slow.add("/scrfd_2.5g_kps.onnx")
    page = tab.open("/settings/models")
    expect_text(page, "tr:has(th:text-is('yunet-float'))", "does not exclude commercial use")
    page.click("#fetch-scrfd-2\\.5g")
    expect_text(page, "dialog", "non-commercial research")
    page.click("dialog button.primary")
    page.wait_for_selector(".job progress[value]", timeout=MINUTE)
    weights.slow.clear()
    page.wait_for_function("() => !document.getElementById('fetch-scrfd-2.5g')", timeout=MINUTE)
    models = {model["name"]: model for model in measuring.get("/v1/models").json()["models"]}
    assert models["scrfd-2.5g"]["present"]


def test_a_file_is_fetched_by_keyboard_alone(tab: Tab, measuring: RunningServer) -> None:
    tab.open("/settings/models")
    tab.tab_to("#fetch-yunet-float")
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_function("() => !document.getElementById('fetch-yunet-float')", timeout=MINUTE)
    (job, *_) = measuring.get("/v1/jobs").json()["jobs"]
    assert (job["kind"], job["order"]["model"]) == ("fetch", "yunet-float")


@pytest.mark.slow(seconds=4)
def test_a_wrong_file_is_explained_in_its_job(tab: Tab) -> None:
    page = tab.open("/settings/models")
    page.click("#fetch-scrfd-500m")
    page.click("dialog button.primary")
    expect_text(page, ".job .notice", "is not the published scrfd-500m")


@pytest.mark.slow(seconds=6)
def test_a_classifier_is_trained_used_and_deleted_by_mouse(tab: Tab, measuring: RunningServer) -> None:
    page = tab.open("/train")
    card = '[data-classifier="mouse"]'
    expect_text(page, card, "Not trained yet.")
    page.select_option("#classifier", "mouse")
    page.select_option("#gallery", "colors")
    page.select_option("#head", "nearest-mean")
    page.select_option("#one-in", "10")
    page.click("#new button.primary")
    page.wait_for_selector(f"{card} .interval", timeout=MINUTE)
    classifier = measuring.get("/v1/classifiers/mouse").json()
    report = classifier["report"]
    expect_text(page, card, f"{PEOPLE} people, {report['train_photos']} photos, method nearest-mean")
    expect_text(page, card, f"Right: {100 * report['accuracy']:.2f}%")
    assert (classifier["gallery"], report["unknown"]["fpir"]) == ("colors", 0.1)
    page.click(f"{card} summary")
    expect_text(page, f"{card} li >> nth=0", "<b>P")
    expect(page.locator(f"{card} li b")).to_have_count(0)
    page.click(f"{card} >> text=Name people with it")
    page.wait_for_url("**/celebrities?classifier=mouse")
    expect(page.locator("#classifier")).to_have_value("mouse")
    page = tab.open("/train")
    page.click(f"{card} button.delete")
    page.click("dialog button.primary")
    page.wait_for_function("() => document.querySelector('[data-classifier=mouse] .empty')")
    assert measuring.get("/v1/classifiers/mouse").json()["present"] is False


def test_a_classifier_is_trained_by_keyboard_alone(tab: Tab, measuring: RunningServer) -> None:
    tab.open("/train")
    choose_by_letter(tab, "#classifier", "keyboard")
    choose_by_letter(tab, "#gallery", "colors")
    choose_by_letter(tab, "#head", "nearest-mean")
    tab.tab_to("#new button.primary")
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_selector('[data-classifier="keyboard"] .interval', timeout=MINUTE)
    assert measuring.get("/v1/classifiers/keyboard").json()["report"]["chosen"] == "nearest-mean"


def test_too_few_photos_are_a_sentence(tab: Tab) -> None:
    page = tab.open("/train")
    page.select_option("#gallery", "few")
    page.click("#new button.primary")
    expect_text(page, "#result [role=alert]", "two people or more with 4 photos each")
    tab.errors.clear()


def test_the_curves_of_a_run_are_drawn(tab: Tab) -> None:
    page = tab.open("/train")
    page.fill("#run-folder", "photos/net")
    page.click("#run button")
    expect_text(page, "#run", "5 epochs, loss now 0.06")
    labels = ["Loss", "Mean squared distance", "Active triplets, %", "Spread", "Learning rate"]
    read_labels = "drawings => drawings.map((drawing) => drawing.getAttribute('aria-label'))"
    await_value(page, lambda: page.locator(".curves svg").evaluate_all(read_labels), labels)
    expect(page.locator("svg[aria-label=Loss] circle")).to_have_count(5)
    page.fill("#run-folder", "photos/people")
    page.click("#run button")
    expect_text(page, "#run [role=alert]", "holds no run")


def test_who_may_not_manage_sees_neither_pages_nor_buttons(open_tab: OpenTab, measuring: RunningServer) -> None:
    tab = open_tab(measuring.url)
    tab.begin_session(make_key(measuring, "models reader", "read"))
    page = tab.open("/settings/models")
    expect(page.locator("h1")).to_have_text("Models")
    expect(page.locator("button.fetch, #measure")).to_have_count(0)
    expect(page.locator('nav a[href="/evaluate"], nav a[href="/train"]')).to_have_count(0)
    for path in ("/evaluate", "/evaluate/results?id=x", "/train"):
        page.goto(path)
        expect_text(page, "main .danger", "no right")
    tab.errors.clear()


def test_an_administrator_of_a_gallery_evaluates_it_and_trains_nothing(
    measuring: RunningServer,
) -> None:
    with requests.Session() as visitor:
        visitor.trust_env = False
        key = make_key(measuring, "evaluates on pages", "admin", ["colors"])
        visitor.post(f"{measuring.url}/sign-in", data={"key": key}, timeout=60)
        page = visitor.get(f"{measuring.url}/evaluate", timeout=60)
        assert page.status_code == 200
        assert 'href="/train"' not in page.text
        assert 'value="folder"' not in page.text
        assert visitor.get(f"{measuring.url}/train", timeout=60).status_code == 403


@pytest.mark.slow(seconds=30)
def test_models_are_measured(tab: Tab, measuring: RunningServer) -> None:
    page = tab.open("/settings/models")
    for box in page.query_selector_all('#measure [name="model"]'):
        box.set_checked(box.get_attribute("value") == "sface")
    page.fill("#threads", "1")
    page.click("#measure button")
    page.wait_for_function(
        "() => document.getElementById('models').innerText.includes('threads: 1,')", timeout=10 * MINUTE
    )
    models = {model["name"]: model for model in measuring.get("/v1/models").json()["models"]}
    assert [speed["threads"] for speed in models["sface"]["speeds"]] == [1]


@pytest.mark.slow(seconds=25)
def test_they_are_accessible_at_each_width(tab: Tab, measuring: RunningServer, tmp_path: Path) -> None:
    one, other = evaluate(measuring), evaluate(measuring)
    measuring.post("/v1/jobs/train?gallery=colors", json={"classifier": "staff", "head": "nearest-mean"})
    wait_until(lambda: measuring.get("/v1/classifiers/staff").json()["present"])
    for name, path in (
        ("evaluate", "/evaluate"),
        ("side-by-side", f"/evaluate/results?id={one}&id={other}"),
        ("train", "/train?run=photos/net"),
        ("models", "/settings/models"),
    ):
        tab.open(path)
        tab.page.wait_for_selector("button.primary:visible, .delete:visible, .fetch:visible")
        look_at(tab, name, tmp_path)
