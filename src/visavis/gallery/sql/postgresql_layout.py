"""Compare the tables of a database of PostgreSQL with those that visavis makes.

Another user of the server may have given them triggers, rules or policies, or put views in their place: PostgreSQL
would run and use these, so such a gallery is not used. Views and tables beside the gallery's, and further plain
indexes, change nothing of what it reads and writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, ForeignKeyConstraint, PrimaryKeyConstraint, Table, UniqueConstraint
from sqlalchemy.engine.interfaces import Dialect

from visavis.gallery.sql.layout import SHOWN
from visavis.gallery.sql.schema import TABLES
from visavis.printable import make_printable

_OURS = f"ANY(ARRAY[{', '.join(f'to_regclass({name!r})::oid' for name in TABLES.tables)}])"

_FOREIGN = f"""
SELECT 'trigger', tgname, tgrelid::regclass FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = {_OURS}
UNION ALL SELECT 'rule', rulename, ev_class::regclass FROM pg_rewrite WHERE rulename <> '_RETURN' AND ev_class = {_OURS}
UNION ALL SELECT 'policy', polname, polrelid::regclass FROM pg_policy WHERE polrelid = {_OURS}
UNION ALL SELECT 'index', relname, indrelid::regclass FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE indrelid = {_OURS} AND (indexprs IS NOT NULL OR indpred IS NOT NULL
        OR indisunique AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid))
UNION ALL SELECT 'inheritance', inhrelid::regclass::name, inhparent::regclass FROM pg_inherits
    WHERE inhrelid = {_OURS} OR inhparent = {_OURS}
"""
_REPLACED = f"SELECT relname, relkind FROM pg_class WHERE oid = {_OURS} AND relkind <> 'r'"
_KINDS = {"v": "view", "m": "materialized view", "f": "foreign table", "p": "partitioned table"}
_COLUMNS = f"""
SELECT attrelid::regclass::text, attname, format_type(atttypid, atttypmod), attnotnull, coalesce(
    nullif(attgenerated, '')::text, nullif(attidentity, '')::text,
    CASE WHEN attcollation <> typcollation THEN 'collation' END, pg_get_expr(adbin, adrelid), '')
FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE attrelid = {_OURS} AND attnum > 0 AND NOT attisdropped
"""
_INDEXES = f"""
SELECT indrelid::regclass::text, relname, ARRAY(SELECT pg_get_indexdef(indexrelid, place, true)
    FROM generate_series(1, indnkeyatts) AS place)
FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE indrelid = {_OURS}
"""
_CONDITIONS = f"""
SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint
WHERE contype <> 'n' AND conrelid = {_OURS}
"""
"""Without the constraints NOT NULL, which are compared with the columns."""


class _Column(NamedTuple):
    table: str
    name: str
    type: str
    required: bool
    default: str


def find_foreign_parts(conn: Connection) -> Iterator[str]:
    """Yield what no gallery has, of any schema: triggers, rules and policies, views in the place of tables."""
    for name, kind in conn.exec_driver_sql(_REPLACED):
        yield f"its table {name!r} is a {_KINDS.get(kind, 'relation of another kind')}"
    for kind, name, table in conn.exec_driver_sql(_FOREIGN):
        yield f"it has the {kind} {make_printable(str(name)[:SHOWN])!r} on {table}"


def find_altered_tables(conn: Connection) -> Iterator[str]:
    """Yield the tables whose columns, indexes or conditions differ from those of this schema."""
    columns = {_Column(*row) for row in conn.exec_driver_sql(_COLUMNS)}
    indexes = {(table, name, tuple(parts)) for table, name, parts in conn.exec_driver_sql(_INDEXES)}
    conditions = {(table, text) for table, text in conn.exec_driver_sql(_CONDITIONS)}
    for name, table in TABLES.tables.items():
        if {column for column in columns if column.table == name} != _expected_columns(table, conn.dialect):
            yield f"its table {name!r} has other columns"
        elif not _expected_indexes(table) <= indexes:
            yield f"its table {name!r} has other indexes"
        elif {text for of, text in conditions if of == name} != _expected_conditions(table):
            yield f"its table {name!r} has other conditions"


def _expected_columns(table: Table, dialect: Dialect) -> set[_Column]:
    return {
        _Column(
            table.name,
            column.name,
            {"FLOAT": "double precision"}.get(kind := str(column.type.compile(dialect)), kind.lower()),
            not column.nullable,
            f"nextval('{table.name}_{column.name}_seq'::regclass)" if column is table.autoincrement_column else "",
        )
        for column in table.columns
    }


def _expected_indexes(table: Table) -> set[tuple[str, str, tuple[str, ...]]]:
    return {(table.name, str(index.name), tuple(column.name for column in index.columns)) for index in table.indexes}


def _expected_conditions(table: Table) -> set[str]:
    """Return the constraints of a table as PostgreSQL writes them."""
    texts = set()
    for constraint in table.constraints:
        if isinstance(constraint, PrimaryKeyConstraint | UniqueConstraint):
            kind = "UNIQUE" if isinstance(constraint, UniqueConstraint) else "PRIMARY KEY"
            texts.add(f"{kind} ({', '.join(constraint.columns.keys())})")
        elif isinstance(constraint, ForeignKeyConstraint):
            (key,) = constraint.elements
            texts.add(f"FOREIGN KEY ({key.parent.name}) REFERENCES {key.column.table.name}({key.column.name})")
    return texts
