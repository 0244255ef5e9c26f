"""What is written to and read from the tables: functions of an open connection, inside a transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple, cast

import numpy as np
from sqlalchemy import Connection, Row, Table, delete, func, insert, select, update

from visavis.errors import GalleryError
from visavis.gallery.index import NOBODY, Ids
from visavis.gallery.names import folded
from visavis.gallery.sql.schema import AUDIT, META, PEOPLE, PHOTOS, REMOVALS, TEMPLATES
from visavis.gallery.types import Details, Person, StoredTemplate, Template
from visavis.types import Floats

BLOCK_ROWS = 16_384
"""Templates read at a time."""

READ_ROWS = 2048
"""Embeddings read at a time: what stays in the processor's cache until it is copied."""

LIST_LENGTH = 500
"""Values in one SQL list; SQLite before 3.32 took no more than 999."""

_TEMPLATE_COLUMNS = [c for c in TEMPLATES.c if c.name not in {"embedding", "model", "change", "cluster"}]


class Meta(NamedTuple):
    """What the store says of itself; ``change`` is the number of the last change, ``key`` this gallery's own."""

    model: str
    dimension: int | None
    change: int
    key: str


class Count(NamedTuple):
    """How many there are; ``templates`` are of people, ``unnamed`` of nobody yet."""

    people: int
    templates: int
    unnamed: int
    photos: int


class Owner(NamedTuple):
    """Whose template a stored photo is, and where in the photo the face is; ``person_id`` is 0 where it is nobody's."""

    person_id: int
    name: str
    box: tuple[float, float, float, float] | None
    template_id: int


class Block(NamedTuple):
    """Templates as an index takes them: ids ``(n,)``, people ``(n,)`` (0: nobody), embeddings ``(n, d)``."""

    ids: Ids
    people: Ids
    embeddings: Floats


def meta(conn: Connection) -> Meta:
    """Read the one row of ``meta``."""
    row = conn.execute(select(META.c.model, META.c.dimension, META.c.change, META.c.key)).one()
    return Meta(row.model, row.dimension, row.change, row.key)


def take_model(conn: Connection, model: str) -> bool:
    """Make a gallery that has never held anything one of another model; return whether that could be."""
    if conn.execute(select(META.c.change)).scalar_one():
        return False
    conn.execute(update(META).values(model=model))
    return True


def set_dimension(conn: Connection, dimension: int) -> None:
    """Note the length of the embeddings, when the first is stored."""
    conn.execute(update(META).values(dimension=dimension))


def calibration(conn: Connection) -> str | None:
    """Return the gallery's own table of thresholds as JSON text; None where it has none."""
    text: str | None = conn.execute(select(META.c.calibration)).scalar_one()
    return text


def set_calibration(conn: Connection, text: str | None) -> None:
    """Store the gallery's own table of thresholds; None removes it."""
    next_change(conn)
    conn.execute(update(META).values(calibration=text))


def next_change(conn: Connection) -> int:
    """Count this change. The row stays locked until the transaction ends, so numbers follow the commits."""
    conn.execute(update(META).values(change=META.c.change + 1))
    return int(conn.execute(select(META.c.change)).scalar_one())


# People


def put_people(conn: Connection, people: Sequence[tuple[str, Details]]) -> list[int]:
    """Store new people; returns their ids, in order: above all that were ever given, as the audit log knows them."""
    if not people:
        return []
    ever = (select(func.max(PEOPLE.c.id)), select(func.max(AUDIT.c.person_id)))
    at, first = now(), 1 + max(conn.execute(query).scalar() or 0 for query in ever)
    rows = [
        {
            "id": first + number,
            "name": name,
            "folded": folded(name),
            "note": told.note or "",
            "consent": told.consent,
            "consented": _day(told.consented),
            "metadata": told.metadata,
            "created": at,
        }
        for number, (name, told) in enumerate(people)
    ]
    conn.execute(insert(PEOPLE), rows)
    go_on_from(conn, PEOPLE)
    return list(range(first, first + len(rows)))


