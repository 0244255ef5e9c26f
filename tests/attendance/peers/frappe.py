"""A stand-in for Frappe HR over HTTP: employee checkins, shift types and the attendance made of both.

Written from the documented interface, and strict: it refuses what Frappe refuses with the same status and JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date, datetime
from urllib.parse import parse_qs

from attendance.peers.frappe_shift import Attendance, Checkin, Employee, ShiftType
from attendance.peers.http_peer import Answer, Peer, Request

ADD_LOG = "/api/method/hrms.hr.doctype.employee_checkin.employee_checkin.add_log_based_on_employee_field"
RESOURCE = "/api/resource/"
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{6})?")
"""As documented: 2019-05-08 10:48:08.000000; Frappe itself prints seconds without a fraction if there is none."""
FIELDS = {
    "employee_field_value",
    "timestamp",
    "device_id",
    "log_type",
    "skip_auto_attendance",
    "employee_fieldname",
    "latitude",
    "longitude",
}
STATUSES = {
    "AuthenticationError": 401,
    "PermissionError": 403,
    "DoesNotExistError": 404,
    "ValidationError": 417,
    "LinkExistsError": 417,
    "InactiveEmployeeStatusError": 417,
    "TypeError": 500,
    "OperationalError": 500,
}


class RefusalError(Exception):
    """An exception of Frappe's, by its name there."""

    def __init__(self, exc_type: str, message: str) -> None:
        super().__init__(exc_type, message)
        self.exc_type, self.message = exc_type, message


