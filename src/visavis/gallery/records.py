"""What is written to and read from the tables: functions of an open connection, inside a transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

import numpy as np
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from visavis.errors import GalleryError
from visavis.gallery.index import Ids
from visavis.gallery.schema import AUDIT, META, PEOPLE, REMOVALS, TEMPLATES
from visavis.gallery.types import Person, StoredTemplate, Template
from visavis.types import Floats

BLOCK_ROWS = 16_384
"""Templates read at a time."""

LIST_LENGTH = 500
"""Values in one SQL list; SQLite before 3.32 took no more than 999."""

_TEMPLATE_COLUMNS = [column for column in TEMPLATES.c if column.name not in {"vector", "model", "change"}]


class Meta(NamedTuple):
    """What the store says of itself; ``change`` is the number of the last change."""

    model: str
    dimension: int | None
    change: int


class Owner(NamedTuple):
    """Whose template a stored photo is, and where in the photo the face is."""

    person_id: int
    name: str
    box: tuple[float, float, float, float] | None


class Block(NamedTuple):
    """Templates as an index takes them: ids ``(n,)``, people ``(n,)``, vectors ``(n, d)``."""

    ids: Ids
    people: Ids
    vectors: Floats


def meta(conn: Connection) -> Meta:
    """Read the one row of ``meta``."""
    row = conn.execute(select(META.c.model, META.c.dimension, META.c.change)).one()
    return Meta(row.model, row.dimension, row.change)


def set_dimension(conn: Connection, dimension: int) -> None:
    """Note the length of the vectors, when the first is stored."""
    conn.execute(update(META).values(dimension=dimension))


def calibration(conn: Connection) -> str | None:
    """Return the gallery's own table of thresholds as JSON text; None where it has none."""
    text: str | None = conn.execute(select(META.c.calibration)).scalar_one()
    return text


def set_calibration(conn: Connection, text: str | None) -> None:
    """Store the gallery's own table of thresholds; None removes it."""
    conn.execute(update(META).values(calibration=text))


def next_change(conn: Connection) -> int:
    """Count this change. The row stays locked until the transaction ends, so numbers follow the commits."""
    conn.execute(update(META).values(change=META.c.change + 1))
    return int(conn.execute(select(META.c.change)).scalar_one())


def audit(conn: Connection, action: str, person_id: int | None, detail: str = "") -> None:
    """Note what was done to whom; by id only, so that nothing of a removed person stays here."""
    conn.execute(insert(AUDIT).values(at=_now(), action=action, person_id=person_id, detail=detail))


# People


def put_person(conn: Connection, person_id: int | None, name: str, *, note: str, consent: str | None) -> int:
    """Store a new person where the id is None, else what is given of a known one; returns the id."""
    if person_id is None:
        row = {"name": name, "note": note, "consent": consent, "created": _now()}
        return int(conn.execute(insert(PEOPLE).values(row).returning(PEOPLE.c.id)).scalar_one())
    given = {"note": note or None, "consent": consent}
    if columns := {column: text for column, text in given.items() if text is not None}:
        change_person(conn, person_id, **columns)
        audit(conn, "change", person_id, ", ".join(columns))
    return person_id


def change_person(conn: Connection, person_id: int, **columns: str) -> None:
    """Set columns of a person."""
    conn.execute(update(PEOPLE).where(PEOPLE.c.id == person_id).values(**columns))


def name_of(conn: Connection, person_id: int) -> str | None:
    """Return a person's name; None where there is no such person."""
    if not 0 < person_id < 2**63:  # more than SQL can hold
        return None
    return conn.execute(select(PEOPLE.c.name).where(PEOPLE.c.id == person_id)).scalar()


def names(conn: Connection, person_ids: Iterable[int]) -> dict[int, str]:
    """Return names by id, of those that are there."""
    found: dict[int, str] = {}
    for some in _lists(person_ids):
        rows = conn.execute(select(PEOPLE.c.id, PEOPLE.c.name).where(PEOPLE.c.id.in_(some)))
        found.update((row.id, row.name) for row in rows)
    return found


def all_names(conn: Connection) -> list[str]:
    """Return every name that somebody has, once."""
    return list(conn.execute(select(PEOPLE.c.name).distinct().order_by(PEOPLE.c.name)).scalars())


def ids_named(conn: Connection, name: str) -> list[int]:
    """Return the ids of all who have exactly this name, ascending."""
    return list(conn.execute(select(PEOPLE.c.id).where(PEOPLE.c.name == name).order_by(PEOPLE.c.id)).scalars())


def people(conn: Connection, person_id: int | None = None) -> list[Person]:
    """Return everybody, or the one of that id, by id, with their templates."""
    templates: dict[int, list[StoredTemplate]] = {}
    query = select(*_TEMPLATE_COLUMNS).order_by(TEMPLATES.c.id)
    for row in conn.execute(query if person_id is None else query.where(TEMPLATES.c.person_id == person_id)):
        templates.setdefault(row.person_id, []).append(_stored(row))
    everybody = select(PEOPLE).order_by(PEOPLE.c.id)
    return [
        Person(row.id, row.name, row.note, row.consent, _time(row.created), tuple(templates.get(row.id, ())))
        for row in conn.execute(everybody if person_id is None else everybody.where(PEOPLE.c.id == person_id))
    ]


