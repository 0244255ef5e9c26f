"""Enroll people: make templates of photos, doubt them, and store new faces, unassigned faces and duplicates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from sqlalchemy import Connection

from visavis import quality
from visavis._checks import check_number
from visavis.compare import Calibration
from visavis.doubts import SQUEEZED, faults, is_squeezed, why_too_poor
from visavis.errors import DoubtfulPhotoError, ImageError, NoFaceError, PoorQualityError, UsageError, image_error
from visavis.gallery import _resolve_person
from visavis.gallery._open_gallery import OpenGallery
from visavis.gallery._resolve_person import Who
from visavis.gallery.check_input import (
    clean_name,
    make_path_absolute,
    make_storable,
    match_stored_faces,
    prepare_templates,
)
from visavis.gallery.index import UNASSIGNED
from visavis.gallery.kept_crops import make_crop
from visavis.gallery.misplaced_photos import find_doubts
from visavis.gallery.sql import audit_log, crops, indexed_photos, records
from visavis.gallery.sql.records import Owner
from visavis.gallery.types import Details, Doubt, Duplicate, Enrollment, Skipped, Template
from visavis.images import Source
from visavis.types import Floats, Photo, PhotoFaces
from visavis.verification import note_largest

TOO_POOR = "too poor for any answer, no search will name the person by it"


class PhotoTemplates(NamedTuple):
    """Templates of photos, the photos without one (``skipped``), and notes on the others."""

    templates: list[Template]
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...]


NO_DETAILS = Details()


@dataclass(frozen=True, slots=True)
class EnrollOptions:
    """The person to enroll photos for, and what of the photos to store: see :meth:`Gallery.enroll`."""

    person_id: int | None = None
    new: bool = False
    details: Details = NO_DETAILS
    strict: bool = False
    face: int | None = None


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
        keep_crops = crops.keeps_crops(conn)
    answers = opened.recognizer.represent(photos, min_face=min_face)
    templates = select_largest_faces(
        answers if options.face is None else _select_faces(answers, options.face),
        min_quality=min_quality,
        table=opened.calibration,
        strict=options.strict,
        keep_crops=keep_crops,
    )
    return enroll_templates(opened, name, templates, replace(options, person_id=person_id))


def _select_faces(photos: Iterable[PhotoFaces], number: int) -> Iterator[PhotoFaces]:
    """Yield photos with the face of this number, from 1, alone; those without a face as they are."""
    for photo in photos:
        yield photo.select(number) if photo.faces else photo


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
        photos, doubts = skip_doubtful(photos, doubts), {}
    templates = [replace(template, photo=make_path_absolute(template.photo)) for template in photos.templates]
    enrollment = add_templates(
        opened, name, templates, person_id=options.person_id, new=options.new, details=options.details
    )
    return add_notes(enrollment, photos, doubts)


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
    if stored_id is not None and details != NO_DETAILS:
        opened.database.erase_traces()
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
            opened.database.mark_traces(conn)
            opened.log(conn, "change", person_id, ", ".join(changed))
        ids = (*(next(added) for _ in part.new), *part.unassigned)
        if part.unassigned:
            records.assign_templates(conn, part.unassigned, person_id)
        if ids:
            log.append((person_id, f"templates {ids[0]} to {ids[-1]}"))
        duplicates = tuple(_make_duplicate(template, owner, person_id, name) for template, owner in part.duplicates)
        assigned = tuple(part.unassigned)
        enrollments.append(Enrollment(person_id, name, i in new_ids, ids, duplicates, assigned=assigned))
    audit_log.log_actions(conn, "enroll", log, actor=opened.actor)
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


# The largest faces of photos


def select_largest_faces(
    photos: Iterable[PhotoFaces],
    *,
    min_quality: float = 0.0,
    table: Calibration | None = None,
    strict: bool = False,
    keep_crops: bool = False,
) -> PhotoTemplates:
    """Return templates of the largest face of each photo, if its quality is ``min_quality`` or more.

    A face that is poorer than was measured for ``table`` has a note; with ``strict`` it is skipped.
    Raises the photos' error if no photo can be used.
    """
    templates: list[Template] = []
    skipped: list[Skipped] = []
    notes: list[str] = []
    for photo in photos:
        if photo.photo is None or photo.embeddings is None or not photo.faces:
            skipped.append(Skipped(photo.name, photo.status, photo.message))
        elif _is_below(photo, min_quality):
            message = f"{_explain_quality(photo)}, less than the {min_quality:.2f} asked for."
            skipped.append(Skipped(photo.name, PoorQualityError.status, message))
        elif strict and _is_too_poor(photo, table):
            message = f"{TOO_POOR}: {why_too_poor(photo, photo.largest, table)}."
            skipped.append(Skipped(photo.name, PoorQualityError.status, message))
        else:
            templates.append(_make_template(photo, photo.photo, photo.embeddings[photo.largest], keep=keep_crops))
            notes += _list_notes(photo, table)
    if not templates and not skipped:
        raise UsageError("there is no photo to enroll from.")
    if not templates:
        raise unusable_error(skipped)
    return PhotoTemplates(templates, tuple(skipped), tuple(notes))


def skip_doubtful(photos: PhotoTemplates, doubts: Mapping[int, Doubt]) -> PhotoTemplates:
    """Skip the photos in ``doubts``, by the position of the template; DoubtfulPhotoError if no photo remains."""
    refused = tuple(
        Skipped(doubt.photo, DoubtfulPhotoError.status, f"{doubt.message} It was not stored.")
        for doubt in doubts.values()
    )
    kept = [template for place, template in enumerate(photos.templates) if place not in doubts]
    if refused and not kept:
        raise unusable_error((*photos.skipped, *refused))
    return PhotoTemplates(kept, (*photos.skipped, *refused), photos.notes)


def add_notes(enrollment: Enrollment, photos: PhotoTemplates, doubts: Mapping[int, Doubt]) -> Enrollment:
    """Return the enrollment with the notes on its photos, under the caller's names for them."""
    names = {
        (template.photo_sha256, make_storable(make_path_absolute(template.photo))): template.photo
        for template in photos.templates
    }
    duplicates = tuple(
        replace(face, photo=names.get((face.photo_sha256, face.photo), face.photo)) for face in enrollment.duplicates
    )
    elsewhere = (
        f"{face.photo} is a photo of {face.name} (id {face.person_id}) already: it was not stored again."
        for face in duplicates
        if face.person_id != enrollment.person_id
    )
    notes = (*photos.notes, *elsewhere, *(f"{doubt.photo} {doubt.message}" for doubt in doubts.values()))
    return replace(
        enrollment, duplicates=duplicates, skipped=photos.skipped, notes=notes, doubts=tuple(doubts.values())
    )


