"""A stand-in for Frappe HR: employee check-ins over REST, and attendance made of them.

From the facts about ``hrms/hr/doctype/employee_checkin``: a log of the same employee and time is refused, so are an
unknown or inactive employee and a wrong token; a check-in of which Attendance was made cannot be changed any more;
without ``last_sync_of_checkin`` nothing becomes Attendance, and a check-in that comes after its day was made is lost.
"""

from __future__ import annotations

import json
import re
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from .stand_in import Answer, Request, Store, json_answer, serve_process

TOKEN = "token key-1:secret-1"
ADD_LOG = "/api/method/hrms.hr.doctype.employee_checkin.employee_checkin.add_log_based_on_employee_field"
CHECKINS, EMPLOYEES, SHIFTS = (f"/api/resource/{name}" for name in ("Employee Checkin", "Employee", "Shift Type"))
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}")
PARAMETERS = {
    "employee_field_value", "timestamp", "device_id", "log_type", "skip_auto_attendance", "employee_fieldname",
    "latitude", "longitude",
}  # fmt: skip
EMPLOYEE_FIELDS = ("name", "attendance_device_id", "employee_number")
SHIFT_END = time(18)
"""When the check-ins of a day are complete: the end of the shift, and the time after it."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS employees (
    name TEXT PRIMARY KEY, attendance_device_id TEXT UNIQUE, employee_number TEXT, status TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS checkins (
    number INTEGER PRIMARY KEY AUTOINCREMENT, employee TEXT NOT NULL, time TEXT NOT NULL, log_type TEXT NOT NULL,
    device_id TEXT, skip_auto_attendance INTEGER NOT NULL, attendance TEXT, UNIQUE (employee, time)
);
CREATE TABLE IF NOT EXISTS shifts (name TEXT PRIMARY KEY, last_sync_of_checkin TEXT, process_attendance_after TEXT);
CREATE TABLE IF NOT EXISTS attendance (employee TEXT, day TEXT, status TEXT, UNIQUE (employee, day));
"""


class FrappeError(Exception):
    """What Frappe answers with, as ``exc_type``."""

    def __init__(self, kind: str, message: str, status: int = 417) -> None:
        super().__init__(message)
        self.kind, self.status = kind, status


