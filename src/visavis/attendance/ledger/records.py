"""Records of the ledger as rows of a table: what they hold, and the punches that they describe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, get_args

from sqlalchemy import Row

from visavis._checks import check_number
from visavis.attendance.local_time import check_time, count_microseconds, make_time
from visavis.attendance.types import Direction, LedgerRecord, Method, Punch
from visavis.errors import UsageError
from visavis.gallery.check_text import NAME_LENGTH, TEXT_LENGTH, check_text
from visavis.structured_text import parse_json

PUNCH: Final = "punch"
CORRECTION: Final = "correction"
VOID: Final = "void"
RESTORE: Final = "restore"
OF_PUNCHES = (PUNCH, CORRECTION, VOID, RESTORE)
"""Kinds of records that hold what a punch is from then on; the newest of a punch counts."""
EVENT = "event"
"""A record of anything else: an employee, a request, a closing. ``detail`` holds what was done."""
ERASURE = "erasure"
"""``detail`` holds the numbers of the records whose content was erased."""
KINDS = (*OF_PUNCHES, EVENT, ERASURE)

CONTENT = (
    "punch_id", "employee", "at", "utc_offset", "zone", "direction", "device", "method", "distance", "probability",
    "liveness", "recorded", "actor", "reason", "detail",
)  # fmt: skip
"""Columns of the content of a record, in the order in which they are hashed."""
DIRECTIONS, METHODS = get_args(Direction), get_args(Method)
ID_LENGTH = 100
"""Most characters of the id of a punch."""


def check_punch(punch: Punch) -> Punch:
    """Return a punch whose time is local in its zone; UsageError for values that no punch has."""
    check_text(punch.id, "an id of a punch", most=ID_LENGTH, one_line=True)
    check_text(punch.device, "a name of a device", most=NAME_LENGTH, one_line=True)
    if not punch.id or punch.id.isspace():
        raise UsageError("a punch needs an id.")
    if punch.direction not in DIRECTIONS:
        raise UsageError(f"a direction is one of {', '.join(DIRECTIONS)}, got {punch.direction!r}.")
    if punch.method not in METHODS:
        raise UsageError(f"a method is one of {', '.join(METHODS)}, got {punch.method!r}.")
    figures = {
        name: None if value is None else check_number(value, f"the {name} of a punch is a number", least=0, most=most)
        for name, value, most in (
            ("distance", punch.distance, 10.0),
            ("probability", punch.probability, 1.0),
            ("liveness", punch.liveness, 1.0),
        )
    }
    return Punch(
        punch.id,
        punch.employee,
        check_time(punch.at, punch.zone),
        punch.zone,
        punch.direction,
        punch.device,
        punch.method,
        **figures,
    )


def describe_punch(punch: Punch) -> dict[str, object]:
    """Return a punch as columns of a record."""
    offset = punch.at.utcoffset()
    return {
        "punch_id": punch.id,
        "employee": punch.employee,
        "at": count_microseconds(punch.at),
        "utc_offset": 0 if offset is None else round(offset.total_seconds()),
        "zone": punch.zone,
        "direction": punch.direction,
        "device": punch.device,
        "method": punch.method,
        "distance": punch.distance,
        "probability": punch.probability,
        "liveness": punch.liveness,
    }


def make_content(columns: Mapping[str, object], *, recorded: int, actor: str, reason: str = "") -> dict[str, object]:
    """Return all columns of the content of a record."""
    check_text(actor, "an actor", most=NAME_LENGTH, one_line=True)
    check_text(reason, "a reason", most=TEXT_LENGTH)
    return {**dict.fromkeys(CONTENT), **columns, "recorded": recorded, "actor": actor, "reason": reason}


def read_punch(row: Row[Any]) -> Punch:
    """Return the punch of a row with the columns of a record."""
    return Punch(
        row.punch_id,
        row.employee,
        make_time(row.at, row.utc_offset),
        row.zone,
        row.direction,
        row.device,
        row.method,
        row.distance,
        row.probability,
        row.liveness,
    )


def read_record(row: Row[Any]) -> LedgerRecord:
    """Return the record of a row whose content was not erased."""
    punch = read_punch(row) if row.kind in OF_PUNCHES else None
    detail = None if row.detail is None else parse_json(row.detail)
    return LedgerRecord(
        row.number, row.kind, make_time(row.recorded), row.actor, row.reason, row.employee, punch, detail
    )
