"""The stand-in for Odoo keeps both documented interfaces and the rules of attendance."""

from __future__ import annotations

import json
import xmlrpc.client
from collections.abc import Iterator
from urllib.error import HTTPError
from urllib.request import Request as ToSend
from urllib.request import urlopen

import pytest

from attendance.peers.odoo import Odoo

HEADERS = {
    "Authorization": "bearer a1b2c3",
    "Content-Type": "application/json; charset=utf-8",
    "X-Odoo-Database": "acme",
}


@pytest.fixture
def odoo() -> Iterator[Odoo]:
    with Odoo() as server:
        yield server


@pytest.fixture
def ann(odoo: Odoo) -> int:
    return odoo.add_employee("Ann", barcode="041", pin="1234", identification_id="A-17")


def post(odoo: Odoo, call: str, content: object, **headers: str) -> tuple[int, object]:
    changed = {name.replace("_", "-"): text for name, text in headers.items()}
    sent = {name: text for name, text in (HEADERS | changed).items() if text}
    try:
        with urlopen(ToSend(f"{odoo.url}/json/2/{call}", json.dumps(content).encode(), sent), timeout=60) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


def create(odoo: Odoo, employee: int, start: str, end: str | None = None, **fields: object) -> tuple[int, object]:
    values = {"employee_id": employee, "check_in": f"2026-03-02 {start}", **fields}
    if end:
        values["check_out"] = f"2026-03-02 {end}"
    return post(odoo, "hr.attendance/create", {"vals_list": [values]})


def test_a_pair_is_created_read_changed_and_deleted(odoo: Odoo, ann: int) -> None:
    status, numbers = create(odoo, ann, "08:00:00", in_mode="technical")
    assert (status, numbers) == (200, [2])
    change = {"ids": numbers, "vals": {"check_out": "2026-03-02 16:30:00"}}
    assert post(odoo, "hr.attendance/write", change) == (200, True)
    sought = {"domain": [["employee_id", "=", ann]], "fields": ["employee_id", "check_out", "worked_hours"]}
    row = {"id": 2, "employee_id": [ann, "Ann"], "check_out": "2026-03-02 16:30:00", "worked_hours": 8.5}
    assert post(odoo, "hr.attendance/search_read", sought) == (200, [row])
    assert post(odoo, "hr.attendance/unlink", {"ids": numbers}) == (200, True)
    assert odoo.attendances == []


@pytest.mark.parametrize("field", ["barcode", "pin", "identification_id"])
def test_an_employee_is_looked_up_by_each_number(odoo: Odoo, ann: int, field: str) -> None:
    odoo.add_employee("Bob", barcode="042", pin="9", identification_id="A-18")
    number = {"barcode": "041", "pin": "1234", "identification_id": "A-17"}[field]
    found = post(odoo, "hr.employee/search_read", {"domain": [[field, "=", number]], "fields": [field]})
    assert found == (200, [{"id": ann, field: number}])


def test_an_archived_employee_is_found_only_when_asked_for(odoo: Odoo) -> None:
    number = odoo.add_employee("Eve", barcode="7", active=False)
    assert post(odoo, "hr.employee/search", {"domain": [["barcode", "=", "7"]]}) == (200, [])
    domain = ["|", ["active", "=", True], ["active", "=", False]]
    assert post(odoo, "hr.employee/search", {"domain": domain}) == (200, [number])


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        ("09:00:00", "10:00:00", "was already checked in on 2026-03-02 09:00:00"),
        ("07:00:00", "09:00:00", "was already checked in on 2026-03-02 08:00:00"),
        ("07:00:00", "13:00:00", "was already checked in on 2026-03-02 08:00:00"),
        ("08:00:00", "12:00:00", "was already checked in on 2026-03-02 08:00:00"),
        ("14:00:00", None, "hasn't checked out since 2026-03-02 13:00:00"),
        ("15:00:00", "14:59:59", '"Check Out" time cannot be earlier than "Check In" time.'),
    ],
)
def test_overlaps_and_a_second_open_record_are_refused(
    odoo: Odoo, ann: int, start: str, end: str | None, words: str
) -> None:
    assert create(odoo, ann, "08:00:00", "12:00:00")[0] == 200
    assert create(odoo, ann, "13:00:00")[0] == 200
    status, error = create(odoo, ann, start, end)
    assert (status, error["name"]) == (422, "odoo.exceptions.ValidationError")
    assert words in error["message"]
    assert error["arguments"] == [error["message"]]
    assert len(odoo.attendances) == 2


