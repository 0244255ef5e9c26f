"""All that a gallery holds about one person: an export of it, its history, a consent to withdraw, kept crops."""

from __future__ import annotations

import base64
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, select

from visavis.errors import UnknownNameError
from visavis.gallery import _rejections, _resolve_person
from visavis.gallery._open_gallery import OpenGallery
from visavis.gallery.check_input import clean_name
from visavis.gallery.feedback_types import Rejection
from visavis.gallery.sql import audit_log, records
from visavis.gallery.sql.crops import read_crop
from visavis.gallery.sql.schema import CROPS, TEMPLATES
from visavis.gallery.types import AuditEntry, Details, FaceCrop, Person
from visavis.plain import Plain


@dataclass(frozen=True, slots=True)
class ExportedFace(Plain):
    """A template: its ``embedding`` of length 1, and the kept crop as a PNG in base64 (None: not kept)."""

    template_id: int
    embedding: tuple[float, ...]
    picture: str | None


@dataclass(frozen=True, slots=True)
class PersonExport(Plain):
    """All that a gallery holds about a person; the embeddings are those of ``model``.

    ``faces`` are in the order of ``person.templates``. ``rejections`` are faces that are not this person.
    """

    model: str
    person: Person
    faces: tuple[ExportedFace, ...]
    rejections: tuple[Rejection, ...]
    history: tuple[AuditEntry, ...]


def export_person(opened: OpenGallery, person_id: int) -> PersonExport:
    """Return all that the gallery holds about a person; UnknownNameError if there is no such id."""
    rejections = tuple(_rejections.list_rejections(opened, person_id))
    with opened.database.read() as conn:
        _resolve_person.name_of_id(conn, person_id)
        (person,) = records.read_people(conn, person_id)
        embeddings, _ = records.read_embeddings(conn, person_id, opened.require_model(conn).dimension or 0)
        pictures = _read_pictures(conn, person_id)
        history = tuple(audit_log.read_audit_log(conn, person_id=person_id))
    faces = tuple(
        ExportedFace(template.id, tuple(embedding.tolist()), pictures.get(template.id))
        for template, embedding in zip(person.templates, embeddings, strict=True)
    )
    return PersonExport(opened.model, person, faces, rejections, history)


def _read_pictures(conn: Connection, person_id: int) -> dict[int, str]:
    joined = CROPS.join(TEMPLATES, TEMPLATES.c.id == CROPS.c.face_id)
    query = select(CROPS.c.face_id, CROPS.c.picture).select_from(joined).where(TEMPLATES.c.person_id == person_id)
    return {row.face_id: base64.b64encode(row.picture).decode() for row in conn.execute(query)}


def read_history(opened: OpenGallery, person_id: int) -> list[AuditEntry]:
    """Return the entries of the audit log about a person, in order; UnknownNameError if there is no such id."""
    with opened.database.read() as conn:
        _resolve_person.name_of_id(conn, person_id)
        return audit_log.read_audit_log(conn, person_id=person_id)


def withdraw_consent(opened: OpenGallery, person_id: int) -> None:
    """Remove a person's consent and its day without a trace in the file; UnknownNameError if there is no such id."""
    change_person(opened, person_id, Details(), removed=("consent", "consented"))


def change_person(
    opened: OpenGallery, person_id: int, details: Details, *, name: str | None = None, removed: Collection[str] = ()
) -> None:
    """Rename a person, replace the details that are given, and remove others, in one transaction.

    ``removed`` are "consent" and "consented", or one of them; nothing of what was there stays in the file. Raises
    UnknownNameError if there is no such id, UsageError for a name as :func:`visavis.gallery.check_input.clean_name`.
    """
    clean = None if name is None else clean_name(name)
    with opened.database.erasing() as conn:
        _resolve_person.name_of_id(conn, person_id)
        if clean is not None:
            records.update_person(conn, person_id, name=clean)
            opened.log(conn, "rename", person_id)
        if removed:
            records.update_person(conn, person_id, **dict.fromkeys(removed))
        if "consent" in removed:
            opened.log(conn, "withdraw consent", person_id)
        changed = records.set_details(conn, person_id, details)
        if "consented" in removed and "consent" not in removed:
            changed.append("consented")
        if changed:
            opened.log(conn, "change", person_id, ", ".join(changed))


def read_kept_crop(opened: OpenGallery, template_id: int) -> FaceCrop:
    """Return the kept crop of a template; UnknownNameError where there is none."""
    with opened.database.read() as conn:
        row = conn.execute(select(CROPS).where(CROPS.c.face_id == template_id)).one_or_none()
    if row is None:
        raise UnknownNameError(f"there is no kept crop of a template {template_id} in this gallery.")
    return read_crop(row)


def list_kept_crops(opened: OpenGallery, person_id: int) -> set[int]:
    """Return the templates of a person whose crops are kept."""
    joined = CROPS.join(TEMPLATES, TEMPLATES.c.id == CROPS.c.face_id)
    query = select(CROPS.c.face_id).select_from(joined).where(TEMPLATES.c.person_id == person_id)
    with opened.database.read() as conn:
        return {*conn.execute(query).scalars()}
