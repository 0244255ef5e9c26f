"""A stand-in for Odoo: ``hr.attendance`` over JSON-2 and XML-RPC.

From the facts: a row is a pair of check-in and check-out in UTC without a zone; rows of an employee that overlap and a
second one without a check-out are refused, also where the change that leads there is a write.
"""

from __future__ import annotations

import json
import re
import xmlrpc.client
from collections.abc import Mapping
from operator import eq, ge, gt, le, lt, ne
from pathlib import Path
from typing import Any

from .stand_in import Answer, Request, Store, json_answer, serve_process

DATABASE, USER, KEY = "company", "clerk@example.com", "api-key-1"
UID = 7
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
FAR = "9999-12-31 23:59:59"
IN_MODES = ("kiosk", "systray", "manual", "technical")
OUT_MODES = (*IN_MODES, "auto_check_out")
COLUMNS = ("employee_id", "check_in", "check_out", "in_mode", "out_mode")
OPERATORS = {"=": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}

SCHEMA = """
CREATE TABLE IF NOT EXISTS hr_employee (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, barcode TEXT UNIQUE, pin TEXT, active INTEGER NOT NULL DEFAULT 1
);
CREATE TABLE IF NOT EXISTS hr_attendance (
    id INTEGER PRIMARY KEY AUTOINCREMENT, employee_id INTEGER NOT NULL REFERENCES hr_employee (id),
    check_in TEXT NOT NULL, check_out TEXT, in_mode TEXT NOT NULL, out_mode TEXT NOT NULL
);
"""


class OdooError(Exception):
    """What Odoo raises: ``name`` as in JSON-2, ``status`` of HTTP there, ``code`` of the fault in XML-RPC."""

    def __init__(self, name: str, message: str, status: int, code: int) -> None:
        super().__init__(message)
        self.name, self.status, self.code = name, status, code


def invalid(message: str) -> OdooError:
    return OdooError("odoo.exceptions.ValidationError", message, 422, 2)


def failed(message: str) -> OdooError:
    """Return what a mistake of the caller's program becomes."""
    return OdooError("builtins.ValueError", message, 500, 1)


