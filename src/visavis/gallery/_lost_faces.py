"""Faces of which a second model can make no embedding: whose they are, and their removal."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select

from visavis.gallery._open_gallery import OpenGallery
from visavis.gallery._second_embeddings import LostIds, list_missing
from visavis.gallery.migration_types import LostFaces
from visavis.gallery.sql import records, rejections
from visavis.gallery.sql.crops import REJECTION, TEMPLATE, FaceKind


def describe_lost(opened: OpenGallery, lost: LostIds) -> tuple[LostFaces, ...]:
    """Return lost faces by person, unassigned faces last, without those that were removed meanwhile."""
    with opened.database.read() as conn:
        owners = {face: person for kind in (TEMPLATE, REJECTION) for face, person in _read_owners(conn, kind, lost)}
        people = sorted({person for person in owners.values() if person is not None})
        names = records.read_names(conn, people)
        groups: list[int | None] = [*people, *([None] if None in owners.values() else [])]
        return tuple(_make_group(conn, lost, owners, person, names) for person in groups)


Face = tuple[FaceKind, int]


def _read_owners(conn: Connection, kind: FaceKind, lost: LostIds) -> Iterable[tuple[Face, int | None]]:
    columns = kind.faces.c
    for part in records.split_list(face_id for of_kind, face_id in lost if of_kind == kind):
        for row in conn.execute(select(columns.id, columns.person_id).where(columns.id.in_(part))):
            yield (kind, row.id), row.person_id


def _make_group(
    conn: Connection, lost: LostIds, owners: dict[Face, int | None], person: int | None, names: dict[int, str]
) -> LostFaces:
    faces = [face for face, owner in owners.items() if owner == person]
    templates = tuple(sorted(face_id for kind, face_id in faces if kind == TEMPLATE))
    whole = person is not None and {*records.read_template_ids(conn, person)} <= {*templates}
    return LostFaces(
        person_id=person,
        name="" if person is None else names.get(person, ""),
        templates=templates,
        rejections=tuple(sorted(face_id for kind, face_id in faces if kind == REJECTION)),
        whole=whole,
        reasons=tuple(sorted({lost[face] for face in faces})),
    )


def remove_lost(conn: Connection, opened: OpenGallery, model: str) -> None:
    """Remove the faces without an embedding of ``model``, and people without another template."""
    missing = [*list_missing(conn, model)]
    templates = [face_id for kind, face_id in missing if kind == TEMPLATE]
    owners = records.read_people_of_templates(conn, templates)
    for person in sorted({person for person in owners.values() if person is not None}):
        own = [template for template, owner in owners.items() if owner == person]
        if {*records.read_template_ids(conn, person)} <= {*own}:
            records.remove_person(conn, person)
            opened.log(conn, "remove", person, f"{len(own)} templates, lost in the change to {model}")
        else:
            opened.log(conn, "remove template", person, f"{len(own)} templates, lost in the change to {model}")
    if left := list(records.read_people_of_templates(conn, templates)):
        records.remove_templates(conn, left)
    rejections.remove_rejections(conn, [face_id for kind, face_id in list_missing(conn, model) if kind == REJECTION])
