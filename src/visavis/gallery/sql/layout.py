"""Compare the tables of a SQLite file with those that visavis makes.

A file of another may have triggers that run with each change, views in the place of tables, or altered columns. SQLite
would run and use them, so such a file is not used.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import sqlite

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
    # Also a "TRIGGER" runs.
    query = "SELECT lower(type), name, tbl_name, coalesce(sql, '') FROM sqlite_master"
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
    statements, columns, indexes = _read_statements(conn), _read_columns(conn), _read_indexes(conn)
    for name, table in TABLES.tables.items():
        if columns[name] != _expected_columns(table):
            yield f"its table {name!r} has other columns"
        elif indexes[name] != _expected_indexes(table):
            yield f"its table {name!r} has other indexes"
        elif ALTERING.search(statements.get(name, "")):
            yield f"its table {name!r} has other conditions"


# One query each for all tables: galleries are opened often, and a query for each table took half of the time.
_OURS = f"m.type = 'table' AND m.name IN {(*TABLES.tables,)}"
_STATEMENTS = f"SELECT m.name, m.sql FROM sqlite_master m WHERE {_OURS}"
_COLUMNS = (
    'SELECT m.name, c.name, c.type, c."notnull", c.pk, c.hidden, c.dflt_value '
    f"FROM sqlite_master m, pragma_table_xinfo(m.name) c WHERE {_OURS}"
)
_INDEXES = (
    'SELECT m.name, i.name, i."unique", i.partial, c.name '
    "FROM sqlite_master m, pragma_index_list(m.name) i, pragma_index_info(i.name) c "
    f"WHERE {_OURS} AND i.origin = 'c' ORDER BY m.name, i.name, c.seqno"
)


def _read_statements(conn: Connection) -> dict[str, str]:
    """Return the statement that made each table."""
    return {name: str(sql) for name, sql in conn.exec_driver_sql(_STATEMENTS)}


def _read_columns(conn: Connection) -> defaultdict[str, set[_Column]]:
    """Return the columns of each table."""
    columns = defaultdict[str, set[_Column]](set)
    for table, name, kind, required, key, hidden, default in conn.exec_driver_sql(_COLUMNS):
        columns[table].add(
            _Column(name, str(kind).upper(), bool(required) and not key, bool(key), bool(hidden) or default is not None)
        )
    return columns


@cache
def _expected_columns(table: Table) -> set[_Column]:
    dialect = sqlite.dialect()
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


def _read_indexes(conn: Connection) -> defaultdict[str, set[tuple[str, tuple[str, ...]]]]:
    """Return names and columns of the indexes of each table that a statement made.

    A unique or partial index has another name.
    """
    columns: dict[tuple[str, str], list[str]] = {}
    for table, name, unique, partial, column in conn.exec_driver_sql(_INDEXES):
        mark = " unique" * bool(unique) + " partial" * bool(partial)
        columns.setdefault((table, f"{name}{mark}"), []).append(column)
    indexes = defaultdict[str, set[tuple[str, tuple[str, ...]]]](set)
    for (table, name), names in columns.items():
        indexes[table].add((name, tuple(names)))
    return indexes


@cache
def _expected_indexes(table: Table) -> set[tuple[str, tuple[str, ...]]]:
    return {(str(index.name), tuple(column.name for column in index.columns)) for index in table.indexes}
