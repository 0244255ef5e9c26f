"""Rejections, faces that are not a person: functions that take an open connection, as in ``records``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, insert, select, update

from visavis.gallery._negatives import Negatives
from visavis.gallery.feedback_types import Rejection
from visavis.gallery.sql import records
from visavis.gallery.sql.changes import begin_change
from visavis.gallery.sql.crops import REJECTION, remove_attached, store_crops
from visavis.gallery.sql.schema import PEOPLE, REJECTIONS
from visavis.gallery.sql.values import decode_embeddings
from visavis.gallery.types import Template
from visavis.types import Floats


def store_rejection(conn: Connection, person_id: int, face: Template, expires: datetime) -> int:
    """Store a face as not being a person, until ``expires``; return its id.

    The same face of the same photo is not stored twice: it keeps its id, and the later end counts.
    """
    begin_change(conn)  # searches keep rejections by change number
    until = expires.astimezone(UTC).isoformat(timespec="milliseconds")
    for row in conn.execute(select(REJECTIONS).where(REJECTIONS.c.person_id == person_id)):
        if row.photo_sha256 == face.photo_sha256 and row.embedding == _encode(face.embedding):
            latest = max(until, row.expires, key=records.decode_time)
            conn.execute(update(REJECTIONS).where(REJECTIONS.c.id == row.id).values(expires=latest))
            return int(row.id)
    values = {
        "person_id": person_id,
        "photo_sha256": face.photo_sha256,
        "photo": face.photo,
        "box": None if face.box is None else [float(side) for side in face.box],
        "created": records.current_time(),
        "expires": until,
        "embedding": _encode(face.embedding),
    }
    stored = conn.execute(insert(REJECTIONS).values(**values).returning(REJECTIONS.c.id))
    rejection_id = int(stored.scalar_one())
    store_crops(conn, REJECTION, {rejection_id: face.crop})
    return rejection_id


def read_rejections(conn: Connection, *, person_id: int | None = None, only: int | None = None) -> list[Rejection]:
    """Return the rejections that have not expired, by id: all, those of a person, or the one of that id."""
    columns = [column for column in REJECTIONS.c if column.name != "embedding"]
    query = select(*columns, PEOPLE.c.name).join(PEOPLE, PEOPLE.c.id == REJECTIONS.c.person_id)
    if person_id is not None:
        query = query.where(REJECTIONS.c.person_id == person_id)
    if only is not None:
        query = query.where(REJECTIONS.c.id == only)
    now = datetime.now(UTC)
    return [
        Rejection(
            id=row.id,
            person_id=row.person_id,
            name=row.name,
            photo=row.photo,
            photo_sha256=row.photo_sha256,
            box=records.decode_box(row.box),
            created=records.decode_time(row.created),
            expires=records.decode_time(row.expires),
        )
        for row in conn.execute(query.order_by(REJECTIONS.c.id))
        if records.decode_time(row.expires) > now
    ]


def has_rejections(conn: Connection) -> bool:
    """Return whether any face was rejected."""
    return conn.execute(select(REJECTIONS.c.id).limit(1)).first() is not None


def read_negatives(conn: Connection, person_ids: Sequence[int], dimension: int) -> dict[int, Negatives]:
    """Return the rejected faces of these people, by person id, without people who have none."""
    rows_by_person: dict[int, list[tuple[int, bytes, float]]] = {}
    columns = (REJECTIONS.c.id, REJECTIONS.c.person_id, REJECTIONS.c.expires, REJECTIONS.c.embedding)
    for part in records.split_list(person_ids):
        for row in conn.execute(select(*columns).where(REJECTIONS.c.person_id.in_(part)).order_by(REJECTIONS.c.id)):
            end = records.decode_time(row.expires).timestamp()
            rows_by_person.setdefault(row.person_id, []).append((row.id, row.embedding, end))
    return {
        person_id: Negatives(
            tuple(row[0] for row in rows),
            decode_embeddings([row[1] for row in rows], dimension, [row[0] for row in rows]),
            tuple(row[2] for row in rows),
        )
        for person_id, rows in rows_by_person.items()
    }


def find_of_photo(conn: Connection, sha256: str) -> list[int]:
    """Return the ids of the rejections of a photo."""
    return list(conn.execute(select(REJECTIONS.c.id).where(REJECTIONS.c.photo_sha256 == sha256)).scalars())


def find_expired(conn: Connection) -> list[int]:
    """Return the ids of the rejections whose retention is over."""
    now = datetime.now(UTC)
    rows = conn.execute(select(REJECTIONS.c.id, REJECTIONS.c.expires))
    return [row.id for row in rows if records.decode_time(row.expires) <= now]


def remove_rejections(conn: Connection, ids: Iterable[int]) -> None:
    """Remove rejections, if any, as a new change, since searches keep them by change number."""
    parts = [*records.split_list(ids)]
    if parts:
        begin_change(conn)
    for part in parts:
        remove_attached(conn, REJECTION, part)
        conn.execute(delete(REJECTIONS).where(REJECTIONS.c.id.in_(part)))


def _encode(embedding: Floats) -> bytes:
    return embedding.astype("<f4", copy=False).tobytes()
