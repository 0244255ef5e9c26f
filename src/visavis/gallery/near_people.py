"""People who look like a person of the gallery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from visavis import defaults
from visavis.compare import person_embedding
from visavis.gallery import _resolve_person, _search
from visavis.gallery._open_gallery import OpenGallery
from visavis.gallery.sql import records
from visavis.gallery.sql.schema import TEMPLATES
from visavis.gallery.sql.values import decode_embeddings
from visavis.plain import Plain
from visavis.types import Floats


@dataclass(frozen=True, slots=True)
class NearPerson(Plain):
    """A person at a cosine ``distance`` from another.

    ``far`` is the rate at which two strangers are as near, None beyond the rates that were measured. ``confusable`` is
    whether a search at the default rate would take the one for the other; both are None for a model without a table of
    thresholds.
    """

    person_id: int
    name: str
    distance: float
    far: float | None
    confusable: bool | None


def find_near_people(opened: OpenGallery, person_id: int, *, top: int = defaults.TOP_NAMES) -> list[NearPerson]:
    """Return the ``top`` people nearest to a person, nearest first; UnknownNameError if there is no such id."""
    with opened.database.read() as conn:
        _resolve_person.name_of_id(conn, person_id)
        embeddings, _ = records.read_embeddings(conn, person_id, opened.require_model(conn).dimension or 0)
    near = _find_near(opened, embeddings, top + 1)
    return [person for person in near if person.person_id != person_id][:top]


def find_people_near_faces(
    opened: OpenGallery, template_ids: Sequence[int], *, top: int = defaults.TOP_NAMES
) -> list[NearPerson]:
    """Return the ``top`` people nearest to unassigned faces that show one person, nearest first."""
    with opened.database.read() as conn:
        dimension = opened.require_model(conn).dimension or 0
        columns = (TEMPLATES.c.id, TEMPLATES.c.embedding)
        query = select(*columns).where(TEMPLATES.c.id.in_(template_ids), TEMPLATES.c.person_id.is_(None))
        rows = conn.execute(query).all()
    embeddings = decode_embeddings([row.embedding for row in rows], dimension, [row.id for row in rows])
    return _find_near(opened, embeddings, top) if len(embeddings) else []


def _find_near(opened: OpenGallery, embeddings: Floats, top: int) -> list[NearPerson]:
    """Return the ``top`` people nearest to the person of embeddings ``(n, d)``."""
    with opened.database.read() as conn:
        people = records.count_people(conn)
    if not people:
        return []
    (candidates,) = _search.search(opened, person_embedding(embeddings)[None], top=top, among=None)
    table = opened.calibration
    threshold = None if table is None else table.search_threshold(defaults.FPIR, people)
    return [
        NearPerson(
            candidate.person_id,
            candidate.name,
            candidate.distance,
            None if table is None else table.far_at(candidate.distance),
            None if threshold is None else candidate.distance <= threshold,
        )
        for candidate in candidates
    ]
