"""Frappe HR: employee check-ins over REST, then ``last_sync_of_checkin``, without which no Attendance is made of them.

Frappe HR holds one check-in for a person and a time, and refuses a second one. Its times are local, without an offset:
in the hour that comes twice when clocks are set back, two punches may have the same time.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from visavis.attendance.integrations.connection import TargetAnswer, TargetConnection, excerpt
from visavis.attendance.integrations.deliveries import Deliveries, SentRecord
from visavis.attendance.integrations.errors import RefusedRecordError, RejectedError
from visavis.attendance.integrations.targets import Target
from visavis.attendance.types import LedgerChange, Punch
from visavis.structured_text import parse_json

ADD_LOG = "/api/method/hrms.hr.doctype.employee_checkin.employee_checkin.add_log_based_on_employee_field"
RESOURCES = "/api/resource/"
DUPLICATE = "already has a log with the same timestamp"
LOG_TYPES: Mapping[str, str] = {"in": "IN", "out": "OUT", "unspecified": ""}
SAME_LOCAL_TIME = "clocks were set back, and another punch of this person has the same local time"
NOT_FRAPPE = "it answers, and not as Frappe HR does: is this the address of the site?"
NEIGHBORHOOD = timedelta(hours=3)
"""Punches of one local time are less apart than this."""


def format_time(time: datetime, zone: str) -> str:
    """Return a time as Frappe HR reads it, to the second: "2019-05-08 10:48:08.000000", local in a zone."""
    return time.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S.000000")


class FrappeHr:
    """The requests to Frappe HR. ``employee_field`` is the field of Employee that holds our employee numbers."""

    def __init__(self, connection: TargetConnection, employee_field: str) -> None:
        self._connection, self._employee_field = connection, employee_field

    def add(self, employee: str, content: Mapping[str, str]) -> str:
        """Add a check-in; return its name, "" where it was there and its name cannot be found out.

        Raises RefusedRecordError.
        """
        values = {
            "employee_field_value": employee,
            "employee_fieldname": self._employee_field,
            "timestamp": content["time"],
            "log_type": content["log_type"],
            "device_id": content["device_id"],
        }
        answer = self._connection.send("POST", ADD_LOG, json=values)
        if answer.status == 200:
            return _read_name(answer)
        reason = read_message(answer)
        try:
            name = self.find(employee, content["time"])  # the message is in the language of the site
        except RejectedError:  # the key may add check-ins, and not read them
            name = None
        if name is None and DUPLICATE not in reason:
            raise RefusedRecordError(reason)
        return name or ""

    def find(self, employee: str, time: str) -> str | None:
        """Return the name of the check-in of an employee at a time; None where there is none."""
        name: str | None = employee
        if self._employee_field != "name":
            name = self._find_first("Employee", {self._employee_field: employee})
        if name is None:
            return None
        return self._find_first("Employee Checkin", {"employee": name, "time": time.removesuffix(".000000")})

    def change(self, name: str, content: Mapping[str, str]) -> bool:
        """LedgerChange a check-in; return whether there still is one. Raises RefusedRecordError."""
        return self._touch("PUT", f"Employee Checkin/{quote(name, safe='')}", json=dict(content))

    def delete(self, name: str) -> None:
        """Delete a check-in, if there still is one. Raises RefusedRecordError."""
        self._touch("DELETE", f"Employee Checkin/{quote(name, safe='')}")

    def set_last_sync(self, shift_type: str, time: str) -> None:
        """Let Attendance be made of the shifts that were over at a time. Raises RefusedRecordError."""
        path = f"Shift Type/{quote(shift_type, safe='')}"
        if not self._touch("PUT", path, json={"last_sync_of_checkin": time}):
            raise RefusedRecordError(f"there is no Shift Type {shift_type}")

    def _touch(self, method: str, path: str, **options: Any) -> bool:
        answer = self._connection.send(method, RESOURCES + path.replace(" ", "%20"), **options)
        if answer.status >= 400 and answer.status != 404:
            raise RefusedRecordError(read_message(answer))
        return answer.status != 404

    def _find_first(self, doctype: str, values: Mapping[str, str]) -> str | None:
        filters = json.dumps([[field, "=", value] for field, value in values.items()])
        query = {"filters": filters, "fields": '["name"]', "limit_page_length": "1"}
        answer = self._connection.send("GET", RESOURCES + quote(doctype), params=query)
        rows = _read_object(answer).get("data") if answer.status == 200 else []
        if not isinstance(rows, list) or not all(isinstance(row, dict) and "name" in row for row in rows):
            raise RejectedError(NOT_FRAPPE)
        return str(rows[0]["name"]) if rows else None


class FrappeDelivery:
    """Delivers changes of the ledger one after another; ``counts`` are those of the report."""

    def __init__(self, target: Target, store: Deliveries, system: FrappeHr) -> None:
        self._target, self._store, self._system = target, store, system
        self._synced = store.synced()
        self._late: list[Punch] = []
        self.counts: Counter[str] = Counter()

    def describe_late(self) -> str:
        """Return a sentence about check-ins that were added after Attendance of their time had been made."""
        if not self._late:
            return ""
        first = min(self._late, key=lambda punch: punch.at)
        return (
            f"check-ins of days that Frappe HR has already dealt with: {len(self._late)}, the first of employee "
            f"{first.employee} at {first.at.isoformat()}. Cancel Attendance of those days there: it is made anew."
        )

    def deliver(self, change: LedgerChange) -> None:
        """Bring a punch at Frappe HR to what it is after a change. Raises RefusedRecordError."""
        punch, sent = change.punch, self._store.find(change.punch_id)
        if punch is not None and not self._target.covers(punch):
            punch = None
        if sent is not None and sent.remote is None:
            sent = self._look_up(sent)
        if punch is None:
            self._withdraw(change.punch_id, sent)
        elif sent is None:
            self._create(punch)
        elif (punch.employee, self._describe(punch)) != (sent.employee, sent.content):
            self._update(punch, sent)

    def synchronize(self, complete: datetime) -> str:
        """Let Attendance be made of the shifts that were over at a time, up to which all check-ins were delivered.

        Return what a person should know.
        """
        if not self._target.shift_types:
            return "shift_types is not set: last_sync_of_checkin is not written, so no Attendance is made."
        text = format_time(complete, self._target.zone)
        for shift_type in self._target.shift_types:
            try:
                self._system.set_last_sync(shift_type, text)
            except RefusedRecordError as error:
                return f"last_sync_of_checkin was not written: {error}."
        self._store.store_synced(complete)
        return ""

    def _describe(self, punch: Punch) -> dict[str, str]:
        time = format_time(punch.at, self._target.zone)
        return {"time": time, "log_type": LOG_TYPES[punch.direction], "device_id": punch.device}

    def _look_up(self, sent: SentRecord) -> SentRecord | None:
        """Return a record that may not have been created, because the process or the connection ended, if it was."""
        name = self._system.find(sent.employee, sent.content["time"])
        if name is None:
            return None
        self._store.store(replace(sent, remote=name))
        self.counts["created"] += 1
        return replace(sent, remote=name)

    def _create(self, punch: Punch) -> None:
        record = SentRecord(punch.id, punch.employee, punch.at, self._describe(punch), None)
        for twin in self._find_twins(record):
            if abs(twin.at - punch.at) >= timedelta(minutes=1):
                raise RefusedRecordError(SAME_LOCAL_TIME)
            self._store.store(replace(record, remote=""))
            return
        self._store.store(record)
        try:
            name = self._system.add(punch.employee, record.content)
        except RefusedRecordError:
            self._store.forget(punch.id)
            raise
        self._store.store(replace(record, remote=name))
        self.counts["created"] += 1
        if self._synced is not None and punch.at < self._synced:
            self._late.append(punch)

    def _update(self, punch: Punch, sent: SentRecord) -> None:
        if punch.employee != sent.employee or not sent.remote or self._find_twins(sent):
            self._withdraw(punch.id, sent)
            self._create(punch)
            return
        content = self._describe(punch)
        if not self._system.change(sent.remote, content):
            self._create(punch)
            return
        self._store.store(replace(sent, at=punch.at, content=content))
        self.counts["updated"] += 1

    def _withdraw(self, key: str, sent: SentRecord | None) -> None:
        """Delete a check-in, unless it also stands for another punch of the same second."""
        if sent is not None:
            twins = self._find_twins(sent)
            if twins and sent.remote:
                self._store.store(replace(twins[0], remote=sent.remote))
            elif not twins:
                self._delete(sent)
        self._store.forget(key)

    def _delete(self, sent: SentRecord) -> None:
        name = sent.remote or self._system.find(sent.employee, sent.content["time"])
        if name is None:
            raise RefusedRecordError(f"the check-in of {sent.content['time'][:19]} cannot be found: delete it by hand")
        self._system.delete(name)
        self.counts["deleted"] += 1

    def _find_twins(self, record: SentRecord) -> list[SentRecord]:
        """Return the other punches that Frappe HR cannot tell from one: of the same person and local second."""
        near = self._store.list_sent(record.employee, record.at - NEIGHBORHOOD)
        return [other for other in near if other.key != record.key and other.content["time"] == record.content["time"]]


def read_message(answer: TargetAnswer) -> str:
    """Return why Frappe refused a request: the message that a person would see there."""
    try:
        content = _read_object(answer)
        texts = [parse_json(message)["message"] for message in parse_json(content.get("_server_messages", "[]"))]
        return excerpt(". ".join(map(str, texts)) or content.get("exception") or content.get("exc_type", ""))
    except (RejectedError, ValueError, KeyError, TypeError, AttributeError):
        return excerpt(f"answer {answer.status}: {answer.body.decode('utf-8', 'replace')}")


def _read_name(answer: TargetAnswer) -> str:
    message = _read_object(answer).get("message")
    name = message.get("name") if isinstance(message, dict) else None
    if not isinstance(name, str) or not name:
        raise RejectedError(NOT_FRAPPE)
    return name


def _read_object(answer: TargetAnswer) -> dict[str, Any]:
    content = answer.json()
    if not isinstance(content, dict):
        raise RejectedError(NOT_FRAPPE)
    return content