class Frappe(Peer):
    """A site with employees and shift types; ``attendance`` is what its scheduler would make now."""

    def __init__(self, *employees: Employee, key: str = "key", secret: str = "secret") -> None:
        self.employees = {employee.name: employee for employee in employees}
        self.shift_types: dict[str, ShiftType] = {}
        self.checkins: list[Checkin] = []
        self.attendances: dict[tuple[str, date], Attendance] = {}
        self.syncs: list[tuple[str, datetime]] = []
        """Shift type and ``last_sync_of_checkin``, each time that one was set."""
        self.duplicate = "This employee already has a log with the same timestamp."
        """The message about a second log, in the language of the site."""
        self.may_read = True
        self._count = 0
        self.token = f"token {key}:{secret}"
        super().__init__()

    def process_auto_attendance(self) -> list[Attendance]:
        """Do what the hourly job does, and return all attendance: what it has made, it does not change again."""
        for name in self.shift_types:
            for employee in self.employees.values():
                if employee.shift == name:
                    self._process(employee, self.shift_types[name])
        return sorted(self.attendances.values(), key=lambda made: (made.day, made.employee))

    def _process(self, employee: Employee, shift_type: ShiftType) -> None:
        logs = [checkin for checkin in self.checkins if checkin.employee == employee.name and not checkin.attendance]
        for attendance in shift_type.attendance_of(employee, logs):
            key = (employee.name, attendance.day)
            if key in self.attendances:
                continue
            self.attendances[key] = attendance
            for checkin in logs:
                if shift_type.day_of(checkin.time) == attendance.day:
                    checkin.attendance = f"HR-ATT-{attendance.day}-{employee.name}"
        marked = {day for name, day in self.attendances if name == employee.name}
        for day in shift_type.absences_of(employee, marked):
            self.attendances[employee.name, day] = Attendance(employee.name, day, "Absent")

    def failure(self) -> Answer:
        return refusal_answer(RefusalError("OperationalError", "Lost connection to MySQL server during query"))

    def answer(self, request: Request) -> Answer:
        try:
            self._authenticate(request.headers.get("authorization"))
            if request.path == ADD_LOG:
                if request.method != "POST":
                    raise RefusalError("PermissionError", "Not permitted")
                return answer_json({"message": self._add_log(arguments(request))})
            if request.path.startswith(RESOURCE):
                return self._resource(request)
            raise RefusalError("DoesNotExistError", f"Not found: {request.path}")
        except RefusalError as refusal:
            return refusal_answer(refusal)

    def _authenticate(self, authorization: str | None) -> None:
        if authorization is None:
            raise RefusalError("PermissionError", "Login to access")
        if authorization != self.token:
            raise RefusalError("AuthenticationError", "Authentication failed")

    def _add_log(self, sent: Mapping[str, object]) -> dict[str, object]:
        unknown = sent.keys() - FIELDS - {"cmd"}
        if unknown:
            raise RefusalError("TypeError", f"got an unexpected keyword argument '{min(unknown)}'")
        if not sent.get("employee_field_value") or not sent.get("timestamp"):
            raise RefusalError("ValidationError", "'employee_field_value' and 'timestamp' are required.")
        field, number = sent.get("employee_fieldname") or "attendance_device_id", sent["employee_field_value"]
        employee = self._find(str(field), str(number))
        time = parsed_time(sent["timestamp"])
        log_type = read_log_type(sent.get("log_type"))
        if not employee.active:
            raise RefusalError(
                "InactiveEmployeeStatusError",
                f"Transactions cannot be created for an Inactive Employee {employee.name}.",
            )
        self._refuse_second(employee.name, time)
        self._count += 1
        checkin = Checkin(
            f"EMP-CKIN-{time:%m-%Y}-{self._count:06d}",
            employee.name,
            log_type,
            time,
            str(sent.get("device_id") or ""),
            skip_auto_attendance=str(sent.get("skip_auto_attendance") or 0) == "1",
        )
        self.checkins.append(checkin)
        return checkin.document()

    def _refuse_second(self, employee: str, time: datetime, own: Checkin | None = None) -> None:
        for checkin in self.checkins:
            if (checkin.employee, checkin.time) == (employee, time) and checkin is not own:
                link = f'<a href="/app/employee-checkin/{checkin.name}">{checkin.name}</a>'
                raise RefusalError("ValidationError", f"{self.duplicate}<br>{link}")

    def _find(self, field: str, number: str) -> Employee:
        if field not in {"name", "attendance_device_id", "employee_number"}:
            raise RefusalError("OperationalError", f"(1054, \"Unknown column 'tabEmployee.{field}' in 'WHERE'\")")
        for employee in self.employees.values():
            if getattr(employee, field) == number:
                return employee
        raise RefusalError(
            "ValidationError", f"No Employee found for the given employee field value. '{field}': {number}"
        )

    def _resource(self, request: Request) -> Answer:
        doctype, _, name = request.path.removeprefix(RESOURCE).partition("/")
        if not name and request.method == "GET":
            return self._list(doctype, parse_qs(request.query))
        if doctype == "Shift Type" and name in self.shift_types:
            if request.method == "PUT":
                self._set(name, arguments(request))
            return answer_json({"data": self.shift_types[name].document(name)})
        for checkin in self.checkins:
            if (doctype, name) == ("Employee Checkin", checkin.name):
                return self._touch(checkin, request)
        raise RefusalError("DoesNotExistError", f"{doctype} {name} not found")

    def _list(self, doctype: str, query: Mapping[str, list[str]]) -> Answer:
        """List documents: the names of the first twenty, unless the query says otherwise."""
        if not self.may_read:
            raise RefusalError("PermissionError", f"Insufficient Permission for {doctype}")
        rows = {
            "Employee Checkin": [checkin.document() for checkin in self.checkins],
            "Attendance": [attendance.document() for attendance in self.attendances.values()],
            "Employee": [employee.document() for employee in self.employees.values()],
            "Shift Type": [shift_type.document(name) for name, shift_type in self.shift_types.items()],
        }.get(doctype)
        if rows is None:
            raise RefusalError("DoesNotExistError", f"DocType {doctype} not found")
        for field, operator, sought in json.loads(query.get("filters", ["[]"])[0]):
            if operator != "=" or any(field not in row for row in rows):
                raise RefusalError("OperationalError", f"Unknown column '{field}', or operator {operator}")
            rows = [row for row in rows if str(row[field]) == str(sought)]
        fields = json.loads(query.get("fields", ['["name"]'])[0])
        most = int(query.get("limit_page_length", query.get("limit", ["20"]))[0]) or len(rows)
        shown = [row if fields == ["*"] else {field: row[field] for field in fields} for row in rows[:most]]
        return answer_json({"data": shown})

    def _touch(self, checkin: Checkin, request: Request) -> Answer:
        """Answer, change or delete a checkin; those of which attendance was made stay as they are."""
        if request.method == "GET":
            return answer_json({"data": checkin.document()})
        if checkin.attendance:
            raise RefusalError(
                "LinkExistsError" if request.method == "DELETE" else "ValidationError",
                f"Employee Checkin {checkin.name} is linked with Attendance {checkin.attendance}",
            )
        if request.method == "DELETE":
            self.checkins.remove(checkin)
            return answer_json({"message": "ok"}, 202)
        fields = arguments(request)
        unknown = fields.keys() - {"time", "log_type", "device_id"}
        if unknown:
            raise RefusalError("PermissionError", f"This integration has no business with {', '.join(sorted(unknown))}")
        time = parsed_time(fields["time"]) if "time" in fields else checkin.time
        self._refuse_second(checkin.employee, time, checkin)
        checkin.log_type = read_log_type(fields.get("log_type", checkin.log_type))
        checkin.time, checkin.device_id = time, str(fields.get("device_id", checkin.device_id))
        return answer_json({"data": checkin.document()})

    def _set(self, name: str, fields: Mapping[str, object]) -> None:
        unknown = fields.keys() - {"last_sync_of_checkin"}
        if unknown:
            raise RefusalError("PermissionError", f"This integration has no business with {', '.join(sorted(unknown))}")
        time = parsed_time(fields["last_sync_of_checkin"])
        self.shift_types[name].last_sync_of_checkin = time
        self.syncs.append((name, time))


