"""Attendance over REST: the same figures as the commands, and nothing that a key may not see."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import count
from threading import Semaphore
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
import requests
from openpyxl import load_workbook
from typer.testing import CliRunner

from visavis.attendance.reports.tables import REPORTS
from visavis.attendance.rights import erase
from visavis.attendance.site import Site
from visavis.attendance.types import Employee
from visavis.cli import command_line
from visavis.errors import BusyError
from visavis.server.resources.site_options import bounded

from .running_server import RunningServer
from .test_site_roles import make_site_key

MONTH = "2024-03"
OFFICE, PRODUCTION, SECURITY = "1003", "1015", "1026"
FEW = [OFFICE, "1007", PRODUCTION, SECURITY]
BASE = "/v1/attendance"
_NUMBERS = count(3001)


@pytest.fixture(scope="module")
def site(site_server: RunningServer) -> Iterator[Site]:
    """The site of the server, opened by another process."""
    with Site(site_server.folder / "site") as opened:
        yield opened


@pytest.fixture
def employee(site: Site) -> Employee:
    """An employee whom no other test uses, in a department that no other test uses."""
    number = str(next(_NUMBERS))
    added = Employee(number, f"Employee {number}", f"Team {number}")
    site.put_employees([added], actor="test")
    return added


@pytest.fixture
def boss(site: Site, employee: Employee) -> Employee:
    """The manager of the employee, of the same department."""
    number = str(next(_NUMBERS))
    added = Employee(number, f"Boss {number}", employee.department, manages=(employee.department,))
    site.put_employees([added], actor="test")
    return added


def run_command(server: RunningServer, *words: str) -> bytes:
    """Return what a command prints about the site of a server."""
    words = ("attendance", *words, "--site", str(server.folder / "site"))
    result = CliRunner().invoke(command_line(words[:2]), words)
    assert result.exit_code == 0, result.output
    return result.stdout_bytes


def ask(server: RunningServer, key: str, path: str, **params: Any) -> Any:
    """Return the JSON of a request that is allowed."""
    answer = server.get(BASE + path, key=key, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def numbers_of(table: dict[str, Any]) -> set[str]:
    return {row["employee"] for row in table["rows"]}


def read_cells(workbook: bytes) -> list[list[Any]]:
    sheet = load_workbook(io.BytesIO(workbook)).worksheets[0]
    return [[(cell.value, cell.number_format) for cell in row] for row in sheet.iter_rows()]


@pytest.mark.parametrize("text", ["10\0", "10\ud800"])
def test_a_text_that_no_database_holds_is_a_fault_of_the_request(site_server: RunningServer, text: str) -> None:
    key = make_site_key(site_server, "admin")
    path = quote(text, errors="surrogatepass")
    answers = [
        site_server.post(f"{BASE}/punches", key=key, json={"employee": text}),
        site_server.post(f"{BASE}/punches", key=key, json={"employee": "1001", "device": text}),
        site_server.post(
            f"{BASE}/requests", key=key, json={"employee": text, "kind": "void", "punch_id": "x", "reason": "r"}
        ),
        site_server.get(f"{BASE}/employees/{path}/history", key=key),
        site_server.get(f"{BASE}/employees/{path}/days/2024-03-12", key=key),
        site_server.get(f"{BASE}/employees/1001/history?punch={path}", key=key),
        site_server.post(f"{BASE}/punches/{path}/void", key=key, json={"reason": "r"}),
        site_server.post(f"{BASE}/requests/{path}/approve", key=key, json={}),
        site_server.get(f"{BASE}/reports/month?month=2024-03&employee={path}", key=key),
    ]
    for answer in answers:
        assert answer.status_code < 500, (answer.url, answer.text)
    assert answers[0].status_code == answers[1].status_code == 422 or "\0" in text
    if "\0" in text:
        codes = [answer.json()["code"] for answer in answers]
        assert (codes.pop(1), codes.pop(), {*codes}) == ("usage", "unknown_name", {"invalid_text"})


# The same figures as the commands


@pytest.mark.parametrize("kind", [*REPORTS, "carried"])
def test_a_report_is_that_of_the_command_in_each_form(site_server: RunningServer, kind: str) -> None:
    key = make_site_key(site_server, "payroll")
    chosen = {"month": MONTH, "employee": FEW}
    command = ("report", "--month", MONTH, "--kind", kind, *(word for number in FEW for word in ("--employee", number)))
    answer = ask(site_server, key, f"/reports/{kind}", **chosen)
    assert answer["rows"] == [json.loads(line) for line in run_command(site_server, *command, "--json").splitlines()]
    assert bool(answer["rows"]) == (kind not in {"changes", "carried"})
    for form in ("csv", "xlsx", "html"):
        served = site_server.get(f"{BASE}/reports/{kind}", key=key, params={**chosen, "format": form})
        printed = run_command(site_server, *command, "--format", form)
        if form == "xlsx":  # the file has the time at which it was made
            assert read_cells(served.content) == read_cells(printed)
        else:
            assert served.content == printed
        assert f'filename="attendance-{kind}-{MONTH}.{form}"' in served.headers["Content-Disposition"]


def test_a_day_is_that_of_the_command(site_server: RunningServer) -> None:
    key = make_site_key(site_server, "payroll")
    printed = [json.loads(line) for line in run_command(site_server, "day", "2024-03-29", "--json").splitlines()]
    served = ask(site_server, key, "/reports/day", day="2024-03-29")["rows"]
    assert [row for row in served if row["employee"] < "3000"] == [row for row in printed if row["employee"] < "3000"]
    (why,) = run_command(site_server, "day", "2024-03-29", "--employee", SECURITY, "--why", "--json").splitlines()
    assert ask(site_server, key, f"/employees/{SECURITY}/days/2024-03-29", why="true") == json.loads(why)
    assert ask(site_server, key, f"/employees/{SECURITY}/days/2024-03-29")["why"] is None
    days = ask(site_server, key, f"/employees/{SECURITY}/days", month=MONTH)["days"]
    assert ([day["day"] for day in days][28], len(days)) == ("2024-03-29", 31)


def test_who_was_in_is_that_of_the_command(site_server: RunningServer) -> None:
    key, at = make_site_key(site_server, "payroll"), "2024-03-12T10:00"
    printed = [json.loads(line) for line in run_command(site_server, "who-is-in", "--at", at, "--json").splitlines()]
    table = ask(site_server, key, "/who-is-in", at=at)
    assert [row["employee"] for row in table["rows"]] == [line["employee"] for line in printed]
    assert [row["since"] for row in table["rows"]] == [line["since"][:16].replace("T", " ") for line in printed]
    assert len(printed) > 10
    page = site_server.get(f"{BASE}/who-is-in", key=key, params={"at": at, "format": "html"})
    assert "Who is in on 2024-03-12 at 10:00" in page.text
    assert "sandbox" in page.headers["Content-Security-Policy"]


def test_who_is_in_is_listed_while_nothing_can_be_written(
    site_server: RunningServer, site: Site, employee: Employee
) -> None:
    from visavis.attendance.accesses import read_accesses

    key = make_site_key(site_server, "employee", employee.number)
    for params in ({}, {"format": "csv"}):
        with site.database.write():  # other writers wait
            assert site_server.get(f"{BASE}/who-is-in", key=key, params=params).status_code == 200
    end, looks = time.monotonic() + 60, 0
    while looks < 2 and time.monotonic() < end:  # they are logged once that can be written
        time.sleep(0.02)
        with site.database.read() as conn:
            entries = read_accesses(conn, employee=employee.number)
        looks = sum((each.actor, each.action) == (f"employee {employee.number}", "who is in") for each in entries)
    assert looks == 2


def test_wrong_rules_are_a_fault_of_the_server_and_hide_their_place(site_server: RunningServer, site: Site) -> None:
    own, payroll = make_site_key(site_server, "employee", OFFICE), make_site_key(site_server, "payroll")
    rules = site.rules_path.read_bytes()
    site.rules_path.write_bytes(b"versions = [")
    try:
        answers = [
            site_server.get(f"{BASE}/reports/month?month={MONTH}", key=own),
            site_server.get(f"{BASE}/employees/{OFFICE}/days/2024-03-12", key=own),
            site_server.post(f"{BASE}/months/2024-01/close", key=payroll),
        ]
    finally:  # the tests after it share the server
        site.rules_path.write_bytes(rules)
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (503, "attendance"), answer.text
        assert site.rules_path.name not in answer.text
    assert site_server.has_printed("the rules of the site cannot be used")


@pytest.mark.parametrize(
    ("path", "params", "status"),
    [
        ("/reports/month", {}, 400),
        ("/reports/month", {"month": "2024-13"}, 400),
        ("/reports/month", {"month": MONTH, "day": "2024-03-01"}, 400),
        ("/reports/month", {"first": "2024-03-01"}, 400),
        ("/reports/person", {"first": "2024-03-01", "last": "2024-04-01"}, 400),
        ("/reports/person", {"first": "2024-03-02", "last": "2024-03-01"}, 400),
        ("/reports/person", {"day": "1066-10-14"}, 400),
        ("/reports/person", {"day": "0001-01-01"}, 400),
        ("/reports/changes", {"day": "2024-03-01"}, 400),
        ("/reports/carried", {"first": "2024-03-01", "last": "2024-03-30"}, 400),
        ("/reports/day", {"month": MONTH}, 400),
        ("/reports/payslip", {"month": MONTH}, 422),
        ("/reports/month", {"month": MONTH, "format": "pdf"}, 422),
        ("/reports/month", {"month": MONTH, "employee": "9999"}, 404),
        ("/employees/1003/days/tomorrow", {}, 400),
        ("/who-is-in", {"at": "noon"}, 400),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(
    site_server: RunningServer, path: str, params: dict[str, str], status: int
) -> None:
    answer = site_server.get(BASE + path, key=make_site_key(site_server, "payroll"), params=params)
    assert answer.status_code == status, answer.text
    assert answer.json()["detail"].endswith(".")


def test_a_report_that_waits_too_long_for_others_is_refused() -> None:
    limits = SimpleNamespace(seconds=0.02)
    services: Any = SimpleNamespace(reports=Semaphore(1), config=SimpleNamespace(limits=limits))
    with bounded(services), pytest.raises(BusyError, match="other reports are being made"), bounded(services):
        pass
    with bounded(services):
        pass


def test_a_server_without_a_site_says_so(server: RunningServer) -> None:
    for path in ("", "/employees", "/reports/month?month=2024-03", "/requests", "/verify"):
        answer = server.get(BASE + path)
        assert (answer.status_code, answer.json()["code"]) == (404, "no_attendance"), path
    assert "write attendance_site in [server]" in answer.json()["detail"]


# What a key may see


def test_an_employee_sees_the_own_record_alone(site_server: RunningServer) -> None:
    key = make_site_key(site_server, "employee", OFFICE)
    assert [each["number"] for each in ask(site_server, key, "/employees")["employees"]] == [OFFICE]
    site = ask(site_server, key, "")
    assert (site["departments"], site["employee"]) == (["Office"], OFFICE)
    for kind in ("month", "person", "late", "overtime", "notices", "changes", "carried"):
        assert numbers_of(ask(site_server, key, f"/reports/{kind}", month=MONTH)) <= {OFFICE}, kind
    assert numbers_of(ask(site_server, key, "/reports/day", day="2024-03-12")) == {OFFICE}
    (row,) = ask(site_server, key, "/reports/departments", month=MONTH)["rows"]
    assert (row["department"], row["employees"]) == ("Office", 1)
    assert numbers_of(ask(site_server, key, "/who-is-in", at="2024-03-12T10:00")) <= {OFFICE}


def test_a_manager_sees_the_own_departments_alone(site_server: RunningServer) -> None:
    key = make_site_key(site_server, "manager", "2002")
    seen = {each["number"] for each in ask(site_server, key, "/employees")["employees"]}
    assert seen == {*(str(number) for number in range(1013, 1031)), "2002"}
    assert ask(site_server, key, "")["departments"] == ["Production", "Security"]
    assert numbers_of(ask(site_server, key, "/reports/month", month=MONTH)) == seen
    rows = ask(site_server, key, "/reports/departments", month=MONTH)["rows"]
    assert [(row["department"], row["employees"]) for row in rows] == [("Production", 13), ("Security", 6)]
    assert len(ask(site_server, key, f"/employees/{SECURITY}/days", month=MONTH)["days"]) == 31


FOREIGN = (
    "/employees/{number}/days/2024-03-12?why=true", f"/employees/{{number}}/days?month={MONTH}",
    "/employees/{number}/history", f"/reports/month?month={MONTH}&employee={{number}}",
    "/reports/day?day=2024-03-12&employee={number}", f"/reports/person?month={MONTH}&employee={{number}}&format=html",
    f"/reports/month?month={MONTH}&employee={{number}}&format=xlsx", "/requests?state=all&employee={number}",
)  # fmt: skip


@pytest.mark.parametrize(("role", "own", "other"), [("employee", OFFICE, "1004"), ("manager", "2002", OFFICE)])
def test_another_employee_is_as_one_who_does_not_exist(
    site_server: RunningServer, role: str, own: str, other: str
) -> None:
    key = make_site_key(site_server, role, own)
    for path in FOREIGN:
        answers = {number: site_server.get(BASE + path.format(number=number), key=key) for number in (other, "7777")}
        assert [answer.status_code for answer in answers.values()] == [404, 404], path
        details = [answer.json()["detail"].replace(number, "N") for number, answer in answers.items()]
        assert details[0] == details[1], path
        assert other not in details[1]
    department = {"month": MONTH, "department": "Office" if role == "manager" else "Production"}
    foreign = site_server.get(f"{BASE}/reports/departments", key=key, params=department)
    nowhere = site_server.get(f"{BASE}/reports/departments", key=key, params={**department, "department": "Nowhere"})
    assert (foreign.status_code, nowhere.status_code) == (404, 404)
    assert foreign.json()["detail"].replace(department["department"], "Nowhere") == nowhere.json()["detail"]


def test_other_methods_show_nothing(site_server: RunningServer) -> None:
    key = make_site_key(site_server, "employee", OFFICE)
    path = f"{BASE}/employees/1004/days/2024-03-12"
    for method in ("HEAD", "OPTIONS", "PUT", "TRACE"):
        for sent in (key, make_site_key(site_server, "payroll")):
            answer = site_server.request(method, path, key=sent)
            assert answer.status_code in {400, 401, 403, 404, 405}, method
            assert "1004" not in answer.text


def test_the_own_record_is_the_export_with_who_looked(
    site_server: RunningServer, site: Site, employee: Employee
) -> None:
    key = make_site_key(site_server, "employee", employee.number)
    site.punch(employee.number, actor="gate", direction="in")
    site_server.get(f"{BASE}/employees/{employee.number}/history", key=make_site_key(site_server, "payroll"))
    own = ask(site_server, key, "/me")
    assert (own["employee"], own["gallery"]) == (employee.to_dict(), None)
    assert [record["kind"] for record in own["records"]] == ["event", "punch"]
    looked = [(entry["actor"], entry["action"]) for entry in own["accesses"] if entry["employee"] == employee.number]
    assert looked == [(f"employee {employee.number}", "export of a person"), ("payroll", "history")]
    missing = site_server.get(f"{BASE}/me", key=make_site_key(site_server, "payroll"))
    assert (missing.status_code, missing.json()["code"]) == (404, "no_employee")


def test_each_look_is_logged_in_the_name_of_the_key(
    site_server: RunningServer, site: Site, employee: Employee, boss: Employee
) -> None:
    from visavis.attendance.accesses import read_accesses

    key = make_site_key(site_server, "manager", boss.number)
    ask(site_server, key, "/reports/month", month=MONTH)
    ask(site_server, key, f"/employees/{employee.number}/days/2024-03-12")
    with site.database.read() as conn:
        entries = [entry for entry in read_accesses(conn) if entry.actor == f"manager {boss.number}"]
    assert [(entry.action, entry.employee) for entry in reversed(entries)][-1] == ("day 2024-03-12", employee.number)
    of_report = {entry.employee for entry in entries if entry.action == f"report month {MONTH}"}
    assert of_report == {employee.number, boss.number}  # not "all"


def test_who_moves_to_another_department_is_not_seen_by_the_former_manager(
    site_server: RunningServer, site: Site, employee: Employee, boss: Employee
) -> None:
    key = make_site_key(site_server, "manager", boss.number)
    own = make_site_key(site_server, "employee", employee.number)
    order = {"kind": "leave", "leave": "vacation", "first": "2030-05-02", "reason": "wedding"}
    asked = site_server.post(f"{BASE}/requests", key=own, json=order).json()["id"]
    assert [each["id"] for each in ask(site_server, key, "/requests")["requests"]] == [asked]
    site.put_employees([replace(employee, department="Elsewhere")], actor="test")
    assert ask(site_server, key, "/requests", state="all")["requests"] == []
    assert numbers_of(ask(site_server, key, "/reports/month", month=MONTH)) == {boss.number}
    assert site_server.get(f"{BASE}/employees/{employee.number}/days/2024-03-12", key=key).status_code == 404
    decided = site_server.post(f"{BASE}/requests/{asked}/approve", key=key, json={})
    unknown = site_server.post(f"{BASE}/requests/999999/approve", key=key, json={})
    assert (decided.status_code, unknown.status_code) == (404, 404)
    assert decided.json()["detail"].replace(asked, "999999") == unknown.json()["detail"]


def test_a_key_shows_nothing_after_the_last_day_nor_after_an_erasure(
    site_server: RunningServer, site: Site, employee: Employee, boss: Employee
) -> None:
    keys = {each: make_site_key(site_server, "manager", each.number) for each in (employee, boss)}
    site.put_employees([replace(employee, left=date(2024, 1, 31))], actor="test")
    erase(site, boss.number, actor="test", reason="asked for it")
    site.put_employees([Employee(boss.number, "Another one", manages=(employee.department,))], actor="test")
    for key in keys.values():
        for path in ("", "/me", "/employees", f"/reports/month?month={MONTH}", "/requests", "/who-is-in"):
            answer = site_server.get(BASE + path, key=key)
            assert (answer.status_code, answer.json()["code"]) == (403, "not_employed"), path
        order = {"kind": "leave", "leave": "sick", "first": "2030-05-02", "reason": "flu"}
        assert site_server.post(f"{BASE}/requests", key=key, json=order).status_code == 403


# Requests


def test_a_request_is_decided_by_the_manager_and_done(
    site_server: RunningServer, site: Site, employee: Employee, boss: Employee
) -> None:
    own, manager = (
        make_site_key(site_server, "employee", employee.number),
        make_site_key(site_server, "manager", boss.number),
    )
    order = {"kind": "punch", "at": "2026-05-04T08:00", "direction": "in", "reason": "forgot"}
    asked = site_server.post(f"{BASE}/requests", key=own, json=order)
    assert asked.status_code == 201, asked.text
    assert (asked.json()["employee"], asked.json()["created_by"]) == (employee.number, f"employee {employee.number}")
    path = f"{BASE}/requests/{asked.json()['id']}"
    assert site_server.post(f"{path}/approve", key=own, json={}).status_code == 403
    decided = site_server.post(f"{path}/approve", key=manager, json={"reason": "was here"})
    assert (decided.json()["state"], decided.json()["decided_by"]) == ("approved", f"manager {boss.number}")
    (punch,) = site.punches(employees=[employee.number])
    assert (punch.at.isoformat(), punch.direction) == ("2026-05-04T08:00:00+01:00", "in")
    again = site_server.post(f"{path}/decline", key=manager, json={})
    assert (again.status_code, "was approved by" in again.json()["detail"]) == (400, True)


def test_employees_decide_nothing_about_themselves(site_server: RunningServer, site: Site, boss: Employee) -> None:
    key = make_site_key(site_server, "manager", boss.number)
    order = {"kind": "leave", "leave": "vacation", "first": "2030-05-02", "reason": "wedding"}
    asked = site_server.post(f"{BASE}/requests", key=key, json=order).json()["id"]
    for action in ("approve", "decline"):
        refused = site_server.post(f"{BASE}/requests/{asked}/{action}", key=key, json={})
        assert refused.status_code == 400
        assert refused.json()["detail"] == "employees do not decide on their own requests."
    withdrawn = site_server.post(f"{BASE}/requests/{asked}/withdraw", key=key)
    assert (withdrawn.status_code, withdrawn.json()["state"]) == (200, "withdrawn")
    assert site.leaves(employees=[boss.number]) == []


def test_only_an_administrator_asks_for_another(site_server: RunningServer, employee: Employee, boss: Employee) -> None:
    order = {"kind": "leave", "leave": "sick", "first": "2030-05-02", "reason": "flu", "employee": employee.number}
    statuses = {
        "manager": make_site_key(site_server, "manager", boss.number),
        "stranger": make_site_key(site_server, "employee", OFFICE),
        "payroll": make_site_key(site_server, "payroll"),
    }
    sent = {name: site_server.post(f"{BASE}/requests", key=key, json=order) for name, key in statuses.items()}
    assert {name: answer.status_code for name, answer in sent.items()} == {
        "manager": 403, "stranger": 404, "payroll": 403
    }  # fmt: skip
    asked = site_server.post(f"{BASE}/requests", json=order)
    assert (asked.status_code, asked.json()["created_by"]) == (201, "first admin")
    path = f"{BASE}/requests/{asked.json()['id']}"
    assert site_server.post(f"{path}/withdraw", key=statuses["manager"]).status_code == 403
    assert site_server.post(f"{path}/withdraw", key=statuses["stranger"]).status_code == 404
    assert site_server.post(f"{path}/approve", json={"reason": "doctor's note"}).json()["state"] == "approved"


def test_a_punch_of_another_is_as_one_that_does_not_exist(
    site_server: RunningServer, site: Site, employee: Employee
) -> None:
    key = make_site_key(site_server, "employee", OFFICE)
    other = site.punch(employee.number, actor="gate", direction="in").id
    site.ledger.void(other, reason="test", actor="test")
    details = set()
    for punch in (other, "no-such-punch"):
        order = {"kind": "void", "punch_id": punch, "reason": "not me"}
        answer = site_server.post(f"{BASE}/requests", key=key, json=order)
        assert answer.status_code == 404
        details.add(answer.json()["detail"].replace(punch, "P"))
    assert details == {"there is no punch 'P' of the employee."}


@pytest.mark.parametrize(
    "order",
    [
        {"kind": "punch"},
        {"kind": "punch", "at": "2026-05-04T08:00", "leave": "sick"},
        {"kind": "correction", "punch_id": "x"},
        {"kind": "void", "punch_id": "x", "at": "2026-05-04T08:00"},
        {"kind": "leave", "leave": "sick"},
        {"kind": "leave", "leave": "sick", "first": "2026-05-04", "punch_id": "x"},
    ],
)
def test_a_request_has_the_fields_of_its_kind(site_server: RunningServer, order: dict[str, str]) -> None:
    key = make_site_key(site_server, "employee", OFFICE)
    answer = site_server.post(f"{BASE}/requests", key=key, json={**order, "reason": "test"})
    assert (answer.status_code, f"a request of the kind {order['kind']} has" in answer.json()["detail"]) == (400, True)


# Punches and months


def test_a_punch_from_its_record_to_its_restoration(site_server: RunningServer, site: Site, employee: Employee) -> None:
    kiosk, admin = make_site_key(site_server, "kiosk"), site_server.key
    order = {"employee": employee.number, "direction": "in", "at": "2026-05-04T08:00", "id": f"k-{employee.number}"}
    assert site_server.post(f"{BASE}/punches", key=kiosk, json={**order, "method": "badge"}).status_code == 403
    for _ in range(2):  # sent again, it is recorded once
        answer = site_server.post(f"{BASE}/punches", key=admin, json={**order, "method": "badge"})
        assert (answer.status_code, answer.json()["method"]) == (201, "badge")
    path = f"{BASE}/punches/{order['id']}"
    for action in ("correct", "void", "restore"):
        for role in ("kiosk", "payroll"):
            body = {"reason": "test", **({"direction": "out"} if action == "correct" else {})}
            assert (
                site_server.post(f"{path}/{action}", key=make_site_key(site_server, role), json=body).status_code == 403
            )
    right = site_server.post(f"{path}/correct", json={"at": "2026-05-04T08:05", "reason": "clock"})
    assert right.json()["at"] == "2026-05-04T08:05:00+01:00"
    assert site_server.post(f"{path}/void", json={"reason": "not me"}).status_code == 200
    assert site.punches(employees=[employee.number]) == []
    assert site_server.post(f"{path}/restore", json={"reason": "was me"}).status_code == 200
    records = ask(site_server, site_server.key or "", f"/employees/{employee.number}/history", punch=order["id"])[
        "records"
    ]
    assert [(record["kind"], record["actor"]) for record in records] == [
        ("punch", "first admin"), ("correction", "first admin"), ("void", "first admin"), ("restore", "first admin")
    ]  # fmt: skip
    assert ask(site_server, site_server.key or "", "/verify")["whole"] is True


def test_a_punch_of_the_client_is_recorded_once_where_it_is_sent_again(
    site_server: RunningServer, site: Site, employee: Employee, monkeypatch: pytest.MonkeyPatch
) -> None:
    from visavis.client import Client
    from visavis.client._connection import Connection

    def send_twice(connection: Connection, *order: Any) -> Any:
        """Send a request; answer as a server that is too slow with the first answer."""
        answer = send(connection, *order)
        if order[1] == "/attendance/punches" and not answers:
            answers.append(answer.json())
            return SimpleNamespace(status_code=503, headers={"Retry-After": "0"})
        return answer

    answers: list[dict[str, Any]] = []
    send = Connection._try
    monkeypatch.setattr(Connection, "_try", send_twice)
    with Client(site_server.url, site_server.key) as client:
        punch = client.punch(employee.number, "in", reason="test")
        assert answers == [punch.to_dict()]
        assert site.punches(employees=[employee.number]) == [punch]
        assert client.punch(employee.number, "out", reason="test").id != punch.id
    order = {"employee": employee.number, "direction": "out", "id": punch.id}
    other = site_server.post(f"{BASE}/punches", json=order)
    assert (other.status_code, "there is another punch with the id" in other.json()["detail"]) == (400, True)


def test_a_month_is_closed_by_payroll_and_opened_again_with_a_reason(site_server: RunningServer, site: Site) -> None:
    key, month = make_site_key(site_server, "payroll"), "2024-02"
    refused = site_server.post(f"{BASE}/months/{month}/close", key=make_site_key(site_server, "manager", "2001"))
    assert refused.status_code == 403
    closed = site_server.post(f"{BASE}/months/{month}/close", key=key)
    assert (closed.status_code, closed.json()["changed_by"], closed.json()["state"]) == (200, "payroll", "closed")
    assert (closed.json()["employees"] >= 31, closed.json()["undecided"] > 0) == (True, True)
    assert (month, "closed") in [(each["month"], each["state"]) for each in ask(site_server, key, "")["months"]]
    again = site_server.post(f"{BASE}/months/{month}/close", key=key)
    assert (again.status_code, "was closed by payroll already" in again.json()["detail"]) == (400, True)
    assert site_server.post(f"{BASE}/months/{month}/reopen", key=key, json={"reason": " "}).status_code == 400
    opened = site_server.post(f"{BASE}/months/{month}/reopen", key=key, json={"reason": "late punches"})
    assert (opened.json()["state"], opened.json()["reason"]) == ("open", "late punches")
    own = make_site_key(site_server, "employee", OFFICE)
    seen = [{each["month"]: each["reason"] for each in ask(site_server, sent, "")["months"]} for sent in (key, own)]
    assert [reasons[month] for reasons in seen] == ["late punches", ""]  # why may be about another employee


def test_the_client_gives_what_the_library_has(site_server: RunningServer, site: Site, employee: Employee) -> None:
    from visavis.attendance.reports.source import compute_site_days
    from visavis.attendance.rights import EmployeeExport
    from visavis.attendance.rules.read import read_rules
    from visavis.attendance.rules.schedule import Planner
    from visavis.client import Client

    planner = Planner(read_rules(site.rules_path, zone=site.zone))
    days = compute_site_days(site, planner, date(2024, 3, 1), date(2024, 3, 31), departments=["Security"])
    with Client(site_server.url, make_site_key(site_server, "payroll")) as client:
        assert client.attendance_report("person", MONTH, departments=["Security"]) == REPORTS["person"](
            days, planner.rules, {}
        )
        assert client.attendance_days(SECURITY, MONTH) == list(days[1].days)
        assert client.attendance_day(SECURITY, date(2024, 3, 12)) == days[1].days[11]
        assert client.download_report("late", date(2024, 3, 12), "csv").startswith(b"day,employee,name,department")
        assert employee in client.employees()
    with Client(site_server.url, site_server.key) as client:
        punch = client.punch(employee.number, "in", reason="test")
        assert site.ledger.punch(punch.id) == punch
        asked = client.request_void(punch.id, reason="test", employee=employee.number)
        assert client.staff_requests(employee=employee.number) == [asked]
        assert client.decide_request(asked.id, approve=False, reason="no").state == "declined"
        assert client.attendance_history(employee.number) == site.ledger.history(employee=employee.number)
        assert client.verify_attendance() == []
    with Client(site_server.url, make_site_key(site_server, "employee", employee.number)) as client:
        own = client.own_attendance()
        assert isinstance(own, EmployeeExport)
        assert (own.employee, own.requests[0].state) == (employee, "declined")
        assert client.attendance_site().employee == employee.number


def test_without_a_key_nothing_is_shown(site_server: RunningServer) -> None:
    with requests.Session() as session:
        session.trust_env = False
        for path in ("", "/employees", f"/reports/month?month={MONTH}", "/me", "/who-is-in"):
            assert session.get(site_server.url + BASE + path, timeout=60).status_code == 401
