"""A transaction that adds records to the ledger, and may change other tables of the site with them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy import Connection, insert, select

from visavis.attendance.database import AttendanceDatabase
from visavis.attendance.ledger.chain import SALT_BYTES, LedgerKey, digest_content
from visavis.attendance.ledger.head import EMPTY, HeadFile, LedgerHead
from visavis.attendance.ledger.records import CONTENT, check_author
from visavis.attendance.local_time import count_microseconds
from visavis.attendance.tables import RECORDS

_ADD = insert(RECORDS)
_NO_CONTENT: dict[str, object] = dict.fromkeys(CONTENT)
_READ_LAST = select(RECORDS.c.number, RECORDS.c.mac).order_by(RECORDS.c.number.desc()).limit(1)


class LedgerWriter:
    """The open transaction ``conn``; ``actor`` is who writes, ``recorded`` when: microseconds since 1970."""

    def __init__(self, conn: Connection, key: LedgerKey, *, actor: str, recorded: int) -> None:
        check_author(actor, "")
        self.conn, self.actor, self.recorded = conn, actor, recorded
        self._key = key
        last = conn.execute(_READ_LAST).first()
        self.head = EMPTY if last is None else LedgerHead(last.number, last.mac)

    def has(self, head: LedgerHead | None) -> bool:
        """Return whether the ledger has the record that a head names; False where there is no head."""
        if head is None or head == EMPTY:
            return head is not None
        code = self.conn.execute(select(RECORDS.c.mac).where(RECORDS.c.number == head.number)).scalar()
        return bool(code == head.code)

    def append(self, kind: str, columns: Mapping[str, object], *, reason: str = "") -> int:
        """Add a record with these columns of content; return its number."""
        self.append_all(kind, [columns], reason=reason)
        return self.head.number

    def append_all(self, kind: str, contents: Iterable[Mapping[str, object]], *, reason: str = "") -> None:
        """Add records of one kind, in their order."""
        check_author(self.actor, reason)
        same = {**_NO_CONTENT, "recorded": self.recorded, "actor": self.actor, "reason": reason}
        number, code = self.head
        rows = []
        for columns in contents:
            row = {**same, **columns}
            salt = os.urandom(SALT_BYTES)
            digest = digest_content(salt, [row[column] for column in CONTENT])
            number += 1
            code = self._key.compute_code(code, number, kind, digest)
            row.update(number=number, kind=kind, salt=salt, digest=None, mac=code)
            rows.append(row)
        self.head = LedgerHead(number, code)
        if rows:
            self.conn.execute(_ADD, rows)


@contextmanager
def write_ledger(
    database: AttendanceDatabase, key: LedgerKey, head_file: HeadFile, *, actor: str
) -> Iterator[LedgerWriter]:
    """Begin a transaction; what the block has written is stored when it ends, and the head written after it.

    A head whose record is missing stays as it is: else later records would hide that the newest were removed.
    """
    with database.write() as conn:
        recorded = count_microseconds(database.read_clock(conn))
        writer = LedgerWriter(conn, key, actor=actor, recorded=recorded)
        is_whole = writer.has(head_file.read())
        yield writer
    if is_whole:
        head_file.advance(writer.head)
