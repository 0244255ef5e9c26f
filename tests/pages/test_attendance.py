"""The pages of attendance on the sample site: what each role sees, and what it changes, by mouse and by keyboard.

Each test changes days and months of its own: others read none of these.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from html import unescape
from pathlib import Path

import pytest
import requests

from server.running_server import RunningServer
from server.test_site_roles import make_site_key
from visavis.attendance.site import Site
from visavis.attendance.types import Employee

from .appearance import look_at
from .conftest import OpenTab, Tab, open_as_administrator
from .expectation import expect

pytestmark = [pytest.mark.enable_socket, pytest.mark.xdist_group("pages")]

JOINED = date(2024, 5, 1)
"""After the days of the other employees, whose numbers it would change."""
MANAGER = Employee("3001", "Mo Office", "Office", joined=JOINED, manages=("Office",))
HOSTILE = Employee("3002", "<img src=x onerror=alert(1)>", "{{ 7 * 7 }}<b>", joined=JOINED)
SLASH = Employee("3003/A", "Sam Slash", "", joined=JOINED)
HTML = {"accept": "text/html"}


@pytest.fixture(scope="module")
def site(server: RunningServer) -> Iterator[Site]:
    """The site of the server, with a manager of the office, and employees with a hostile name and number."""
    with Site(server.folder / "site") as opened:
        opened.put_employees([MANAGER, HOSTILE, SLASH], actor="test")
        yield opened


@pytest.fixture(scope="module")
def browsers(server: RunningServer, site: Site) -> Iterator[dict[str, requests.Session]]:
    """A signed-in session for each role, without a browser; the role "employee" is 1001."""
    sessions = {"admin": requests.Session()}
    keys = {"admin": server.key}
    for role, number in (("employee", "1001"), ("manager", MANAGER.number), ("payroll", None), ("kiosk", None)):
        keys[role] = make_site_key(server, role, number, name=f"pages {role}")
        sessions[role] = requests.Session()
    for role, session in sessions.items():
        session.trust_env = False
        session.post(f"{server.url}/sign-in", data={"key": keys[role]}, allow_redirects=False, timeout=60)
    yield sessions
    for session in sessions.values():
        session.close()


Browsers = dict[str, requests.Session]


def look(server: RunningServer, browsers: Browsers, role: str, path: str) -> requests.Response:
    return browsers[role].get(server.url + path, headers=HTML, timeout=60)


def open_as(open_tab: OpenTab, server: RunningServer, browsers: Browsers, role: str, path: str) -> Tab:
    """Return a tab with the session of a role, on a page."""
    tab = open_tab(server.url)
    token = browsers[role].cookies["visavis"]
    tab.context.add_cookies([{"name": "visavis", "value": token, "url": server.url}])
    tab.open(path)
    return tab


def texts_of(page: str, tag: str) -> list[str]:
    matches = re.findall(rf"<{tag}\b[^>]*>(.*?)</{tag}>", page, re.DOTALL)
    return [" ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split()) for text in matches]


@pytest.mark.parametrize(
    ("role", "sections"),
    [
        ("admin", ["Day", "Who is in", "Month", "Reports", "Requests", "Payroll"]),
        ("payroll", ["Day", "Who is in", "Month", "Reports", "Payroll"]),
        ("manager", ["Day", "Who is in", "Month", "Reports", "Requests", "My attendance"]),
    ],
)
def test_each_role_sees_its_pages(server: RunningServer, browsers: Browsers, role: str, sections: list[str]) -> None:
    page = look(server, browsers, role, "/")
    assert page.status_code == 200
    if role != "admin":
        assert page.url == f"{server.url}/attendance"
    tabs = look(server, browsers, role, "/attendance").text.partition('class="sections"')[2].partition("</nav>")[0]
    assert texts_of(tabs, "a") == sections


def test_an_employee_sees_the_own_days_alone(server: RunningServer, browsers: Browsers) -> None:
    page = look(server, browsers, "employee", "/")
    assert (page.status_code, page.url) == (200, f"{server.url}/attendance/people/1001")
    assert texts_of(page.text.partition("<header>")[2], "a")[:2] == ["visavis", "Attendance"]
    foreign = look(server, browsers, "employee", "/attendance/people/1002")
    missing = look(server, browsers, "employee", "/attendance/people/9999")
    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert "Bao Tran" not in foreign.text
    assert foreign.text.replace("1002", "9999") == missing.text
    for path in ("/attendance/people/1002/2024-03-05", "/attendance/requests", "/attendance/payroll"):
        assert look(server, browsers, "employee", path).status_code in {403, 404}, path
    for path in ("/attendance/month?month=2024-03", "/attendance/reports?kind=person&month=2024-03"):
        assert "Bao Tran" not in look(server, browsers, "employee", path).text, path


@pytest.mark.parametrize("role", ["employee", "payroll", "kiosk"])
def test_every_key_may_choose_language_colors_and_the_form_of_dates(
    server: RunningServer, browsers: Browsers, role: str
) -> None:
    page = look(server, browsers, role, "/settings")
    assert (page.status_code, page.url) == (200, f"{server.url}/settings/display")
    assert texts_of(page.text.partition('class="sections"')[2].partition("</nav>")[0], "a") == ["Display"]
    assert "Settings" in texts_of(page.text.partition("<header>")[2].partition("</header>")[0], "a")
    assert 'name="format" value="de-DE"' in page.text
    for path in ("/settings/models", "/settings/thresholds", "/settings/keys", "/settings/log"):
        assert look(server, browsers, role, path).status_code == 403, path


def test_a_manager_sees_the_managed_department_alone(server: RunningServer, browsers: Browsers) -> None:
    office = look(server, browsers, "manager", "/attendance/month?month=2024-03").text
    assert ("Ada Brandt" in office, "Malik Diop" in office) == (True, False)
    empty = look(server, browsers, "manager", "/attendance/month?month=2024-03&department=Production")
    assert (empty.status_code, "Malik Diop" in empty.text) == (200, False)
    assert "No employee of this department can be shown." in empty.text
    for path in ("/attendance/people/1013", "/attendance/people/1013/2024-03-05"):
        assert look(server, browsers, "manager", path).status_code == 404
    assert look(server, browsers, "manager", "/attendance/payroll").status_code == 403


def test_a_kiosk_sees_no_page_of_attendance(server: RunningServer, browsers: Browsers) -> None:
    for path in ("", "/present", "/month", "/reports", "/requests", "/payroll", "/people/1001"):
        page = look(server, browsers, "kiosk", f"/attendance{path}")
        assert (page.status_code, "Ada Brandt" in page.text) == (403, False)


def test_a_look_is_logged_with_the_name_of_the_key(server: RunningServer, browsers: Browsers, site: Site) -> None:
    from visavis.attendance.accesses import read_accesses

    look(server, browsers, "manager", "/attendance/people/1004/2024-02-29")
    with site.database.read() as conn:
        newest = read_accesses(conn, employee="1004", limit=1)[0]
    assert (newest.actor, newest.action, newest.employee) == ("pages manager", "page day 2024-02-29", "1004")


def test_the_month_has_the_codes_and_sums_of_the_report(server: RunningServer, browsers: Browsers) -> None:
    report = server.get("/v1/attendance/reports/month?month=2024-02&department=Security").json()
    page = look(server, browsers, "admin", "/attendance/month?month=2024-02&department=Security").text
    rows = texts_of(page.partition("<tbody>")[2].partition("</tbody>")[0], "tr")
    assert len(rows) == len(report["rows"]) == 6
    for text, record in zip(rows, report["rows"], strict=True):
        name, employee, *cells = text.replace(record["name"], "name").split()
        codes = [value or "·" for key, value in record.items() if key.startswith("2024-")]
        assert (name, employee, cells[:29]) == ("name", record["employee"], codes)
        assert cells[29] == f"{record['present']:g}"


def test_reports_have_the_rows_of_the_rest_api(server: RunningServer, browsers: Browsers) -> None:
    for kind in ("late", "departments"):
        rows = server.get(f"/v1/attendance/reports/{kind}?month=2024-02").json()["rows"]
        page = look(server, browsers, "payroll", f"/attendance/reports?kind={kind}&month=2024-02").text
        assert f"{len(rows)} rows" in page, kind
        href = re.findall(r'href="(/v1/attendance/reports/[^"]*)"', page)
        assert unescape(href[0]) == f"/v1/attendance/reports/{kind}?month=2024-02&format=csv"
        answer = look(server, browsers, "payroll", unescape(href[0]))
        assert len(answer.text.strip().splitlines()) == len(rows) + 1


def test_a_day_of_the_failed_entrance_is_undecided_not_absent(server: RunningServer, browsers: Browsers) -> None:
    page = look(server, browsers, "admin", "/attendance?day=2024-03-13").text
    tiles = texts_of(page.partition('class="tiles')[2].partition("</ul>")[0], "a")
    assert tiles == ["29 all employees", "2 late", "0 not there", "22 punch missing", "23 undecided", "0 unknown faces"]
    late = look(server, browsers, "admin", "/attendance?day=2024-03-13&show=late").text
    rows = texts_of(late.partition("<tbody>")[2].partition("</tbody>")[0], "th")
    assert rows == ["Zeno Ferri 1025", "Aron Beck 1026"]


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/attendance?day=yesterday", "is no day"),
        ("/attendance?day=1999-12-31", "days are of the years"),
        ("/attendance/month?month=2024-13", "is no month"),
        ("/attendance/people/1001?month=2023-12", "no rules apply"),
    ],
)
def test_a_wrong_address_is_a_sentence(server: RunningServer, browsers: Browsers, path: str, sentence: str) -> None:
    page = look(server, browsers, "admin", path)
    assert (page.status_code, sentence in page.text) == (400, True)


def test_names_are_text(open_tab: OpenTab, server: RunningServer, browsers: Browsers) -> None:
    tab = open_as(open_tab, server, browsers, "admin", "/attendance/month?month=2024-05&page=2")
    expect(tab.page.locator("table").first).to_contain_text(HOSTILE.name, use_inner_text=True)
    tab.open(f"/attendance/people/{HOSTILE.number}/2024-05-06")
    expect(tab.page.locator("h1").first).to_contain_text(HOSTILE.name, use_inner_text=True)
    tab.open("/attendance?day=2024-05-06")
    expect(tab.page.locator("table").first).to_contain_text(HOSTILE.department, use_inner_text=True)


def test_an_employee_whose_number_has_a_slash_has_pages(server: RunningServer, browsers: Browsers) -> None:
    month = look(server, browsers, "admin", "/attendance/month?month=2024-05&page=2").text
    person, *days = [unescape(link) for link in re.findall(r'href="([^"]*3003[^"]*)"', month)]
    for address in (person, f"/attendance/{days[5]}"):
        page = look(server, browsers, "admin", address)
        assert (page.status_code, f">{SLASH.name}" in page.text) == (200, True), address


def test_a_missing_punch_is_added_by_mouse(open_tab: OpenTab, server: RunningServer, browsers: Browsers) -> None:
    tab = open_as(open_tab, server, browsers, "admin", "/attendance/people/1009/2024-03-05")
    page = tab.page
    expect(page.locator("#record .card").first).to_contain_text("undecided", use_inner_text=True)
    page.fill("#add-at", "2024-03-05T16:31")
    page.fill("#add-reason", "forgot to punch")
    page.click("#add button")
    page.wait_for_selector("#result [role=status]")
    expect(page.locator("#record .card").first).to_contain_text("present", use_inner_text=True)
    page.click(".figures summary >> text=Worked")
    expect(page.locator(".figures details[open]").first).to_contain_text("12:20 to 16:31: 4:11", use_inner_text=True)
    day = server.get("/v1/attendance/employees/1009/days/2024-03-05").json()
    assert (day["status"], day["worked"]) == ("present", 251 - 10)  # less the rest of the break, from 12:20 to 12:30
    records = server.get("/v1/attendance/employees/1009/history").json()["records"]
    assert (records[-1]["actor"], records[-1]["reason"]) == ("first admin", "forgot to punch")


def test_a_refused_order_is_a_sentence(open_tab: OpenTab, server: RunningServer, browsers: Browsers) -> None:
    """On 2024-04-14 clocks are set from 2:00 to 3:00."""
    tab = open_as(open_tab, server, browsers, "admin", "/attendance/people/1002/2024-04-14")
    tab.page.fill("#add-at", "2024-04-14T02:30")
    tab.page.fill("#add-reason", "night")
    tab.page.click("#add button")
    tab.page.wait_for_selector("#result [role=alert]")
    expect(tab.page.locator("#result")).to_contain_text("clocks are set forward over it", use_inner_text=True)
    expect(tab.page.locator("#add-reason")).to_have_value("night")
    tab.errors.clear()


def test_a_correction_is_asked_for_by_keyboard_and_approved_in_two_clicks(
    open_tab: OpenTab, server: RunningServer, browsers: Browsers
) -> None:
    own = open_as(open_tab, server, browsers, "employee", "/attendance/people/1001/2024-02-12")
    own.tab_to("#correct-at")
    own.page.keyboard.type("02122024")
    own.page.keyboard.press("Tab")
    own.page.keyboard.type("0800AM")
    expect(own.page.locator("#correct-at")).to_have_value("2024-02-12T08:00")
    own.tab_to("#correct-reason")
    own.page.keyboard.type("the door was slow")
    own.page.keyboard.press("Enter")
    own.page.wait_for_selector("#result [role=status]")
    expect(own.page.locator("#result")).to_have_text("Your request waits for a decision.", use_inner_text=True)
    (asked,) = server.get("/v1/attendance/requests?employee=1001").json()["requests"]
    assert (asked["kind"], asked["content"]["at"]) == ("correction", "2024-02-12T07:00:00+00:00")
    tab = open_as(open_tab, server, browsers, "manager", "/attendance")
    tab.page.click(".sections >> text=Requests")
    item = f"[data-item='{asked['id']}']"
    tab.page.press(f"{item} input", "Enter")  # decides nothing: approving cannot be undone
    expect(tab.page.locator(f"{item} button.primary")).to_be_enabled()
    tab.page.click(f"{item} >> text=Approve")
    tab.page.wait_for_selector("#result [role=status]")
    expect(tab.page.locator(item)).to_have_count(0)
    decided = server.get("/v1/attendance/requests?employee=1001&state=all").json()["requests"]
    assert [(each["state"], each["decided_by"]) for each in decided] == [("approved", "pages manager")]
    own.open("/attendance/people/1001")
    expect(own.page.locator("#record")).to_contain_text("approved", use_inner_text=True)


def test_leave_is_asked_for_and_withdrawn(open_tab: OpenTab, server: RunningServer, browsers: Browsers) -> None:
    tab = open_as(open_tab, server, browsers, "manager", f"/attendance/people/{MANAGER.number}?month=2024-05")
    tab.page.select_option("#leave-kind", "vacation")
    tab.page.fill("#leave-first", "2024-05-06")
    tab.page.select_option("#leave-part", "first_half")
    tab.page.fill("#leave-reason", "<b>the dentist</b>")
    tab.page.click("#leave button")
    tab.page.wait_for_selector(".request")
    expect(tab.page.locator(".request").first).to_contain_text("<b>the dentist</b>", use_inner_text=True)
    assert server.get(f"/v1/attendance/requests?employee={MANAGER.number}").json()["requests"][0]["content"] == {
        "kind": "vacation", "first": "2024-05-06", "last": "2024-05-06", "part": "first_half"
    }  # fmt: skip
    requests_of_manager = look(server, browsers, "manager", "/attendance/requests").text
    assert "the dentist" not in requests_of_manager  # it is the manager's own
    tab.page.click(".request button")
    tab.page.wait_for_selector(".request:has-text('withdrawn')")
    assert server.get(f"/v1/attendance/requests?employee={MANAGER.number}").json()["requests"] == []


def test_a_month_is_closed_by_keyboard_and_opened_again_with_a_reason(
    open_tab: OpenTab, server: RunningServer, browsers: Browsers
) -> None:
    tab = open_as(open_tab, server, browsers, "payroll", "/attendance/payroll")
    page = tab.page
    page.fill("#close #month", "2024-04")
    expect(page.locator("#typed:not([inputmode])")).to_be_visible()  # telephones have no hyphen beside digits
    page.focus("#typed")
    page.keyboard.type("2024-03")
    expect(page.locator("#typed")).to_have_value("2024-03")
    expect(page.locator("#close button").first).to_be_disabled()
    page.keyboard.press("Control+a")
    page.keyboard.type("2024-04")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-item='2024-04']")
    months = server.get("/v1/attendance").json()["months"]
    assert [(each["month"], each["state"], each["changed_by"]) for each in months] == [
        ("2024-04", "closed", "pages payroll")
    ]
    assert "This month is closed" in look(server, browsers, "payroll", "/attendance/month?month=2024-04").text
    page.click(".reopen summary")
    page.fill(".reopen input", "two corrections")
    page.click(".reopen button")
    page.wait_for_selector("[data-item='2024-04']:has-text('opened again')")
    (month,) = server.get("/v1/attendance").json()["months"]
    assert (month["state"], month["reason"]) == ("open", "two corrections")


def test_who_is_in_is_a_list_to_print(open_tab: OpenTab, server: RunningServer, browsers: Browsers) -> None:
    answer = server.post("/v1/attendance/punches", json={"employee": "1021", "direction": "in"})
    assert answer.status_code == 201, answer.text
    tab = open_as(open_tab, server, browsers, "admin", "/attendance/present")
    expect(tab.page.locator("main").first).to_contain_text("Uma Rao", use_inner_text=True)
    tab.page.emulate_media(media="print")
    for place in ("header", "#print"):
        expect(tab.page.locator(place)).to_be_hidden()
    expect(tab.page.locator(".roll")).to_be_visible()
    office = look(server, browsers, "manager", "/attendance/present").text
    assert "Uma Rao" not in office
    today = look(server, browsers, "admin", "/attendance?show=in").text
    assert "Uma Rao" in today


@pytest.mark.slow(seconds=30)
@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("day", "/attendance?day=2024-03-13"),
        ("month", "/attendance/month?month=2024-03"),
        ("present", "/attendance/present"),
        ("reports", "/attendance/reports"),
        ("late", "/attendance/reports?kind=late&month=2024-03"),
        ("person", "/attendance/people/1025?month=2024-03"),
        ("person-day", "/attendance/people/1007/2024-02-20"),
        ("requests", "/attendance/requests"),
        ("payroll", "/attendance/payroll"),
    ],
)
def test_the_pages_are_accessible_at_each_width(
    open_tab: OpenTab, server: RunningServer, browsers: Browsers, tmp_path: Path, name: str, path: str
) -> None:
    if name == "requests":
        order = {"kind": "void", "employee": "1003", "reason": "not mine", "punch_id": first_punch(server, "1003")}
        assert server.post("/v1/attendance/requests", json=order).status_code == 201
    tab = open_as(open_tab, server, browsers, "admin", path)
    for details in tab.page.query_selector_all("main details"):
        details.evaluate("each => { each.open = true; }")
    look_at(tab, f"attendance-{name}", tmp_path)


@pytest.mark.slow(seconds=10)
def test_the_own_page_is_accessible_at_each_width(
    open_tab: OpenTab, server: RunningServer, browsers: Browsers, tmp_path: Path
) -> None:
    for name, path in (("own", "?month=2024-02"), ("own-day", "/2024-02-20")):
        tab = open_as(open_tab, server, browsers, "employee", f"/attendance/people/1001{path}")
        look_at(tab, f"attendance-{name}", tmp_path)


def first_punch(server: RunningServer, employee: str) -> str:
    """Return the id of the first punch of an employee."""
    records = server.get(f"/v1/attendance/employees/{employee}/history").json()["records"]
    identity: str = next(record["punch"]["id"] for record in records if record["kind"] == "punch")
    return identity


def test_an_administrator_finds_the_page_in_the_menu(open_tab: OpenTab, server: RunningServer, site: Site) -> None:
    tab = open_as_administrator(open_tab, server, "/compare")
    tab.page.click("header >> text=Attendance")
    tab.page.wait_for_url("**/attendance")
    expect(tab.page.locator("h1")).to_have_text(re.compile("^Today"))