def test_pairs_that_touch_and_those_of_others_are_stored(odoo: Odoo, ann: int) -> None:
    bob = odoo.add_employee("Bob")
    assert create(odoo, ann, "08:00:00", "12:00:00")[0] == 200
    assert create(odoo, ann, "12:00:00", "13:00:00")[0] == 200
    assert create(odoo, bob, "09:00:00", "10:00:00")[0] == 200


def test_of_a_refused_list_nothing_is_stored(odoo: Odoo, ann: int) -> None:
    rows = [{"employee_id": ann, "check_in": f"2026-03-02 0{hour}:00:00"} for hour in (8, 9)]
    assert post(odoo, "hr.attendance/create", {"vals_list": rows})[0] == 422
    assert odoo.attendances == []


@pytest.mark.parametrize(
    "start", ["2026-03-02T08:00:00", "2026-03-02 08:00:00+00:00", "2026-03-02 08:00", "2026-03-02 08:00:00.5", 5]
)
def test_only_naive_strings_are_times(odoo: Odoo, ann: int, start: object) -> None:
    status, error = post(odoo, "hr.attendance/create", {"vals_list": [{"employee_id": ann, "check_in": start}]})
    assert (status, error["name"]) == (500, "builtins.ValueError")


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"in_mode": "face"}, 500),
        ({"out_mode": "auto_check_out"}, 200),
        ({"device": 1}, 500),
        ({"employee_id": 9}, 404),
    ],
)
def test_fields_and_their_values_are_checked(odoo: Odoo, ann: int, fields: dict, status: int) -> None:
    assert create(odoo, ann, "08:00:00", **fields)[0] == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": "bearer x"}, 401),
        ({"Authorization": ""}, 401),
        ({"X_Odoo_Database": "other"}, 404),
        ({"X_Odoo_Database": ""}, 404),
        ({"Content_Type": "text/plain"}, 415),
    ],
)
def test_headers_are_checked(odoo: Odoo, headers: dict[str, str], status: int) -> None:
    assert post(odoo, "hr.employee/search", {"domain": []}, **headers)[0] == status


@pytest.mark.parametrize(
    ("call", "content", "status"),
    [
        ("hr.payslip/search", {"domain": []}, 404),
        ("hr.employee/explode", {}, 404),
        ("hr.employee/search", {"filter": []}, 422),
        ("hr.employee/search", [], 400),
        ("hr.employee/search", {"ids": [1], "domain": []}, 422),
        ("hr.attendance/write", {"ids": [99], "vals": {"in_mode": "kiosk"}}, 404),
    ],
)
def test_calls_that_do_not_exist_are_refused(odoo: Odoo, call: str, content: object, status: int) -> None:
    assert post(odoo, call, content)[0] == status


def test_xmlrpc_gives_the_same_records_and_faults(odoo: Odoo, ann: int) -> None:
    with (
        xmlrpc.client.ServerProxy(f"{odoo.url}/xmlrpc/2/common") as common,
        xmlrpc.client.ServerProxy(f"{odoo.url}/xmlrpc/2/object") as models,
    ):
        assert common.authenticate("acme", "bot@example.com", "wrong", {}) is False
        uid = common.authenticate("acme", "bot@example.com", "a1b2c3", {})
        login = ("acme", uid, "a1b2c3", "hr.attendance")
        pair = {"employee_id": ann, "check_in": "2026-03-02 08:00:00", "check_out": "2026-03-02 12:00:00"}
        number = models.execute_kw(*login, "create", [pair])
        assert models.execute_kw(*login, "create", [[pair | {"check_in": "2026-03-02 12:00:00"}]]) == [number + 1]
        rows = models.execute_kw(*login, "search_read", [[["id", "=", number]]], {"fields": ["check_in"], "limit": 1})
        assert rows == [{"id": number, "check_in": "2026-03-02 08:00:00"}]
        with pytest.raises(xmlrpc.client.Fault, match="was already checked in") as refused:
            models.execute_kw(*login, "create", [pair])
        with pytest.raises(xmlrpc.client.Fault, match="Access Denied") as denied:
            models.execute_kw("acme", uid, "wrong", "hr.attendance", "search", [[]])
        assert models.execute_kw(*login, "write", [[number], {"check_out": "2026-03-02 11:00:00"}]) is True
        assert models.execute_kw(*login, "unlink", [[number]]) is True
    assert (refused.value.faultCode, denied.value.faultCode) == (2, 3)
    assert len(odoo.attendances) == 1
