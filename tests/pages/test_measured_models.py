"""The pages of the models, the evaluations and the training, with the real runner of jobs."""

from __future__ import annotations

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
    page.wait_for_selector(f'tr[data-evaluation="{evaluation["id"]}"]', timeout=MINUTE)
    (rate,) = [rate for rate in evaluation["result"]["rates"] if rate["far"] == 0.001]
    row = page.inner_text(f'tr[data-evaluation="{evaluation["id"]}"]')
    assert f"{100 * rate['tar']:.2f}%" in row
    assert "where 1 in 1,000 strangers is" in row
    page.click(f'tr[data-evaluation="{evaluation["id"]}"] a')
    page.wait_for_selector(".distances [role=slider]")
    slider = page.query_selector("[role=slider]")
    assert slider.get_attribute("aria-valuetext").endswith("1 in 100 strangers would pass")
    slider.press("End")
    assert page.inner_text(".rate").endswith("1 in 10 strangers would pass")
    assert page.query_selector(".dot:not([hidden])") is None
    with page.expect_popup() as opening:
        page.click("text=Open the report")
    report = opening.value
    report.wait_for_selector("#summary")
    assert report.evaluate("location.origin + self.origin").endswith("null")  # a sandbox
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
    tab.tab_to("#gallery")
    tab.page.keyboard.type("colors")
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
    tab.page.wait_for_selector("#decision")
    first, second = measuring.get("/v1/evaluations").json()["evaluations"][:2]
    assert {first["kind"], second["kind"]} == {"identification"}
    cells = [cell.inner_text() for cell in tab.page.query_selector_all(".figures tbody tr:first-child td")]
    assert cells == [f"{item['result']['photos']}" for item in (first, second)]
    assert "do not show whether" in tab.page.inner_text("#decision")


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
    assert "does not exclude commercial use" in page.inner_text("tr:has(#fetch-yunet-float)")
    page.click("#fetch-scrfd-2\\.5g")
    assert "non-commercial research" in page.inner_text("dialog")
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
    page.wait_for_selector(".job .notice", timeout=MINUTE)
    assert "is not the published scrfd-500m" in page.inner_text(".job .notice")


@pytest.mark.slow(seconds=6)
def test_a_classifier_is_trained_used_and_deleted_by_mouse(tab: Tab, measuring: RunningServer) -> None:
    page = tab.open("/train")
    card = '[data-classifier="mouse"]'
    assert "Not trained yet." in page.inner_text(card)
    page.select_option("#classifier", "mouse")
    page.select_option("#gallery", "colors")
    page.select_option("#head", "nearest-mean")
    page.select_option("#one-in", "10")
    page.click("#new button.primary")
    page.wait_for_selector(f"{card} .interval", timeout=MINUTE)
    classifier = measuring.get("/v1/classifiers/mouse").json()
    report = classifier["report"]
    text = page.inner_text(card)
    assert f"{PEOPLE} people, {report['train_photos']} photos, method nearest-mean" in text
    assert f"Right: {100 * report['accuracy']:.2f}%" in text
    assert (classifier["gallery"], report["unknown"]["fpir"]) == ("colors", 0.1)
    page.click(f"{card} summary")
    assert "<b>P" in page.inner_text(f"{card} li")
    assert page.query_selector(f"{card} li b") is None
    page.click(f"{card} >> text=Name people with it")
    page.wait_for_selector("#classifier")
    assert page.input_value("#classifier") == "mouse"
    page = tab.open("/train")
    page.click(f"{card} button.delete")
    page.click("dialog button.primary")
    page.wait_for_function("() => document.querySelector('[data-classifier=mouse] .empty')")
    assert measuring.get("/v1/classifiers/mouse").json()["present"] is False


def test_a_classifier_is_trained_by_keyboard_alone(tab: Tab, measuring: RunningServer) -> None:
    tab.open("/train")
    tab.tab_to("#classifier")
    tab.page.keyboard.type("keyboard")
    tab.tab_to("#gallery")
    tab.page.keyboard.type("colors")
    tab.tab_to("#head")
    tab.page.keyboard.type("Nearest mean")
    tab.tab_to("#new button.primary")
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_selector('[data-classifier="keyboard"] .interval', timeout=MINUTE)
    assert measuring.get("/v1/classifiers/keyboard").json()["report"]["chosen"] == "nearest-mean"


def test_too_few_photos_are_a_sentence(tab: Tab) -> None:
    page = tab.open("/train")
    page.select_option("#gallery", "few")
    page.click("#new button.primary")
    page.wait_for_selector("#result [role=alert]")
    assert "two people or more with 4 photos each" in page.inner_text("#result")
    tab.errors.clear()


def test_the_curves_of_a_run_are_drawn(tab: Tab) -> None:
    page = tab.open("/train")
    page.fill("#run-folder", "photos/net")
    page.click("#run button")
    page.wait_for_selector(".curves svg")
    assert "5 epochs, loss now 0.06" in page.inner_text("#run")
    labels = [drawing.get_attribute("aria-label") for drawing in page.query_selector_all(".curves svg")]
    assert labels == ["Loss", "Mean squared distance", "Active triplets, %", "Spread", "Learning rate"]
    assert len(page.query_selector_all("svg[aria-label=Loss] circle")) == 5
    page.fill("#run-folder", "photos/people")
    page.click("#run button")
    page.wait_for_selector("#run [role=alert]")
    assert "holds no run" in page.inner_text("#run [role=alert]")


def test_who_may_not_manage_sees_neither_pages_nor_buttons(open_tab: OpenTab, measuring: RunningServer) -> None:
    tab = open_tab(measuring.url)
    tab.begin_session(make_key(measuring, "models reader", "read"))
    page = tab.open("/settings/models")
    assert page.query_selector("button.fetch, #measure") is None
    assert page.query_selector('nav a[href="/evaluate"], nav a[href="/train"]') is None
    for path in ("/evaluate", "/evaluate/results?id=x", "/train"):
        page.goto(path)
        assert "no right" in page.inner_text("main") or page.query_selector("main .danger") is not None
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
