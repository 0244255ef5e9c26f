"""Keys of the roles of attendance: what they may ask, and whose they are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import requests
from fastapi.routing import APIRoute

from visavis.server.resources import routers
from visavis.server.roles import OF_EMPLOYEES, ROLES, uses_galleries

from .running_server import RunningServer

SITE_ROLES = [role for role in ROLES if not uses_galleries(role)]
EMPLOYEE = "1003"
OPEN = {("POST", "/v1/setup"), ("GET", "/livez"), ("GET", "/readyz"), ("GET", "/metrics")}
"""Operations that need no key."""
SITE = "/v1/attendance"
READING = {
    ("GET", f"{SITE}{path}")
    for path in (
        "", "/employees", "/who-is-in", "/me", "/employees/{number}/history", "/reports/{kind}",
        "/employees/{number}/days", "/employees/{number}/days/{day}", "/requests",
    )
}  # fmt: skip
PAYROLL = {
    *(("GET", f"{SITE}/{path}") for path in ("refused", "targets", "exports/{kind}")),
    *(("POST", f"{SITE}/targets/{{name}}/{action}") for action in ("push", "dismiss")),
}
ASKING = {("POST", f"{SITE}/requests"), ("POST", f"{SITE}/requests/{{request_id}}/withdraw")}
DECIDING = {
    *(("POST", f"{SITE}/requests/{{request_id}}/{action}") for action in ("approve", "decline")),
    ("POST", f"{SITE}/employees/{{number}}/days/{{day}}/excuse"),
}
CLOSING = {("POST", f"{SITE}/months/{{month}}/{action}") for action in ("close", "reopen")}
AT_KIOSKS = {
    ("GET", "/v1/kiosk"),
    *(
        ("POST", f"/v1/kiosk/{path}")
        for path in (
            "frames",
            "frames/waited",
            "challenges/{challenge_id}/frames",
            "punches",
            "punches/{punch_id}/undo",
            "signing-key",
        )
    ),
}
ALLOWED: dict[str, set[tuple[str, str]]] = {
    "employee": READING | ASKING,
    "manager": READING | ASKING | DECIDING,
    "payroll": READING | CLOSING | PAYROLL,
    "kiosk": AT_KIOSKS,
}
"""Operations that a role may use: those of attendance."""
OTHER_PAGES = ("/attendance", "/kiosk", "/static")
"""Beginnings of the pages for roles of attendance, which have tests of their own, and of files."""


def make_site_key(server: RunningServer, role: str, employee: str | None = None, *, name: str = "") -> str:
    """Return the key of a role, and of an employee, which tests share."""
    chosen = name or f"{role} {employee or ''}".strip()
    keys: dict[str, str] = server.__dict__.setdefault("site_keys", {})
    if chosen not in keys:
        answer = server.post("/v1/keys", json={"name": chosen, "role": role, "employee": employee})
        assert answer.status_code == 201, answer.text
        keys[chosen] = answer.json()["key"]
    return keys[chosen]


def list_operations(server: RunningServer) -> list[tuple[str, str]]:
    """Return method and path of each operation of the server's description."""
    paths: dict[str, dict[str, Any]] = server.get("/openapi.json").json()["paths"]
    return [(method.upper(), path) for path, item in paths.items() for method in item]


def list_pages() -> list[str]:
    """Return the addresses of the pages about photos, people and the server."""
    paths = [
        route.path
        for router in routers()
        for route in router.routes
        if isinstance(route, APIRoute) and "pages" in route.tags and "GET" in route.methods
    ]
    assert len(paths) > 20
    return [re.sub(r"\{\w+\}", "1", path) for path in paths if not path.startswith(OTHER_PAGES)]


@pytest.mark.parametrize("role", SITE_ROLES)
def test_a_role_of_attendance_may_use_its_operations_and_no_others(site_server: RunningServer, role: str) -> None:
    key = make_site_key(site_server, role, EMPLOYEE if role in OF_EMPLOYEES else None)
    operations = {*list_operations(site_server)} - OPEN
    assert len(operations) > 90
    assert ALLOWED[role] <= operations
    for method, path in sorted(operations - ALLOWED[role]):
        answer = site_server.request(method, re.sub(r"\{\w+\}", "1", path), key=key, json={})
        assert answer.status_code in {403, 404}, (method, path, answer.text)


