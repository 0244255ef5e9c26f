"""Calls about attendance: the site of the server as the key may see it, its reports, punches and months."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from visavis.attendance.types import ClosedMonth, Direction, Employee, Excuse, LedgerRecord, Punch
from visavis.client._requests import GalleryRequests
from visavis.client.parse import parse
from visavis.server.types import Job, SiteSummary

if TYPE_CHECKING:
    from visavis.attendance.days.types import Day
    from visavis.attendance.integrations.types import TargetState
    from visavis.attendance.kiosk.refused_days import RefusedDay
    from visavis.attendance.ledger.verify import LedgerFault
    from visavis.attendance.reports.types import ReportTable, ReportValue
    from visavis.attendance.rights import EmployeeExport

Period = str | date | tuple[date, date]
"""A month, such as "2026-10"; a day; or the first and the last of at most 31 days."""


class AttendanceCalls(GalleryRequests):
    """Methods of :class:`visavis.Client` about attendance, for keys with a right over the site.

    A key sees all employees, those of the departments that its employee manages, or its employee alone: others are an
    UnknownNameError, and so is a server without a site.
    """

    def attendance_site(self) -> SiteSummary:
        """Return the site of the server."""
        return parse(SiteSummary, self._connection.send("GET", "/attendance"))

    def employees(self) -> list[Employee]:
        """Return the employees that the key may see, by number."""
        return [parse(Employee, line) for line in self._connection.send("GET", "/attendance/employees")["employees"]]

    def attendance_report(
        self, kind: str, period: Period, *, employees: Sequence[str] = (), departments: Sequence[str] = ()
    ) -> ReportTable:
        """Return a report: "day", "month", "person", "late", "overtime", "departments", "notices" or "changes"."""
        params = {**_describe(period), "employee": [*employees], "department": [*departments]}
        return _parse_table(self._connection.send("GET", f"/attendance/reports/{quote(kind, safe='')}", params=params))

    def download_report(
        self,
        kind: str,
        period: Period,
        form: Literal["csv", "xlsx", "html"],
        *,
        employees: Sequence[str] = (),
        departments: Sequence[str] = (),
    ) -> bytes:
        """Return the file of a report."""
        params = {**_describe(period), "employee": [*employees], "department": [*departments], "format": form}
        path = f"/attendance/reports/{quote(kind, safe='')}"
        return bytes(self._connection.fetch("GET", path, params=params).content)

    def attendance_days(self, employee: str, period: Period) -> list[Day]:
        """Return days of an employee; :func:`visavis.attendance.days.explain.explain` says where figures come from."""
        from visavis.attendance.days.types import Day

        answer = self._connection.send("GET", f"{_employee(employee)}/days", params=_describe(period))
        return [parse(Day, line) for line in answer["days"]]

    def attendance_day(self, employee: str, day: date) -> Day:
        """Return a day of an employee."""
        from visavis.attendance.days.types import Day

        return parse(Day, self._connection.send("GET", f"{_employee(employee)}/days/{day.isoformat()}"))

    def who_is_in(self, at: datetime | None = None) -> ReportTable:
        """Return the list of who is in now, or was at a time."""
        params = {} if at is None else {"at": at.isoformat()}
        return _parse_table(self._connection.send("GET", "/attendance/who-is-in", params=params))

    def own_attendance(self) -> EmployeeExport:
        """Return all that is stored about the employee of the key."""
        from visavis.attendance.rights import EmployeeExport

        return parse(EmployeeExport, self._connection.send("GET", "/attendance/me"))

    def attendance_history(self, employee: str, *, punch: str | None = None) -> list[LedgerRecord]:
        """Return the records of the ledger about an employee, or of one punch of the employee, the oldest first."""
        params = {} if punch is None else {"punch": punch}
        answer = self._connection.send("GET", f"{_employee(employee)}/history", params=params)
        return [parse(LedgerRecord, line) for line in answer["records"]]

    def verify_attendance(self) -> list[LedgerFault]:
        """Return what was changed in the site's database by other programs; needs an administrator's key."""
        from visavis.attendance.ledger.verify import LedgerFault

        return [parse(LedgerFault, line) for line in self._connection.send("GET", "/attendance/verify")["faults"]]

    # Punches

    def punch(
        self,
        employee: str,
        direction: Direction = "unspecified",
        *,
        at: datetime | None = None,
        method: Literal["face", "pin", "badge"] | None = None,
        device: str = "",
        punch_id: str | None = None,
        reason: str = "",
    ) -> Punch:
        """Record a punch, now unless ``at`` is given; with ``punch_id`` and ``at`` it can be sent again."""
        order = {
            "employee": employee, "direction": direction, "at": None if at is None else at.isoformat(),
            "method": method, "device": device, "id": punch_id or token_hex(16), "reason": reason,
        }  # fmt: skip
        return parse(Punch, self._connection.send("POST", "/attendance/punches", json=order))

    def correct_punch(
        self,
        punch_id: str,
        *,
        reason: str,
        at: datetime | None = None,
        direction: Direction | None = None,
        employee: str | None = None,
    ) -> Punch:
        """Correct a punch by a record that is added; needs an administrator's key."""
        time = None if at is None else at.isoformat()
        order = {"reason": reason, "at": time, "direction": direction, "employee": employee}
        return parse(Punch, self._connection.send("POST", f"{_punch(punch_id)}/correct", json=order))

    def void_punch(self, punch_id: str, *, reason: str) -> Punch:
        """Let a punch not count; return what it was. Needs an administrator's key."""
        return parse(Punch, self._connection.send("POST", f"{_punch(punch_id)}/void", json={"reason": reason}))

    def restore_punch(self, punch_id: str, *, reason: str) -> Punch:
        """Let a void punch count again; needs an administrator's key."""
        return parse(Punch, self._connection.send("POST", f"{_punch(punch_id)}/restore", json={"reason": reason}))

    # What a person settles

    def refused_attempts(self, day: date | None = None) -> list[RefusedDay]:
        """Return what each device refused on a day, or today; for keys of payroll and administrators."""
        from visavis.attendance.kiosk.refused_days import RefusedDay

        params = {} if day is None else {"day": day.isoformat()}
        answer = self._connection.send("GET", "/attendance/refused", params=params)
        return [parse(RefusedDay, line) for line in answer["devices"]]

    def settle_refused(self, device: str, day: date, *, until: datetime) -> RefusedDay:
        """Settle the attempts that a device refused on a day up to a time; needs an administrator's key."""
        from visavis.attendance.kiosk.refused_days import RefusedDay

        order = {"device": device, "day": day.isoformat(), "until": until.isoformat()}
        return parse(RefusedDay, self._connection.send("POST", "/attendance/refused/settle", json=order))

    def excuse_late(self, employee: str, day: date, *, reason: str) -> Excuse:
        """Accept that an employee came late on a day; needs a key of a manager or an administrator."""
        path = f"{_employee(employee)}/days/{day.isoformat()}/excuse"
        return parse(Excuse, self._connection.send("POST", path, json={"reason": reason}))

    # Payroll systems

    def attendance_targets(self) -> list[TargetState]:
        """Return where punches are sent, and what waits and was refused; needs a key of payroll or more."""
        from visavis.attendance.integrations.types import TargetState

        return [parse(TargetState, line) for line in self._connection.send("GET", "/attendance/targets")["targets"]]

    def push_attendance(self, target: str, *, retry: bool = False) -> Job:
        """Queue a job that sends to a target what it lacks; with ``retry`` also what a webhook refused."""
        path = f"/attendance/targets/{quote(target, safe='')}/push"
        return parse(Job, self._connection.send("POST", path, json={"retry": retry}))

    def dismiss_refused(self, target: str, key: str) -> None:
        """Let a record that a target refused be: it need not be delivered."""
        self._connection.send("POST", f"/attendance/targets/{quote(target, safe='')}/dismiss", json={"id": key})

    def export_punches(self, system: Literal["frappe", "odoo"], period: Period) -> bytes:
        """Return the punches of a period as the CSV that a payroll system imports."""
        path = f"/attendance/exports/{quote(system, safe='')}"
        return bytes(self._connection.fetch("GET", path, params=_describe(period)).content)

    # Months

    def close_month(self, month: str) -> ClosedMonth:
        """Freeze the figures of a month that is over; needs a key of payroll or an administrator."""
        return parse(ClosedMonth, self._connection.send("POST", f"/attendance/months/{quote(month, safe='')}/close"))

    def reopen_month(self, month: str, *, reason: str) -> ClosedMonth:
        """Open a closed month again; needs a key of payroll or an administrator."""
        path = f"/attendance/months/{quote(month, safe='')}/reopen"
        return parse(ClosedMonth, self._connection.send("POST", path, json={"reason": reason}))


def _employee(number: str) -> str:
    return f"/attendance/employees/{quote(number, safe='')}"


def _punch(punch_id: str) -> str:
    return f"/attendance/punches/{quote(punch_id, safe='')}"


def _describe(period: Period) -> dict[str, str]:
    """Return a period as parameters of a request."""
    if isinstance(period, tuple):
        return {"first": period[0].isoformat(), "last": period[1].isoformat()}
    return {"month": period} if isinstance(period, str) else {"day": period.isoformat()}


def _parse_table(answer: Mapping[str, Any]) -> ReportTable:
    """Return a report from its JSON: dates and times as such."""
    from visavis.attendance.reports.types import ReportColumn, ReportTable

    columns = tuple(parse(ReportColumn, line) for line in answer["columns"])
    rows = tuple(tuple(_read_value(column.kind, row[column.key]) for column in columns) for row in answer["rows"])
    return ReportTable(answer["title"], columns, rows, tuple(answer["legend"]))


def _read_value(kind: str, value: Any) -> ReportValue:
    if value is None or kind not in {"date", "time"}:
        return value  # type: ignore[no-any-return]
    return date.fromisoformat(value) if kind == "date" else datetime.fromisoformat(value)