def unusable_error(photos: Sequence[Skipped]) -> ImageError:
    """Return the error to raise if none of these photos can be used: that of the status they share, if any."""
    statuses = {photo.status for photo in photos}
    readable = statuses & {NoFaceError.status, PoorQualityError.status, DoubtfulPhotoError.status}
    kind = NoFaceError if readable else ImageError
    if len(statuses) == 1:
        kind = image_error(statuses.pop())
    reasons = [_explain_skipped(photo) for photo in photos]
    if len(photos) == 1:
        return kind(f"{reasons[0]}.")
    return kind(f"none of {len(photos)} photos has a face that can be used: {'; '.join(reasons)}.")


def _explain_skipped(photo: Skipped) -> str:
    """Explain what is wrong with a photo; messages of images that cannot be read contain the name already."""
    if photo.status == NoFaceError.status:
        return f"no face was found in {photo.photo}"
    message = photo.message.rstrip(".")
    if photo.status == DoubtfulPhotoError.status:
        return f"{photo.photo} {message}"
    return f"{photo.photo}: {message}" if photo.status == PoorQualityError.status else message


def _list_notes(photo: PhotoFaces, table: Calibration | None) -> list[str]:
    """Return notes for the user on a photo with a template: poor, squeezed, or of several faces."""
    notes = []
    if _is_too_poor(photo, table):
        notes.append(f"{photo.name}: {TOO_POOR}: {why_too_poor(photo, photo.largest, table)}.")
    elif _is_below(photo, quality.POOR):
        notes.append(f"{photo.name}: {_explain_quality(photo)}: it may not be recognized.")
    if is_squeezed(photo.faces[photo.largest].landmarks) and not (table and table.poor):
        notes.append(f"{photo.name}: {SQUEEZED}.")
    if len(photo.faces) > 1:
        notes.append(note_largest(photo))
    return notes


def _is_below(photo: PhotoFaces, limit: float) -> bool:
    """Return whether the quality of the largest face was measured and is below a limit."""
    return bool(photo.quality) and photo.quality[photo.largest].score < limit


def _is_too_poor(photo: PhotoFaces, table: Calibration | None) -> bool:
    """Return whether the largest face is poorer than was measured, by its embedding and quality score.

    A gallery stores only these two.
    """
    if table is None or photo.embeddings is None:
        return False
    score = photo.quality[photo.largest].score if photo.quality else None
    return table.threshold_share(photo.embeddings[photo.largest], score) is None


def _explain_quality(photo: PhotoFaces) -> str:
    """Return how low the quality of the largest face is, and why."""
    score = photo.quality[photo.largest].score
    return f"poor quality {score:.2f} ({faults(photo, photo.largest)})"


def _make_template(photo: PhotoFaces, pixels: Photo, embedding: Floats, *, keep: bool) -> Template:
    face = photo.faces[photo.largest]
    return Template(
        embedding,
        photo_sha256=pixels.sha256,
        photo=photo.name,
        box=face.box,
        quality=photo.quality[photo.largest].score if photo.quality else None,
        crop=make_crop(pixels, face) if keep else None,
    )