def describe(conn: Connection, person_id: int, told: Details) -> list[str]:
    """Store what is told of a known person, and leave the rest; returns the names of what was told."""
    given = {"note": told.note, "consent": told.consent, "consented": _day(told.consented), "metadata": told.metadata}
    columns = {column: value for column, value in given.items() if value is not None}
    if columns:
        change_person(conn, person_id, **columns)
    return list(columns)


def change_person(conn: Connection, person_id: int, **columns: object) -> None:
    """Set columns of a person."""
    if "name" in columns:
        columns["folded"] = folded(str(columns["name"]))
        next_change(conn)  # names are kept in memory by change
    conn.execute(update(PEOPLE).where(PEOPLE.c.id == person_id).values(**columns))


def name_of(conn: Connection, person_id: int) -> str | None:
    """Return a person's name; None where there is no such person."""
    if not 0 < person_id < 2**63:  # more than SQL can hold
        return None
    return conn.execute(select(PEOPLE.c.name).where(PEOPLE.c.id == person_id)).scalar()


def person_ids(conn: Connection) -> list[int]:
    """Return the ids of all people, ascending."""
    return list(conn.execute(select(PEOPLE.c.id).order_by(PEOPLE.c.id)).scalars())


def names(conn: Connection, person_ids: Iterable[int]) -> dict[int, str]:
    """Return names by id, of those that are there."""
    query = select(PEOPLE.c.id, PEOPLE.c.name)
    rows = (row for some in in_lists(person_ids) for row in conn.execute(query.where(PEOPLE.c.id.in_(some))))
    return {row.id: row.name for row in rows}


def all_names(conn: Connection) -> list[str]:
    """Return every name that somebody has, once."""
    return list(conn.execute(select(PEOPLE.c.name).distinct().order_by(PEOPLE.c.name)).scalars())


def ids_by_name(conn: Connection, names: Iterable[str]) -> dict[str, list[int]]:
    """Return the ids of all who have one of these names, ascending."""
    found: dict[str, list[int]] = {}
    for some in in_lists(names):
        for row in conn.execute(
            select(PEOPLE.c.id, PEOPLE.c.name).where(PEOPLE.c.name.in_(some)).order_by(PEOPLE.c.id)
        ):
            found.setdefault(row.name, []).append(row.id)
    return found


def people(conn: Connection, person_id: int | None = None) -> list[Person]:
    """Return everybody, or the one of that id, by id, with their templates."""
    templates: dict[int, list[StoredTemplate]] = {}
    query = select(*_TEMPLATE_COLUMNS).where(TEMPLATES.c.person_id.is_not(None)).order_by(TEMPLATES.c.id)
    for row in conn.execute(query if person_id is None else query.where(TEMPLATES.c.person_id == person_id)):
        templates.setdefault(row.person_id, []).append(_stored(row))
    everybody = select(PEOPLE).order_by(PEOPLE.c.id)
    return [
        Person(
            row.id,
            row.name,
            row.note,
            row.consent,
            time_of(row.created),
            tuple(templates.get(row.id, ())),
            None if row.consented is None else date.fromisoformat(row.consented),
            row.metadata or {},
        )
        for row in conn.execute(everybody if person_id is None else everybody.where(PEOPLE.c.id == person_id))
    ]


def count_people(conn: Connection) -> int:
    """Return how many people there are."""
    return conn.execute(select(func.count()).select_from(PEOPLE)).scalar_one()


def count(conn: Connection) -> Count:
    """Return how many people there are, templates of theirs, faces of nobody, and indexed photos."""
    named = select(func.count()).select_from(TEMPLATES).where(TEMPLATES.c.person_id.is_not(None))
    every = conn.execute(select(func.count()).select_from(TEMPLATES)).scalar_one()
    templates = conn.execute(named).scalar_one()
    return Count(
        people=count_people(conn),
        templates=templates,
        unnamed=every - templates,
        photos=conn.execute(select(func.count()).select_from(PHOTOS)).scalar_one(),
    )


def remove_person(conn: Connection, person_id: int) -> int:
    """Remove a person with all templates, and photos that show nobody else; returns how many templates there were."""
    gone = template_ids(conn, person_id)
    remove_templates(conn, gone)
    conn.execute(delete(PEOPLE).where(PEOPLE.c.id == person_id))
    return len(gone)


