"""Which role may do what with attendance and the kiosk: each page and each request, in one table.

The table is compared with the routes of the server: a new route without a row fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
import requests
from fastapi.routing import APIRoute

from visavis.attendance.site import Site
from visavis.attendance.types import Employee
from visavis.server.resources import routers
from visavis.server.roles import OF_EMPLOYEES

from .running_server import RunningServer

BEGINNINGS = ("/attendance", "/v1/attendance", "/kiosk", "/v1/kiosk")
SEE = "admin payroll manager employee"
"""They see what the operation shows, as far as they may see the employees."""
CORRECT = "admin"
DECIDE = "admin manager"
OWN = "admin manager employee"
WHOLE = "admin payroll"
PUNCH = "admin kiosk"
ALL = "admin payroll manager employee kiosk read enroll"
TABLE: dict[str, str] = {
    # Pages
    "GET /attendance": SEE,
    "GET /attendance/month": SEE,
    "GET /attendance/payroll": WHOLE,
    "GET /attendance/people/{number}": SEE,
    "GET /attendance/people/{number}/{day}": SEE,
    "GET /attendance/present": SEE,
    "GET /attendance/reports": SEE,
    "GET /attendance/requests": DECIDE,
    "GET /kiosk": PUNCH,
    "GET /kiosk/worker.js": ALL,
    # REST
    "GET /v1/attendance": SEE,
    "GET /v1/attendance/employees": SEE,
    "GET /v1/attendance/employees/{number:path}/days": SEE,
    "GET /v1/attendance/employees/{number:path}/days/{day}": SEE,
    "POST /v1/attendance/employees/{number:path}/days/{day}/excuse": DECIDE,
    "GET /v1/attendance/employees/{number:path}/history": SEE,
    "GET /v1/attendance/exports/{kind}": WHOLE,
    "GET /v1/attendance/me": "manager employee",
    "POST /v1/attendance/months/{month}/close": WHOLE,
    "POST /v1/attendance/months/{month}/reopen": WHOLE,
    "POST /v1/attendance/punches": CORRECT,
    "POST /v1/attendance/punches/{punch_id:path}/correct": CORRECT,
    "POST /v1/attendance/punches/{punch_id:path}/restore": CORRECT,
    "POST /v1/attendance/punches/{punch_id:path}/void": CORRECT,
    "GET /v1/attendance/refused": WHOLE,
    "POST /v1/attendance/refused/settle": CORRECT,
    "GET /v1/attendance/reports/{kind}": SEE,
    "GET /v1/attendance/requests": SEE,
    "POST /v1/attendance/requests": OWN,
    "POST /v1/attendance/requests/{request_id}/approve": DECIDE,
    "POST /v1/attendance/requests/{request_id}/decline": DECIDE,
    "POST /v1/attendance/requests/{request_id}/withdraw": OWN,
    "GET /v1/attendance/targets": WHOLE,
    "POST /v1/attendance/targets/{name}/dismiss": WHOLE,
    "POST /v1/attendance/targets/{name}/push": WHOLE,
    "GET /v1/attendance/verify": CORRECT,
    "GET /v1/attendance/who-is-in": SEE,
    "GET /v1/kiosk": PUNCH,
    "POST /v1/kiosk/challenges/{challenge_id}/frames": PUNCH,
    "POST /v1/kiosk/frames": PUNCH,
    "POST /v1/kiosk/frames/waited": PUNCH,
    "POST /v1/kiosk/punches": PUNCH,
    "POST /v1/kiosk/punches/{punch_id}/undo": PUNCH,
    "POST /v1/kiosk/signing-key": PUNCH,
}
"""Who may use an operation, for an employee that they may see; all others are refused."""
ROLES = ("admin", "payroll", "manager", "employee", "kiosk", "read", "enroll")
JOINED = date(2024, 5, 1)
"""After the days of the other employees, whose reports other tests compare."""
BOSS = Employee("5001", "Bo Access", "Access", joined=JOINED, manages=("Access",))
OWN_RECORD = Employee("5002", "Ola Access", "Access", joined=JOINED)
OTHER = Employee("5003", "Xi Elsewhere", "Elsewhere access", joined=JOINED)
QUERIES = {
    "GET /v1/attendance/employees/{number:path}/days": {"month": "2024-05"},
    "GET /v1/attendance/exports/{kind}": {"month": "2024-05"},
    "GET /v1/attendance/reports/{kind}": {"month": "2024-05"},
    "GET /attendance/reports": {"month": "2024-05", "kind": "person"},
    "GET /attendance/month": {"month": "2024-05"},
}
REQUEST_ID = re.compile('"request_id":"[0-9a-f]+"')
HTML = {"accept": "text/html"}


@pytest.fixture(scope="session")
def browsers(site_server: RunningServer) -> Iterator[dict[str, tuple[str, requests.Session]]]:
    """The key of each role and a session that is signed in with it; two of them belong to employees."""
    with Site(site_server.folder / "site") as site:
        site.put_employees([BOSS, OWN_RECORD, OTHER], actor="test")
    keys: dict[str, str] = {"admin": site_server.key or ""}
    for role in ROLES[1:]:
        number = {"manager": BOSS.number, "employee": OWN_RECORD.number}.get(role)
        answer = site_server.post("/v1/keys", json={"name": f"access {role}", "role": role, "employee": number})
        assert answer.status_code == 201, answer.text
        keys[role] = answer.json()["key"]
    signed_in = {}
    for role, key in keys.items():
        session = requests.Session()
        session.trust_env = False
        session.post(f"{site_server.url}/sign-in", data={"key": key}, allow_redirects=False, timeout=60)
        signed_in[role] = (key, session)
    yield signed_in
    for _, session in signed_in.values():
        session.close()


Browsers = dict[str, tuple[str, requests.Session]]


def list_routes() -> set[str]:
    """Return method and path of each route of attendance and of the kiosk."""
    return {
        f"{method} {route.path}"
        for router in routers()
        for route in router.routes
        if isinstance(route, APIRoute) and route.path.startswith(BEGINNINGS)
        for method in route.methods
    }


def ask(server: RunningServer, browsers: Browsers, role: str, operation: str, number: str) -> requests.Response:
    """Do an operation about an employee; what it changes does not exist, or lacks what it needs."""
    method, path = operation.split()
    values = {"number": number, "day": "2024-05-06", "month": "2024-13"}
    values["kind"] = "frappe" if "/exports/" in path else "person"
    path = re.sub(r"\{(\w+)(?::path)?\}", lambda match: values.get(match[1], "0" * 32), path)
    key, session = browsers[role]
    if not path.startswith("/v1"):
        return session.get(server.url + path, params=QUERIES.get(operation), headers=HTML, timeout=60)
    order = {} if path.startswith("/v1/kiosk") else {"reason": "to test"}
    body: dict[str, Any] = {} if method == "GET" else {"json": order}
    return server.request(method, path, key=key, params=QUERIES.get(operation), **body)


def test_the_table_has_each_route_and_no_other() -> None:
    assert {*TABLE} == list_routes()


@pytest.mark.parametrize("role", ROLES)
def test_each_role_does_what_the_table_says_and_nothing_else(
    site_server: RunningServer, browsers: Browsers, role: str
) -> None:
    wrong = []
    for operation, roles in TABLE.items():
        answer = ask(site_server, browsers, role, operation, OWN_RECORD.number)
        refused = answer.status_code == 403 or (operation.endswith("/me") and answer.status_code == 404)
        is_read = operation.startswith("GET") and role in roles.split() and "/kiosk" not in operation
        if refused == (role in roles.split()) or (is_read and answer.status_code != 200):
            wrong.append((operation, answer.status_code))
        if refused:
            assert OWN_RECORD.name not in answer.text, operation
    assert wrong == []


@pytest.mark.parametrize("role", OF_EMPLOYEES)
def test_another_employee_is_as_one_who_does_not_exist(
    site_server: RunningServer, browsers: Browsers, role: str
) -> None:
    """A manager sees the own departments, an employee the own record: in each page and each request."""
    about_one = [operation for operation in TABLE if "{number" in operation and role in TABLE[operation].split()]
    assert len(about_one) >= 5
    foreign = {"employee": (OTHER, BOSS), "manager": (OTHER,)}[role]
    for operation in about_one:
        missing = ask(site_server, browsers, role, operation, "7777")
        for employee in foreign:
            answer = ask(site_server, browsers, role, operation, employee.number)
            assert (answer.status_code, employee.name in answer.text) == (missing.status_code, False), operation
            if operation.startswith("GET"):
                assert answer.status_code == 404, operation
                texts = [REQUEST_ID.sub("", each.text) for each in (answer, missing)]
                assert texts[0].replace(employee.number, "7777") == texts[1], operation


@pytest.mark.parametrize(
    ("role", "shown", "hidden"),
    [
        ("employee", {OWN_RECORD.name}, {BOSS.name, OTHER.name}),
        ("manager", {OWN_RECORD.name, BOSS.name}, {OTHER.name}),
    ],
)
def test_lists_show_the_employees_of_the_role_alone(
    site_server: RunningServer, browsers: Browsers, role: str, shown: set[str], hidden: set[str]
) -> None:
    lists = [
        operation
        for operation in TABLE
        if operation.startswith("GET") and "{number" not in operation and role in TABLE[operation].split()
    ]
    assert len(lists) >= 8
    texts = {operation: ask(site_server, browsers, role, operation, "").text for operation in lists}
    assert {name for text in texts.values() for name in hidden if name in text} == set()
    for operation in ("GET /v1/attendance/employees", "GET /v1/attendance/reports/{kind}", "GET /attendance/month"):
        assert {name for name in shown if name in texts[operation]} == shown, operation


def test_nothing_is_decided_about_oneself(site_server: RunningServer, browsers: Browsers) -> None:
    path = f"/v1/attendance/employees/{BOSS.number}/days/2024-05-06/excuse"
    answer = site_server.post(path, key=browsers["manager"][0], json={"reason": "traffic"})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