@pytest.mark.parametrize("role", SITE_ROLES)
def test_no_page_about_people_or_the_server_shows_to_a_role_of_attendance(
    site_server: RunningServer, role: str
) -> None:
    key = make_site_key(site_server, role, EMPLOYEE if role in OF_EMPLOYEES else None)
    with requests.Session() as browser:
        browser.trust_env = False
        signed_in = browser.post(f"{site_server.url}/sign-in", data={"key": key}, allow_redirects=False, timeout=60)
        assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/")
        for path in list_pages():
            page = browser.get(site_server.url + path, headers={"accept": "text/html"}, timeout=60)
            leads_to_attendance = page.url.startswith(f"{site_server.url}/attendance")
            leads_to_kiosk = role == "kiosk" and page.url == f"{site_server.url}/kiosk"
            is_display = page.url == f"{site_server.url}/settings/display"  # colors and language of this browser
            assert page.status_code == 403 or leads_to_attendance or leads_to_kiosk or is_display, path
            assert 'href="/people"' not in page.text, path


def test_a_key_of_some_galleries_has_no_right_over_the_site() -> None:
    from visavis.server.auth import _make_principal
    from visavis.server.types import ApiKey

    key = ApiKey("1", "of one", "admin", ("default",), "now", "me")
    assert _make_principal(key).rights == {"read", "enroll", "manage"}


@pytest.mark.parametrize(
    ("order", "status", "sentence"),
    [
        ({"role": "employee"}, 400, "a key of the role employee belongs to an employee: give the employee number."),
        ({"role": "manager"}, 400, "a key of the role manager belongs to an employee: give the employee number."),
        ({"role": "payroll", "employee": "1001"}, 400, "a key of the role payroll belongs to no employee"),
        ({"role": "read", "employee": "1001"}, 400, "a key of the role read belongs to no employee"),
        ({"role": "employee", "employee": "9999"}, 404, "there is no employee '9999'"),
        ({"role": "kiosk", "galleries": ["default"]}, 400, "a key of the role kiosk reaches no gallery: name none."),
        ({"role": "employee", "employee": ""}, 422, "employee:"),
    ],
)
def test_a_key_that_makes_no_sense_is_not_made(
    site_server: RunningServer, order: dict[str, Any], status: int, sentence: str
) -> None:
    answer = site_server.post("/v1/keys", json={"name": "senseless", **order})
    assert answer.status_code == status, answer.text
    assert sentence in answer.json()["detail"]
    assert "senseless" not in [key["name"] for key in site_server.get("/v1/keys").json()["keys"]]


def test_a_key_of_an_employee_is_listed_with_the_number(site_server: RunningServer) -> None:
    make_site_key(site_server, "employee", EMPLOYEE)
    listed = {key["name"]: key for key in site_server.get("/v1/keys").json()["keys"]}
    assert (listed[f"employee {EMPLOYEE}"]["employee"], listed["first admin"]["employee"]) == (EMPLOYEE, None)


def test_a_server_without_a_site_makes_no_key_of_an_employee(server: RunningServer) -> None:
    order = {"name": "of no site", "role": "employee", "employee": "1"}
    answer = server.post("/v1/keys", json=order)
    assert (answer.status_code, answer.json()["code"]) == (400, "usage")
    assert "write attendance_site in [server] of the server's configuration" in answer.json()["detail"]


def test_a_database_of_before_gets_the_table_of_owners(tmp_path: Path) -> None:
    from sqlalchemy import text

    from visavis.server.state.database import StateDatabase
    from visavis.server.state.keys import Keys
    from visavis.server.types import KeyOwner

    url = f"sqlite:///{tmp_path / 'state.db'}"
    with StateDatabase(url) as database:
        key = Keys(database).create("old", "read", actor="test").key
        with database.write() as conn:
            conn.execute(text("DROP TABLE server_key_employees"))
    with StateDatabase(url) as database:
        keys = Keys(database)
        keys.create("of an employee", "employee", owner=KeyOwner("17", 3), actor="test")
        assert keys.find(key) == keys.list()[1]
        assert [(each.name, each.employee) for each in keys.list()] == [("of an employee", "17"), ("old", None)]
        assert (keys.find_owner("of an employee"), keys.find_owner("old")) == (KeyOwner("17", 3), None)