def merge_person(conn: Connection, gone: int, kept: int) -> int:
    """Give a person's templates to another and remove the person; returns how many templates that were."""
    moved = template_ids(conn, gone)
    give(conn, moved, kept)
    conn.execute(delete(PEOPLE).where(PEOPLE.c.id == gone))
    return len(moved)


# Templates


def add_templates(conn: Connection, model: str, owned: Sequence[tuple[int | None, Template]]) -> list[int]:
    """Store templates (embeddings of unit length), each of a person or of nobody; returns their ids, in order."""
    change, at = next_change(conn), now()  # nobody else gives ids while this transaction lasts
    ever = (select(func.max(TEMPLATES.c.id)), select(func.max(REMOVALS.c.template_id)))
    first = 1 + max(conn.execute(query).scalar() or 0 for query in ever)
    rows = [
        {
            "id": first + number,
            "person_id": person_id,
            "change": change,
            "model": model,
            "photo_sha256": one.photo_sha256,
            "photo": one.photo,
            "box": None if one.box is None else [float(side) for side in one.box],
            "quality": None if one.quality is None else float(one.quality),
            "created": at,
            "embedding": one.embedding.astype("<f4", copy=False).tobytes(),
        }
        for number, (person_id, one) in enumerate(owned)
    ]
    if rows:
        conn.execute(insert(TEMPLATES), rows)
        go_on_from(conn, TEMPLATES)
    return list(range(first, first + len(rows)))


def give(conn: Connection, ids: Sequence[int], person_id: int | None) -> None:
    """Give templates to a person, or to nobody, and let whoever follows the changes know."""
    change = next_change(conn)
    for some in in_lists(ids):
        conn.execute(update(TEMPLATES).where(TEMPLATES.c.id.in_(some)).values(person_id=person_id, change=change))


def template_ids(conn: Connection, person_id: int) -> list[int]:
    """Return the ids of a person's templates, ascending."""
    query = select(TEMPLATES.c.id).where(TEMPLATES.c.person_id == person_id)
    return list(conn.execute(query.order_by(TEMPLATES.c.id)).scalars())


def owners_of(conn: Connection, template_ids: Iterable[int]) -> dict[int, int | None]:
    """Return the people (None: nobody) whose the templates are; those that are not there are left out."""
    found: dict[int, int | None] = {}
    for some in in_lists(one for one in template_ids if 0 < one < 2**63):
        rows = conn.execute(select(TEMPLATES.c.id, TEMPLATES.c.person_id).where(TEMPLATES.c.id.in_(some)))
        found.update((row.id, row.person_id) for row in rows)
    return found


def owners(conn: Connection, model: str, photos: Iterable[str]) -> dict[str, list[Owner]]:
    """Return who has templates of ``model`` from photos of these hashes; faces of nobody are among them."""
    found: dict[str, list[Owner]] = {}
    columns = (TEMPLATES.c.id, TEMPLATES.c.photo_sha256, TEMPLATES.c.box, TEMPLATES.c.person_id, PEOPLE.c.name)
    joined = TEMPLATES.outerjoin(PEOPLE, PEOPLE.c.id == TEMPLATES.c.person_id)
    query = select(*columns).select_from(joined).where(TEMPLATES.c.model == model)
    for some in in_lists(photos):
        for row in conn.execute(query.where(TEMPLATES.c.photo_sha256.in_(some)).order_by(TEMPLATES.c.id)):
            owner = Owner(row.person_id or NOBODY, row.name or "", box_of(row.box), row.id)
            found.setdefault(row.photo_sha256, []).append(owner)
    return found


def embeddings_of(conn: Connection, person_id: int, dimension: int) -> tuple[Floats, list[float | None]]:
    """Return the embeddings ``(k, dimension)`` of a person's templates and their quality scores, ordered by id."""
    query = select(TEMPLATES.c.quality, TEMPLATES.c.embedding).where(TEMPLATES.c.person_id == person_id)
    rows = [*conn.execute(query.order_by(TEMPLATES.c.id))]
    return as_embeddings([row.embedding for row in rows], dimension), [row.quality for row in rows]


