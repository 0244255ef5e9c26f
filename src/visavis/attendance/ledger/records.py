"""Records of the ledger as rows of a table: what they hold, and the punches that they describe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, get_args

from sqlalchemy import Row

from visavis._checks import check_number
from visavis.attendance.constructors import compile_constructor
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
PUNCH_COLUMNS = CONTENT[:11]
"""Columns of the content that describe a punch; those of a time are two."""
DIRECTIONS, METHODS = get_args(Direction), get_args(Method)
FIGURES = (("distance", 10.0), ("probability", 1.0), ("liveness", 1.0))
"""Figures of a recognition, and the most that each can be."""
ID_LENGTH = 100
"""Most characters of the id of a punch."""

make_punch = compile_constructor(Punch)


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
    for name, most in FIGURES:
        if (value := getattr(punch, name)) is not None:
            check_number(value, f"the {name} of a punch is a number", least=0, most=most)
    at = check_time(punch.at, punch.zone)
    return Punch(
        punch.id,
        punch.employee,
        at,
        punch.zone,
        punch.direction,
        punch.device,
        punch.method,
        _as_float(punch.distance),
        _as_float(punch.probability),
        _as_float(punch.liveness),
    )


def _as_float(value: float | None) -> float | None:
    """Return a number as databases return it, so that its hash stays the same."""
    return None if value is None else float(value)


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


def check_author(actor: str, reason: str) -> None:
    """Raise UsageError for an actor or a reason that no record has."""
    check_text(actor, "an actor", most=NAME_LENGTH, one_line=True)
    check_text(reason, "a reason", most=TEXT_LENGTH)
    if not actor.strip():
        raise UsageError("a record needs the name of who writes it.")


def read_punch(row: Row[Any]) -> Punch:
    """Return the punch of a row with the columns of a record."""
    (punch,) = make_punches([tuple(getattr(row, name) for name in PUNCH_COLUMNS)])
    return punch


def make_punches(rows: Iterable[Sequence[Any]]) -> list[Punch]:
    """Return the punches of rows with ``PUNCH_COLUMNS``; what the ledger holds was checked when it was added."""
    epochs: dict[int, datetime] = {}
    punches = []
    for punch_id, employee, at, offset, zone, direction, device, method, distance, probability, liveness in rows:
        if (epoch := epochs.get(offset)) is None:
            epoch = epochs[offset] = make_time(0, offset)
        time = epoch + timedelta(0, 0, at)
        punches.append(
            make_punch(punch_id, employee, time, zone, direction, device, method, distance, probability, liveness)
        )
    return punches


def read_record(row: Row[Any]) -> LedgerRecord:
    """Return the record of a row whose content was not erased."""
    punch = read_punch(row) if row.kind in OF_PUNCHES else None
    detail = None if row.detail is None else parse_json(row.detail)
    return LedgerRecord(
        row.number, row.kind, make_time(row.recorded), row.actor, row.reason, row.employee, punch, detail
    )
