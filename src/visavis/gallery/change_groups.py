"""Changes of groups of faces, each in one transaction: move faces, name them, and make them unassigned again.

Who asks for a change names the faces of the group as they were read. Where another user has changed one of them
meanwhile, nothing is changed, and GroupChangedError says so.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from visavis.errors import GroupChangedError, SamePhotoError, UsageError
from visavis.gallery import _people
from visavis.gallery._open_gallery import OpenGallery
from visavis.gallery.check_input import clean_name
from visavis.gallery.sql import indexed_photos, records
from visavis.gallery.sql.schema import TEMPLATES
from visavis.images import shown, strip_folders
from visavis.plain import Plain

GREATEST_NUMBER = 2**31 - 1
"""Greatest number of a group that faces are moved to: new groups get the next ones, which browsers count exactly."""


@dataclass(frozen=True, slots=True)
class NamedGroup(Plain):
    """The person who faces of a group were assigned to; ``new`` is whether the person was created by it."""

    person_id: int
    name: str
    new: bool


def move_faces(
    opened: OpenGallery,
    number: int,
    template_ids: Sequence[int],
    to: int | None = None,
    *,
    expected: int | None = None,
) -> int:
    """Move unassigned faces of a group to the group ``to``, or to a new one (None); return its number.

    Where ``expected`` is given, the group ``to`` has so many faces, else GroupChangedError is raised. Raises
    SamePhotoError where both groups have a face of the same photo, UsageError for no faces, the same group, and a
    number above ``GREATEST_NUMBER``.
    """
    if to == number:
        raise UsageError(f"the faces are in group {number} already.")
    if to is not None and not 0 <= to <= GREATEST_NUMBER:
        raise UsageError(f"the number of a group is from 0 to {GREATEST_NUMBER}, got {to}.")
    with opened.database.write() as conn:
        opened.require_model(conn)
        _require_members(conn, number, template_ids)
        if to is None:
            to = 1 + max(0, conn.execute(select(func.max(TEMPLATES.c.cluster))).scalar() or 0)
        elif expected is not None and _count_unassigned(conn, to) != expected:
            raise GroupChangedError(f"group {to} was changed meanwhile: read it again.")
        _require_other_photos(conn, to, template_ids)
        indexed_photos.set_clusters(conn, template_ids, [to] * len(template_ids))
    return to


def name_group(
    opened: OpenGallery,
    number: int,
    template_ids: Sequence[int],
    name: str,
    *,
    person_id: int | None = None,
    new: bool = False,
) -> NamedGroup:
    """Assign unassigned faces of a group to a person: that of ``person_id`` and ``name``, else as in ``name_faces``.

    See :meth:`visavis.gallery.Gallery.name_faces`.
    """
    name = clean_name(name)
    with opened.database.write() as conn:
        opened.require_model(conn)
        _require_members(conn, number, template_ids)
        owner, created = _people.assign_to_name(conn, opened, name, template_ids, person_id=person_id, new=new)
    return NamedGroup(owner, name, created)


def unname_faces(opened: OpenGallery, number: int, template_ids: Sequence[int], person_id: int) -> None:
    """Make templates of a person unassigned faces of a group again.

    A person who has no other template is removed, unless a note, a consent or metadata would be lost: UsageError then.
    Where the others were removed meanwhile, GroupChangedError is raised.
    """
    with opened.database.read() as conn:
        is_last = {*records.read_template_ids(conn, person_id)} <= {*template_ids}
    with opened.database.erasing() if is_last else opened.database.write() as conn:
        opened.require_model(conn)
        _require_rows(conn, number, template_ids, person_id)
        records.assign_templates(conn, template_ids, None)
        opened.log(conn, "unassign", person_id, f"templates {_people.format_ids(template_ids)}")
        (person,) = records.read_people(conn, person_id)
        if person.templates:
            return
        if not is_last:  # this transaction erases no traces
            raise GroupChangedError(f"person {person_id} was changed meanwhile: read the group again.")
        if person.note or person.consent or person.consented or person.metadata:
            raise UsageError(f"person {person_id} has no other template, and details that would be lost: remove it.")
        records.remove_person(conn, person_id)
        opened.log(conn, "remove", person_id, "no template was left")


def _require_members(conn: Connection, number: int, template_ids: Sequence[int]) -> None:
    _require_rows(conn, number, template_ids, None)


def _require_rows(conn: Connection, number: int, template_ids: Sequence[int], person_id: int | None) -> None:
    """Raise GroupChangedError unless all faces are in the cluster and belong to the person (None: to no person)."""
    wanted = {*template_ids}
    if not wanted or len(wanted) < len(template_ids):
        raise UsageError("name each face of the group once, and one face or more.")
    columns = (TEMPLATES.c.id, TEMPLATES.c.cluster, TEMPLATES.c.person_id)
    rows = {
        row.id
        for part in records.split_list(wanted)
        for row in conn.execute(select(*columns).where(TEMPLATES.c.id.in_(part)))
        if (row.cluster, row.person_id) == (number, person_id)
    }
    if rows != wanted:
        raise GroupChangedError(f"group {number} was changed meanwhile: read it again.")


def _count_unassigned(conn: Connection, number: int) -> int:
    query = select(func.count()).select_from(TEMPLATES)
    return conn.execute(query.where(TEMPLATES.c.cluster == number, TEMPLATES.c.person_id.is_(None))).scalar_one()


def _require_other_photos(conn: Connection, number: int, template_ids: Collection[int]) -> None:
    """Raise SamePhotoError where the faces, or one of them and one of the cluster, are of one photo."""
    columns = (TEMPLATES.c.photo_sha256, TEMPLATES.c.photo)
    moved: dict[str, str] = {}
    for part in records.split_list(template_ids):
        for row in conn.execute(select(*columns).where(TEMPLATES.c.id.in_(part))):
            if row.photo_sha256 is not None:
                moved[row.photo_sha256] = row.photo
    for row in conn.execute(select(TEMPLATES.c.photo_sha256).where(TEMPLATES.c.cluster == number)):
        if row.photo_sha256 in moved:
            photo = shown(strip_folders(moved[row.photo_sha256])) or "a photo"
            raise SamePhotoError(f"group {number} has another face of {photo}: faces of one photo are two people.")