class Frappe:
    """The system; its tables are in a file.

    ``may_read`` is whether the key may list documents; ``duplicate`` is the message about a log of the same time, in
    the language of the site.
    """

    def __init__(self, path: Path) -> None:
        self.store = Store(path, SCHEMA)
        self.may_read = True
        self.duplicate = "This employee already has a log with the same timestamp."

    def employ(self, name: str, device_id: str | None, *, status: str = "Active", number: str = "") -> None:
        self.store.run("INSERT INTO employees VALUES (?, ?, ?, ?)", name, device_id, number, status)

    def add_shift(self, name: str, first_day: date) -> None:
        self.store.run("INSERT INTO shifts VALUES (?, NULL, ?)", name, first_day.isoformat())

    def checkins(self) -> list[tuple[str, str, str]]:
        """Employee, time and kind of all check-ins, by employee and time."""
        rows = self.store.run("SELECT * FROM checkins ORDER BY employee, time")
        return [(row["employee"], row["time"], row["log_type"]) for row in rows]

    def last_sync(self, shift: str) -> str | None:
        (row,) = self.store.run("SELECT * FROM shifts WHERE name = ?", shift)
        value: str | None = row["last_sync_of_checkin"]
        return value

    def process_attendance(self, shift: str) -> list[tuple[str, str, str]]:
        """Make Attendance of the complete days, as the hourly job does; return all of it."""
        (row,) = self.store.run("SELECT * FROM shifts WHERE name = ?", shift)
        if row["last_sync_of_checkin"] is not None:
            synced = datetime.fromisoformat(row["last_sync_of_checkin"])
            day = date.fromisoformat(row["process_attendance_after"])
            while datetime.combine(day, SHIFT_END) < synced:
                self._process_day(day)
                day += timedelta(days=1)
        made = self.store.run("SELECT * FROM attendance ORDER BY employee, day")
        return [(item["employee"], item["day"], item["status"]) for item in made]

    def _process_day(self, day: date) -> None:
        for employee in self.store.run("SELECT name FROM employees WHERE status = 'Active'"):
            name, text = employee["name"], day.isoformat()
            if self.store.run("SELECT 1 FROM attendance WHERE employee = ? AND day = ?", name, text):
                continue
            where = "employee = ? AND substr(time, 1, 10) = ? AND skip_auto_attendance = 0"
            came = self.store.run(f"SELECT number FROM checkins WHERE {where}", name, text)
            status = "Present" if came else "Absent"
            self.store.run("INSERT INTO attendance VALUES (?, ?, ?)", name, text, status)
            self.store.run(f"UPDATE checkins SET attendance = ? WHERE {where}", f"HR-ATT-{name}-{text}", name, text)

    def handle(self, request: Request) -> Answer:
        """Answer a request."""
        try:
            if request.headers.get("Authorization") != TOKEN:
                raise FrappeError("AuthenticationError", "Authentication required", 401)
            return self.store.transaction(lambda: self._route(request))
        except FrappeError as error:
            return _refuse(error)

    def _route(self, request: Request) -> Answer:
        values = _read_values(request)
        if request.path == ADD_LOG and request.method == "POST":
            return json_answer({"message": self._add_log(values)})
        if request.path in {CHECKINS, EMPLOYEES} and request.method == "GET":
            return json_answer({"data": self._list(request.path, request.query)})
        doctype, _, name = request.path.rpartition("/")
        if doctype == SHIFTS and request.method == "PUT":
            return json_answer({"data": self._update_shift(name, values)})
        if doctype == CHECKINS and request.method in {"GET", "PUT", "DELETE"}:
            return self._change(request.method, name, values)
        raise FrappeError("DoesNotExistError", f"{request.path} not found", 404)

    def _add_log(self, values: dict[str, Any]) -> dict[str, Any]:
        if not values.get("employee_field_value") or not values.get("timestamp"):
            raise FrappeError("ValidationError", "'employee_field_value' and 'timestamp' are required.")
        if unknown := set(values) - PARAMETERS:
            raise FrappeError("TypeError", f"got an unexpected keyword argument {sorted(unknown)[0]!r}", 500)
        field = values.get("employee_fieldname", "attendance_device_id")
        if field not in EMPLOYEE_FIELDS:
            raise FrappeError("OperationalError", f"Unknown column '{field}' in 'where clause'", 500)
        found = self.store.run(f"SELECT * FROM employees WHERE {field} = ?", str(values["employee_field_value"]))
        if not found:
            text = f"No Employee found for the given employee field value. '{field}': {values['employee_field_value']}"
            raise FrappeError("ValidationError", text)
        if found[0]["status"] != "Active":
            text = f"Transactions cannot be created for an Inactive Employee {found[0]['name']}."
            raise FrappeError("InactiveEmployeeStatusError", text)
        moment = _read_time(values["timestamp"])
        kind = _read_kind(values.get("log_type"))
        self._refuse_duplicate(found[0]["name"], moment)
        skip = int(values.get("skip_auto_attendance") or 0)
        columns = "(employee, time, log_type, device_id, skip_auto_attendance)"
        row = (found[0]["name"], moment, kind, values.get("device_id"), skip)
        (added,) = self.store.run(f"INSERT INTO checkins {columns} VALUES (?, ?, ?, ?, ?) RETURNING *", *row)
        return _document(added)

    def _refuse_duplicate(self, employee: str, moment: str, number: int = -1) -> None:
        same = self.store.run(
            "SELECT number FROM checkins WHERE employee = ? AND time = ? AND number <> ?", employee, moment, number
        )
        if same:
            link = _document(same[0])["name"]
            raise FrappeError("ValidationError", f"{self.duplicate}<br><a href='/app/{link}'>{link}</a>")

    def _list(self, path: str, query: dict[str, str]) -> list[dict[str, Any]]:
        """Answer a list as Frappe does: only names unless ``fields`` asks for more, twenty unless it asks for more."""
        if not self.may_read:
            raise FrappeError("PermissionError", "Insufficient Permission for Employee", 403)
        filters = json.loads(query.get("filters", "[]"))
        fields = json.loads(query.get("fields", '["name"]'))
        rows = self.store.run("SELECT * FROM employees")
        if path == CHECKINS:
            rows = [_document(row) for row in self.store.run("SELECT * FROM checkins ORDER BY number DESC")]
        for field, operator, value in filters:
            if operator != "=" or (rows and field not in rows[0]):
                raise FrappeError("DataError", f"stand-in has no filter {field} {operator}")
            rows = [row for row in rows if str(row[field]) == str(value)]
        return [{field: row[field] for field in fields} for row in rows[: int(query.get("limit_page_length", 20))]]

    def _change(self, method: str, name: str, values: dict[str, Any]) -> Answer:
        match = re.fullmatch(r"EMP-CKIN-(\d{6})", name)
        found = self.store.run("SELECT * FROM checkins WHERE number = ?", int(match[1])) if match else []
        if not found:
            raise FrappeError("DoesNotExistError", f"Employee Checkin {name} not found", 404)
        if method == "GET":
            return json_answer({"data": _document(found[0])})
        if found[0]["attendance"]:
            text = f"Employee Checkin {name} is linked with Attendance {found[0]['attendance']}"
            raise FrappeError("LinkExistsError" if method == "DELETE" else "ValidationError", text)
        if method == "DELETE":
            self.store.run("DELETE FROM checkins WHERE number = ?", found[0]["number"])
            return json_answer({"message": "ok"}, 202)
        if unknown := set(values) - {"time", "log_type", "device_id"}:
            raise FrappeError("ValidationError", f"stand-in does not change {sorted(unknown)[0]}")
        moment = _read_time(values.get("time", f"{found[0]['time']}.000000"))
        self._refuse_duplicate(found[0]["employee"], moment, found[0]["number"])
        row = (moment, _read_kind(values.get("log_type", found[0]["log_type"])), found[0]["number"])
        (changed,) = self.store.run("UPDATE checkins SET time = ?, log_type = ? WHERE number = ? RETURNING *", *row)
        return json_answer({"data": _document(changed)})

    def _update_shift(self, name: str, values: dict[str, Any]) -> dict[str, Any]:
        if set(values) != {"last_sync_of_checkin"}:
            raise FrappeError("ValidationError", f"stand-in changes last_sync_of_checkin alone, not {sorted(values)}")
        moment = _read_time(values["last_sync_of_checkin"])
        changed = self.store.run("UPDATE shifts SET last_sync_of_checkin = ? WHERE name = ? RETURNING *", moment, name)
        if not changed:
            raise FrappeError("DoesNotExistError", f"Shift Type {name} not found", 404)
        return changed[0]


