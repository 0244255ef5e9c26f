"""Paths of photos, which photos and templates store: functions that take an open connection, as in ``records``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, delete, select, update

from visavis.gallery.sql import records, rejections
from visavis.gallery.sql.records import split_list
from visavis.gallery.sql.schema import PHOTOS, REJECTIONS, TEMPLATES
from visavis.gallery.sql.sealed import cipher_of
from visavis.gallery.types import ForgottenPhoto

_TABLES = (
    (PHOTOS, PHOTOS.c.sha256),
    (TEMPLATES, TEMPLATES.c.photo_sha256),
    (REJECTIONS, REJECTIONS.c.photo_sha256),
)

NOWHERE = ""
"""The path of a photo that is no longer at its place."""


def read_paths(conn: Connection, sha256s: Iterable[str]) -> dict[str, set[str]]:
    """Return the stored paths of photos by hash, without photos that do not exist."""
    paths_by_hash: dict[str, set[str]] = {}
    for part in split_list(set(sha256s)):
        for table, sha256 in _TABLES:
            query = select(sha256.label("sha256"), table.c.photo).where(sha256.in_(part)).distinct()
            for row in conn.execute(query):
                paths_by_hash.setdefault(row.sha256, set()).add(row.photo)
    return paths_by_hash


def find_photos_at(conn: Connection, paths: Iterable[str]) -> set[tuple[str, str]]:
    """Return hash and path of all photos stored with one of these paths."""
    pairs: set[tuple[str, str]] = set()
    for part in split_list(set(paths)):
        for table, sha256 in _TABLES:
            query = select(sha256.label("sha256"), table.c.photo).where(table.c.photo.in_(part), sha256.is_not(None))
            pairs.update((row.sha256, row.photo) for row in conn.execute(query.distinct()))
    return pairs


def change_paths(conn: Connection, moves: Iterable[tuple[str, str, str]]) -> None:
    """Change paths: each move is the hash of a photo, its old path and its new path."""
    for digest, old, new in moves:
        for table, sha256 in _TABLES:
            conn.execute(update(table).where(sha256 == digest, table.c.photo == old).values(photo=new))


def find_hashes(conn: Connection, prefix: str) -> set[str]:
    """Return the hashes that begin with ``prefix``."""
    digests: set[str] = set()
    for _, sha256 in _TABLES:
        query = select(sha256).where(sha256.is_not(None)).distinct()
        if cipher_of(conn) is None:  # the beginning of an encrypted hash cannot be looked up
            query = query.where(sha256.startswith(prefix))
        digests.update(digest for digest in conn.execute(query).scalars() if digest.startswith(prefix))
    return digests


def read_templates(conn: Connection, sha256: str) -> list[tuple[int, int | None]]:
    """Return id and person (None: unassigned) of each template of a photo."""
    query = select(TEMPLATES.c.id, TEMPLATES.c.person_id).where(TEMPLATES.c.photo_sha256 == sha256)
    return [(row.id, row.person_id) for row in conn.execute(query.order_by(TEMPLATES.c.id))]


def read_hashes(conn: Connection, template_ids: Iterable[int]) -> set[str]:
    """Return the hashes of the photos of templates."""
    query = select(TEMPLATES.c.photo_sha256)
    parts = (conn.execute(query.where(TEMPLATES.c.id.in_(part))).scalars() for part in split_list(template_ids))
    return {sha256 for part in parts for sha256 in part if sha256 is not None}


def remove_photo(conn: Connection, sha256: str) -> ForgottenPhoto:
    """Remove a photo with its templates and rejections, and people without other templates."""
    path = min(read_paths(conn, [sha256]).get(sha256, {NOWHERE}))
    stored = read_templates(conn, sha256)
    owners = sorted({person for _, person in stored if person is not None})
    names = records.read_names(conn, owners)
    if stored:
        records.remove_templates(conn, [template for template, _ in stored])
    rejections.remove_rejections(conn, rejections.find_of_photo(conn, sha256))
    conn.execute(delete(PHOTOS).where(PHOTOS.c.sha256 == sha256))
    removed = [person for person in owners if not records.read_template_ids(conn, person)]
    for person in removed:
        records.remove_person(conn, person)
    people = tuple((person, names[person]) for person in owners)
    return ForgottenPhoto(sha256, path, len(stored), people, tuple(removed))


def read_people(conn: Connection, sha256s: Sequence[str]) -> dict[int, str]:
    """Return the names, by id, of the people with a template of these photos."""
    owners = {person for digest in sha256s for _, person in read_templates(conn, digest) if person is not None}
    return records.read_names(conn, owners)
