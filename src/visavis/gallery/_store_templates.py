"""Store templates of people: add new faces, assign faces without a person, report duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from visavis.gallery.check_input import match_stored_faces
from visavis.gallery.index import UNASSIGNED
from visavis.gallery.sql import audit, indexed_photos, records
from visavis.gallery.sql.records import Owner
from visavis.gallery.types import Details, Duplicate, Enrollment, Template

NO_DETAILS = Details()


class PersonTemplates(NamedTuple):
    """Templates to store for a person, as :func:`visavis.gallery.check_input.prepare_templates` returns them."""

    name: str
    templates: Sequence[Template]
    details: Details


class _SortedTemplates(NamedTuple):
    """Templates of a person: ``new`` ones, ids of ``unassigned`` faces, and ``duplicates`` that a person has."""

    new: list[Template]
    unassigned: list[int]
    duplicates: list[tuple[Template, Owner]]


def enroll(
    conn: Connection, model: str, people: Sequence[PersonTemplates], stored_ids: Sequence[int | None], *, actor: str
) -> list[Enrollment]:
    """Store people with their templates; ``stored_ids`` are the ids of those in the gallery (None: a new person).

    A new person without a new or unassigned face is not stored: the result has the person id 0.
    """
    templates = [template for person in people for template in person.templates]
    indexed_photos.agree_on_dimension(conn, model, len(templates[0].embedding))
    parts = _sort_templates(conn, model, people, templates)
    new = [i for i, part in enumerate(parts) if stored_ids[i] is None and (part.new or part.unassigned)]
    new_ids = dict(zip(new, records.put_people(conn, [(people[i].name, people[i].details) for i in new]), strict=True))
    person_ids = [new_ids.get(i, stored_id) or UNASSIGNED for i, stored_id in enumerate(stored_ids)]
    owned = [(person_id, template) for person_id, part in zip(person_ids, parts, strict=True) for template in part.new]
    added = iter(records.add_templates(conn, model, owned))
    enrollments: list[Enrollment] = []
    log: list[tuple[int | None, str]] = []
    for i, (person_id, part) in enumerate(zip(person_ids, parts, strict=True)):
        name, details = people[i].name, people[i].details
        if person_id and i not in new_ids and (changed := records.describe(conn, person_id, details)):
            audit.note(conn, "change", person_id, ", ".join(changed), actor=actor)
        ids = (*(next(added) for _ in part.new), *part.unassigned)
        if part.unassigned:
            records.assign_templates(conn, part.unassigned, person_id)
        if ids:
            log.append((person_id, f"templates {ids[0]} to {ids[-1]}"))
        duplicates = tuple(_duplicate(template, owner, person_id, name) for template, owner in part.duplicates)
        enrollments.append(Enrollment(person_id, name, i in new_ids, ids, duplicates))
    audit.note_all(conn, "enroll", log, actor=actor)
    return enrollments


def _sort_templates(
    conn: Connection, model: str, people: Sequence[PersonTemplates], templates: Sequence[Template]
) -> list[_SortedTemplates]:
    photos = {template.photo_sha256 for template in templates if template.photo_sha256 is not None}
    owners = iter(match_stored_faces(templates, records.owners(conn, model, photos)))
    parts = []
    for person in people:
        part = _SortedTemplates([], [], [])
        for template in person.templates:
            owner = next(owners)
            if owner is None:
                part.new.append(template)
            elif owner.person_id == UNASSIGNED and owner.template_id:
                part.unassigned.append(owner.template_id)
            else:
                part.duplicates.append((template, owner))
        parts.append(part)
    return parts


def _duplicate(template: Template, owner: Owner, person_id: int, name: str) -> Duplicate:
    """Return a face as a duplicate of its owner's, or of this person's where the same call holds it twice."""
    person = (owner.person_id, owner.name) if owner.person_id else (person_id, name)
    return Duplicate(template.photo, template.photo_sha256 or "", *person)
