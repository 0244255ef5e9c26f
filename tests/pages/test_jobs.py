"""The page of the jobs, with the real runner: folders that are indexed, and classifiers that are trained."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from sqlalchemy import update

from server.running_server import RunningServer
from server.test_jobs_to_the_end import wait_until
from server.test_keys import make_key
from visavis.server.state import tables
from visavis.server.state.database import StateDatabase

from .appearance import look_at
from .conftest import OpenTab, Tab, open_as_administrator, serve
from .expectation import expect, expect_text

pytestmark = [pytest.mark.enable_socket, pytest.mark.xdist_group("pages")]
MINUTE = 60_000
GALLERIES = ("mouse", "keyboard", "reader", "changed")
"""A gallery for each test that indexes: a photo is stored in one once."""


@pytest.fixture(scope="module")
def working(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with a folder of photos, and a place for a classifier."""
    folder = tmp_path_factory.mktemp("jobs")
    for number, name in enumerate(("obama.jpg", "biden.jpg", "meadow.png", "notes.jpg")):
        (folder / f"photos/<i>{number % 2}").mkdir(parents=True, exist_ok=True)
        shutil.copy(faces / name, folder / f"photos/<i>{number % 2}/{name}")
    tables = "[index_roots]\nphotos = 'photos'\n[classifiers]\nstars = 'stars'\n[galleries]\ndefault = 'faces.db'\n"
    tables += "".join(f"{name} = '{name}.db'\n" for name in GALLERIES)
    (folder / "server.toml").write_text(tables)
    with serve(folder) as running:
        yield running


@pytest.fixture
def jobs(open_tab: OpenTab, working: RunningServer) -> Tab:
    """A tab with the session of an administrator, on the page of the jobs."""
    return open_as_administrator(open_tab, working, "/jobs")


def await_newest(tab: Tab, title: str, state: str, *texts: str) -> None:
    """Wait until the newest job has a title and a state, and shows texts."""
    expression = """([title, state]) => {
        const job = document.querySelector('.job');
        return job?.querySelector('h2').textContent === title && job.querySelector('.state').textContent === state;
    }"""
    tab.page.wait_for_function(expression, arg=[title, state], timeout=MINUTE)
    for text in texts:
        expect_text(tab.page, ".job >> nth=0", text)


def test_a_folder_is_indexed_by_mouse(jobs: Tab, working: RunningServer) -> None:
    jobs.page.fill("#index-folder", "photos/<i>0")
    jobs.page.select_option("#index-gallery", "mouse")
    jobs.page.click("form[data-kind='index'] button")
    texts = ("2 of 2 photos", "1 with faces", "1 without a face")
    await_newest(jobs, "Index photos/<i>0 into mouse", "done", *texts)
    stored = working.get("/v1/jobs").json()["jobs"][0]
    assert (stored["state"], stored["result"]["statuses"]) == ("done", {"ok": 1, "no_face": 1})
    assert len(working.get("/v1/faces?gallery=mouse").json()["faces"]) == 1
    expect_text(jobs.page, "#result [role=status]", "The job is ordered.")
    expect(jobs.page.locator(".job >> nth=0 >> a.button")).to_have_attribute("href", "/groups?gallery=mouse")


def test_a_folder_is_indexed_by_keyboard_alone(jobs: Tab, working: RunningServer) -> None:
    jobs.tab_to("#index-folder")
    jobs.page.keyboard.press("Control+a")
    jobs.page.keyboard.type("photos/<i>1")
    jobs.tab_to("#index-gallery")
    jobs.page.keyboard.press("k")  # of a whole name, a letter that comes late is taken for a choice anew
    expect(jobs.page.locator("#index-gallery")).to_have_value("keyboard")
    jobs.page.keyboard.press("Tab")
    jobs.page.keyboard.press("Enter")
    await_newest(jobs, "Index photos/<i>1 into keyboard", "done", "1 with faces", "1 unreadable")
    assert working.get("/v1/jobs").json()["jobs"][0]["order"]["folder"] == "photos/<i>1"


def test_what_cannot_be_done_is_a_sentence(jobs: Tab, working: RunningServer) -> None:
    before = len(working.get("/v1/jobs").json()["jobs"])
    jobs.page.fill("#index-folder", "elsewhere/../..")
    jobs.page.click("form[data-kind='index'] button")
    expect_text(jobs.page, "#result [role=alert]", "begins with no root of this server: photos")
    assert len(working.get("/v1/jobs").json()["jobs"]) == before
    jobs.errors.clear()


def test_a_job_that_failed_is_resumed(jobs: Tab, working: RunningServer) -> None:
    """A classifier needs two people with photos that can be read: the file that is none costs that photo alone."""
    broken = working.folder / "photos/broken"
    (broken / "a person").mkdir(parents=True)
    working.post("/v1/jobs/train", json={"classifier": "stars", "folder": "photos/broken"})
    jobs.open("/jobs")
    await_newest(jobs, "Train stars on photos/broken", "failed", "Resume")
    former = working.get("/v1/jobs").json()["jobs"][0]
    jobs.page.click(".job button")
    wait_until(lambda: working.get(f"/v1/jobs/{former['id']}").json()["updated"] > former["updated"])


def test_who_may_not_order_jobs_sees_them_alone(open_tab: OpenTab, working: RunningServer) -> None:
    working.post("/v1/jobs/index?gallery=reader", json={"folder": "photos"})
    tab = open_tab(working.url)
    tab.begin_session(make_key(working, "jobs reader", "read"))
    page = tab.open("/jobs")
    expect(page.locator(".job h2").first).to_be_visible()
    expect(page.locator("form.order")).to_have_count(0)
    expect(page.locator("button[data-action]")).to_have_count(0)


def test_a_change_of_the_model_stands_among_the_jobs(working: RunningServer) -> None:
    """Its result counts no photos."""
    job = working.post("/v1/jobs/index?gallery=changed", json={"folder": "photos/<i>0"}).json()
    wait_until(lambda: working.get(f"/v1/jobs/{job['id']}").json()["state"] == "done")
    database = StateDatabase(f"sqlite:///{working.folder / 'faces.server.db'}")
    with database.write() as conn:
        values = {"kind": "migrate", "result": json.dumps({"state": "switched"})}
        conn.execute(update(tables.JOBS).where(tables.JOBS.c.id == job["id"]).values(values))
    database.close()
    with requests.Session() as visitor:
        visitor.trust_env = False
        visitor.post(f"{working.url}/sign-in", data={"key": working.key}, timeout=60)
        page = visitor.get(f"{working.url}/jobs", timeout=60)
    assert (page.status_code, "Change the model of changed" in page.text) == (200, True)


@pytest.mark.slow(seconds=6)
def test_it_is_accessible_at_each_width(jobs: Tab, tmp_path: Path) -> None:
    look_at(jobs, "jobs", tmp_path)
