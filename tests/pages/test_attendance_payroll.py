"""What payroll exports and sends, and what the page says of a delivery that fails."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from server.running_server import RunningServer
from visavis.attendance.integrations.deliveries import Deliveries
from visavis.attendance.integrations.export import export_frappe, export_odoo
from visavis.attendance.site import Site

from .appearance import look_at
from .conftest import OpenTab, Tab
from .expectation import expect

pytestmark = [pytest.mark.enable_socket, pytest.mark.xdist_group("pages")]


@pytest.fixture(scope="module")
def site(server: RunningServer) -> Iterator[Site]:
    with Site(server.folder / "site") as opened:
        yield opened


@pytest.fixture(scope="session")
def key(server: RunningServer) -> str:
    answer = server.post("/v1/keys", json={"name": "books", "role": "payroll"})
    assert answer.status_code == 201, answer.text
    made: str = answer.json()["key"]
    return made


@pytest.fixture
def payroll(open_tab: OpenTab, server: RunningServer, key: str) -> Tab:
    tab = open_tab(server.url)
    tab.begin_session(key)
    tab.open("/attendance/payroll")
    return tab


@pytest.mark.parametrize(("button", "name"), [("Frappe HR", "frappe"), ("Odoo", "odoo")])
def test_a_month_is_exported_as_payroll_systems_import_it(payroll: Tab, site: Site, button: str, name: str) -> None:
    payroll.page.fill("#export-month", "2024-02")
    with payroll.page.expect_download() as download:
        payroll.page.click(f"button:has-text('Punches for {button}')")
    assert download.value.suggested_filename == f"{name}-2024-02.csv"
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8"))))
    make = {"frappe": export_frappe, "odoo": export_odoo}[name]
    expected = make(site, date(2024, 2, 1), date(2024, 2, 29)).rows
    assert len(expected) > 500
    assert rows == [{column: str(value) for column, value in row.items()} for row in expected]


def test_the_sums_of_a_month_are_a_workbook(payroll: Tab) -> None:
    payroll.page.fill("#export-month", "2024-02")
    with payroll.page.expect_download() as download:
        payroll.page.click("button:has-text('Sums, Excel')")
    assert download.value.suggested_filename == "attendance-month-2024-02.xlsx"
    assert Path(download.value.path()).read_bytes().startswith(b"PK")


def test_a_delivery_that_fails_says_why_and_what_waits(payroll: Tab, server: RunningServer, site: Site) -> None:
    page = payroll.page
    card = "[data-item='target books']"
    expect(page.locator(card).first).to_contain_text("webhook, http://127.0.0.1:9", use_inner_text=True)
    page.click(f"{card} .push button")
    page.wait_for_selector("#result [role=status]")  # from now on the card shows the new job
    failure = "target books: the environment variable VISAVIS_KEY_THAT_IS_NOT_SET is not set."
    expect(page.locator(f"{card} .notice.danger")).to_have_text(failure)  # by itself, once the job has ended
    expect(page.locator(card)).to_contain_text("Last sent by books")
    (state,) = server.get("/v1/attendance/targets").json()["targets"]
    assert state["waiting"] > 1000
    expect(page.locator(f"{card} .push button").first).to_have_text("Send again", use_inner_text=True)


def test_a_refused_record_is_shown_with_its_reason_and_dismissed(
    payroll: Tab, server: RunningServer, site: Site
) -> None:
    at = datetime(2024, 2, 1, 7, tzinfo=UTC)
    store = Deliveries(site.database, "books")
    store.refuse("refused", employee="1001", at=at, change=1, reason="no <b>such</b> employee")
    payroll.page.reload()
    card = "[data-item='target books']"
    expect(payroll.page.locator(card).first).to_contain_text("Ada Brandt", use_inner_text=True)
    expect(payroll.page.locator(card).first).to_contain_text("no <b>such</b> employee", use_inner_text=True)
    payroll.page.click(f"{card} .dismiss button")
    payroll.page.wait_for_selector("#result [role=status]")
    expect(payroll.page.locator("#result")).to_have_text("It is not sent any more.", use_inner_text=True)
    expect(payroll.page.locator(card)).not_to_contain_text("employee")
    assert store.list_refused() == []


def test_jobs_of_attendance_are_shown_to_keys_that_see_attendance_alone(server: RunningServer, key: str) -> None:
    job = server.post("/v1/attendance/targets/books/push", key=key, json={})
    assert job.status_code == 202
    reader = server.post("/v1/keys", json={"name": "reader of jobs", "role": "read"}).json()["key"]
    path = f"/v1/jobs/{job.json()['id']}"
    assert (server.get(path).status_code, server.get(path, key=reader).status_code) == (200, 404)
    kinds = {each["kind"] for each in server.get("/v1/jobs", key=reader).json()["jobs"]}
    assert "push" not in kinds
    assert server.post("/v1/attendance/targets/other/push", key=key, json={}).status_code == 404


@pytest.mark.slow(seconds=10)
def test_the_deliveries_are_accessible_at_each_width(payroll: Tab, site: Site, tmp_path: Path) -> None:
    store = Deliveries(site.database, "books")
    store.refuse("seen", employee="1002", at=datetime(2024, 2, 2, 7, tzinfo=UTC), change=2, reason="unknown employee")
    payroll.page.reload()
    look_at(payroll, "attendance-deliveries", tmp_path)
    store.forget_refusal("seen")
