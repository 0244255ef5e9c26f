"""The embeddings of a second model, one for each face, and their exchange with those that answer.

Functions that take an open connection, as in ``records``. The templates and rejections of a gallery always hold
embeddings of its own model; those of the second model are in tables of their own, each row with its model, so that no
query can mix the two. Faces that are enrolled meanwhile are missing in the second set, and found by that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, and_, delete, func, insert, literal, select, update

from visavis.errors import GalleryError, UsageError
from visavis.gallery.sql.changes import begin_change
from visavis.gallery.sql.crops import KINDS, FaceKind
from visavis.gallery.sql.records import BLOCK_ROWS, current_time, read_calibration, read_meta, split_list
from visavis.gallery.sql.schema import META, PHOTOS, SECOND_SET, SECOND_TEMPLATES, TEMPLATES
from visavis.gallery.sql.values import decode_embeddings, optional
from visavis.types import Floats

PREPARED, SWITCHED = "prepared", "switched"
"""The second set is to answer later, or has answered before the switch."""


class SecondSet(NamedTuple):
    """The second set: its model, the length of its embeddings if any is stored, its own thresholds as JSON."""

    model: str
    dimension: int | None
    calibration: str | None
    status: str


def read_second_set(conn: Connection) -> SecondSet | None:
    """Return the second set; None where there is none."""
    row = conn.execute(select(*(SECOND_SET.c[name] for name in SecondSet._fields))).first()
    return None if row is None else SecondSet(*row)


def require_second_set(conn: Connection, model: str) -> SecondSet:
    """Return the second set; GalleryError where it is no longer of this model."""
    second = read_second_set(conn)
    if second is None or second.model != model:
        raise GalleryError(f"another process has ended the change to {model}: begin it again.")
    return second


def begin(conn: Connection, model: str) -> None:
    """Begin a second set."""
    conn.execute(insert(SECOND_SET).values(model=model, status=PREPARED, created=current_time()))


def set_thresholds(conn: Connection, calibration: str) -> None:
    """Store the thresholds that the second set brings with it."""
    conn.execute(update(SECOND_SET).values(calibration=calibration))


def drop(conn: Connection) -> None:
    """Remove the second set."""
    for kind in KINDS:
        conn.execute(delete(kind.second))
    conn.execute(delete(SECOND_SET))


def _select_missing(kind: FaceKind, model: str, *columns: Any) -> Select[Any]:
    has_embedding = and_(kind.second.c.face_id == kind.faces.c.id, kind.second.c.model == model)
    joined = kind.faces.outerjoin(kind.crops, kind.crops.c.face_id == kind.faces.c.id)
    joined = joined.outerjoin(kind.second, has_embedding)
    return select(*columns).select_from(joined).where(kind.second.c.face_id.is_(None)).order_by(kind.faces.c.id)


def read_missing(conn: Connection, kind: FaceKind, model: str, *, after: int, limit: int) -> Sequence[Row[Any]]:
    """Return faces without an embedding of the second model, by id, with their crops (NULL: none is kept)."""
    faces = kind.faces.c
    columns = (faces.id, faces.person_id, faces.photo, faces.photo_sha256, faces.box)
    crop = (optional(kind.crops.c.crop_box), optional(kind.crops.c.landmarks), kind.crops.c.picture)
    query = _select_missing(kind, model, *columns, *crop)
    return conn.execute(query.where(faces.id > after).limit(limit)).all()


def read_missing_ids(conn: Connection, kind: FaceKind, model: str) -> list[int]:
    """Return the ids of the faces without an embedding of the second model."""
    return list(conn.execute(_select_missing(kind, model, kind.faces.c.id)).scalars())


def count_faces(conn: Connection, model: str) -> tuple[int, int]:
    """Return the number of faces with an embedding of the second model, and of all faces."""
    filled = total = 0
    for kind in KINDS:
        of_model = select(func.count()).select_from(kind.second).where(kind.second.c.model == model)
        filled += conn.execute(of_model).scalar_one()
        total += conn.execute(select(func.count()).select_from(kind.faces)).scalar_one()
    return filled, total


def store(conn: Connection, kind: FaceKind, model: str, embeddings: Mapping[int, Floats]) -> None:
    """Store embeddings ``(d,)`` of length 1 of the second model by face, of faces that are there and have none yet."""
    second = require_second_set(conn, model)
    for part in split_list(embeddings):
        query = _select_missing(kind, model, kind.faces.c.id).where(kind.faces.c.id.in_(part))
        rows = [
            {"face_id": face_id, "model": model, "embedding": embeddings[face_id].astype("<f4").tobytes()}
            for face_id in conn.execute(query).scalars()
        ]
        if rows:
            conn.execute(insert(kind.second), rows)
    dimension = next(iter(embeddings.values())).size if embeddings else second.dimension
    if second.dimension is None and dimension is not None:
        conn.execute(update(SECOND_SET).values(dimension=dimension))
    elif second.dimension != dimension:
        raise UsageError(f"{model} made embeddings of {second.dimension} values before, and of {dimension} now.")


def read_pairs(conn: Connection, people: Sequence[int]) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield the person, the embedding and the second embedding of each template of these people that has both."""
    columns = (TEMPLATES.c.person_id, TEMPLATES.c.embedding, SECOND_TEMPLATES.c.embedding.label("second"))
    joined = TEMPLATES.join(SECOND_TEMPLATES, SECOND_TEMPLATES.c.face_id == TEMPLATES.c.id)
    query = select(*columns).select_from(joined).order_by(TEMPLATES.c.id)
    for part in split_list(people):
        for row in conn.execute(query.where(TEMPLATES.c.person_id.in_(part))):
            yield row.person_id, row.embedding, row.second


def exchange(conn: Connection, second: SecondSet) -> None:
    """Let the second set answer, and keep the one that answered: each face of the gallery has an embedding of both.

    This is a change like others: indexes, searches and other processes notice it by its number.
    """
    meta, own = read_meta(conn), read_calibration(conn)
    change = begin_change(conn)
    for kind in KINDS:
        faces, other = kind.faces, kind.second
        kept = select(faces.c.id, literal(meta.model), faces.c.embedding)
        conn.execute(insert(other).from_select(["face_id", "model", "embedding"], kept))
        new = select(other.c.embedding).where(other.c.face_id == faces.c.id, other.c.model == second.model)
        conn.execute(update(faces).values(embedding=new.scalar_subquery()))
        conn.execute(delete(other).where(other.c.model == second.model))
    conn.execute(update(TEMPLATES).values(model=second.model, change=change))
    conn.execute(update(PHOTOS).values(model=second.model))
    answering = {"model": second.model, "dimension": second.dimension, "calibration": second.calibration}
    conn.execute(update(META).values(**answering))
    status = PREPARED if second.status == SWITCHED else SWITCHED
    values = {"model": meta.model, "dimension": meta.dimension, "calibration": own, "status": status}
    conn.execute(update(SECOND_SET).values(**values))


def find_faults(conn: Connection) -> Iterator[str]:
    """Yield what is wrong with the embeddings of the second set: their model, their length."""
    second = read_second_set(conn)
    for kind in KINDS:
        for rows in conn.execute(select(kind.second), execution_options={"yield_per": BLOCK_ROWS}).partitions():
            for row in rows:
                if second is None or row.model != second.model:
                    yield f"the second embedding of {kind.name} {row.face_id} is of no model that is being prepared."
            if second is not None:
                decode_embeddings([row.embedding for row in rows], second.dimension or 0, [row.face_id for row in rows])
