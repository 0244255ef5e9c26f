"""People by name, a page at a time: found by parts of their names, without reading the templates of all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from visavis.gallery._open_gallery import OpenGallery
from visavis.gallery.names import strip_accents
from visavis.gallery.sql import records
from visavis.gallery.sql.schema import CROPS, PEOPLE, TEMPLATES

PAGE = 60


class PersonLine(NamedTuple):
    """A person with the number of ``templates`` and the time of the newest.

    ``cover`` is the id of the best template whose crop is kept; None: the gallery keeps none of this person.
    """

    id: int
    name: str
    templates: int
    enrolled: datetime
    cover: int | None


class PeoplePage(NamedTuple):
    """A page of people by name, and the number of all that match, on this page or not."""

    people: tuple[PersonLine, ...]
    total: int


def list_people_page(opened: OpenGallery, *, search: str = "", offset: int = 0, limit: int = PAGE) -> PeoplePage:
    """Return people by name from the number ``offset``, at most ``limit``, of those that match ``search``."""
    with opened.database.read() as conn:
        matching = _find_matching(conn, search)
        page = matching[offset : offset + limit]
        ids = [person_id for person_id, _ in page]
        counts, covers = _count_templates(conn, ids), read_covers(conn, ids)
    lines = [
        PersonLine(person_id, name, *counts[person_id], covers.get(person_id))
        for person_id, name in page
        if person_id in counts
    ]
    return PeoplePage(tuple(lines), len(matching))


def find_matching_ids(opened: OpenGallery, search: str) -> list[int]:
    """Return the ids of the people that match ``search``, ascending.

    A person matches if each word of the text is in the name, whatever the case and the accents, or is the id after "#".
    """
    with opened.database.read() as conn:
        return sorted(person_id for person_id, _ in _find_matching(conn, search))


def _find_matching(conn: Connection, search: str) -> list[tuple[int, str]]:
    """Return ids and names of the people that match a text, sorted by name without accents."""
    words = strip_accents(search).split()
    people = [(strip_accents(row.name), row.id, row.name) for row in conn.execute(select(PEOPLE.c.id, PEOPLE.c.name))]
    matching = [person for person in people if all(word in person[0] or word == f"#{person[1]}" for word in words)]
    matching.sort(key=lambda person: (_make_sort_key(person[0]), person[1]))
    return [(person_id, name) for _, person_id, name in matching]


def _make_sort_key(name: str) -> list[tuple[int, str]]:
    """Return the parts of a name by which it is sorted: numbers by their value, "room 9" before "room 10"."""
    parts = re.split(r"([0-9]{1,18})", name)
    return [(int(part) if number % 2 else 0, "" if number % 2 else part) for number, part in enumerate(parts)]


def _count_templates(conn: Connection, ids: Sequence[int]) -> dict[int, tuple[int, datetime]]:
    """Return the number of templates and the time of the newest, by person."""
    columns = (TEMPLATES.c.person_id, func.count().label("templates"), func.max(TEMPLATES.c.created).label("newest"))
    query = select(*columns).group_by(TEMPLATES.c.person_id)
    rows = (
        row for part in records.split_list(ids) for row in conn.execute(query.where(TEMPLATES.c.person_id.in_(part)))
    )
    return {row.person_id: (row.templates, records.decode_time(row.newest)) for row in rows}


def read_covers(conn: Connection, ids: Sequence[int]) -> dict[int, int]:
    """Return the best template whose crop is kept, by person."""
    joined = CROPS.join(TEMPLATES, TEMPLATES.c.id == CROPS.c.face_id)
    query = select(TEMPLATES.c.id, TEMPLATES.c.person_id, TEMPLATES.c.quality).select_from(joined)
    best: dict[int, tuple[float, int]] = {}
    for part in records.split_list(ids):
        for row in conn.execute(query.where(TEMPLATES.c.person_id.in_(part))):
            rank = (row.quality or 0.0, -row.id)
            best[row.person_id] = max(best.get(row.person_id, rank), rank)
    return {person_id: -number for person_id, (_, number) in best.items()}
