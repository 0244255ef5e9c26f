"""What deliveries report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from visavis.plain import Plain


@dataclass(frozen=True, slots=True)
class RefusedRecord(Plain):
    """A record that a target did not take, and why. It waits for a retry, or to be dismissed.

    ``key`` names it: the id of a punch, or of the punch that begins a pair. ``at`` is the time of the punch, None where
    it is void; ``change`` the number of the change of the ledger; ``since`` the time of the first refusal.
    """

    key: str
    employee: str
    at: datetime | None
    change: int
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class DeliveredRecord(Plain):
    """What a target has of an employee under a key, or was asked to create where ``remote`` is None.

    ``remote`` is its id there, ``content`` what was sent.
    """

    target: str
    key: str
    at: datetime
    content: dict[str, Any]
    remote: str | None


@dataclass(frozen=True, slots=True)
class EmployeeDeliveries(Plain):
    """What was sent to a target about an employee: records of the ledger up to the number ``cursor`` were dealt with.

    A webhook was sent all of these; ``sent`` and ``refused`` are records of payroll systems, and what was put aside.
    """

    target: str
    cursor: int
    sent: tuple[DeliveredRecord, ...]
    refused: tuple[RefusedRecord, ...]


@dataclass(frozen=True, slots=True)
class TargetState(Plain):
    """How far deliveries to a target are: ``waiting`` changes of the ledger are still to be sent.

    ``synced`` is the ``last_sync_of_checkin`` that Frappe HR was given last; None for other kinds.
    """

    target: str
    kind: str
    url: str
    waiting: int
    refused: tuple[RefusedRecord, ...] = ()
    synced: datetime | None = None


@dataclass(frozen=True, slots=True)
class PushReport(Plain):
    """What a push did: numbers of records that it created, updated and deleted at the target.

    ``stopped`` says why it ended before all changes were sent; empty: all were. What was ``refused`` is listed, also by
    earlier pushes. ``notes`` are sentences for people.
    """

    target: str
    created: int
    updated: int
    deleted: int
    waiting: int
    refused: tuple[RefusedRecord, ...]
    stopped: str = ""
    synced: datetime | None = None
    notes: tuple[str, ...] = ()
