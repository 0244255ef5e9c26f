"""Templates of people one by one: pages of them with the names, and the embedding of one."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import func, select

from visavis.errors import UnknownNameError
from visavis.gallery._open_gallery import OpenGallery
from visavis.gallery.sql import records
from visavis.gallery.sql.schema import PEOPLE, TEMPLATES
from visavis.gallery.sql.values import decode_embeddings
from visavis.types import Floats


class NamedTemplate(NamedTuple):
    """A template's id, and id and name of its person."""

    id: int
    person_id: int
    name: str


class FaceInPhoto(NamedTuple):
    """Where a face is: the path and the SHA-256 of its photo, and its box in pixels (None: not known)."""

    photo: str
    sha256: str | None
    box: tuple[float, float, float, float] | None


class TemplatePage(NamedTuple):
    """A page of templates by id, and the number of all of them, on this page or not."""

    templates: tuple[NamedTemplate, ...]
    total: int


class TemplateEmbedding(NamedTuple):
    """A template with its ``embedding (d,)`` of length 1 and its quality in 0..1 (None: not known)."""

    template: NamedTemplate
    embedding: Floats
    quality: float | None


def list_templates(
    opened: OpenGallery, *, people: Collection[int] | None = None, offset: int = 0, limit: int = 100
) -> TemplatePage:
    """Return templates of people by id, from the number ``offset``, at most ``limit``; None: of all people."""
    joined = TEMPLATES.join(PEOPLE, PEOPLE.c.id == TEMPLATES.c.person_id)
    query = select(TEMPLATES.c.id, TEMPLATES.c.person_id, PEOPLE.c.name).select_from(joined)
    count = select(func.count()).select_from(joined)
    if people is not None:
        of_people = TEMPLATES.c.person_id.in_([*people])
        query, count = query.where(of_people), count.where(of_people)
    with opened.database.read() as conn:
        rows = conn.execute(query.order_by(TEMPLATES.c.id).offset(offset).limit(limit))
        return TemplatePage(tuple(NamedTemplate(*row) for row in rows), conn.execute(count).scalar_one())


def find_template(opened: OpenGallery, template_id: int) -> TemplateEmbedding | None:
    """Return a person's template; None where there is none of this id, or the face is unassigned."""
    joined = TEMPLATES.join(PEOPLE, PEOPLE.c.id == TEMPLATES.c.person_id)
    columns = (TEMPLATES.c.person_id, PEOPLE.c.name, TEMPLATES.c.embedding, TEMPLATES.c.quality)
    with opened.database.read() as conn:
        row = conn.execute(select(*columns).select_from(joined).where(TEMPLATES.c.id == template_id)).one_or_none()
        dimension = opened.require_model(conn).dimension or 0
    if row is None:
        return None
    (embedding,) = decode_embeddings([row.embedding], dimension, [template_id])
    return TemplateEmbedding(NamedTemplate(template_id, row.person_id, row.name), embedding, row.quality)


def find_face(opened: OpenGallery, template_id: int) -> FaceInPhoto:
    """Return where a face is, assigned or not; UnknownNameError where there is none of this id."""
    columns = (TEMPLATES.c.photo, TEMPLATES.c.photo_sha256, TEMPLATES.c.box)
    with opened.database.read() as conn:
        row = conn.execute(select(*columns).where(TEMPLATES.c.id == template_id)).one_or_none()
    if row is None:
        raise UnknownNameError(f"there is no template {template_id} in this gallery.")
    return FaceInPhoto(row.photo, row.photo_sha256, records.decode_box(row.box))


def list_names(opened: OpenGallery) -> list[str]:
    """Return the distinct names of all people, sorted."""
    with opened.database.read() as conn:
        return records.read_all_names(conn)


def list_person_ids(opened: OpenGallery) -> list[int]:
    """Return the ids of all people."""
    with opened.database.read() as conn:
        return records.read_person_ids(conn)
