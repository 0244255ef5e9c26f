"""Send the changes of the ledger to a target: in their order, and again until the target has confirmed each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Protocol

from visavis.attendance.integrations.connection import PAUSES_S, TargetConnection
from visavis.attendance.integrations.deliveries import Deliveries, claim_target
from visavis.attendance.integrations.errors import DelayedError, RefusedRecordError, RejectedError
from visavis.attendance.integrations.frappe import FrappeDelivery, FrappeHr
from visavis.attendance.integrations.odoo import OdooDelivery
from visavis.attendance.integrations.odoo_client import make_client
from visavis.attendance.integrations.site_pairs import SitePairs
from visavis.attendance.integrations.targets import Target, find_target, read_targets
from visavis.attendance.integrations.types import PushReport, TargetState
from visavis.attendance.integrations.webhook import WebhookDelivery, read_key
from visavis.attendance.integrations.zkteco.held import find_earliest_held
from visavis.attendance.integrations.zkteco.terminals import find_oldest_contact
from visavis.attendance.site import Site
from visavis.attendance.types import LedgerChange

AT_A_TIME = 500
GIVE_UP = timedelta(days=3)
"""A change to which the target answers with failures for this long is put among what is refused."""
_GIVEN_UP = re.compile(r"for \d+ days ")
"""Beginning of the reason of what was put aside so."""
SETTLING = timedelta(minutes=2)
"""A punch may be on its way into the ledger for so long after its time."""


class Delivery(Protocol):
    """Delivers one change after another."""

    def deliver(self, change: LedgerChange) -> None:
        """Deliver a change. Raises RefusedRecordError."""


def push(site: Site, name: str, *, retry: bool = False, pauses: tuple[float, ...] = PAUSES_S) -> PushReport:
    """Send what a target does not have yet.

    What it refused before is tried again at a payroll system, and with ``retry`` at any target. Raises UsageError and
    UnknownNameError for wrong settings, AttendanceError while another process delivers to the target.
    """
    target = find_target(site, name)
    secret = target.read_secret()
    store = Deliveries(site.database, name)
    authorization = {"frappe": f"token {secret}", "odoo": f"bearer {secret}" * (target.protocol == "json2")}
    with claim_target(site.database, site.folder, name):
        connection = TargetConnection(target.url, authorization=authorization.get(target.kind, ""), pauses=pauses)
        try:
            return _Push(site, target, store, connection).run(secret, retry=retry)
        finally:
            connection.close()


def read_states(site: Site) -> list[TargetState]:
    """Return how far the deliveries to all targets are."""
    states = []
    for name, target in read_targets(site).items():
        store = Deliveries(site.database, name)
        refused = tuple(store.list_refused())
        states.append(TargetState(name, target.kind, target.url, store.count_waiting(), refused, store.synced()))
    return states


def dismiss(site: Site, name: str, key: str) -> None:
    """Let a record that a target refused be: it need not be delivered. Raises UnknownNameError."""
    Deliveries(site.database, find_target(site, name).name).dismiss(key)


class _Push:
    def __init__(self, site: Site, target: Target, store: Deliveries, connection: TargetConnection) -> None:
        self._site, self._target, self._store, self._connection = site, target, store, connection
        self._counts: Counter[str] = Counter()
        self._notes: list[str] = []

    def run(self, secret: str, *, retry: bool) -> PushReport:
        stopped = ""
        try:
            if self._target.kind == "frappe":
                self._push_to_frappe()
            elif self._target.kind == "odoo":
                self._push_to_odoo(secret)
            else:
                webhook = WebhookDelivery(self._target, self._connection, read_key(secret))
                self._counts = webhook.counts
                self._deliver_each(webhook, retry=retry)
        except (DelayedError, RejectedError) as error:
            stopped = str(error)
        return PushReport(
            target=self._target.name,
            created=self._counts["created"],
            updated=self._counts["updated"],
            deleted=self._counts["deleted"],
            waiting=self._store.count_waiting(),
            refused=tuple(self._store.list_refused()),
            stopped=stopped,
            synced=self._store.synced(),
            notes=tuple(filter(None, self._notes)),
        )

    def _push_to_frappe(self) -> None:
        delivery = FrappeDelivery(self._target, self._store, FrappeHr(self._connection, self._target.employee_field))
        self._counts = delivery.counts
        begun = self._read_clock()
        self._deliver_each(delivery, retry=True)
        self._notes.append(delivery.describe_late())
        complete = self._find_complete(begun)
        if complete is not None:
            self._notes.append(delivery.synchronize(complete))

    def _find_complete(self, begun: datetime) -> datetime | None:
        """Return the time up to which all check-ins were delivered; None where that cannot be said."""
        complete = begun - SETTLING
        contact = find_oldest_contact(self._site)
        if contact is not None and contact.time is None:
            self._notes.append(
                f"terminal {contact.serial} has not yet been in contact for 10 minutes: last_sync_of_checkin is not "
                "written until it was, or is not in site.toml."
            )
            return None
        if contact is not None and contact.time is not None and contact.time < complete:
            complete = contact.time
            back = ", before it was away: it may still send punches of that time" if contact.is_back else ""
            self._notes.append(f"last_sync_of_checkin is the last contact of terminal {contact.serial}{back}.")
        before = self._store.synced() or datetime.min.replace(tzinfo=UTC)
        held = find_earliest_held(self._site, before)
        if held is not None and held.at <= complete:
            complete = held.at - timedelta(seconds=1)
            self._notes.append(
                f"last_sync_of_checkin stays before a punch that is held from terminal {held.terminal}: add its "
                "employee and call visavis attendance terminals --retry, or delete what is held by --clear "
                f"{held.terminal}."
            )
        refused = [record.at for record in self._store.list_refused() if record.at is not None and record.at > before]
        if refused and min(refused) <= complete:
            complete = min(refused) - timedelta(seconds=1)
            self._notes.append(
                "last_sync_of_checkin stays before the first check-in that was refused, so that it makes no absence: "
                "mend what is refused, or dismiss it."
            )
        self._note_outages(complete)
        return complete

    def _note_outages(self, complete: datetime) -> None:
        before = self._store.synced()
        for outage in self._site.outages(None if before is None else before.date(), complete.date()):
            if before is None or outage.end > before:
                place = outage.device or "all devices"
                times = f"from {outage.start.isoformat()} to {outage.end.isoformat()}"
                self._notes.append(f"{place} failed {times}: Frappe HR takes those without a check-in for absent.")

    def _push_to_odoo(self, secret: str) -> None:
        delivery = OdooDelivery(self._target, self._store, make_client(self._connection, self._target, secret))
        self._counts = delivery.counts
        cursor, touched = self._store.cursor(), dict[str, datetime]()
        while changes := self._site.ledger.changes(cursor, AT_A_TIME):
            for change in changes:
                for employee, at in self._list_places(change):
                    touched[employee] = min(at, touched.get(employee, at))
            cursor = changes[-1].number
        waiting = [(record.employee, record.at) for record in self._store.list_open()]
        refused = self._store.list_refused()
        given_up = {record.employee for record in refused if _GIVEN_UP.match(record.reason)}
        waiting += [(record.employee, record.at) for record in refused if record.at is not None]
        for employee, at in waiting:
            touched[employee] = min(at, touched.get(employee, at))
        delivery.look_up(touched)
        now = self._read_clock()
        pairs = SitePairs(self._site, longest=timedelta(hours=self._target.longest_hours))
        for employee, since in sorted(touched.items()):
            begin, pairing = pairs.pair_since(employee, since, now=now, first_day=self._target.first_day)
            try:
                delivery.deliver(employee, pairing, begin, change=0)
            except DelayedError as error:
                reason = self._give_up(error, before=employee in given_up)
                key = f"employee {employee}"
                self._store.refuse(key, employee=employee, at=since, change=cursor, reason=reason)
                if employee not in given_up:
                    self._store.advance(self._store.cursor())  # the time of the next failure begins anew
        self._store.advance(cursor)

    def _list_places(self, change: LedgerChange) -> Iterator[tuple[str, datetime]]:
        """Yield the employees and times that a punch has and had."""
        if change.kind == "punch" and change.punch is not None:
            yield change.punch.employee, change.punch.at
            return
        for record in self._site.ledger.history(punch_id=change.punch_id):
            if record.punch is not None:
                yield record.punch.employee, record.punch.at

    def _deliver_each(self, delivery: Delivery, *, retry: bool) -> None:
        if retry:
            for record in self._store.list_refused():
                for change in self._site.ledger.changes(record.change - 1, 1):
                    given_up = bool(_GIVEN_UP.match(record.reason))
                    if change.number == record.change and self._deliver(delivery, change, given_up=given_up):
                        self._store.forget_refusal(record.key)
        cursor = self._store.cursor()
        while changes := self._site.ledger.changes(cursor, AT_A_TIME):
            for change in changes:
                is_delivered = self._deliver(delivery, change)
                self._store.advance(change.number, settled=change.punch_id if is_delivered else None)
            cursor = changes[-1].number

    def _deliver(self, delivery: Delivery, change: LedgerChange, *, given_up: bool = False) -> bool:
        """Deliver a change, which was ``given_up`` before; return whether it was not refused."""
        try:
            delivery.deliver(change)
            return True
        except RefusedRecordError as error:
            reason = str(error)
        except DelayedError as error:
            reason = self._give_up(error, before=given_up)
        places = [*self._list_places(change)]
        employee, at = places[-1] if places else ("", None)
        key = change.punch_id if self._target.kind == "frappe" else str(change.number)
        self._store.refuse(key, employee=employee, at=at, change=change.number, reason=reason)
        return False

    def _give_up(self, error: DelayedError, *, before: bool) -> str:
        """Return why a record that the target answers with failures is put aside, as it was ``before``.

        Raises the error unless the time for that has come, since nothing else can be delivered then either.
        """
        if not error.answered or (not before and datetime.now(UTC) - self._store.note_failure() < GIVE_UP):
            raise error
        return f"for {GIVE_UP.days} days {error}"

    def _read_clock(self) -> datetime:
        with self._site.database.read() as conn:
            return self._site.database.read_clock(conn)
