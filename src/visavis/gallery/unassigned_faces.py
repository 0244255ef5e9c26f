"""Faces without a person: where they are from, and faces that lose their person again."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, select

from visavis.errors import UnknownNameError, UsageError
from visavis.gallery._open_gallery import OpenGallery
from visavis.gallery.sql import photo_paths, records
from visavis.gallery.sql.crops import TEMPLATE
from visavis.gallery.sql.schema import TEMPLATES
from visavis.gallery.sql.sealed import cipher_of


def read_unassigned_photos(opened: OpenGallery, *, hash_end: str) -> list[tuple[int, str, str]]:
    """Return id, path and hash of the unassigned faces whose photo's hash ends so, by id, without their embeddings."""
    columns = (TEMPLATES.c.id, TEMPLATES.c.photo, TEMPLATES.c.photo_sha256)
    query = select(*columns).where(TEMPLATES.c.person_id.is_(None), TEMPLATES.c.photo_sha256.is_not(None))
    with opened.database.read() as conn:
        opened.require_model(conn)
        if cipher_of(conn.dialect) is None:  # else the stored hash is encrypted
            query = query.where(TEMPLATES.c.photo_sha256.like(f"%{hash_end}"))
        rows = conn.execute(query.order_by(TEMPLATES.c.id)).all()
    return [(row.id, row.photo, row.photo_sha256) for row in rows if row.photo_sha256.endswith(hash_end)]


def rank_kept_crops(opened: OpenGallery, template_ids: Sequence[int]) -> list[int]:
    """Return those of these faces whose crops are kept, the best quality first."""
    joined = TEMPLATES.join(TEMPLATE.crops, TEMPLATE.crops.c.face_id == TEMPLATES.c.id)
    query = select(TEMPLATES.c.id, TEMPLATES.c.quality).select_from(joined)
    with opened.database.read() as conn:
        parts = records.split_list(template_ids)
        rows = [row for part in parts for row in conn.execute(query.where(TEMPLATES.c.id.in_(part)))]
    return [row.id for row in sorted(rows, key=lambda row: (-(row.quality or 0.0), row.id))]


def forget_unassigned_photos(opened: OpenGallery, hashes: Collection[str]) -> set[str]:
    """Remove the photos of these hashes, in one transaction and without a trace; return the hashes of those removed.

    Those that are not stored any more, or show a person by now, are left out, and keep no other from being removed.
    """
    removed: set[str] = set()
    if not hashes:
        return removed
    with opened.database.erasing() as conn:
        for sha256 in hashes:
            faces = photo_paths.read_templates(conn, sha256)
            if faces and all(person is None for _, person in faces):
                photo_paths.remove_photo(conn, sha256)
                opened.log(conn, "forget", None, f"photo {sha256[:12]}, {len(faces)} templates")
                removed.add(sha256)
    return removed


def unassign_faces(opened: OpenGallery, template_ids: Sequence[int], *, with_person: bool = False) -> list[int]:
    """Take faces from their people, so that they are unassigned: all or none; return the ids of people removed.

    Each person has a template: who would lose the last one is removed ``with_person``, without a trace; UsageError
    without it, and where a note, a consent or metadata would be lost. Raises UnknownNameError if a template does not
    exist.
    """
    ids = list(dict.fromkeys(template_ids))
    if not ids:
        raise UsageError("there is no template to take from its person.")
    with opened.database.erasing() as conn:
        owners = records.read_people_of_templates(conn, ids)
        missing = [template_id for template_id in ids if template_id not in owners]
        if missing:
            raise UnknownNameError(f"there is no template {missing[0]} in this gallery.")
        records.assign_templates(conn, ids, None)
        people = sorted({owner for owner in owners.values() if owner is not None})
        for person_id in people:
            lost = [template_id for template_id, owner in owners.items() if owner == person_id]
            opened.log(conn, "unassign", person_id, f"templates {', '.join(map(str, lost))}")
        left = [person_id for person_id in people if not records.read_template_ids(conn, person_id)]
        for person_id in left:
            _remove_without_template(conn, opened, person_id, is_wanted=with_person)
    return left


def _remove_without_template(conn: Connection, opened: OpenGallery, person_id: int, *, is_wanted: bool) -> None:
    """Remove a person who has lost the last template; UsageError unless that ``is_wanted`` and loses no details."""
    (person,) = records.read_people(conn, person_id)
    if not is_wanted or person.note or person.consent or person.consented or person.metadata:
        raise UsageError(f"person {person_id} would have no template left: remove the person.")
    records.remove_person(conn, person_id)
    opened.log(conn, "remove", person_id, "no template was left")
