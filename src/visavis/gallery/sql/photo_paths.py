"""Where photos lie: functions of an open connection, as ``records``. A path may be said of photos and of templates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, delete, select, update

from visavis.gallery.sql import records
from visavis.gallery.sql.records import in_lists
from visavis.gallery.sql.schema import PHOTOS, TEMPLATES
from visavis.gallery.types import ForgottenPhoto

_TABLES = ((PHOTOS, PHOTOS.c.sha256), (TEMPLATES, TEMPLATES.c.photo_sha256))

NOWHERE = ""
"""The path of a photo that is not where it was."""


def paths(conn: Connection, sha256s: Iterable[str]) -> dict[str, set[str]]:
    """Return the paths that are stored of photos with these hashes; photos that are not there are left out."""
    found: dict[str, set[str]] = {}
    for some in in_lists(set(sha256s)):
        for table, sha256 in _TABLES:
            query = select(sha256.label("sha256"), table.c.photo).where(sha256.in_(some)).distinct()
            for row in conn.execute(query):
                found.setdefault(row.sha256, set()).add(row.photo)
    return found


def claims(conn: Connection, paths: Iterable[str]) -> set[tuple[str, str]]:
    """Return hash and path of every photo that is said to lie at one of these paths."""
    found: set[tuple[str, str]] = set()
    for some in in_lists(set(paths)):
        for table, sha256 in _TABLES:
            query = select(sha256.label("sha256"), table.c.photo).where(table.c.photo.in_(some), sha256.is_not(None))
            found.update((row.sha256, row.photo) for row in conn.execute(query.distinct()))
    return found


def move(conn: Connection, moves: Iterable[tuple[str, str, str]]) -> None:
    """Change paths: each move is the hash of a photo, the path it had, and the path it has now."""
    for digest, old, new in moves:
        for table, sha256 in _TABLES:
            conn.execute(update(table).where(sha256 == digest, table.c.photo == old).values(photo=new))


def by_hash(conn: Connection, prefix: str) -> set[str]:
    """Return the hashes that begin so."""
    return {
        digest
        for _, sha256 in _TABLES
        for digest in conn.execute(select(sha256).where(sha256.startswith(prefix)).distinct()).scalars()
    }


def templates(conn: Connection, sha256: str) -> list[tuple[int, int | None]]:
    """Return id and person (None: nobody) of each template of a photo."""
    query = select(TEMPLATES.c.id, TEMPLATES.c.person_id).where(TEMPLATES.c.photo_sha256 == sha256)
    return [(row.id, row.person_id) for row in conn.execute(query.order_by(TEMPLATES.c.id))]


def forget(conn: Connection, sha256: str) -> ForgottenPhoto:
    """Remove a photo with its templates, and the people who have no other template."""
    path = min(paths(conn, [sha256]).get(sha256, {NOWHERE}))
    held = templates(conn, sha256)
    owners = sorted({person for _, person in held if person is not None})
    names = records.names(conn, owners)
    if held:
        records.remove_templates(conn, [template for template, _ in held])
    conn.execute(delete(PHOTOS).where(PHOTOS.c.sha256 == sha256))
    removed = [person for person in owners if not records.template_ids(conn, person)]
    for person in removed:
        records.remove_person(conn, person)
    return ForgottenPhoto(sha256, path, len(held), tuple((person, names[person]) for person in owners), tuple(removed))


def people_of(conn: Connection, sha256s: Sequence[str]) -> dict[int, str]:
    """Return the people, by id, who have a template of one of these photos."""
    owners = {person for digest in sha256s for _, person in templates(conn, digest) if person is not None}
    return records.names(conn, owners)
