"""Erase the content of records: the salt goes with it, the hash stays, and the chain stays whole."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, exists, or_, select, update

from visavis.attendance.ledger.chain import digest_content
from visavis.attendance.ledger.records import CONTENT, ERASURE, OF_PUNCHES
from visavis.attendance.ledger.writing import LedgerWriter
from visavis.attendance.local_time import count_microseconds
from visavis.attendance.tables import RECORDS

OTHER, NEWER = RECORDS.alias("other"), RECORDS.alias("newer")
MOST_RECORDS = 20_000
"""Records that a transaction erases."""

_ERASE = (
    update(RECORDS)
    .where(RECORDS.c.number == bindparam("record"))
    .values(**dict.fromkeys((*CONTENT, "salt")), digest=bindparam("content_digest"))
)


def erase_employee(writer: LedgerWriter, employee: str, *, reason: str) -> int:
    """Erase all records about an employee; return how many.

    A punch that was corrected to be of the employee is erased with the records that named another one before: without
    the correction it would count for that one again.
    """
    is_newer = and_(NEWER.c.punch_id == OTHER.c.punch_id, NEWER.c.number > OTHER.c.number)
    theirs = select(OTHER.c.punch_id).where(
        OTHER.c.employee == employee, OTHER.c.kind.in_(OF_PUNCHES), ~exists().where(is_newer)
    )
    return _erase(writer, or_(RECORDS.c.employee == employee, RECORDS.c.punch_id.in_(theirs)), reason, most=None)


def erase_old_punches(writer: LedgerWriter, before: datetime, *, reason: str) -> int:
    """Erase records of punches before a time, at most ``MOST_RECORDS``; return how many.

    All records of a punch are erased together, once none of them is of a later time.
    """
    limit = count_microseconds(before)
    later = exists().where(OTHER.c.punch_id == RECORDS.c.punch_id, OTHER.c.at >= limit)
    return _erase(writer, and_(RECORDS.c.at < limit, ~later), reason, most=MOST_RECORDS)


def _erase(writer: LedgerWriter, condition: ColumnElement[bool], reason: str, *, most: int | None) -> int:
    query = select(RECORDS).where(condition, RECORDS.c.salt.is_not(None)).order_by(RECORDS.c.number)
    rows: Sequence[Any] = writer.conn.execute(query if most is None else query.limit(most)).all()
    if not rows:
        return 0
    digests = [digest_content(row.salt, [getattr(row, column) for column in CONTENT]) for row in rows]
    values = [{"record": row.number, "content_digest": digest} for row, digest in zip(rows, digests, strict=True)]
    writer.conn.execute(_ERASE, values)
    detail = json.dumps({"records": _join([row.number for row in rows])}, separators=(",", ":"))
    writer.append(ERASURE, {"detail": detail}, reason=reason)
    return len(rows)


def _join(numbers: Sequence[int]) -> list[list[int]]:
    """Return ordered numbers as ranges, each with its first and its last."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ranges
