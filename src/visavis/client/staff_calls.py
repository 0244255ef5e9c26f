"""Calls about requests of employees: ask for a correction or leave, decide, withdraw."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from urllib.parse import quote

from visavis.attendance.types import Direction, LeavePart, StaffRequest
from visavis.client._requests import GalleryRequests
from visavis.client.parse import parse

PATH = "/attendance/requests"


class StaffRequestCalls(GalleryRequests):
    """Methods of :class:`visavis.Client` about requests of employees.

    Requests are for the employee of the key; an administrator's key names another ``employee``.
    """

    def staff_requests(self, *, pending: bool = True, employee: str | None = None) -> list[StaffRequest]:
        """Return the requests that the key may see, the oldest first: those that wait, or all."""
        params = {"state": "pending" if pending else "all", **({} if employee is None else {"employee": employee})}
        return [parse(StaffRequest, line) for line in self._connection.send("GET", PATH, params=params)["requests"]]

    def request_punch(
        self, at: datetime, direction: Direction = "unspecified", *, reason: str, employee: str | None = None
    ) -> StaffRequest:
        """Ask for a punch that is missing."""
        return self._ask({"kind": "punch", "at": at.isoformat(), "direction": direction}, reason, employee)

    def request_correction(
        self,
        punch_id: str,
        *,
        reason: str,
        at: datetime | None = None,
        direction: Direction | None = None,
        employee: str | None = None,
    ) -> StaffRequest:
        """Ask for the right time or direction of a punch."""
        order = {"kind": "correction", "punch_id": punch_id, "at": None if at is None else at.isoformat()}
        return self._ask({**order, "direction": direction}, reason, employee)

    def request_void(self, punch_id: str, *, reason: str, employee: str | None = None) -> StaffRequest:
        """Ask that a punch does not count."""
        return self._ask({"kind": "void", "punch_id": punch_id}, reason, employee)

    def request_leave(
        self,
        kind: str,
        first: date,
        last: date | None = None,
        *,
        part: LeavePart = "whole",
        reason: str,
        employee: str | None = None,
    ) -> StaffRequest:
        """Ask for leave of a kind of the rules, such as "vacation", from ``first`` to ``last`` day."""
        order = {"kind": "leave", "leave": kind, "first": first.isoformat(), "part": part}
        return self._ask({**order, "last": None if last is None else last.isoformat()}, reason, employee)

    def decide_request(self, request_id: str, *, approve: bool, reason: str = "") -> StaffRequest:
        """Approve or decline a request of a department that the employee of the key manages."""
        action = "approve" if approve else "decline"
        path = f"{PATH}/{quote(request_id, safe='')}/{action}"
        return parse(StaffRequest, self._connection.send("POST", path, json={"reason": reason}))

    def withdraw_request(self, request_id: str) -> StaffRequest:
        """Withdraw a request that waits."""
        return parse(StaffRequest, self._connection.send("POST", f"{PATH}/{quote(request_id, safe='')}/withdraw"))

    def _ask(self, order: dict[str, Any], reason: str, employee: str | None) -> StaffRequest:
        order = {**order, "reason": reason, "employee": employee}
        return parse(StaffRequest, self._connection.send("POST", PATH, json=order))
