"""Indexed photos, and faces for clustering: functions that take an open connection, as in ``records``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from sqlalchemy import Connection, func, insert, select, update

from visavis import embedders
from visavis.clustering.types import Faces
from visavis.errors import UsageError
from visavis.gallery.index import UNASSIGNED
from visavis.gallery.sql import records
from visavis.gallery.sql.records import Meta, current_time, split_list
from visavis.gallery.sql.schema import PEOPLE, PHOTOS, TEMPLATES
from visavis.gallery.sql.values import decode_embeddings, optional
from visavis.gallery.types import IndexedPhoto, StoredFaces
from visavis.types import Floats, Lookalike

NO_CLUSTER = -1


def find_indexed(conn: Connection, model: str, sha256s: Iterable[str]) -> set[str]:
    """Return the hashes of those photos that are indexed for the model."""
    result: set[str] = set()
    for part in split_list(set(sha256s)):
        query = select(PHOTOS.c.sha256).where(PHOTOS.c.model == model, PHOTOS.c.sha256.in_(part))
        result.update(conn.execute(query).scalars())
    return result


def insert_photos(conn: Connection, model: str, photos: Sequence[IndexedPhoto]) -> None:
    """Store photos as indexed."""
    at = current_time()
    rows = [
        {"sha256": photo.sha256, "model": model, "photo": photo.photo, "status": photo.status, "created": at}
        for photo in photos
    ]
    if rows:
        conn.execute(insert(PHOTOS), rows)


def read_faces(conn: Connection, *, unassigned: bool = False) -> StoredFaces:
    """Return all faces, or the unassigned ones, ordered by id."""
    dimension = records.read_meta(conn).dimension or 0
    query = select(TEMPLATES).order_by(TEMPLATES.c.id)
    if unassigned:
        query = query.where(TEMPLATES.c.person_id.is_(None))
    embeddings: list[Floats] = []
    rows = []
    for block in conn.execute(query, execution_options={"yield_per": records.BLOCK_ROWS}).partitions():
        embeddings.append(decode_embeddings([row.embedding for row in block], dimension, [row.id for row in block]))
        rows += [
            (row.id, row.person_id, row.cluster, row.photo, row.photo_sha256, row.box, row.quality) for row in block
        ]
    return StoredFaces(
        ids=np.array([row[0] for row in rows], np.int64),
        people=np.array([row[1] or UNASSIGNED for row in rows], np.int64),
        clusters=np.array([NO_CLUSTER if row[2] is None else row[2] for row in rows], np.int64),
        embeddings=np.concatenate([np.empty((0, dimension), np.float32), *embeddings]),
        photos=tuple(row[3] for row in rows),
        sha256=tuple(row[4] for row in rows),
        boxes=np.array([row[5] or [np.nan] * 4 for row in rows], np.float32).reshape(-1, 4),
        quality=np.array([np.nan if row[6] is None else row[6] for row in rows], np.float32),
    )


def convert_faces(stored: StoredFaces) -> Faces:
    """Return the faces in the form that clustering needs.

    A photo is identified by its hash: the same bytes under two names are one photo, under the first of the names.
    """
    names: dict[str, str] = {}
    photos: list[str] = []
    numbers: list[int] = []
    counts = Counter[str]()
    for template, photo, sha256 in zip(stored.ids.tolist(), stored.photos, stored.sha256, strict=True):
        key = sha256 or f"template {template}"
        if key not in names:
            names[key] = f"{photo} {key[:12]}".strip() if not photo or photo in counts else photo
        name = names[key]
        counts[name] += 1
        photos.append(name)
        numbers.append(counts[name])
    return Faces(
        photos=tuple(photos),
        numbers=np.array(numbers, np.int64),
        boxes=np.nan_to_num(stored.boxes),
        embeddings=stored.embeddings,
        quality=np.nan_to_num(stored.quality, nan=1.0),
        clusters=stored.clusters,
        sha256=stored.sha256,
    )


def count_faces_of_photo(conn: Connection, sha256: str) -> int:
    """Return the number of stored faces of a photo."""
    query = select(func.count()).select_from(TEMPLATES).where(TEMPLATES.c.photo_sha256 == sha256)
    return conn.execute(query).scalar_one()


def set_clusters(conn: Connection, ids: Sequence[int], clusters: Sequence[int]) -> None:
    """Store the cluster of each face; -1: none."""
    by_cluster: dict[int, list[int]] = {}
    for template, cluster in zip(ids, clusters, strict=True):
        by_cluster.setdefault(cluster, []).append(template)
    for cluster, members in by_cluster.items():
        value = None if cluster == NO_CLUSTER else cluster
        for part in split_list(members):
            conn.execute(update(TEMPLATES).where(TEMPLATES.c.id.in_(part)).values(cluster=value))


def read_lookalikes(conn: Connection, distances: dict[int, float]) -> list[Lookalike]:
    """Return the faces at these distances, by template id, with their people, nearest first, without removed ones."""
    photo_columns = (TEMPLATES.c.photo, TEMPLATES.c.photo_sha256, TEMPLATES.c.box, TEMPLATES.c.quality)
    columns = (TEMPLATES.c.id, TEMPLATES.c.person_id, optional(PEOPLE.c.name), *photo_columns)
    joined = TEMPLATES.outerjoin(PEOPLE, PEOPLE.c.id == TEMPLATES.c.person_id)
    query = select(*columns).select_from(joined)
    lookalikes = [
        Lookalike(
            photo=row.photo,
            number=None,
            box=None if row.box is None else np.array(row.box, np.float32),
            distance=distances[row.id],
            quality=row.quality,
            sha256=row.photo_sha256,
            template_id=row.id,
            person_id=row.person_id,
            name=row.name,
        )
        for part in split_list(distances)
        for row in conn.execute(query.where(TEMPLATES.c.id.in_(part)))
    ]
    return sorted(lookalikes, key=lambda face: (face.distance, face.template_id))


def has_templates(conn: Connection) -> bool:
    """Return whether any face is stored, assigned or not."""
    return conn.execute(select(TEMPLATES.c.id).limit(1)).first() is not None


def agree_on_dimension(conn: Connection, model: str, dimension: int) -> Meta:
    """Check the length of new embeddings: raise UsageError; GalleryError where the gallery's model has changed.

    The right length is that of the model if known, else that of the first stored embeddings. In a gallery without
    templates, a stored length that differs from that of the model is corrected.
    """
    meta = records.require_model(conn, model)
    expected = embedders.dimension(meta.model)
    if expected not in {None, dimension} and (meta.dimension in {None, expected} or not has_templates(conn)):
        raise UsageError(f"{meta.model} makes embeddings of {expected} values, got {dimension}.")
    if meta.dimension is None or (meta.dimension != dimension == expected and not has_templates(conn)):
        records.set_dimension(conn, dimension)
    elif meta.dimension != dimension:
        raise UsageError(f"this gallery holds embeddings of {meta.dimension} values, got {dimension}.")
    return meta