def _read_values(request: Request) -> dict[str, Any]:
    if request.headers.get_content_type() == "application/json":
        values = json.loads(request.body or b"{}")
        return values if isinstance(values, dict) else {}
    return dict(parse_qsl(request.body.decode(), keep_blank_values=True))


def _read_time(text: object) -> str:
    """Return a time as it is stored, to the second; one in another form, or with an offset, is refused."""
    if not isinstance(text, str) or not TIMESTAMP.fullmatch(text):
        raise FrappeError("InvalidDateTime", f"{text!r} is not a valid datetime string", 417)
    return datetime.fromisoformat(text).replace(microsecond=0).isoformat(" ")


def _read_kind(value: object) -> str:
    if value not in {None, "", "IN", "OUT"}:
        raise FrappeError("ValidationError", f'Log Type cannot be "{value}". It should be one of "IN", "OUT"')
    return str(value or "")


def _document(row: dict[str, Any]) -> dict[str, Any]:
    return {"doctype": "Employee Checkin", "name": f"EMP-CKIN-{row['number']:06}", **row}


def _refuse(error: FrappeError) -> Answer:
    """Answer as Frappe does: the message within JSON within JSON, and a traceback."""
    messages = json.dumps([json.dumps({"message": str(error), "indicator": "red", "raise_exception": 1})])
    trace = json.dumps([f"Traceback (most recent call last):\nfrappe.exceptions.{error.kind}: {error}\n"])
    content = {"exception": f"frappe.exceptions.{error.kind}: {error}", "exc_type": error.kind, "exc": trace}
    return json_answer({**content, "_server_messages": messages}, error.status)


if __name__ == "__main__":
    serve_process(Frappe)