def remove_templates(conn: Connection, ids: Sequence[int]) -> None:
    """Remove templates, and photos of which none is left, and let whoever follows the changes know."""
    change = next_change(conn)
    for some in in_lists(ids):
        hashes = select(TEMPLATES.c.photo_sha256).where(TEMPLATES.c.id.in_(some))
        photos = [one for one in conn.execute(hashes.distinct()).scalars() if one is not None]
        conn.execute(delete(TEMPLATES).where(TEMPLATES.c.id.in_(some)))
        conn.execute(insert(REMOVALS), [{"template_id": one, "change": change} for one in some])
        left = select(TEMPLATES.c.photo_sha256).where(TEMPLATES.c.photo_sha256.in_(photos))
        conn.execute(delete(PHOTOS).where(PHOTOS.c.sha256.in_(photos), PHOTOS.c.sha256.not_in(left)))


# Changes, as an index follows them


def removed_since(conn: Connection, change: int) -> Ids:
    """Return ids ``(n,)`` of the templates removed after this change."""
    query = select(REMOVALS.c.template_id).where(REMOVALS.c.change > change)
    return np.array(conn.execute(query).scalars().all(), np.int64)


def added_since(conn: Connection, change: int, dimension: int) -> Iterator[Block]:
    """Yield the templates stored after this change, block by block; GalleryError where one is damaged."""
    query = select(TEMPLATES.c.id, TEMPLATES.c.person_id, TEMPLATES.c.embedding)
    if change:  # else all, in the order in which they lie
        query = query.where(TEMPLATES.c.change > change)
    for rows in conn.execute(query, execution_options={"yield_per": READ_ROWS}).partitions():
        ids, people, blobs = zip(*rows, strict=True)
        yield _block(ids, people, blobs, dimension)


def templates_in(conn: Connection, ids: Iterable[int], dimension: int) -> Iterator[Block]:
    """Yield these templates, block by block."""
    for some in in_lists(ids):
        query = select(TEMPLATES.c.id, TEMPLATES.c.person_id, TEMPLATES.c.embedding).where(TEMPLATES.c.id.in_(some))
        rows = conn.execute(query).all()
        yield _block(
            [row.id for row in rows], [row.person_id for row in rows], [row.embedding for row in rows], dimension
        )


def _block(ids: Sequence[int], people: Sequence[int | None], blobs: Sequence[bytes], dimension: int) -> Block:
    """GalleryError where an embedding has another length."""
    if any(len(blob) != 4 * dimension for blob in blobs):
        bad = next(one for one, blob in zip(ids, blobs, strict=True) if len(blob) != 4 * dimension)
        raise GalleryError(f"template {bad} is not an embedding of {dimension} values: check the gallery.")
    owners = np.array([NOBODY if one is None else one for one in people], np.int64)
    return Block(np.array(ids, np.int64), owners, as_embeddings(blobs, dimension))


def as_embeddings(blobs: Sequence[bytes], dimension: int) -> Floats:
    """Read blobs of little-endian float32 as rows ``(n, dimension)``."""
    return np.frombuffer(b"".join(blobs), "<f4").astype(np.float32, copy=False).reshape(len(blobs), dimension)


def go_on_from(conn: Connection, table: Table) -> None:
    """Give new rows ids above those that were put in by hand; SQLite does so by itself."""
    if conn.dialect.name == "postgresql":
        top = f"(SELECT max(id) FROM {table.name})"
        conn.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), {top})")


def in_lists(values: Iterable[Any]) -> Iterator[list[Any]]:
    """Cut into lists that fit into a statement."""
    every = list(values)
    for start in range(0, len(every), LIST_LENGTH):
        yield every[start : start + LIST_LENGTH]


def _stored(row: Row[Any]) -> StoredTemplate:
    return StoredTemplate(row.id, row.photo, row.photo_sha256, box_of(row.box), row.quality, time_of(row.created))


def box_of(sides: object) -> tuple[float, float, float, float] | None:
    """Return a box as it was stored; None where it is not known."""
    return None if sides is None else cast("tuple[float, float, float, float]", tuple(cast("list[float]", sides)))


def now() -> str:
    """Return the time as it is stored."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def time_of(text: str) -> datetime:
    """Return a time as it was stored."""
    return datetime.fromisoformat(text)
