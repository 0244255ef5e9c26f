"""Compare the tables of a SQLite file with those that visavis makes.

A file of another may have triggers that run with each change, views in the place of tables, or altered columns. SQLite
would run and use them, so such a file is not used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, Table
from sqlalchemy.engine.interfaces import Dialect

from visavis.gallery.sql.schema import TABLES
from visavis.printable import make_printable

FORMER_INDEXES = frozenset({"ix_people_name"})
"""Indexes that older schemas have."""
ALTERING = re.compile(r"\b(CHECK|COLLATE|GENERATED|VIRTUAL|WITHOUT|STRICT|CONFLICT|CASCADE|DEFAULT)\b", re.IGNORECASE)
"""Words of SQL that are in no table of a gallery."""
SHOWN = 60
"""Characters of a name in a message."""


class _Column(NamedTuple):
    name: str
    type: str
    required: bool
    key: bool
    hidden: bool


def find_foreign_parts(conn: Connection) -> Iterator[str]:
    """Yield what no gallery has, of any schema: triggers, views, virtual tables, indexes of other names."""
    expected = {index.name for table in TABLES.tables.values() for index in table.indexes} | FORMER_INDEXES
    query = "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master"
    for kind, name, table, sql in conn.exec_driver_sql(query):
        shown = make_printable(str(name)[:SHOWN])
        if kind in {"trigger", "view"}:
            yield f"it has the {kind} {shown!r}"
        elif kind == "table" and re.match(r"\s*CREATE\s+VIRTUAL", str(sql), re.IGNORECASE):
            yield f"it has the virtual table {shown!r}"
        elif kind == "index" and sql and table in TABLES.tables and name not in expected:
            yield f"it has the index {shown!r} on {table}"


def find_altered_tables(conn: Connection) -> Iterator[str]:
    """Yield the tables whose columns or indexes differ from those of this schema."""
    for table in TABLES.tables.values():
        if _read_columns(conn, table.name) != _expected_columns(table, conn.dialect):
            yield f"its table {table.name!r} has other columns"
        elif _read_indexes(conn, table.name) != _expected_indexes(table):
            yield f"its table {table.name!r} has other indexes"
        elif ALTERING.search(_read_sql(conn, table.name)):
            yield f"its table {table.name!r} has other conditions"


def _read_columns(conn: Connection, table: str) -> set[_Column]:
    query = 'SELECT name, type, "notnull", pk, hidden, dflt_value FROM pragma_table_xinfo(?)'
    return {
        _Column(name, str(kind).upper(), bool(required) and not key, bool(key), bool(hidden) or default is not None)
        for name, kind, required, key, hidden, default in conn.exec_driver_sql(query, (table,))
    }


def _expected_columns(table: Table, dialect: Dialect) -> set[_Column]:
    return {
        _Column(
            column.name,
            str(column.type.compile(dialect)).upper(),
            not column.nullable and not column.primary_key,
            column.primary_key,
            hidden=False,
        )
        for column in table.columns
    }


def _read_indexes(conn: Connection, table: str) -> set[tuple[str, tuple[str, ...]]]:
    """Return names and columns of the indexes that a statement made; a unique or partial one has other names."""
    indexes = set()
    for name, unique, origin, partial in conn.exec_driver_sql(
        'SELECT name, "unique", origin, partial FROM pragma_index_list(?)', (table,)
    ).all():
        if origin == "c":
            columns = conn.exec_driver_sql("SELECT name FROM pragma_index_info(?) ORDER BY seqno", (name,)).scalars()
            mark = " unique" * bool(unique) + " partial" * bool(partial)
            indexes.add((f"{name}{mark}", tuple(columns)))
    return indexes


def _expected_indexes(table: Table) -> set[tuple[str, tuple[str, ...]]]:
    return {(str(index.name), tuple(column.name for column in index.columns)) for index in table.indexes}


def _read_sql(conn: Connection, table: str) -> str:
    query = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?"
    return str(conn.exec_driver_sql(query, (table,)).scalar())
