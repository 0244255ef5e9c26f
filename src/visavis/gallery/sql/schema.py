"""The tables of a gallery, and the migrations from older schemas.

``meta`` (one row) describes the gallery. ``templates.change`` is the change that stored a template or moved it to
another person, ``removals`` lists removed templates: with both, an index of change *n* is updated, if ``changes`` has
the token of that change. A template without a person is an unassigned face. No row of ``audit`` contains a name.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.schema import CreateIndex, CreateTable

from visavis.errors import GalleryError
from visavis.gallery.names import fold_name
from visavis.gallery.sql.sealed import SealedBytes, SealedJSON, SealedText, cipher_of
from visavis.gallery.sql.values import check_when_read

FORMAT = "visavis gallery"

TOKEN_BITS = 27
"""Bits of a change's token; see ``changes.py``."""

TABLES = MetaData()

_Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite increments only columns of type INTEGER

META = Table(
    "meta",
    TABLES,
    Column("format", Text, primary_key=True),
    Column("schema", Integer, nullable=False),
    Column("model", Text, nullable=False),
    Column("dimension", Integer),
    Column("change", _Id, nullable=False),
    Column("calibration", Text),  # JSON; NULL: the table shipped for the model
    Column("key", Text),  # unique to this gallery: names its index in another database
    Column("token", Integer),  # of the last change
    Column("keep_crops", Integer),  # 1: the pictures of new faces are kept; see crops.py
)
CHANGES = Table(
    "changes",
    TABLES,
    Column("change", _Id, primary_key=True, autoincrement=False),
    Column("token", Integer, nullable=False),  # random: tells changes of one number apart, see changes.py
)
PEOPLE = Table(
    "people",
    TABLES,
    Column("id", _Id, primary_key=True),
    Column("name", SealedText("name", equal=True), nullable=False),
    Column("note", SealedText("note"), nullable=False),
    Column("consent", SealedText("consent")),
    Column("created", Text, nullable=False),
    Column("consented", SealedText("consented")),  # the day, as 2026-11-26
    Column("metadata", SealedJSON("metadata", none_as_null=True)),
    # The name as names.fold_name leaves it; people are found by it.
    Column("folded", SealedText("folded", equal=True), index=True),
)
TEMPLATES = Table(
    "templates",
    TABLES,
    Column("id", _Id, primary_key=True),
    Column("person_id", ForeignKey("people.id"), index=True),  # NULL: unassigned
    Column("change", _Id, nullable=False, index=True),
    Column("model", Text, nullable=False),
    Column("photo_sha256", SealedText("sha256", equal=True), index=True),
    Column("photo", SealedText("photo", equal=True), nullable=False),
    Column("box", SealedJSON("box", none_as_null=True)),
    Column("quality", Float),
    Column("created", Text, nullable=False),
    Column("cluster", _Id),  # assigned by clustering
    # Float32, little-endian; last: the rest is read without it.
    Column("embedding", SealedBytes("embedding"), nullable=False),
)
PHOTOS = Table(
    "photos",
    TABLES,
    Column("id", _Id, primary_key=True),
    Column("sha256", SealedText("sha256", equal=True), nullable=False),
    Column("model", Text, nullable=False),
    Column("photo", SealedText("photo", equal=True), nullable=False),
    Column("status", Text, nullable=False),
    Column("created", Text, nullable=False),
    UniqueConstraint("sha256", "model"),
)
REJECTIONS = Table(
    "rejections",
    TABLES,
    Column("id", _Id, primary_key=True),
    Column("person_id", ForeignKey("people.id"), nullable=False, index=True),  # who the face is not
    Column("photo_sha256", SealedText("sha256", equal=True), index=True),
    Column("photo", SealedText("photo", equal=True), nullable=False),
    Column("box", SealedJSON("box", none_as_null=True)),
    Column("created", Text, nullable=False),
    Column("expires", Text, nullable=False),
    Column("embedding", SealedBytes("embedding"), nullable=False),
)
CROPS, REJECTION_CROPS = (
    Table(
        name,
        TABLES,
        Column("face_id", ForeignKey(faces), primary_key=True),
        Column("crop_box", SealedJSON("crop box"), nullable=False),
        Column("landmarks", SealedJSON("crop landmarks"), nullable=False),
        Column("picture", SealedBytes("crop"), nullable=False),  # PNG
    )
    for name, faces in (("crops", "templates.id"), ("rejection_crops", "rejections.id"))
)
SECOND_TEMPLATES, SECOND_REJECTIONS = (
    Table(
        name,
        TABLES,
        Column("face_id", ForeignKey(faces), primary_key=True),
        Column("model", Text, primary_key=True),
        Column("embedding", SealedBytes("embedding"), nullable=False),  # the purpose of TEMPLATES: they are exchanged
    )
    for name, faces in (("second_templates", "templates.id"), ("second_rejections", "rejections.id"))
)
"""Embeddings of a second model; see ``second_set.py``."""
SECOND_SET = Table(
    "second_set",
    TABLES,
    Column("model", Text, primary_key=True),
    Column("dimension", Integer),
    Column("calibration", Text),
    Column("status", Text, nullable=False),
    Column("created", Text, nullable=False),
)
PATH_INDEXES = tuple(Index(f"ix_{table.name}_photo", table.c.photo) for table in (TEMPLATES, PHOTOS))
"""The indexes that find photos by path. :func:`visavis.gallery.sql.postgresql.hash_paths` makes hashes of them."""
REMOVALS = Table(
    "removals",
    TABLES,
    Column("template_id", _Id, primary_key=True, autoincrement=False),
    Column("change", _Id, nullable=False, index=True),
)
AUDIT = Table(
    "audit",
    TABLES,
    Column("id", _Id, primary_key=True),
    Column("at", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("person_id", _Id),
    Column("detail", Text, nullable=False),
    Column("actor", Text),
)


check_when_read(TABLES)


def m002_calibration(conn: Connection) -> None:
    """Add a gallery's own thresholds."""
    conn.exec_driver_sql("ALTER TABLE meta ADD COLUMN calibration TEXT")


def m003_unassigned_faces(conn: Connection) -> None:
    """Add unassigned templates, indexed photos, days of consent, metadata, and actors of changes.

    SQLite cannot drop NOT NULL, so the table is created again. (Galleries in PostgreSQL begin with this schema.)
    """
    conn.exec_driver_sql("ALTER TABLE meta ADD COLUMN key TEXT")
    conn.execute(update(META).values(key=make_key()))
    conn.exec_driver_sql("ALTER TABLE people ADD COLUMN consented TEXT")
    conn.exec_driver_sql("ALTER TABLE people ADD COLUMN metadata JSON")
    conn.exec_driver_sql("ALTER TABLE audit ADD COLUMN actor TEXT")
    for column in ("person_id", "change", "photo_sha256"):
        conn.exec_driver_sql(f"DROP INDEX ix_templates_{column}")
    conn.exec_driver_sql("ALTER TABLE templates RENAME TO templates_2")  # keeps the ids used so far
    conn.exec_driver_sql(
        "CREATE TABLE templates (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, person_id INTEGER REFERENCES people "
        "(id), change INTEGER NOT NULL, model TEXT NOT NULL, photo_sha256 TEXT, photo TEXT NOT NULL, box JSON, "
        "quality FLOAT, created TEXT NOT NULL, cluster INTEGER, vector BLOB NOT NULL)"
    )
    columns = "id, person_id, change, model, photo_sha256, photo, box, quality, created, vector"
    conn.exec_driver_sql(f"INSERT INTO templates ({columns}) SELECT {columns} FROM templates_2")
    conn.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = 'templates'")
    conn.exec_driver_sql(
        "INSERT INTO sqlite_sequence (name, seq) "
        "SELECT 'templates', seq FROM sqlite_sequence WHERE name = 'templates_2'"
    )
    conn.exec_driver_sql("DROP TABLE templates_2")
    for column in ("person_id", "change", "photo_sha256"):
        conn.exec_driver_sql(f"CREATE INDEX ix_templates_{column} ON templates ({column})")
    conn.exec_driver_sql(
        "CREATE TABLE photos (id INTEGER NOT NULL PRIMARY KEY, sha256 TEXT NOT NULL, model TEXT NOT NULL, "
        "photo TEXT NOT NULL, status TEXT NOT NULL, created TEXT NOT NULL, UNIQUE (sha256, model))"
    )


def m004_folded_names(conn: Connection) -> None:
    """Add folded names, by which names with a similar spelling are found."""
    conn.exec_driver_sql("ALTER TABLE people ADD COLUMN folded TEXT")
    names = conn.execute(select(PEOPLE.c.id, PEOPLE.c.name)).all()
    change = update(PEOPLE).where(PEOPLE.c.id == bindparam("person")).values(folded=bindparam("alike"))
    if names:
        conn.execute(change, [{"person": row.id, "alike": fold_name(row.name)} for row in names])
    conn.exec_driver_sql("CREATE INDEX ix_people_folded ON people (folded)")


def m005_paths(conn: Connection) -> None:
    """Add indexes of photo paths."""
    for index in PATH_INDEXES:
        index.create(conn)


def m006_embeddings(conn: Connection) -> None:
    """Rename the column ``vector`` to ``embedding``."""
    conn.exec_driver_sql("ALTER TABLE templates RENAME COLUMN vector TO embedding")


def m007_tokens(conn: Connection) -> None:
    """Add the tokens of changes, beginning with the last; people are found by their folded names alone."""
    conn.exec_driver_sql("DROP INDEX ix_people_name")
    conn.exec_driver_sql("ALTER TABLE meta ADD COLUMN token INTEGER")
    CHANGES.create(conn)
    change, token = conn.execute(select(META.c.change)).scalar_one(), make_token()
    conn.execute(update(META).values(token=token))
    conn.execute(insert(CHANGES).values(change=change, token=token))


def m008_rejections(conn: Connection) -> None:
    """Add faces that are not a person although they look like that person."""
    REJECTIONS.create(conn)


def m009_second_set(conn: Connection) -> None:
    """Add kept crops and the embeddings of a second model."""
    conn.exec_driver_sql("ALTER TABLE meta ADD COLUMN keep_crops INTEGER")
    for table in (CROPS, REJECTION_CROPS, SECOND_TEMPLATES, SECOND_REJECTIONS, SECOND_SET):
        table.create(conn)


MIGRATIONS: list[Callable[[Connection], None]] = [
    m002_calibration,
    m003_unassigned_faces,
    m004_folded_names,
    m005_paths,
    m006_embeddings,
    m007_tokens,
    m008_rejections,
    m009_second_set,
]
"""``MIGRATIONS[i]`` turns a database of schema ``i + 1`` into one of schema ``i + 2``, inside a transaction."""


BESIDE = ("server_", "attendance_")
"""Begin the names of the tables of a server and of a site of attendance, which may be in the database before."""

_STATEMENTS: dict[str, list[str]] = {}
"""Statements that create the tables, by the name of the dialect."""


def latest_version() -> int:
    """Return the number of the schema of the tables above."""
    return len(MIGRATIONS) + 1


def make_key() -> str:
    """Return a key that no other gallery has."""
    return uuid.uuid4().hex


def make_token() -> int:
    """Return a random token of a change."""
    return secrets.randbits(TOKEN_BITS)


def create_or_migrate(conn: Connection, *, place: str, model: str) -> bool:
    """Make an empty database a gallery of ``model``, or migrate an older gallery; return whether it was created.

    Call it in a write transaction. Raises GalleryError where the database has other contents or a newer schema.
    """
    stored = read_version(conn, place=place)
    if stored is None:
        _create_tables(conn)
        token = make_token()
        row = {"format": _format(conn), "schema": latest_version(), "model": model, "change": 0, "token": token}
        conn.execute(insert(META).values(**row, key=make_key()))
        conn.execute(insert(CHANGES).values(change=0, token=token))
        return True
    for migrate in MIGRATIONS[stored - 1 :]:
        migrate(conn)
    conn.execute(update(META).values(schema=latest_version()))
    return False


def _create_tables(conn: Connection) -> None:
    """Create all tables and their indexes; compiling the statements takes longer than running them."""
    statements = _STATEMENTS.get(conn.dialect.name)
    if statements is None:
        statements = []
        for table in TABLES.sorted_tables:
            statements.append(str(CreateTable(table).compile(conn)))
            statements += [str(CreateIndex(index).compile(conn)) for index in table.indexes]
        _STATEMENTS[conn.dialect.name] = statements
    for statement in statements:
        conn.exec_driver_sql(statement)


def read_version(conn: Connection, *, place: str) -> int | None:
    """Return the schema of a database, None where it has no gallery yet.

    Raises GalleryError for tables of another program, or a newer schema.
    """
    tables = [name for name in inspect(conn).get_table_names() if not name.startswith(BESIDE)]
    if not tables:
        return None
    if "meta" not in tables or not {"format", "schema"} <= {c["name"] for c in inspect(conn).get_columns("meta")}:
        raise GalleryError(f"{place} is not a gallery: it is a database of another program.")
    rows = conn.execute(select(META.c.format, META.c.schema).limit(2)).all()
    if len(rows) != 1 or not _is_gallery(rows[0].format, rows[0].schema):
        raise GalleryError(f"{place} is not a gallery: it is a database of another program.")
    _check_key(conn, rows[0].format, place=place)
    stored = int(rows[0].schema)
    if stored > latest_version():
        raise GalleryError(
            f"{place} was written by a newer visavis (schema {stored}, this one knows up to {latest_version()}): "
            "upgrade visavis."
        )
    return stored


def _is_gallery(stored: object, schema: object) -> bool:
    return isinstance(stored, str) and stored.startswith(FORMAT) and isinstance(schema, int) and schema >= 1


def _format(conn: Connection) -> str:
    """Return the text by which a gallery is recognized, with the mark of its key if it is encrypted."""
    cipher = cipher_of(conn)
    return FORMAT if cipher is None else f"{FORMAT}, encrypted with the key {cipher.mark}"


def _check_key(conn: Connection, stored: str, *, place: str) -> None:
    """Raise GalleryError unless the gallery was opened with its key, or has none."""
    if stored == _format(conn):
        return
    if stored == FORMAT:
        raise GalleryError(
            f"{place} is not encrypted: open it without a key file, or export it, and import that into a new gallery."
        )
    if cipher_of(conn) is None:
        raise GalleryError(f"{place} is encrypted: name its key file by --key-file or VISAVIS_KEY_FILE.")
    raise GalleryError(f"{place} is encrypted with another key than that of the key file.")
