"""Find what was changed, removed or inserted in the ledger behind its back, in one pass with bounded memory."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain as chained
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, func, literal_column, select

from visavis.attendance.ledger.chain import START, LedgerKey, digest_content
from visavis.attendance.ledger.head import LedgerHead
from visavis.attendance.ledger.records import CONTENT, ERASURE, KINDS
from visavis.attendance.local_time import count_microseconds
from visavis.attendance.tables import RECORDS
from visavis.plain import Plain
from visavis.structured_text import parse_json

MOST_FAULTS = 100
"""Faults that are listed; where there are more, the last says so."""
FETCHED = 10_000
"""Records in memory at a time."""
COLUMNS = ("number", "kind", *CONTENT, "salt", "digest", "mac")
DETAIL = CONTENT.index("detail")

Range = tuple[int, int]
"""First and last number of records."""


@dataclass(frozen=True, slots=True)
class LedgerFault(Plain):
    """What is wrong with the ledger; ``number`` is that of the record, None where the fault is not of a record."""

    number: int | None
    message: str


class _Record(NamedTuple):
    """A record as the database holds it, which may be of any type; ``content`` has ``CONTENT``."""

    number: Any
    kind: Any
    content: list[Any]
    salt: Any
    digest: Any
    mac: Any


@dataclass(slots=True)
class _Chain:
    """The state of the pass over the records."""

    key: LedgerKey
    last: int = 0
    code: bytes | None = START  # of the record before; None where that is missing
    at_head: bytes | None = None  # code of the record whose number the head has
    erased: list[Range] = field(default_factory=list)
    erasures: list[Range] = field(default_factory=list)


def find_faults(
    conn: Connection, key: LedgerKey, head: LedgerHead | None, *, since: datetime | None = None
) -> list[LedgerFault]:
    """Return the faults of the ledger, in order; an empty list where it is whole. ``head`` None: it is missing.

    ``since``: only of the records from the first one on that is about a time from then on. Earlier ones are not read.
    """
    faults: list[LedgerFault] = []
    for fault in _find_all(conn, key, head, since):
        if len(faults) == MOST_FAULTS:
            return [*faults, LedgerFault(None, "there are more faults.")]
        faults.append(fault)
    return faults


def _find_all(
    conn: Connection, key: LedgerKey, head: LedgerHead | None, since: datetime | None
) -> Iterator[LedgerFault]:
    chain = _Chain(key, at_head=START if head is not None and head.number == 0 else None)
    if since is not None:
        _skip_earlier(conn, chain, since)
    after = chain.last
    # Columns without their types: a value of another type is a fault, and not to be converted.
    columns: list[ColumnElement[Any]] = [literal_column(f'"{name}"').label(name) for name in COLUMNS]
    query = select(*columns).select_from(RECORDS).order_by(literal_column("number"))
    if after:
        query = query.where(literal_column("number") > after)
    parts = conn.execution_options(yield_per=FETCHED).execute(query).partitions()
    for number, kind, *content, salt, digest, mac in chained.from_iterable(parts):
        yield from _check_record(chain, _Record(number, kind, content, salt, digest, mac))
        if head is not None and chain.last == head.number:
            chain.at_head = chain.code
    yield from _check_erasures(chain, after)
    yield from _check_head(chain, head)


def _skip_earlier(conn: Connection, chain: _Chain, since: datetime) -> None:
    """Go on from the record before the first one that is about a time from ``since`` on."""
    first = select(func.min(RECORDS.c.number)).where(RECORDS.c.at >= count_microseconds(since))
    before = select(RECORDS.c.number, RECORDS.c.mac).where(RECORDS.c.number < first.scalar_subquery())
    row = conn.execute(before.order_by(RECORDS.c.number.desc()).limit(1)).first()
    if row is not None:
        chain.last, chain.code = row.number, row.mac if isinstance(row.mac, bytes) else None


def _check_record(chain: _Chain, row: _Record) -> Iterator[LedgerFault]:
    number, before = row.number, chain.code
    if not isinstance(number, int) or number <= chain.last:
        yield LedgerFault(None, f"a record has the number {number!r}, which no record can have here.")
        return
    if number > chain.last + 1:
        yield LedgerFault(number, f"{_name_records(chain.last + 1, number - 1)} missing.")
        before = None
    chain.last, chain.code = number, row.mac if isinstance(row.mac, bytes) else None
    if row.kind not in KINDS:
        yield LedgerFault(number, f"record {number} has the kind {row.kind!r}, which there is not.")
        return
    digest = _read_digest(row)
    if digest is None or chain.code is None:
        yield LedgerFault(number, f"record {number} was changed: it has another form than was written.")
    elif before is not None and not _agrees(chain, row.kind, digest, before):
        yield LedgerFault(number, f"record {number} is not the one that was written there.")
    if row.salt is None:
        _add_range(chain.erased, number)
    elif row.kind == ERASURE and digest is not None:
        chain.erasures += _read_ranges(row.content[DETAIL], below=number)


def _agrees(chain: _Chain, kind: str, digest: bytes, before: bytes) -> bool:
    return hmac.compare_digest(chain.key.compute_code(before, chain.last, kind, digest), chain.code or b"")


def _read_digest(row: _Record) -> bytes | None:
    """Return the hash of the content of a record: computed, or the stored one where it was erased; None for neither."""
    if row.salt is None:
        is_erased = isinstance(row.digest, bytes) and all(value is None for value in row.content)
        return row.digest if is_erased else None
    if row.digest is not None or not isinstance(row.salt, bytes):
        return None
    try:
        return digest_content(row.salt, row.content)
    except TypeError:  # a blob where a text was
        return None


def _check_erasures(chain: _Chain, after: int) -> Iterator[LedgerFault]:
    for first, last in _subtract(chain.erased, chain.erasures):
        yield LedgerFault(first, f"the content of {_name_records(first, last)} missing, and was not erased by visavis.")
    erasures = [(max(first, after + 1), last) for first, last in chain.erasures if last > after]
    for first, last in _subtract(erasures, chain.erased):
        yield LedgerFault(first, f"the content of {_name_records(first, last)} there again after it was erased.")


def _check_head(chain: _Chain, head: LedgerHead | None) -> Iterator[LedgerFault]:
    if head is None:
        yield LedgerFault(None, "the head of the ledger is missing or was changed: the newest records may be missing.")
    elif head.number > chain.last:
        yield LedgerFault(
            head.number, f"{_name_records(chain.last + 1, head.number)} missing: the newest of the ledger."
        )
    elif chain.at_head is not None and chain.at_head != head.code:
        yield LedgerFault(head.number, f"record {head.number} is not the one that the head of the ledger names.")


def _read_ranges(detail: object, *, below: int) -> list[Range]:
    """Return the ranges of an erasure, which may erase earlier records only."""
    try:
        ranges = parse_json(str(detail))["records"]
        return [(int(first), int(last)) for first, last in ranges if 0 < first <= last < below]
    except (ValueError, KeyError, TypeError):
        return []


def _add_range(ranges: list[Range], number: int) -> None:
    if ranges and ranges[-1][1] == number - 1:
        ranges[-1] = (ranges[-1][0], number)
    else:
        ranges.append((number, number))


def _subtract(ranges: Sequence[Range], others: Sequence[Range]) -> Iterator[Range]:
    """Yield the parts of ranges that no other range covers."""
    ordered = sorted(others)
    index = 0
    for begin, last in sorted(ranges):
        first = begin
        while index < len(ordered) and ordered[index][1] < first:
            index += 1
        for other in ordered[index:]:
            if other[0] > last:
                break
            if other[0] > first:
                yield first, other[0] - 1
            first = max(first, other[1] + 1)
        if first <= last:
            yield first, last


def _name_records(first: int, last: int) -> str:
    return f"record {first} is" if first == last else f"records {first} to {last} are"
