"""Keep data of people that searches need in memory, until the gallery changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection, select

from visavis import compare
from visavis.gallery.sql import records
from visavis.gallery.sql.schema import PEOPLE, TEMPLATES
from visavis.types import Floats

KEPT_PEOPLE = 16_384
"""The greatest number of people kept. In larger galleries the search takes longer than reading the candidates."""
AHEAD = 400
"""Number of people read together with missing ones, from the second time that people are missing."""


class PeopleCache:
    """People as of one change of a gallery, read when a search finds them.

    ``names`` are those of the people read so far, by id; ``embeddings`` are those of people with several templates (see
    :func:`visavis.compare.person_embedding`); ``shares`` are the mean shares of a threshold that apply to people's
    templates (None: all are poorer than was measured).
    Entries are added and never changed, so other threads may go on using these dicts. ``count`` is the number of all
    people, ``table`` the thresholds in use.
    """

    def __init__(self, conn: Connection, table: compare.Calibration | None) -> None:
        self.meta = records.read_meta(conn)
        self.count = records.count_people(conn)
        self.table = table
        self._clear()
        self._next = 0

    def _clear(self) -> None:
        self.names: dict[int, str] = {}
        self.embeddings: dict[int, Floats] = {}
        self.shares: dict[int, float | None] = {}

    def read(self, conn: Connection, person_ids: Iterable[int]) -> None:
        """Read the people that are missing, as of the same change."""
        requested = {*person_ids}
        if len(self.names) > KEPT_PEOPLE:
            self._clear()
        missing = requested - self.names.keys()
        if self._next and missing and self.count <= KEPT_PEOPLE:
            missing |= {*range(self._next, self._next + AHEAD)} - self.names.keys()
            self._next += AHEAD
        self._next = self._next or 1
        columns = (TEMPLATES.c.person_id, PEOPLE.c.name, TEMPLATES.c.quality, TEMPLATES.c.embedding)
        query = select(*columns).join(PEOPLE, PEOPLE.c.id == TEMPLATES.c.person_id).order_by(TEMPLATES.c.id)
        for part_ids in records.split_list(missing):
            rows: dict[int, list[Any]] = {}
            for row in conn.execute(query.where(TEMPLATES.c.person_id.in_(part_ids))):
                rows.setdefault(row.person_id, []).append(row)
            for person_id, templates in rows.items():
                self._store_person(person_id, templates)

    def _store_person(self, person_id: int, templates: Sequence[Any]) -> None:
        embeddings = records.decode_embeddings([row.embedding for row in templates], self.meta.dimension or 0)
        if self.table is not None and self.table.poor is not None:
            shares = self.table.poor.shares(embeddings, [row.quality for row in templates])
            measured = shares[np.isfinite(shares)]
            self.shares[person_id] = float(measured.mean()) if len(measured) else None
        if len(templates) > 1:
            self.embeddings[person_id] = compare.person_embedding(embeddings)
        self.names[person_id] = templates[0].name  # last: a person with a name here is complete for other threads
