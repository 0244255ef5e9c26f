"""Every template of every person, with its distance to the person's others: what a check of the people looks at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from visavis.gallery import _doubts, records
from visavis.gallery.schema import PEOPLE, TEMPLATES
from visavis.types import Floats


class Member(NamedTuple):
    """A template of a person, and its distance to the person's other templates (None: there is no other)."""

    template_id: int
    person_id: int
    name: str
    photo: str
    vector: Floats
    own: float | None


def person_ids(conn: Connection) -> list[int]:
    """Return the ids of all people, ascending."""
    return list(conn.execute(select(PEOPLE.c.id).order_by(PEOPLE.c.id)).scalars())


def members(conn: Connection, people: Sequence[int]) -> Iterator[Member]:
    """Yield the templates of these people, person by person."""
    dimension = records.meta(conn).dimension or 0
    columns = (TEMPLATES.c.id, TEMPLATES.c.person_id, PEOPLE.c.name, TEMPLATES.c.photo, TEMPLATES.c.vector)
    query = select(*columns).join(PEOPLE, PEOPLE.c.id == TEMPLATES.c.person_id)
    rows = conn.execute(query.where(TEMPLATES.c.person_id.in_(people)).order_by(TEMPLATES.c.person_id, TEMPLATES.c.id))
    for _, group in groupby(rows, key=lambda row: row.person_id):
        yield from _of_person([*group], dimension)


def _of_person(rows: Sequence[Any], dimension: int) -> Iterator[Member]:
    vectors = records.as_vectors([row.vector for row in rows], dimension)
    for start in range(0, len(rows), _doubts.COMPARED):
        part = slice(start, start + _doubts.COMPARED)
        others = records.as_vectors([row.vector for row in [*rows[: part.start], *rows[part.stop :]]], dimension)
        own = _doubts.own_distances(vectors[part], others)
        for row, vector, distance in zip(rows[part], vectors[part], own, strict=True):
            yield Member(row.id, row.person_id, row.name, row.photo, vector, distance)
