"""Odoo: rows of ``hr.attendance``, each a pair of check-in and check-out in UTC.

A change of a punch can change the pairs around it. So the pairs of a person are computed anew, from the punches as
they now are, and compared with what Odoo was given: what is no longer there is deleted first, then rows are changed and
added until nothing more succeeds, since Odoo refuses rows that overlap on the way too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from visavis.attendance.integrations.deliveries import Deliveries, SentRecord
from visavis.attendance.integrations.errors import RefusedRecordError, RejectedError
from visavis.attendance.integrations.odoo_client import OdooClient
from visavis.attendance.integrations.pairs import CheckPair, Pairing
from visavis.attendance.integrations.targets import Target

ATTENDANCE, EMPLOYEE = "hr.attendance", "hr.employee"
MODES: Mapping[str, str] = {
    "face": "kiosk", "pin": "kiosk", "badge": "kiosk", "administrator": "manual", "import": "technical",
}  # fmt: skip
"""``in_mode`` and ``out_mode`` by the method of a punch."""
AT_A_TIME = 500
"""Employees of a request."""


def format_time(time: datetime) -> str:
    """Return a time as Odoo stores it: UTC to the second, without an offset."""
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


class OdooDelivery:
    """Brings the rows of employees at Odoo to what their punches now are; ``counts`` are those of the report."""

    def __init__(self, target: Target, store: Deliveries, client: OdooClient) -> None:
        self._target, self._store, self._client = target, store, client
        self._ids: dict[str, list[int]] = {}  # more than one: nothing says which of them is meant
        self.counts: Counter[str] = Counter()

    def look_up(self, employees: Iterable[str]) -> None:
        """Find out the ids of employees at Odoo."""
        numbers, field = sorted({*employees}), self._target.employee_field
        for start in range(0, len(numbers), AT_A_TIME):
            part = numbers[start : start + AT_A_TIME]
            rows = self._client.call(EMPLOYEE, "search_read", domain=[[field, "in", part]], fields=[field])
            self._ids |= {number: [] for number in part}
            for row in _check_rows(rows, field):
                self._ids.setdefault(str(row[field]), []).append(int(row["id"]))

    def deliver(self, employee: str, pairing: Pairing, begin: datetime, *, change: int) -> None:
        """Bring the rows of an employee to the pairs from the time ``begin`` on.

        Those before are as they were at the last delivery. What is refused is stored with ``change``.
        """
        sent = {record.key: record for record in self._store.list_sent(employee, begin)}
        wanted = {pair.check_in.id: pair for pair in pairing.pairs}
        refused = {punch.id: (punch.at, reason) for punch, reason in pairing.unpaired}
        employee_id = self._find_id(employee)
        if employee_id is not None:
            refused |= self._synchronize(employee_id, wanted, sent)
        elif wanted or sent:
            count = "two or more employees of Odoo have" if self._ids.get(employee) else "no employee of Odoo has"
            reason = f"{count} {employee} in the field {self._target.employee_field}"
            refused[f"employee {employee}"] = (begin, reason)
        for key, (at, reason) in refused.items():
            self._store.refuse(key, employee=employee, at=at, change=change, reason=reason)
        self._store.settle(employee, begin, frozenset(refused))

    def _find_id(self, employee: str) -> int | None:
        """Return the id of an employee at Odoo; None where no employee, or more than one, has the number."""
        ids = self._ids.get(employee, [])
        return ids[0] if len(ids) == 1 else None

    def _synchronize(
        self, employee_id: int, wanted: Mapping[str, CheckPair], sent: Mapping[str, SentRecord]
    ) -> dict[str, tuple[datetime, str]]:
        """Change Odoo's rows; return what is refused, with its time and the reason."""
        refused = {}
        for record in sent.values():
            if record.key not in wanted:
                try:
                    self._remove(employee_id, record)
                except RefusedRecordError as error:
                    refused[record.key] = (record.at, str(error))
        waiting = [pair for key, pair in wanted.items() if not self._is_there(pair, sent.get(key))]
        while waiting:
            failed = []
            for pair in waiting:
                try:
                    self._put(employee_id, pair, self._store.find(pair.check_in.id))
                except RefusedRecordError as error:
                    failed.append((pair, str(error)))
            if len(failed) == len(waiting):
                return refused | {pair.check_in.id: (pair.check_in.at, reason) for pair, reason in failed}
            waiting = [pair for pair, _ in failed]
        return refused

    def _is_there(self, pair: CheckPair, sent: SentRecord | None) -> bool:
        return sent is not None and sent.remote is not None and sent.content == self._describe(pair)

    def _describe(self, pair: CheckPair) -> dict[str, Any]:
        content: dict[str, Any] = {"check_in": format_time(pair.check_in.at), "check_out": False}
        if pair.check_out is not None:
            content["check_out"] = format_time(pair.check_out.at)
        if self._target.protocol == "json2":  # older versions have no modes
            content["in_mode"] = MODES[pair.check_in.method]
            if pair.check_out is not None:
                content["out_mode"] = MODES[pair.check_out.method]
        return content

    def _put(self, employee_id: int, pair: CheckPair, sent: SentRecord | None) -> None:
        """Write a row, or add it where Odoo has none."""
        punch, content = pair.check_in, self._describe(pair)
        record = SentRecord(punch.id, punch.employee, punch.at, content, None, is_open=pair.check_out is None)
        if sent is not None and sent.employee != punch.employee:  # corrected: the row of the other employee goes
            self._remove(self._find_id(sent.employee), sent)
            sent = None
        if sent is not None and sent.remote is None:
            sent = self._find(employee_id, sent)
        if sent is not None and sent.remote and self._write(sent.remote, content):
            self._store.store(replace(record, remote=sent.remote))
            self.counts["updated"] += 1
            return
        self._store.store(record)
        try:
            remote = self._create(employee_id, record)
        except RefusedRecordError:
            self._store.forget(record.key)
            raise
        self._store.store(replace(record, remote=remote))
        self.counts["created"] += 1

    def _create(self, employee_id: int, record: SentRecord) -> str:
        """Add a row; return its id. Where an earlier try has added it, Odoo refuses the row as an overlap."""
        try:
            ids = self._client.call(ATTENDANCE, "create", vals_list=[{"employee_id": employee_id, **record.content}])
        except RefusedRecordError as error:
            existing = self._find(employee_id, record) if error.is_repeated else None
            if existing is None or not existing.remote:  # the row that is in the way is not ours
                raise
            return existing.remote
        if not isinstance(ids, list) or len(ids) != 1 or not isinstance(ids[0], int):
            raise RejectedError("it answers, and not as Odoo does: is this the right address?")
        return str(ids[0])

    def _find(self, employee_id: int, record: SentRecord) -> SentRecord | None:
        """Return a record, to which no answer came, with the id of its row; None where there is none.

        All that was sent has to be in the row: an officer may have added another of the same second.
        """
        rows = self._find_rows(employee_id, record)
        same = (row for row in rows if all(row.get(name) == value for name, value in record.content.items()))
        return next((replace(record, remote=str(row["id"])) for row in same), None)

    def _find_rows(self, employee_id: int, record: SentRecord) -> list[Mapping[str, Any]]:
        """Return the rows of an employee with the check-in of a record."""
        domain = [["employee_id", "=", employee_id], ["check_in", "=", record.content["check_in"]]]
        rows = self._client.call(ATTENDANCE, "search_read", domain=domain, fields=[*record.content])
        return _check_rows(rows, "check_in")

    def _write(self, remote: str, content: Mapping[str, Any]) -> bool:
        """Write a row; return whether there still is one."""
        try:
            self._client.call(ATTENDANCE, "write", ids=[int(remote)], vals=dict(content))
        except RefusedRecordError:
            if self._exists(remote):
                raise
            return False
        return True

    def _remove(self, employee_id: int | None, record: SentRecord) -> None:
        existing: SentRecord | None = record
        if record.remote is None:
            existing = None if employee_id is None else self._find(employee_id, record)
            if employee_id is not None and existing is None and self._find_rows(employee_id, record):
                raise RefusedRecordError(
                    "this punch is void, and Odoo has another row of the same check-in: it stays, see whose it is"
                )
        if existing is not None and existing.remote:
            try:
                self._client.call(ATTENDANCE, "unlink", ids=[int(existing.remote)])
            except RefusedRecordError:
                if self._exists(existing.remote):
                    raise
            self.counts["deleted"] += 1
        self._store.forget(record.key)

    def _exists(self, remote: str) -> bool:
        domain = [["id", "=", int(remote)]]
        return bool(self._client.call(ATTENDANCE, "search_read", domain=domain, fields=["check_in"], limit=1))


def _check_rows(rows: Any, field: str) -> list[Mapping[str, Any]]:
    """Return rows of an answer; raises RejectedError where they have another form."""
    if isinstance(rows, list) and all(_is_row(row, field) for row in rows):
        return rows
    raise RejectedError("it answers, and not as Odoo does: is this the right address?")


def _is_row(row: object, field: str) -> bool:
    return isinstance(row, dict) and field in row and isinstance(row.get("id"), int)