def arguments(request: Request) -> dict[str, object]:
    """Return the fields of a body: JSON or a form, as its Content-Type says."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    try:
        if kind == "application/json":
            sent = json.loads(request.body or b"{}")
            if not isinstance(sent, dict):
                raise ValueError("no object")
            return sent
        return {name: texts[-1] for name, texts in parse_qs(request.body.decode(), strict_parsing=True).items()}
    except ValueError as error:
        raise RefusalError("ValidationError", f"Invalid request arguments: {error}") from error


def read_log_type(text: object) -> str:
    if text not in {None, "", "IN", "OUT"}:
        raise RefusalError("ValidationError", f'Log Type cannot be "{text}". It should be one of "", "IN", "OUT"')
    return str(text or "")


def parsed_time(text: object) -> datetime:
    """Return a time of the site's clock; what else Frappe's parser would make of other texts is a guess."""
    if not isinstance(text, str) or not TIME.fullmatch(text):
        raise RefusalError("ValidationError", f"{text} is not a valid datetime: use 2019-05-08 10:48:08.000000")
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise RefusalError("ValidationError", f"{text} is not a valid datetime") from error


def answer_json(content: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(content).encode())


def refusal_answer(refusal: RefusalError) -> Answer:
    """Return the JSON of an exception: the messages are JSON within JSON within JSON."""
    shown = {"message": refusal.message, "title": "Message", "indicator": "red", "raise_exception": 1}
    kind = f"frappe.exceptions.{refusal.exc_type}"
    content = {
        "exception": f"{kind}: {refusal.message}",
        "exc_type": refusal.exc_type,
        "exc": json.dumps([f"Traceback (most recent call last):\n  ...\n{kind}: {refusal.message}\n"]),
        "_server_messages": json.dumps([json.dumps(shown)]),
    }
    return answer_json(content, STATUSES[refusal.exc_type])
