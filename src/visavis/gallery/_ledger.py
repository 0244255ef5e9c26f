"""Photos that were indexed, and faces as clustering takes them: functions of an open connection, as ``records``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, insert, select, update

from visavis.errors import UsageError
from visavis.gallery import records
from visavis.gallery.index import NOBODY
from visavis.gallery.records import Meta, in_lists, now
from visavis.gallery.schema import PEOPLE, PHOTOS, TEMPLATES
from visavis.gallery.types import Faces, IndexedPhoto, Lookalike
from visavis.types import Floats

NO_CLUSTER = -1


def known(conn: Connection, model: str, sha256s: Iterable[str]) -> set[str]:
    """Return those of the hashes whose photos were indexed for the model."""
    found: set[str] = set()
    for some in in_lists(set(sha256s)):
        query = select(PHOTOS.c.sha256).where(PHOTOS.c.model == model, PHOTOS.c.sha256.in_(some))
        found.update(conn.execute(query).scalars())
    return found


def put(conn: Connection, model: str, photos: Sequence[IndexedPhoto]) -> None:
    """List photos as indexed."""
    at = now()
    rows = [
        {"sha256": one.sha256, "model": model, "photo": one.photo, "status": one.status, "created": at}
        for one in photos
    ]
    if rows:
        conn.execute(insert(PHOTOS), rows)


def faces(conn: Connection, *, unnamed: bool = False) -> Faces:
    """Return all faces, or those of nobody, by id."""
    dimension = records.meta(conn).dimension or 0
    query = select(TEMPLATES).order_by(TEMPLATES.c.id)
    if unnamed:
        query = query.where(TEMPLATES.c.person_id.is_(None))
    vectors: list[Floats] = []
    rows = []
    for block in conn.execute(query, execution_options={"yield_per": records.BLOCK_ROWS}).partitions():
        vectors.append(records.as_vectors([row.vector for row in block], dimension))
        rows += [
            (row.id, row.person_id, row.cluster, row.photo, row.photo_sha256, row.box, row.quality) for row in block
        ]
    return Faces(
        ids=np.array([row[0] for row in rows], np.int64),
        people=np.array([row[1] or NOBODY for row in rows], np.int64),
        clusters=np.array([NO_CLUSTER if row[2] is None else row[2] for row in rows], np.int64),
        vectors=np.concatenate([np.empty((0, dimension), np.float32), *vectors]),
        photos=tuple(row[3] for row in rows),
        sha256=tuple(row[4] for row in rows),
        boxes=np.array([row[5] or [np.nan] * 4 for row in rows], np.float32).reshape(-1, 4),
        quality=np.array([np.nan if row[6] is None else row[6] for row in rows], np.float32),
    )


def set_clusters(conn: Connection, ids: Sequence[int], clusters: Sequence[int]) -> None:
    """Note into which cluster each face was put; -1: into none."""
    by_cluster: dict[int, list[int]] = {}
    for template, cluster in zip(ids, clusters, strict=True):
        by_cluster.setdefault(cluster, []).append(template)
    for cluster, members in by_cluster.items():
        value = None if cluster == NO_CLUSTER else cluster
        for some in in_lists(members):
            conn.execute(update(TEMPLATES).where(TEMPLATES.c.id.in_(some)).values(cluster=value))


def lookalikes(conn: Connection, distances: dict[int, float]) -> list[Lookalike]:
    """Say whose the faces are that were found at these distances, nearest first; those gone since are left out."""
    columns = (TEMPLATES.c.id, TEMPLATES.c.photo, TEMPLATES.c.box, TEMPLATES.c.person_id, PEOPLE.c.name)
    joined = TEMPLATES.outerjoin(PEOPLE, PEOPLE.c.id == TEMPLATES.c.person_id)
    query = select(*columns).select_from(joined)
    found = [
        Lookalike(row.id, distances[row.id], row.person_id, row.name, row.photo, records.box_of(row.box))
        for some in in_lists(distances)
        for row in conn.execute(query.where(TEMPLATES.c.id.in_(some)))
    ]
    return sorted(found, key=lambda one: (one.distance, one.template_id))


def agree_on_dimension(conn: Connection, dimension: int) -> Meta:
    """Hold new vectors to the length of the first that were stored: UsageError."""
    own = records.meta(conn)
    if own.dimension is None:
        records.set_dimension(conn, dimension)
    elif own.dimension != dimension:
        raise UsageError(f"this gallery holds vectors of {own.dimension} values, got {dimension}.")
    return own


def _facts(row: Row[Any]) -> tuple[Any, ...]:
    """All of a row but its vector, which would stay in memory twice."""
    return row.id, row.person_id, row.cluster, row.photo, row.photo_sha256, row.box, row.quality
