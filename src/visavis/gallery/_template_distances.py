"""Compute distances of all templates to the person's other templates and to the nearest other person, in blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from visavis.compare import person_embedding
from visavis.gallery import misplaced_photos
from visavis.gallery.sql import records
from visavis.gallery.sql.schema import PEOPLE, TEMPLATES
from visavis.gallery.sql.store import Store
from visavis.types import Floats

BATCH_VALUES = 1 << 23
"""Values of embeddings in memory at a time: 32 MB."""
TILE = 1024
"""Templates compared with people at a time."""
TIE = 1e-6
"""If the distances of two people differ by no more than this, in float32, the first person is the nearest."""


class Member(NamedTuple):
    """A template of a person, and its distance to the person's other templates (None: there is no other)."""

    template_id: int
    person_id: int
    name: str
    photo: str
    embedding: Floats
    own: float | None


Usable = Callable[[Floats, Sequence[float | None]], NDArray[np.bool_]]
"""Selects the templates to use ``(n,)`` by their embeddings ``(n, d)`` and their quality scores."""


def read_members(
    store: Store, people: Sequence[int], is_selected: Callable[[Member], bool], usable: Usable
) -> Iterator[list[Member]]:
    """Yield the selected templates of these people, person by person, in batches of about ``BATCH_VALUES``."""
    batch: list[Member] = []
    for rows, embeddings in _read_people(store, people, usable):
        batch += filter(is_selected, _make_members(rows, embeddings))
        if len(batch) * embeddings.shape[1] >= BATCH_VALUES:
            yield batch
            batch = []
    yield batch


def find_nearest_others(
    store: Store, people: Sequence[int], members: Sequence[Member], usable: Usable
) -> list[tuple[int, float]]:
    """Return for each template the nearest of these people, without its own, and the cosine distance.

    0 and inf if there is no other person.
    """
    if not members:
        return []
    embeddings = np.stack([member.embedding for member in members])
    owners = np.array([member.person_id for member in members])
    nearest, distance = np.zeros(len(members), np.int64), np.full(len(members), np.inf)
    for part_ids in records.in_lists(people):
        part_people = [
            (rows[0].person_id, person_embedding(templates))
            for rows, templates in _read_people(store, part_ids, usable)
        ]
        if part_people:
            ids, person_embeddings = (np.array(column) for column in zip(*part_people, strict=True))
            for start in range(0, len(members), TILE):
                part = slice(start, start + TILE)
                _update_nearest(embeddings[part], owners[part], ids, person_embeddings, nearest[part], distance[part])
    return [*zip(nearest.tolist(), distance.tolist(), strict=True)]


def _update_nearest(
    embeddings: Any, owners: Any, ids: Any, person_embeddings: Any, nearest: Any, distance: Any
) -> None:
    """Replace ``nearest`` and ``distance``, in place, where one of these people is nearer.

    The people are ``ids (p,)``, ascending, with ``person_embeddings (p, d)``.
    """
    scores = embeddings @ person_embeddings.astype(np.float32).T
    column = np.minimum(np.searchsorted(ids, owners), len(ids) - 1)
    own = np.flatnonzero(ids[column] == owners)
    scores[own, column[own]] = -np.inf
    best = (scores >= scores.max(axis=1, keepdims=True) - TIE).argmax(axis=1)
    rows = np.flatnonzero(1 - scores[np.arange(len(best)), best] < distance - TIE)
    products = (embeddings[rows].astype(np.float64) * person_embeddings[best[rows]]).sum(axis=1)
    nearest[rows], distance[rows] = ids[best[rows]], np.clip(1 - products, 0, 2)


def _read_people(store: Store, people: Sequence[int], usable: Usable) -> Iterator[tuple[list[Any], Floats]]:
    """Yield rows and embeddings ``(k, d)`` of each person, read in short views, so that no writer waits."""
    columns = (getattr(TEMPLATES.c, name) for name in ("id", "person_id", "photo", "embedding", "quality"))
    query = select(PEOPLE.c.name, *columns).join(PEOPLE, PEOPLE.c.id == TEMPLATES.c.person_id)
    for part_ids in records.in_lists(people):
        with store.read() as conn:
            dimension = records.meta(conn).dimension or 0
            selected = query.where(TEMPLATES.c.person_id.in_(part_ids))
            rows = [*conn.execute(selected.order_by(TEMPLATES.c.person_id, TEMPLATES.c.id))]
        embeddings = records.as_embeddings([row.embedding for row in rows], dimension)
        usable_places = np.flatnonzero(usable(embeddings, [row.quality for row in rows]))
        for _, group in groupby(usable_places, key=lambda place: rows[place].person_id):
            places = [*group]
            yield [rows[place] for place in places], embeddings[places]


def _make_members(rows: Sequence[Any], embeddings: Floats) -> Iterator[Member]:
    """Yield the templates of a person with their distances to the person's other templates."""
    for start in range(0, len(rows), misplaced_photos.COMPARED):
        part = slice(start, start + misplaced_photos.COMPARED)
        own = misplaced_photos.own_distances(
            embeddings[part], np.concatenate([embeddings[: part.start], embeddings[part.stop :]])
        )
        for row, embedding, distance in zip(rows[part], embeddings[part], own, strict=True):
            yield Member(row.id, row.person_id, row.name, row.photo, embedding.copy(), distance)
