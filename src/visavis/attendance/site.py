"""The class Site: a place whose attendance is recorded, in a folder with its settings, database and key."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from sqlalchemy import select, update

from visavis import permissions
from visavis._closing import Closing
from visavis.attendance import employees as employee_rows
from visavis.attendance import requests
from visavis.attendance.absences import add_leave, add_outage, read_leaves, read_outages
from visavis.attendance.accesses import add_accesses
from visavis.attendance.database import AttendanceDatabase
from visavis.attendance.employees import ImportCounts, put_employees
from visavis.attendance.ledger.chain import LedgerKey, create_key, read_key
from visavis.attendance.ledger.head import HeadFile
from visavis.attendance.ledger.ledger import PunchLedger, new_punch_id
from visavis.attendance.ledger.records import check_punch
from visavis.attendance.ledger.verify import LedgerFault
from visavis.attendance.local_time import begin_day
from visavis.attendance.retention import read_erased_before
from visavis.attendance.settings import FILE, SiteSettings, check_settings, locate_url, read_settings, write_settings
from visavis.attendance.tables import META
from visavis.attendance.tracked import find_altered_rows
from visavis.attendance.types import Direction, Employee, Leave, Method, Outage, Punch, RequestKind, StaffRequest
from visavis.errors import AttendanceError, reason_of

HEAD_FILE = "ledger.head"
ONE_DAY = timedelta(days=1)


class Site(Closing):
    """An open site, safe to share between threads; several processes and servers may use one at the same time.

    Raises AttendanceError for a folder that is not a site, and where its database or the key of its ledger cannot be
    used; UsageError for wrong settings.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.settings = read_settings(self.folder)
        key_path = self.folder / self.settings.key
        self.key = key = read_key(key_path)
        self.database = AttendanceDatabase(locate_url(self.settings.database, self.folder))
        try:
            self._check_key(key, key_path)
        except BaseException:
            self.database.close()
            raise
        self.ledger = PunchLedger(self.database, key, HeadFile(self.folder / HEAD_FILE, key, lock=key_path))

    @classmethod
    def create(cls, folder: str | os.PathLike[str], settings: SiteSettings) -> Self:
        """Make a site in a folder, which is new or has none; return it open.

        Raises AttendanceError where there is a site already, or the folder cannot be written; UsageError for wrong
        settings.
        """
        place = Path(folder)
        check_settings(settings)
        if (place / FILE).exists():
            raise AttendanceError(f"there is a site in {place} already.")
        key_path, head_path = place / settings.key, place / HEAD_FILE
        is_new = not key_path.exists()
        makes_head = is_new or not head_path.exists()  # one that is there may name records that were removed
        try:
            permissions.make_folder(place)
            if is_new:
                create_key(key_path)
            if makes_head:
                HeadFile(head_path, read_key(key_path), lock=key_path).create()
        except OSError as error:
            raise AttendanceError(f"no site can be made in {place}: {reason_of(error)}.") from error
        write_settings(place, settings)
        try:
            return cls(place)
        except BaseException:
            for path in (place / FILE, *([head_path] if makes_head else []), *([key_path] if is_new else [])):
                path.unlink(missing_ok=True)
            raise

    def close(self) -> None:
        """Close the connections of the database."""
        self.database.close()

    @property
    def zone(self) -> str:
        """The IANA name of the time zone of the place."""
        return self.settings.zone

    @property
    def rules_path(self) -> Path:
        """The file of the rules."""
        return self.folder / self.settings.rules

    def _check_key(self, key: LedgerKey, path: Path) -> None:
        """Raise AttendanceError where the ledger in the database was begun with another key."""
        with self.database.read() as conn:
            mark = conn.execute(select(META.c.key_mark)).scalar()
        if mark is None:
            with self.database.write() as conn:
                conn.execute(update(META).where(META.c.key_mark.is_(None)).values(key_mark=key.mark))
                mark = conn.execute(select(META.c.key_mark)).scalar()
        if mark != key.mark:
            raise AttendanceError(
                f"{path} is not the key of the ledger in {self.database.place}: copy the folder of the site from the "
                "machine where it was made, or from its backup."
            )

    # People

    def employees(self) -> list[Employee]:
        """Return all employees, also those who left, in the order of their numbers."""
        with self.database.read() as conn:
            return employee_rows.read_employees(conn)

    def employee(self, number: str) -> Employee:
        """Return the employee of a number; raises UnknownNameError."""
        with self.database.read() as conn:
            return employee_rows.find_employee(conn, number)

    def put_employees(self, employees: Iterable[Employee], *, actor: str) -> ImportCounts:
        """Add employees, and change those that differ from what is stored; employees who are not given stay.

        All or none. Raises UsageError for values that no employee has.
        """
        with self.ledger.write(actor=actor) as writer:
            return put_employees(writer, employees)

    # Punches

    def punch(
        self,
        employee: str,
        *,
        actor: str,
        direction: Direction = "unspecified",
        at: datetime | None = None,
        device: str = "",
        method: Method = "administrator",
        reason: str = "",
        punch_id: str | None = None,
    ) -> Punch:
        """Add a punch of an employee, now unless ``at`` is given; return it.

        With a ``punch_id`` and ``at`` the same call can be repeated: the punch is recorded once. Raises
        UnknownNameError for an employee who is not known, UsageError for values that no punch has.
        """
        time = datetime.now(UTC) if at is None else at
        punch = Punch(punch_id or new_punch_id(), employee, time, self.zone, direction, device, method)
        added = self.ledger.add([punch], actor=actor, reason=reason)
        return added[0] if added else check_punch(punch)

    def punches(
        self, first: date | None = None, last: date | None = None, employees: Collection[str] | None = None
    ) -> list[Punch]:
        """Return the punches as they now are from ``first`` to ``last`` day in the site's zone, by time and id.

        None: without a bound, and of all employees.
        """
        start = None if first is None else begin_day(first, self.zone)
        end = None if last is None else begin_day(last + ONE_DAY, self.zone)
        return self.ledger.punches(start, end, employees)

    def punches_between(self, start: datetime, end: datetime, employees: Collection[str] | None = None) -> list[Punch]:
        """Return the punches as they now are from ``start`` up to but without ``end``, by time and id."""
        return self.ledger.punches(start, end, employees)

    def leaves(
        self, first: date | None = None, last: date | None = None, employees: Collection[str] | None = None
    ) -> list[Leave]:
        """Return approved leave that touches the days from ``first`` to ``last``, by first day, employee and id."""
        with self.database.read() as conn:
            return read_leaves(conn, first, last, employees)

    def outages(self, first: date | None = None, last: date | None = None) -> list[Outage]:
        """Return the outages that touch the days from ``first`` to ``last`` in the site's zone, by start."""
        start = None if first is None else begin_day(first, self.zone)
        end = None if last is None else begin_day(last + ONE_DAY, self.zone)
        with self.database.read() as conn:
            return read_outages(conn, start, end)

    def erased_before(self) -> datetime | None:
        """Return the time before which retention has erased punches; None where it has erased none."""
        with self.database.read() as conn:
            return read_erased_before(conn)

    def add_leave(self, leave: Leave, *, actor: str, reason: str = "") -> Leave:
        """Add approved leave; UsageError where it overlaps other leave, UnknownNameError for an unknown employee."""
        with self.ledger.write(actor=actor) as writer:
            return add_leave(writer, leave, reason=reason)

    def add_outage(self, outage: Outage, *, actor: str, outage_id: str | None = None) -> str:
        """Add a time in which a device failed: see :func:`visavis.attendance.absences.add_outage`."""
        with self.ledger.write(actor=actor) as writer:
            return add_outage(writer, outage, outage_id=outage_id)

    # Requests

    def request(
        self, employee: str, kind: RequestKind, content: Mapping[str, Any], *, reason: str, actor: str
    ) -> StaffRequest:
        """Add a request that waits for a decision: see :func:`visavis.attendance.requests.add_request`."""
        with self.ledger.write(actor=actor) as writer:
            return requests.add_request(writer, employee, kind, content, reason=reason, zone=self.zone)

    def decide(
        self, request_id: str, *, approve: bool, actor: str, manager: str | None = None, reason: str = ""
    ) -> StaffRequest:
        """Approve or decline a request: see :func:`visavis.attendance.requests.decide_request`."""
        with self.ledger.write(actor=actor) as writer:
            return requests.decide_request(
                writer, request_id, approve=approve, manager=manager, reason=reason, zone=self.zone
            )

    # Who looks, and who has written

    def record_access(self, action: str, *, actor: str, employees: Collection[str] = ()) -> None:
        """Log that ``actor`` looks at ``employees``, at all by default; ``action`` is what is shown."""
        with self.database.write() as conn:
            add_accesses(conn, self.database.read_clock(conn), actor, action, employees)

    def verify(self, *, since: datetime | None = None) -> list[LedgerFault]:
        """Return what was changed in the database by other programs: in the ledger, and in rows that it records.

        ``since``: in the ledger only from the first record on that is about a time from then on.
        """
        faults = self.ledger.verify(since=since)
        with self.database.read() as conn:
            return [*faults, *find_altered_rows(conn)]