class Odoo:
    """The system; its tables are in a file."""

    def __init__(self, path: Path) -> None:
        self.store = Store(path, SCHEMA)

    def employ(self, number: int, name: str, barcode: str, *, active: bool = True) -> None:
        row = (number, name, barcode, barcode, active)
        self.store.run("INSERT INTO hr_employee (id, name, barcode, pin, active) VALUES (?, ?, ?, ?, ?)", *row)

    def add(self, employee: int, check_in: str, check_out: str | None = None) -> int:
        """Add a row as an officer does in the web pages; return its id."""
        values = {"employee_id": employee, "check_in": check_in, "check_out": check_out or False}
        (number,) = self._create([values])
        return number

    def rows(self) -> list[tuple[str, str, str | None]]:
        """Name, check-in and check-out of all rows, by name and time."""
        query = "SELECT name, check_in, check_out FROM hr_attendance a JOIN hr_employee e ON e.id = a.employee_id "
        return [(*row.values(),) for row in self.store.run(query + "ORDER BY name, check_in")]  # type: ignore[misc]

    def handle(self, request: Request) -> Answer:
        """Answer a request."""
        if request.path.startswith("/json/2/"):
            return self._answer_json(request)
        if request.path in {"/xmlrpc/2/common", "/xmlrpc/2/object"}:
            return self._answer_xml(request)
        return json_answer({"message": "404 Not Found"}, 404)

    def _answer_json(self, request: Request) -> Answer:
        try:
            _check_json_headers(request)
            model, _, method = request.path.removeprefix("/json/2/").partition("/")
            arguments = json.loads(request.body)
            if not isinstance(arguments, dict):
                raise failed("the arguments are an object")
            return self.store.transaction(lambda: json_answer(self._call(model, method, arguments)))
        except OdooError as error:
            content = {"name": error.name, "message": str(error), "arguments": [str(error)], "context": {}}
            return json_answer({**content, "debug": f"Traceback (most recent call last):\n{error}"}, error.status)

    def _answer_xml(self, request: Request) -> Answer:
        def work() -> Answer:
            if b"<nil" in request.body:
                raise failed("cannot unmarshal None")
            values, method = xmlrpc.client.loads(request.body)
            common = request.path.endswith("common")
            result = _log_in(str(method), values) if common else self._execute(str(method), values)
            return Answer(200, xmlrpc.client.dumps((result,), methodresponse=True).encode(), "text/xml")

        try:
            return self.store.transaction(work)
        except OdooError as error:
            text = xmlrpc.client.dumps(xmlrpc.client.Fault(error.code, str(error)), methodresponse=True)
            return Answer(200, text.encode(), "text/xml")

    def _execute(self, method: str, values: tuple[Any, ...]) -> Any:
        if method != "execute_kw":
            raise failed(f"Method not found: {method}")
        database, uid, key, model, function, positional, *named = values
        if (database, uid, key) != (DATABASE, UID, KEY):
            raise OdooError("odoo.exceptions.AccessDenied", "Access Denied", 403, 3)
        names = {"create": ["vals_list"], "write": ["ids", "vals"], "unlink": ["ids"], "search_read": ["domain"]}
        arguments = dict(zip(names.get(function, []), positional, strict=False)) | (named[0] if named else {})
        if function == "create" and isinstance(arguments["vals_list"], dict):
            return self._call(model, function, {"vals_list": [arguments["vals_list"]]})[0]
        return self._call(model, function, arguments)

    def _call(self, model: str, method: str, arguments: Mapping[str, Any]) -> Any:
        arguments = {name: value for name, value in arguments.items() if name != "context"}
        if model not in {"hr.employee", "hr.attendance"}:
            raise OdooError("werkzeug.exceptions.NotFound", f"the model {model!r} does not exist", 404, 1)
        if method == "search_read":
            return self._search(model.replace(".", "_"), **arguments)
        calls = {"create": self._create, "write": self._write, "unlink": self._unlink}
        if model != "hr.attendance" or method not in calls:
            raise OdooError("werkzeug.exceptions.NotFound", f"the method {model}.{method} does not exist", 404, 1)
        try:
            return calls[method](**arguments)  # type: ignore[operator]
        except TypeError as error:
            raise failed(str(error)) from error

    def _search(
        self, table: str, domain: list[list[Any]], fields: list[str], order: str = "id", limit: int | None = None
    ) -> list[dict[str, Any]]:
        rows = self.store.run(f"SELECT * FROM {table}")
        if table == "hr_employee":
            rows = [row for row in rows if row["active"]]
        for field, operator, value in domain:
            rows = [row for row in rows if _matches(row, field, operator, value)]
        rows.sort(key=lambda row: row[order.removesuffix(" desc")], reverse=order.endswith(" desc"))
        try:
            return [{"id": row["id"], **{name: _show(name, row) for name in fields}} for row in rows[:limit]]
        except KeyError as error:
            raise failed(f"Invalid field {error.args[0]!r} on model {table!r}") from error

    def _create(self, vals_list: list[dict[str, Any]]) -> list[int]:
        numbers = []
        for values in vals_list:
            row = {"check_out": False, "in_mode": "manual", "out_mode": "manual", **values}
            self._check(row)
            texts = [row[name] or None for name in COLUMNS]
            query = f"INSERT INTO hr_attendance ({', '.join(COLUMNS)}) VALUES (?, ?, ?, ?, ?) RETURNING id"
            numbers.append(self.store.run(query, *texts)[0]["id"])
        return numbers

    def _write(self, ids: list[int], vals: dict[str, Any]) -> bool:
        for number in ids:
            row = {**self._find(number), **vals}
            self._check({name: row[name] for name in (*COLUMNS, *vals)}, number)
            changes = ", ".join(f"{name} = ?" for name in COLUMNS)
            self.store.run(
                f"UPDATE hr_attendance SET {changes} WHERE id = ?", *(row[name] or None for name in COLUMNS), number
            )
        return True

    def _unlink(self, ids: list[int]) -> bool:
        for number in ids:
            self._find(number)
            self.store.run("DELETE FROM hr_attendance WHERE id = ?", number)
        return True

    def _find(self, number: int) -> dict[str, Any]:
        found = self.store.run("SELECT * FROM hr_attendance WHERE id = ?", number)
        if not found:
            text = f"Record does not exist or has been deleted. (Record: hr.attendance({number},), User: {UID})"
            raise OdooError("odoo.exceptions.MissingError", text, 404, 2)
        return found[0]

    def _check(self, row: dict[str, Any], number: int = -1) -> None:
        """Refuse what Odoo refuses; a row without a check-out lasts for ever."""
        for name in row:
            if name not in COLUMNS:
                raise failed(f"Invalid field {name!r} on model 'hr.attendance'")
        employees = self.store.run("SELECT name FROM hr_employee WHERE id = ?", row["employee_id"])
        if not employees:
            raise invalid(f"The operation cannot be completed: no employee {row['employee_id']}")
        for name in ("check_in", "check_out"):
            if (row[name] or name == "check_in") and not TIME.fullmatch(str(row[name])):
                raise failed(f"time data {row[name]!r} does not match format '%Y-%m-%d %H:%M:%S'")
        if row["in_mode"] not in IN_MODES or row["out_mode"] not in OUT_MODES:
            raise failed(f"Wrong value for hr.attendance.in_mode: {row['in_mode']!r}, {row['out_mode']!r}")
        if row["check_out"] and row["check_out"] < row["check_in"]:
            raise invalid('"Check Out" time cannot be earlier than "Check In" time.')
        self._refuse_overlap(row, employees[0]["name"], number)

    def _refuse_overlap(self, row: dict[str, Any], name: str, number: int) -> None:
        others = self.store.run(
            "SELECT * FROM hr_attendance WHERE employee_id = ? AND id <> ? ORDER BY check_in",
            row["employee_id"],
            number,
        )
        for other in others:
            if not other["check_out"] and not row["check_out"]:
                text = f"the employee hasn't checked out since {other['check_in']}"
                raise invalid(f"Cannot create new attendance record for {name}, {text}")
            starts_inside = row["check_in"] < (other["check_out"] or FAR)
            if (starts_inside and (row["check_out"] or FAR) > other["check_in"]) or row["check_in"] == other[
                "check_in"
            ]:
                text = f"the employee was already checked in on {other['check_in']}"
                raise invalid(f"Cannot create new attendance record for {name}, {text}")


