"""Templates of people, their distances to the person's others, and to the nearest other person: block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from visavis.compare import person_embedding
from visavis.gallery import _misplaced_photos
from visavis.gallery.sql import records
from visavis.gallery.sql.schema import PEOPLE, TEMPLATES
from visavis.gallery.sql.store import Store
from visavis.types import Floats

HELD_VALUES = 1 << 23
"""Values of embeddings that are held at a time: 32 MB."""
TILE = 1024
"""Templates compared with people at a time."""
TIE = 1e-6
"""Of people who are nearer than each other by no more than this, in float32, the first is taken."""


class Member(NamedTuple):
    """A template of a person, and its distance to the person's other templates (None: there is no other)."""

    template_id: int
    person_id: int
    name: str
    photo: str
    embedding: Floats
    own: float | None


Usable = Callable[[Floats, Sequence[float | None]], NDArray[np.bool_]]
"""Which templates take part, by their embeddings ``(n, d)`` and the scores of their quality: ``(n,)``."""


def stretches(
    store: Store, people: Sequence[int], wanted: Callable[[Member], bool], usable: Usable
) -> Iterator[list[Member]]:
    """Yield the wanted templates of these people, person by person, as many as may be held at a time."""
    stretch: list[Member] = []
    for rows, embeddings in _each_person(store, people, usable):
        stretch += filter(wanted, _of_person(rows, embeddings))
        if len(stretch) * embeddings.shape[1] >= HELD_VALUES:
            yield stretch
            stretch = []
    yield stretch


def nearest_others(
    store: Store, people: Sequence[int], members: Sequence[Member], usable: Usable
) -> list[tuple[int, float]]:
    """Return for each template the nearest of these people beside its own, and the cosine distance; 0, inf: nobody."""
    if not members:
        return []
    embeddings, owners = np.stack([one.embedding for one in members]), np.array([one.person_id for one in members])
    nearest, distance = np.zeros(len(members), np.int64), np.full(len(members), np.inf)
    for some in records.in_lists(people):
        each = [(rows[0].person_id, person_embedding(several)) for rows, several in _each_person(store, some, usable)]
        if each:
            ids, whole = (np.array(column) for column in zip(*each, strict=True))
            for start in range(0, len(members), TILE):
                part = slice(start, start + TILE)
                _approach(embeddings[part], owners[part], ids, whole, nearest[part], distance[part])
    return [*zip(nearest.tolist(), distance.tolist(), strict=True)]


def _approach(embeddings: Any, owners: Any, ids: Any, whole: Any, nearest: Any, distance: Any) -> None:
    """Note who of ``ids (p,)``, ascending, with the embeddings ``whole (p, d)``, is nearer than who is noted so far."""
    scores = embeddings @ whole.astype(np.float32).T
    column = np.minimum(np.searchsorted(ids, owners), len(ids) - 1)
    own = np.flatnonzero(ids[column] == owners)
    scores[own, column[own]] = -np.inf
    best = (scores >= scores.max(axis=1, keepdims=True) - TIE).argmax(axis=1)
    rows = np.flatnonzero(1 - scores[np.arange(len(best)), best] < distance - TIE)
    products = (embeddings[rows].astype(np.float64) * whole[best[rows]]).sum(axis=1)
    nearest[rows], distance[rows] = ids[best[rows]], np.clip(1 - products, 0, 2)


def _each_person(store: Store, people: Sequence[int], usable: Usable) -> Iterator[tuple[list[Any], Floats]]:
    """Yield rows and embeddings ``(k, d)`` of each person, read in short views, so that no writer waits."""
    of_template = (getattr(TEMPLATES.c, name) for name in ("id", "person_id", "photo", "embedding", "quality"))
    query = select(PEOPLE.c.name, *of_template).join(PEOPLE, PEOPLE.c.id == TEMPLATES.c.person_id)
    for some in records.in_lists(people):
        with store.read() as conn:
            dimension = records.meta(conn).dimension or 0
            chosen = query.where(TEMPLATES.c.person_id.in_(some)).order_by(TEMPLATES.c.person_id, TEMPLATES.c.id)
            every = [*conn.execute(chosen)]
        embeddings = records.as_embeddings([row.embedding for row in every], dimension)
        taking_part = np.flatnonzero(usable(embeddings, [row.quality for row in every]))
        for _, group in groupby(taking_part, key=lambda place: every[place].person_id):
            places = [*group]
            yield [every[place] for place in places], embeddings[places]


def _of_person(rows: Sequence[Any], embeddings: Floats) -> Iterator[Member]:
    for start in range(0, len(rows), _misplaced_photos.COMPARED):
        part = slice(start, start + _misplaced_photos.COMPARED)
        own = _misplaced_photos.own_distances(
            embeddings[part], np.concatenate([embeddings[: part.start], embeddings[part.stop :]])
        )
        for row, embedding, away in zip(rows[part], embeddings[part], own, strict=True):
            yield Member(row.id, row.person_id, row.name, row.photo, embedding.copy(), away)
