"""The tables of a gallery, and how a store of an older schema becomes one of this.

``meta`` (one row) says what the store is: format, schema, model, dimension, the number of the last change, and the
gallery's own thresholds if it has any. ``templates.change`` is the change that stored a template, ``removals`` lists
what left: with the two, whoever knows the gallery as of change *n* reads what happened since, and nothing else. No row
of ``audit`` ever holds a name.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    insert,
    inspect,
    select,
    update,
)

from visavis.errors import GalleryError

FORMAT = "visavis gallery"

TABLES = MetaData()

META = Table(
    "meta",
    TABLES,
    Column("format", Text, primary_key=True),
    Column("schema", Integer, nullable=False),
    Column("model", Text, nullable=False),
    Column("dimension", Integer),
    Column("change", Integer, nullable=False),
    Column("calibration", Text),  # JSON; none: the table shipped for the model
)
PEOPLE = Table(
    "people",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, index=True),
    Column("note", Text, nullable=False),
    Column("consent", Text),
    Column("created", Text, nullable=False),
    sqlite_autoincrement=True,  # an id is never given twice, not even after removal
)
TEMPLATES = Table(
    "templates",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("person_id", ForeignKey("people.id"), nullable=False, index=True),
    Column("change", Integer, nullable=False, index=True),
    Column("model", Text, nullable=False),
    Column("photo_sha256", Text, index=True),
    Column("photo", Text, nullable=False),
    Column("box", JSON(none_as_null=True)),
    Column("quality", Float),
    Column("created", Text, nullable=False),
    Column("vector", LargeBinary, nullable=False),  # float32, little-endian; last, so that the rest is read without it
    sqlite_autoincrement=True,
)
REMOVALS = Table(
    "removals",
    TABLES,
    Column("template_id", Integer, primary_key=True),
    Column("change", Integer, nullable=False, index=True),
)
AUDIT = Table(
    "audit",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("at", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("person_id", Integer),
    Column("detail", Text, nullable=False),
    sqlite_autoincrement=True,
)


def m002_calibration(conn: Connection) -> None:
    """Let a gallery have thresholds of its own."""
    conn.exec_driver_sql("ALTER TABLE meta ADD COLUMN calibration TEXT")


MIGRATIONS: list[Callable[[Connection], None]] = [m002_calibration]
"""``MIGRATIONS[i]`` turns a store of schema ``i + 1`` into one of schema ``i + 2``, inside a transaction."""


def current() -> int:
    """Return the number of the schema that the tables above are."""
    return len(MIGRATIONS) + 1


def prepare(conn: Connection, *, place: str, model: str) -> None:
    """Make an empty store a gallery of ``model``, or bring an older gallery up to this schema.

    To be called in a write transaction. Raises GalleryError where the store holds something else or is of a
    newer schema.
    """
    found = version(conn, place=place)
    if found is None:
        TABLES.create_all(conn)
        conn.execute(insert(META).values(format=FORMAT, schema=current(), model=model, change=0))
        return
    for migrate in MIGRATIONS[found - 1 :]:
        migrate(conn)
    conn.execute(update(META).values(schema=current()))


def version(conn: Connection, *, place: str) -> int | None:
    """Return the schema of a store, None where it is empty; GalleryError for no gallery or a newer one."""
    tables = inspect(conn).get_table_names()
    if not tables:
        return None
    if "meta" not in tables or not {"format", "schema"} <= {c["name"] for c in inspect(conn).get_columns("meta")}:
        raise GalleryError(f"{place} is not a gallery: it is a database of another program.")
    row = conn.execute(select(META.c.format, META.c.schema)).first()
    if row is None or row.format != FORMAT:
        raise GalleryError(f"{place} is not a gallery: it is a database of another program.")
    found = int(row.schema)
    if found > current():
        raise GalleryError(
            f"{place} was written by a newer visavis (schema {found}, this one knows up to {current()}): "
            "upgrade visavis."
        )
    return found
