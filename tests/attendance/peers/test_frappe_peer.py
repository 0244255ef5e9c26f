"""The stand-in for Frappe HR keeps the documented interface; days of attendance are worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from urllib.error import HTTPError
from urllib.request import Request as ToSend
from urllib.request import urlopen

import pytest

from attendance.peers.frappe import ADD_LOG, Frappe
from attendance.peers.frappe_shift import Attendance, Employee, ShiftType

ANN = Employee("HR-EMP-00001", "17", "Day", date_of_joining=date(2026, 3, 2))
BOB = Employee("HR-EMP-00002", "18", "Night", date_of_joining=date(2026, 3, 2))
GONE = Employee("HR-EMP-00003", "19", active=False)
TOKEN = {"Authorization": "token key:secret", "Content-Type": "application/json"}


@pytest.fixture
def frappe() -> Iterator[Frappe]:
    with Frappe(ANN, BOB, GONE) as site:
        after = date(2026, 3, 1)
        site.shift_types["Day"] = ShiftType(time(9), time(17), after, late_entry_grace=timedelta(minutes=10))
        site.shift_types["Night"] = ShiftType(time(22), time(6), after, absent_below=2.0, half_day_below=4.0)
        yield site


def send(site: Frappe, path: str, content: object, method: str = "POST", **headers: str) -> tuple[int, dict]:
    request = ToSend(site.url + path, json.dumps(content).encode(), {**TOKEN, **headers}, method=method)
    try:
        with urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


def log(site: Frappe, timestamp: str, number: str = "17", **fields: object) -> tuple[int, dict]:
    return send(site, ADD_LOG, {"employee_field_value": number, "timestamp": timestamp, **fields})


def sync(site: Frappe, last: str, shift: str = "Day") -> None:
    status, _ = send(site, f"/api/resource/Shift%20Type/{shift}", {"last_sync_of_checkin": last}, "PUT")
    assert status == 200


def message(answer: dict) -> str:
    """Return what a person would read."""
    return json.loads(json.loads(answer["_server_messages"])[0])["message"]


def test_a_log_is_stored_with_all_its_fields(frappe: Frappe) -> None:
    status, answer = log(frappe, "2026-03-02 08:59:08.000000", log_type="IN", device_id="gate", skip_auto_attendance=1)
    assert status == 200
    assert answer["message"]["employee"] == "HR-EMP-00001"
    assert (answer["message"]["log_type"], answer["message"]["device_id"]) == ("IN", "gate")
    assert answer["message"]["time"] == "2026-03-02 08:59:08"
    assert answer["message"]["skip_auto_attendance"] == 1


@pytest.mark.parametrize(
    ("fields", "status", "kind", "words"),
    [
        ({"number": "99"}, 417, "ValidationError", "No Employee found for the given employee field value."),
        ({"number": "19"}, 417, "InactiveEmployeeStatusError", "Inactive Employee HR-EMP-00003"),
        ({"log_type": "BREAK"}, 417, "ValidationError", 'Log Type cannot be "BREAK"'),
        ({"timestamp": "2026-03-02T08:59:08"}, 417, "ValidationError", "not a valid datetime"),
        ({"timestamp": "2026-03-02 08:59:08+01:00"}, 417, "ValidationError", "not a valid datetime"),
        ({"timestamp": "2026-03-02 08:59:08.000"}, 417, "ValidationError", "not a valid datetime"),
        ({"timestamp": ""}, 417, "ValidationError", "are required"),
        ({"employee_fieldname": "fax"}, 500, "OperationalError", "Unknown column"),
        ({"direction": "IN"}, 500, "TypeError", "'direction'"),
    ],
)
def test_refusals_have_frappes_status_type_and_message(
    frappe: Frappe, fields: dict[str, str], status: int, kind: str, words: str
) -> None:
    answered, answer = log(frappe, **{"timestamp": "2026-03-02 08:59:08.000000", **fields})
    assert (answered, answer["exc_type"]) == (status, kind)
    assert words in message(answer)
    assert frappe.checkins == []


def test_a_second_log_of_the_same_time_is_refused_whatever_its_type(frappe: Frappe) -> None:
    assert log(frappe, "2026-03-02 08:59:08.000000", log_type="IN")[0] == 200
    status, answer = log(frappe, "2026-03-02 08:59:08", log_type="OUT")
    assert (status, answer["exc_type"]) == (417, "ValidationError")
    assert message(answer).startswith("This employee already has a log with the same timestamp")
    assert log(frappe, "2026-03-02 08:59:08.000000", "18")[0] == 200
    assert len(frappe.checkins) == 2


def test_a_wrong_token_is_refused(frappe: Frappe) -> None:
    content = {"employee_field_value": "17", "timestamp": "2026-03-02 08:59:08.000000"}
    status, answer = send(frappe, ADD_LOG, content, Authorization="token key:wrong")
    assert (status, answer["exc_type"]) == (401, "AuthenticationError")
    assert send(frappe, "/api/resource/Employee", {}, "GET", Authorization="Bearer key:secret")[0] == 401


def test_an_unknown_shift_type_is_not_found(frappe: Frappe) -> None:
    fields = {"last_sync_of_checkin": "2026-03-02 20:00:00"}
    assert send(frappe, "/api/resource/Shift%20Type/Late", fields, "PUT")[0] == 404


def test_nothing_becomes_attendance_before_the_last_sync(frappe: Frappe) -> None:
    log(frappe, "2026-03-02 09:11:00.000000", log_type="IN")
    log(frappe, "2026-03-02 16:41:00.000000", log_type="OUT")
    assert frappe.process_auto_attendance() == []
    sync(frappe, "2026-03-02 18:00:00")  # exactly when checkins of the shift end: not yet after it
    assert frappe.process_auto_attendance() == []
    sync(frappe, "2026-03-02 18:00:01")
    arrived, left = datetime(2026, 3, 2, 9, 11), datetime(2026, 3, 2, 16, 41)
    present = Attendance("HR-EMP-00001", date(2026, 3, 2), "Present", 7.5, arrived, left, late_entry=True)
    assert frappe.process_auto_attendance() == [present]


def test_a_sync_too_late_makes_an_absence_which_later_checkins_do_not_mend(frappe: Frappe) -> None:
    sync(frappe, "2026-03-03 08:00:00")  # but no checkin of March 2 has arrived
    absent = Attendance("HR-EMP-00001", date(2026, 3, 2), "Absent")
    assert frappe.process_auto_attendance() == [absent]
    log(frappe, "2026-03-02 09:00:00.000000")
    log(frappe, "2026-03-02 17:00:00.000000")
    assert frappe.process_auto_attendance() == [absent]


def test_an_absence_is_marked_a_day_later(frappe: Frappe) -> None:
    sync(frappe, "2026-03-03 07:59:59")
    assert frappe.process_auto_attendance() == []


def test_a_night_belongs_to_the_day_it_started(frappe: Frappe) -> None:
    log(frappe, "2026-03-02 21:30:00.000000", "18", log_type="IN")
    log(frappe, "2026-03-03 00:30:00.000000", "18", log_type="OUT")
    sync(frappe, "2026-03-03 12:00:00", "Night")
    (night,) = frappe.process_auto_attendance()
    assert (night.day, night.status, night.working_hours) == (date(2026, 3, 2), "Half Day", 3.0)


def test_absent_is_tested_before_half_day(frappe: Frappe) -> None:
    log(frappe, "2026-03-02 22:00:00.000000", "18")
    log(frappe, "2026-03-02 23:00:00.000000", "18")
    sync(frappe, "2026-03-03 12:00:00", "Night")
    assert [made.status for made in frappe.process_auto_attendance()] == ["Absent"]


@pytest.mark.parametrize(("pairs", "hours"), [(False, 8.0), (True, 7.0)])
def test_hours_are_those_of_pairs_or_of_the_whole_day(frappe: Frappe, pairs: bool, hours: float) -> None:
    frappe.shift_types["Day"].every_valid_pair = pairs
    for clock, kind in (("09:00", "IN"), ("12:00", "OUT"), ("13:00", "IN"), ("17:00", "OUT")):
        log(frappe, f"2026-03-02 {clock}:00.000000", log_type=kind)
    sync(frappe, "2026-03-02 19:00:00")
    assert [made.working_hours for made in frappe.process_auto_attendance()] == [hours]


def test_what_is_stored_can_be_read_with_filters(frappe: Frappe) -> None:
    log(frappe, "2026-03-02 09:00:00.000000")
    log(frappe, "2026-03-02 10:00:00.000000")
    names = [checkin.name for checkin in frappe.checkins]
    query = "filters=%5B%5B%22time%22%2C%22%3D%22%2C%222026-03-02+10%3A00%3A00%22%5D%5D"
    path = "/api/resource/Employee%20Checkin"
    assert send(frappe, path, {}, "GET") == (200, {"data": [{"name": name} for name in names]})
    assert send(frappe, f"{path}?{query}", {}, "GET") == (200, {"data": [{"name": names[1]}]})
    time = "fields=%5B%22time%22%5D&limit_page_length=1"
    assert send(frappe, f"{path}?{time}", {}, "GET") == (200, {"data": [{"time": "2026-03-02 09:00:00"}]})


def test_a_checkin_changes_until_attendance_is_made_of_it(frappe: Frappe) -> None:
    log(frappe, "2026-03-02 09:00:00.000000")
    log(frappe, "2026-03-02 10:00:00.000000")
    first, second = (f"/api/resource/Employee%20Checkin/{checkin.name}" for checkin in frappe.checkins)
    assert send(frappe, first, {"time": "2026-03-02 10:00:00"}, "PUT")[0] == 417  # that of the second
    assert send(frappe, first, {"time": "2026-03-02 09:05:00", "log_type": "IN"}, "PUT")[0] == 200
    assert send(frappe, second, {}, "DELETE")[0] == 202
    assert send(frappe, second, {}, "DELETE")[0] == 404
    sync(frappe, "2026-03-02 20:00:00")
    frappe.process_auto_attendance()
    assert send(frappe, first, {"log_type": "OUT"}, "PUT")[0] == 417
    status, answer = send(frappe, first, {}, "DELETE")
    assert (status, answer["exc_type"]) == (417, "LinkExistsError")
    assert [str(checkin.time) for checkin in frappe.checkins] == ["2026-03-02 09:05:00"]
