"""Records of Odoo's hr.employee and hr.attendance, with the rules that Odoo holds them to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from datetime import datetime
from typing import Any

Values = dict[str, Any]
FORMAT = "%Y-%m-%d %H:%M:%S"
MODES = ("kiosk", "systray", "manual", "technical")
MODELS: dict[str, dict[str, str]] = {
    "hr.employee": {
        "name": "char",
        "barcode": "char",
        "pin": "char",
        "identification_id": "char",
        "active": "boolean",
    },
    "hr.attendance": {
        "employee_id": "many2one",
        "check_in": "datetime",
        "check_out": "datetime",
        "in_mode": "in_mode",
        "out_mode": "out_mode",
        "in_latitude": "float",
        "in_longitude": "float",
        "out_latitude": "float",
        "out_longitude": "float",
        "in_ip_address": "char",
        "out_ip_address": "char",
        "in_browser": "char",
        "out_browser": "char",
        "worked_hours": "computed",
    },
}
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda stored, sought: stored == sought,
    "!=": lambda stored, sought: stored != sought,
    "in": lambda stored, sought: stored in sought,
    "not in": lambda stored, sought: stored not in sought,
    "<": lambda stored, sought: stored is not False and stored < sought,
    "<=": lambda stored, sought: stored is not False and stored <= sought,
    ">": lambda stored, sought: stored is not False and stored > sought,
    ">=": lambda stored, sought: stored is not False and stored >= sought,
}


class OdooError(Exception):
    """An exception of Odoo's: its qualified name there, and its message."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(name, message)
        self.name, self.message = name, message


def validation_error(message: str) -> OdooError:
    return OdooError("odoo.exceptions.ValidationError", message)


def value_error(message: str) -> OdooError:
    return OdooError("builtins.ValueError", message)