def count(conn: Connection) -> tuple[int, int]:
    """Return how many people and how many templates there are."""
    return (
        conn.execute(select(func.count()).select_from(PEOPLE)).scalar_one(),
        conn.execute(select(func.count()).select_from(TEMPLATES)).scalar_one(),
    )


def remove_person(conn: Connection, person_id: int) -> int:
    """Remove a person with all templates; returns how many those were."""
    gone = template_ids(conn, person_id)
    remove_templates(conn, gone)
    conn.execute(delete(PEOPLE).where(PEOPLE.c.id == person_id))
    return len(gone)


# Templates


def add_templates(conn: Connection, person_id: int, model: str, templates: Sequence[Template]) -> list[int]:
    """Store templates (vectors of unit length) and return their ids, in order."""
    change, now = next_change(conn), _now()
    rows = [
        {
            "person_id": person_id,
            "change": change,
            "model": model,
            "photo_sha256": one.photo_sha256,
            "photo": one.photo,
            "box": None if one.box is None else [float(side) for side in one.box],
            "quality": None if one.quality is None else float(one.quality),
            "created": now,
            "vector": one.vector.astype("<f4").tobytes(),
        }
        for one in templates
    ]
    query = insert(TEMPLATES).returning(TEMPLATES.c.id, sort_by_parameter_order=True)
    return list(conn.execute(query, rows).scalars())


def template_ids(conn: Connection, person_id: int) -> list[int]:
    """Return the ids of a person's templates, ascending."""
    query = select(TEMPLATES.c.id).where(TEMPLATES.c.person_id == person_id)
    return list(conn.execute(query.order_by(TEMPLATES.c.id)).scalars())


def owner_of(conn: Connection, template_id: int) -> int | None:
    """Return the person that a template is of; None where there is no such template."""
    return conn.execute(select(TEMPLATES.c.person_id).where(TEMPLATES.c.id == template_id)).scalar()


def owners(conn: Connection, model: str, photos: Iterable[str]) -> dict[str, list[Owner]]:
    """Return who has templates of ``model`` from photos of these hashes."""
    found: dict[str, list[Owner]] = {}
    columns = (TEMPLATES.c.photo_sha256, TEMPLATES.c.box, PEOPLE.c.id, PEOPLE.c.name)
    query = select(*columns).join(PEOPLE, PEOPLE.c.id == TEMPLATES.c.person_id).where(TEMPLATES.c.model == model)
    for some in _lists(photos):
        for row in conn.execute(query.where(TEMPLATES.c.photo_sha256.in_(some)).order_by(TEMPLATES.c.id)):
            found.setdefault(row.photo_sha256, []).append(Owner(row.id, row.name, _box(row.box)))
    return found


def remove_templates(conn: Connection, ids: Sequence[int]) -> None:
    """Remove templates, and let whoever follows the changes know."""
    change = next_change(conn)
    for some in _lists(ids):
        conn.execute(delete(TEMPLATES).where(TEMPLATES.c.id.in_(some)))
        conn.execute(insert(REMOVALS), [{"template_id": one, "change": change} for one in some])


# Changes, as an index follows them


def removed_since(conn: Connection, change: int) -> Ids:
    """Return ids ``(n,)`` of the templates removed after this change."""
    query = select(REMOVALS.c.template_id).where(REMOVALS.c.change > change)
    return np.array(conn.execute(query).scalars().all(), np.int64)


def added_since(conn: Connection, change: int, dimension: int) -> Iterator[Block]:
    """Yield the templates stored after this change, block by block; GalleryError where one is damaged."""
    query = select(TEMPLATES.c.id, TEMPLATES.c.person_id, TEMPLATES.c.vector).where(TEMPLATES.c.change > change)
    for rows in conn.execute(query, execution_options={"yield_per": BLOCK_ROWS}).partitions():
        ids, owners, blobs = zip(*rows, strict=True)
        if {len(blob) for blob in blobs} != {4 * dimension}:
            bad = next(one for one, blob in zip(ids, blobs, strict=True) if len(blob) != 4 * dimension)
            raise GalleryError(f"template {bad} is not a vector of {dimension} values: check the gallery.")
        yield Block(np.array(ids, np.int64), np.array(owners, np.int64), as_vectors(blobs, dimension))


def as_vectors(blobs: Sequence[bytes], dimension: int) -> Floats:
    """Read blobs of little-endian float32 as rows ``(n, dimension)``."""
    return np.frombuffer(b"".join(blobs), "<f4").astype(np.float32, copy=False).reshape(len(blobs), dimension)


def _lists(values: Iterable[Any]) -> Iterator[list[Any]]:
    """Cut into lists that fit into a statement."""
    every = list(values)
    for start in range(0, len(every), LIST_LENGTH):
        yield every[start : start + LIST_LENGTH]


def _stored(row: Row[Any]) -> StoredTemplate:
    return StoredTemplate(row.id, row.photo, row.photo_sha256, _box(row.box), row.quality, _time(row.created))


def _box(sides: object) -> tuple[float, float, float, float] | None:
    return None if sides is None else cast("tuple[float, float, float, float]", tuple(cast("list[float]", sides)))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
