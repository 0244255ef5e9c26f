"""Faces of which a second model can make no embedding: whose they are, and their removal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from sqlalchemy import Connection, select

from visavis.gallery._open_gallery import OpenGallery
from visavis.gallery._second_embeddings import LostIds, list_missing
from visavis.gallery.migration_types import LostFaces
from visavis.gallery.sql import photo_paths, records, rejections
from visavis.gallery.sql.crops import REJECTION, TEMPLATE, FaceKind


def describe_lost(opened: OpenGallery, lost: LostIds) -> tuple[LostFaces, ...]:
    """Return lost faces by person, unassigned faces last, without those that were removed meanwhile."""
    with opened.database.read() as conn:
        owners = {face: person for kind in (TEMPLATE, REJECTION) for face, person in _read_owners(conn, kind, lost)}
        groups = _group(owners)
        names = records.read_names(conn, [person for person in groups if person is not None])
        return tuple(_describe(conn, lost, faces, person, names) for person, faces in groups.items())


Face = tuple[FaceKind, int]
Item = TypeVar("Item", int, Face)


def _read_owners(conn: Connection, kind: FaceKind, lost: LostIds) -> Iterable[tuple[Face, int | None]]:
    columns = kind.faces.c
    for part in records.split_list(face_id for of_kind, face_id in lost if of_kind == kind):
        for row in conn.execute(select(columns.id, columns.person_id).where(columns.id.in_(part))):
            yield (kind, row.id), row.person_id


def _group(owners: Mapping[Item, int | None]) -> dict[int | None, list[Item]]:
    """Return faces by their person, by id; unassigned faces last."""
    groups: dict[int | None, list[Item]] = {}
    for face, person in owners.items():
        groups.setdefault(person, []).append(face)
    return {person: groups[person] for person in sorted(groups, key=lambda person: (person is None, person or 0))}


def _describe(
    conn: Connection, lost: LostIds, faces: Sequence[Face], person: int | None, names: Mapping[int, str]
) -> LostFaces:
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


def remove_lost(conn: Connection, opened: OpenGallery, model: str) -> set[str]:
    """Remove the faces without an embedding of ``model``, and people without another template.

    Returns the hashes of their photos, which are to be forgotten after the commit.
    """
    missing = [*list_missing(conn, model)]
    templates = [face_id for kind, face_id in missing if kind == TEMPLATE]
    photos = photo_paths.read_hashes(conn, templates)
    owners = records.read_people_of_templates(conn, templates)
    why = f"lost in the change to {model}"
    for person, own in _group(owners).items():
        if person is not None and {*records.read_template_ids(conn, person)} <= {*own}:
            records.remove_person(conn, person)
            opened.log(conn, "remove", person, f"{len(own)} templates, {why}")
        else:
            opened.log(conn, "remove template", person, f"{len(own)} templates, {why}")
    if left := list(records.read_people_of_templates(conn, templates)):
        records.remove_templates(conn, left)
    if refused := [face_id for kind, face_id in list_missing(conn, model) if kind == REJECTION]:
        rejections.remove_rejections(conn, refused)
        opened.log(conn, "undo rejection", None, f"{len(refused)} rejections, {why}")
    return photos