def _check_json_headers(request: Request) -> None:
    if request.headers.get("Authorization") != f"bearer {KEY}":
        raise OdooError("werkzeug.exceptions.Unauthorized", "Invalid apikey", 401, 3)
    if request.headers.get("X-Odoo-Database", DATABASE) != DATABASE:
        raise OdooError("werkzeug.exceptions.NotFound", "database not found", 404, 3)
    if request.method != "POST" or request.headers.get_content_type() != "application/json":
        raise OdooError("werkzeug.exceptions.UnsupportedMediaType", "the body is no JSON", 415, 1)


def _log_in(method: str, values: tuple[Any, ...]) -> Any:
    if method == "version":
        return {"server_version": "16.0", "protocol_version": 1}
    if method != "authenticate":
        raise failed(f"Method not found: {method}")
    return UID if values[:3] == (DATABASE, USER, KEY) else False


def _matches(row: dict[str, Any], field: str, operator: str, value: Any) -> bool:
    if field not in row:
        raise failed(f"Invalid field {field!r}")
    if operator == "in":
        return row[field] in value
    if operator not in OPERATORS:
        raise failed(f"Invalid operator {operator!r}")
    if value is False or row[field] is None:  # no value
        return bool(OPERATORS[operator](row[field] or False, value)) if operator in {"=", "!="} else False
    return bool(OPERATORS[operator](row[field], value))


def _show(name: str, row: dict[str, Any]) -> Any:
    if name == "employee_id":
        return [row[name], f"employee {row[name]}"]
    return False if row[name] is None else row[name]


if __name__ == "__main__":
    serve_process(Odoo)