class Records:
    """All records of a database; a call that fails changes nothing."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[int, Values]] = {model: {} for model in MODELS}
        self._next = 1

    def call(self, model: str, method: str, ids: Sequence[int] | None, arguments: Mapping[str, Any]) -> object:
        """Call a method in a transaction of its own."""
        if model not in self.rows:
            raise OdooError("werkzeug.exceptions.NotFound", f"the model '{model}' does not exist")
        before = deepcopy(self.rows)
        try:
            return self._call(model, method, ids, dict(arguments))
        except BaseException:
            self.rows = before
            raise

    def _call(self, model: str, method: str, ids: Sequence[int] | None, arguments: Values) -> object:
        of_model = {"create": self.create, "search": self.search, "search_read": self.search_read}
        of_model |= {"search_count": self.search_count}
        of_records = {"write": self.write, "unlink": self.unlink, "read": self.read}
        arguments.pop("context", None)
        try:
            if method in of_model:
                if ids:
                    raise TypeError(f"cannot call {model}.{method} with ids")
                return of_model[method](model, **arguments)
            if method in of_records:
                return of_records[method](model, ids or [], **arguments)
        except TypeError as error:
            raise OdooError("werkzeug.exceptions.UnprocessableEntity", str(error)) from error
        raise OdooError("werkzeug.exceptions.NotFound", f"the method '{model}.{method}' does not exist")

    def create(self, model: str, vals_list: Values | list[Values]) -> list[int]:
        """Create records, and return their numbers."""
        made = []
        for values in [vals_list] if isinstance(vals_list, dict) else vals_list:
            defaults: Values = dict.fromkeys(MODELS[model], False)
            if model == "hr.attendance":
                defaults |= {"in_mode": "manual", "out_mode": "manual"}
                if not values.get("employee_id"):
                    raise validation_error("Missing required value for the field 'Employee' (employee_id)")
                if not values.get("check_in"):
                    raise validation_error("Missing required value for the field 'Check In' (check_in)")
            else:
                defaults["active"] = True
            number, self._next = self._next, self._next + 1
            self.rows[model][number] = defaults | {"id": number} | self._checked(model, values)
            self._hold_rules(model, number)
            made.append(number)
        return made

    def write(self, model: str, ids: Sequence[int], vals: Values) -> bool:
        for number in ids:
            self._row(model, number).update(self._checked(model, vals))
        for number in ids:
            self._hold_rules(model, number)
        return True

    def unlink(self, model: str, ids: Sequence[int]) -> bool:
        for number in ids:
            self._row(model, number)
            del self.rows[model][number]
        return True

    def read(self, model: str, ids: Sequence[int], fields: Sequence[str] | None = None) -> list[Values]:
        return [self._shown(model, self._row(model, number), fields) for number in ids]

    def search(
        self, model: str, domain: Sequence[Any], offset: int = 0, limit: int | None = None, order: str | None = None
    ) -> list[int]:
        rows = [row for row in self.rows[model].values() if _matches(model, row, list(domain))]
        if model == "hr.employee" and not any(part[0] == "active" for part in domain if not isinstance(part, str)):
            rows = [row for row in rows if row["active"]]
        if model == "hr.attendance" and not order:
            order = "check_in desc"
        for part in reversed((order or "id").split(",")):
            field, _, direction = part.strip().partition(" ")
            if field != "id" and field not in MODELS[model]:
                raise value_error(f"Invalid field '{field}' on model '{model}'")
            rows.sort(key=lambda row: row[field] or "", reverse=direction.strip().lower() == "desc")
        return [row["id"] for row in rows[offset : None if limit is None else offset + limit]]

    def search_read(
        self, model: str, domain: Sequence[Any] = (), fields: Sequence[str] | None = None, **page: Any
    ) -> list[Values]:
        return self.read(model, self.search(model, domain, **page), fields)

    def search_count(self, model: str, domain: Sequence[Any]) -> int:
        return len(self.search(model, domain))

    def _row(self, model: str, number: int) -> Values:
        if number not in self.rows[model]:
            raise OdooError(
                "odoo.exceptions.MissingError",
                f"Record does not exist or has been deleted.\n(Record: {model}({number},), User: 2)",
            )
        return self.rows[model][number]

    def _shown(self, model: str, row: Values, fields: Sequence[str] | None) -> Values:
        names = list(fields or MODELS[model])
        unknown = set(names) - MODELS[model].keys() - {"id"}
        if unknown:
            raise value_error(f"Invalid field '{min(unknown)}' on '{model}'")
        shown = {"id": row["id"]} | {name: row[name] for name in names}
        if shown.get("employee_id"):
            number = shown["employee_id"]
            shown["employee_id"] = [number, self.rows["hr.employee"][number]["name"]]
        if shown.get("worked_hours") is False:
            worked = _moment(row["check_out"]) - _moment(row["check_in"]) if row["check_out"] else None
            shown["worked_hours"] = worked.total_seconds() / 3600 if worked else 0.0
        return shown

    def _checked(self, model: str, values: Values) -> Values:
        for name, value in values.items():
            kind = MODELS[model].get(name)
            if kind is None:
                raise value_error(f"Invalid field '{name}' in '{model}'")
            if value is False or value is None:
                continue
            if kind == "datetime":
                _moment(value)
            elif kind == "many2one":
                if not isinstance(value, int):
                    raise value_error(f"Wrong value for {model}.{name}: {value!r}")
                self._row("hr.employee", value)
            elif kind in {"in_mode", "out_mode"}:
                modes = (*MODES, "auto_check_out") if kind == "out_mode" else MODES
                if value not in modes:
                    raise value_error(f"Wrong value for {model}.{name}: {value!r}")
        return {name: False if value is None else value for name, value in values.items()}

    def _hold_rules(self, model: str, number: int) -> None:
        """Raise what Odoo raises for a barcode used twice, for overlaps and for a second open record."""
        row = self.rows[model][number]
        if model == "hr.employee":
            for other in self.rows[model].values():
                if other["id"] != number and other["barcode"] and other["barcode"] == row["barcode"]:
                    raise validation_error(
                        "The Badge ID must be unique, this one is already assigned to another employee."
                    )
            return
        if row["check_out"] and row["check_out"] < row["check_in"]:
            raise validation_error('"Check Out" time cannot be earlier than "Check In" time.')
        name = self.rows["hr.employee"][row["employee_id"]]["name"]
        others = sorted(
            (r for r in self.rows[model].values() if r["id"] != number and r["employee_id"] == row["employee_id"]),
            key=lambda other: str(other["check_in"]),
        )
        start = f"Cannot create new attendance record for {name}, the employee "
        earlier = [other for other in others if other["check_in"] <= row["check_in"]]
        if earlier and earlier[-1]["check_out"] and earlier[-1]["check_out"] > row["check_in"]:
            raise validation_error(f"{start}was already checked in on {row['check_in']}")
        if not row["check_out"]:
            still_in = [other for other in others if not other["check_out"]]
            if still_in:
                raise validation_error(f"{start}hasn't checked out since {still_in[0]['check_in']}")
            return
        before_end = [other for other in others if other["check_in"] < row["check_out"]]
        if before_end and (not earlier or before_end[-1] is not earlier[-1]):
            raise validation_error(f"{start}was already checked in on {before_end[-1]['check_in']}")


def _moment(value: object) -> datetime:
    """Return a naive moment of UTC; other texts Odoo does not read."""
    try:
        return datetime.strptime(value, FORMAT) if isinstance(value, str) and len(value) == 19 else _unread(value)
    except ValueError:
        return _unread(value)


def _unread(value: object) -> datetime:
    raise value_error(f"time data {value!r} does not match format {FORMAT!r}")


def _matches(model: str, row: Values, domain: list[Any]) -> bool:
    """Evaluate a domain: terms in prefix notation, with a silent 'and' between those that remain."""
    results: list[bool] = []
    for part in reversed(domain):
        if part == "!":
            results.append(not results.pop())
        elif part in ("&", "|"):
            first, second = results.pop(), results.pop()
            results.append(first and second if part == "&" else first or second)
        else:
            results.append(_compares(model, row, part))
    return all(results)


def _compares(model: str, row: Values, term: Sequence[Any]) -> bool:
    field, operator, sought = term
    if field != "id" and field not in MODELS[model]:
        raise value_error(f"Invalid field {model}.{field} in leaf {tuple(term)!r}")
    if operator not in COMPARISONS:
        raise value_error(f"Invalid operator {operator!r} in leaf {tuple(term)!r}")
    if MODELS[model].get(field) == "datetime" and operator not in {"in", "not in"} and sought:
        _moment(sought)
    return COMPARISONS[operator](row[field], sought)
