"""Rows of tables whose every change is a record of the ledger too: employees, leave, requests, closings, consents.

A row is written together with a record that holds it, so that ``verify`` finds what was changed in the table by hand.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select, update

from visavis.attendance.ledger.records import EVENT
from visavis.attendance.ledger.verify import LedgerFault
from visavis.attendance.ledger.writing import LedgerWriter
from visavis.attendance.tables import CHANGES, RECORDS, TRACKED
from visavis.structured_text import parse_json

Values = Mapping[str, object]


def put_row(
    writer: LedgerWriter, table: Table, row: Values, *, action: str, employee: str | None, reason: str = ""
) -> None:
    """Insert a row, or replace the one with its primary key, and record that; ``employee`` is the one it is about."""
    key = _key_column(table)
    if not writer.conn.execute(update(table).where(table.c[key] == row[key]).values(row)).rowcount:
        writer.conn.execute(insert(table).values(row))
    _append(writer, table, {"action": action, "key": row[key], "row": dict(row)}, employee, reason)


def remove_row(
    writer: LedgerWriter, table: Table, key: str, *, action: str, employee: str | None, reason: str = ""
) -> None:
    """Delete the row with a primary key, and record that."""
    writer.conn.execute(delete(table).where(table.c[_key_column(table)] == key))
    _append(writer, table, {"action": action, "key": key, "row": None}, employee, reason)


def _append(writer: LedgerWriter, table: Table, detail: Values, employee: str | None, reason: str) -> None:
    text = json.dumps({"table": table.name, **detail}, separators=(",", ":"), ensure_ascii=False)
    writer.append(EVENT, {"employee": employee, "detail": text}, reason=reason)


def find_altered_rows(conn: Connection) -> Iterator[LedgerFault]:
    """Yield the rows that are not what the ledger says, which may be wrong itself: ``PunchLedger.verify`` tells."""
    recorded = _read_recorded(conn)
    for table in TRACKED:
        key = _key_column(table)
        expected = recorded.get(table.name, {})
        for stored in conn.execute(select(table).order_by(table.c[key])):
            row = expected.pop(stored._mapping[key], None)
            if row is None:
                yield _fault(table, stored._mapping[key], "was inserted by another program than visavis")
            elif row != dict(stored._mapping):
                yield _fault(table, stored._mapping[key], "was changed by another program than visavis")
        for missing in sorted(expected):
            yield _fault(table, missing, "was removed by another program than visavis")


def _read_recorded(conn: Connection) -> dict[str, dict[str, Any]]:
    """Return the rows that there should be, by table and key."""
    tables: dict[str, dict[str, Any]] = {}
    query = select(RECORDS.c.detail).where(CHANGES, RECORDS.c.kind == EVENT, RECORDS.c.salt.is_not(None))
    for text in conn.execute(query.order_by(RECORDS.c.number)).scalars():
        try:
            detail = parse_json(text)
            rows = tables.setdefault(detail["table"], {})
            if detail["row"] is None:
                rows.pop(detail["key"], None)
            else:
                rows[detail["key"]] = detail["row"]
        except (ValueError, KeyError, TypeError):  # an altered record, which the chain shows
            continue
    return tables


def _key_column(table: Table) -> str:
    (column,) = table.primary_key.columns
    return str(column.name)


def _fault(table: Table, key: object, what: str) -> LedgerFault:
    return LedgerFault(None, f"row {key!r} of {table.name} {what}.")
