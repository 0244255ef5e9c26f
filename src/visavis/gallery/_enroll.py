"""Enroll people: make templates of photos, doubt them, and store new faces, unassigned faces and duplicates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from sqlalchemy import Connection

from visavis._checks import check_number
from visavis.errors import UsageError
from visavis.gallery import _photo_templates, _resolve_person
from visavis.gallery._misplaced_photos import find_doubts
from visavis.gallery._open_gallery import OpenGallery
from visavis.gallery._photo_templates import PhotoTemplates
from visavis.gallery._resolve_person import Who
from visavis.gallery.check_input import clean_name, make_path_absolute, match_stored_faces, prepare_templates
from visavis.gallery.index import UNASSIGNED
from visavis.gallery.sql import indexed_photos, records
from visavis.gallery.sql.records import Owner
from visavis.gallery.types import Details, Duplicate, Enrollment, Template
from visavis.images import Source

NO_DETAILS = Details()


@dataclass(frozen=True, slots=True)
class EnrollOptions:
    """The person to enroll photos for, and what to do with photos in doubt: see :meth:`Gallery.enroll`."""

    person_id: int | None = None
    new: bool = False
    details: Details = NO_DETAILS
    strict: bool = False


class NewTemplates(NamedTuple):
    """Templates to store for a person, as :func:`visavis.gallery.check_input.prepare_templates` returns them."""

    name: str
    templates: Sequence[Template]
    details: Details


class _SortedTemplates(NamedTuple):
    """Templates of a person: ``new`` ones, ids of ``unassigned`` faces, and ``duplicates`` that a person has."""

    new: list[Template]
    unassigned: list[int]
    duplicates: list[tuple[Template, Owner]]


def enroll_photos(
    opened: OpenGallery,
    who: Who,
    photos: Source | Iterable[Source],
    options: EnrollOptions,
    *,
    min_face: float,
    min_quality: float,
) -> Enrollment:
    """Do as :meth:`visavis.gallery.Gallery.enroll`."""
    with opened.database.read() as conn:  # report a wrong name or id before the work, not after it
        name, person_id = _resolve_name(conn, who, options.person_id)
        min_quality = check_number(min_quality, "min_quality is a number", least=0, most=1)
        _resolve_person.find_to_enroll(conn, name, person_id=person_id, new=options.new)
    templates = _photo_templates.select_largest_faces(
        opened.recognizer.represent(photos, min_face=min_face),
        min_quality=min_quality,
        table=opened.calibration,
        strict=options.strict,
    )
    return enroll_templates(opened, name, templates, replace(options, person_id=person_id))


def _resolve_name(conn: Connection, who: Who, person_id: int | None) -> tuple[str, int | None]:
    """Return the name of a person to enroll, and the id (None: not given)."""
    if isinstance(who, str):
        return clean_name(who), person_id
    stored_id = _resolve_person.find_person(conn, who)
    return _resolve_person.name_of_id(conn, stored_id), stored_id if person_id is None else person_id


def enroll_templates(opened: OpenGallery, name: str, photos: PhotoTemplates, options: EnrollOptions) -> Enrollment:
    """Store templates of photos, and report the doubts, or with ``options.strict`` skip the photos in doubt."""
    doubts = find_doubts(opened, name, photos.templates, person_id=options.person_id, new=options.new)
    if options.strict:
        photos, doubts = _photo_templates.skip_doubtful(photos, doubts), {}
    templates = [replace(template, photo=make_path_absolute(template.photo)) for template in photos.templates]
    enrollment = add_templates(
        opened, name, templates, person_id=options.person_id, new=options.new, details=options.details
    )
    return _photo_templates.add_notes(enrollment, photos, doubts)


def add_templates(
    opened: OpenGallery,
    name: str,
    templates: Sequence[Template],
    *,
    person_id: int | None,
    new: bool,
    details: Details,
) -> Enrollment:
    """Do as :meth:`visavis.gallery.Gallery.add`."""
    person = NewTemplates(clean_name(name), prepare_templates(templates), details)
    with opened.database.write() as conn:
        stored_id = _resolve_person.find_to_enroll(conn, person.name, person_id=person_id, new=new)
        (enrollment,) = _store(conn, opened, [person], [stored_id])
        if not enrollment.person_id:
            raise UsageError(_explain_nothing_new(enrollment))
    return enrollment


def add_people(opened: OpenGallery, people: Iterable[tuple[str, Sequence[Template]]]) -> list[Enrollment]:
    """Do as :meth:`visavis.gallery.Gallery.add_many`."""
    by_name: dict[str, list[Template]] = {}
    for name, templates in people:
        by_name.setdefault(clean_name(name), []).extend(templates)
    if not by_name:
        return []
    prepared = iter(prepare_templates([template for templates in by_name.values() for template in templates]))
    groups = [
        NewTemplates(name, [next(prepared) for _ in templates], NO_DETAILS) for name, templates in by_name.items()
    ]
    with opened.database.write() as conn:
        stored_ids = _resolve_person.find_all_to_enroll(conn, list(by_name))
        return _store(conn, opened, groups, stored_ids)


def _explain_nothing_new(enrollment: Enrollment) -> str:
    """Explain why a person was not enrolled."""
    where = "; ".join(
        f"{face.photo} as {face.name!r} (id {face.person_id})" for face in enrollment.duplicates if face.person_id
    )
    return f"{enrollment.name!r} was not enrolled: every photo is in the gallery already: {where}."


def _store(
    conn: Connection, opened: OpenGallery, people: Sequence[NewTemplates], stored_ids: Sequence[int | None]
) -> list[Enrollment]:
    """Store people with their templates; ``stored_ids`` are the ids of those in the gallery (None: a new person).

    A new person without a new or unassigned face is not stored: the result has the person id 0.
    """
    templates = [template for person in people for template in person.templates]
    indexed_photos.agree_on_dimension(conn, opened.model, len(templates[0].embedding))
    parts = _sort_templates(conn, opened.model, people, templates)
    new = [i for i, part in enumerate(parts) if stored_ids[i] is None and (part.new or part.unassigned)]
    new_ids = dict(
        zip(new, records.insert_people(conn, [(people[i].name, people[i].details) for i in new]), strict=True)
    )
    person_ids = [new_ids.get(i, stored_id) or UNASSIGNED for i, stored_id in enumerate(stored_ids)]
    owned = [(person_id, template) for person_id, part in zip(person_ids, parts, strict=True) for template in part.new]
    added = iter(records.add_templates(conn, opened.model, owned))
    enrollments: list[Enrollment] = []
    log: list[tuple[int | None, str]] = []
    for i, (person_id, part) in enumerate(zip(person_ids, parts, strict=True)):
        name, details = people[i].name, people[i].details
        if person_id and i not in new_ids and (changed := records.set_details(conn, person_id, details)):
            opened.log(conn, "change", person_id, ", ".join(changed))
        ids = (*(next(added) for _ in part.new), *part.unassigned)
        if part.unassigned:
            records.assign_templates(conn, part.unassigned, person_id)
        if ids:
            log.append((person_id, f"templates {ids[0]} to {ids[-1]}"))
        duplicates = tuple(_make_duplicate(template, owner, person_id, name) for template, owner in part.duplicates)
        enrollments.append(Enrollment(person_id, name, i in new_ids, ids, duplicates))
    records.log_actions(conn, "enroll", log, actor=opened.actor)
    return enrollments


def _sort_templates(
    conn: Connection, model: str, people: Sequence[NewTemplates], templates: Sequence[Template]
) -> list[_SortedTemplates]:
    photos = {template.photo_sha256 for template in templates if template.photo_sha256 is not None}
    owners = iter(match_stored_faces(templates, records.read_owners(conn, model, photos)))
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


def _make_duplicate(template: Template, owner: Owner, person_id: int, name: str) -> Duplicate:
    """Return a face as a duplicate of its owner's, or of this person's where the same call holds it twice."""
    person = (owner.person_id, owner.name) if owner.person_id else (person_id, name)
    return Duplicate(template.photo, template.photo_sha256 or "", *person)
