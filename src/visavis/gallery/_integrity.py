"""Everything that can be wrong inside a gallery, looked for."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from sqlalchemy import Connection, func, select

from visavis.errors import GalleryError
from visavis.gallery._index_sync import Following
from visavis.gallery.sql import records
from visavis.gallery.sql.schema import PEOPLE, REMOVALS, TEMPLATES
from visavis.gallery.sql.store import Store
from visavis.gallery.types import Problem

UNIT_TOLERANCE = 1e-4
SAMPLE = 200
"""Templates that are searched for by their own embeddings."""
SELF_DISTANCE = 1e-3
TIMES = 20
"""How often index and records are compared, while others change them."""


def problems(store: Store, following: Following) -> list[Problem]:
    """Return what is wrong with the records, the database and the index; an empty list where nothing is."""
    found: list[Problem] = []
    try:
        with store.read() as conn:
            found.extend(Problem("damaged", line) for line in store.sound(conn))
            for look in (_people, _templates, _changes):
                found.extend(look(conn))
        if not found:
            found.extend(_of_index(store, following))
    except GalleryError as error:
        found.append(Problem("damaged", str(error)))
    return found


def _people(conn: Connection) -> Iterator[Problem]:
    """Neither people without templates nor templates of people who are not there."""
    owners = select(TEMPLATES.c.person_id).where(TEMPLATES.c.person_id.is_not(None))
    lonely = select(PEOPLE.c.id).where(PEOPLE.c.id.not_in(owners))
    for person in conn.execute(lonely).scalars():
        yield Problem("person", f"person {person} has no template.")
    orphans = select(TEMPLATES.c.id, TEMPLATES.c.person_id).where(
        TEMPLATES.c.person_id.is_not(None), TEMPLATES.c.person_id.not_in(select(PEOPLE.c.id))
    )
    for row in conn.execute(orphans):
        yield Problem("template", f"template {row.id} is of person {row.person_id}, who is not there.")


def _templates(conn: Connection) -> Iterator[Problem]:
    """Every embedding of the gallery's model and length, finite, of length 1."""
    meta = records.meta(conn)
    size = 4 * (meta.dimension or 0)
    query = select(TEMPLATES.c.id, TEMPLATES.c.model, TEMPLATES.c.embedding)
    for rows in conn.execute(query, execution_options={"yield_per": records.READ_ROWS}).partitions():
        for row in rows:
            if row.model != meta.model:
                yield Problem("model", f"template {row.id} is of {row.model}, the gallery of {meta.model}.")
            if len(row.embedding) != size:
                yield Problem("embedding", f"template {row.id} has {len(row.embedding)} bytes, not {size}.")
        whole = [row for row in rows if size and len(row.embedding) == size]
        embeddings = records.as_embeddings([row.embedding for row in whole], size // 4 or 1).astype(np.float64)
        right = np.abs(np.linalg.norm(embeddings, axis=1) - 1) <= UNIT_TOLERANCE  # False for nan and inf
        for i in np.flatnonzero(~right):
            yield Problem("embedding", f"template {whole[i].id} is not an embedding of length 1.")


def _changes(conn: Connection) -> Iterator[Problem]:
    """No change above the number of the last, no removed template still there."""
    last = records.meta(conn).change
    for column in (TEMPLATES.c.change, REMOVALS.c.change):
        highest = conn.execute(select(func.max(column))).scalar()
        if highest is not None and highest > last:
            yield Problem("change", f"change {highest} is recorded, but the last was {last}.")
    for one in conn.execute(select(TEMPLATES.c.id).join(REMOVALS, REMOVALS.c.template_id == TEMPLATES.c.id)):
        yield Problem("change", f"template {one.id} is there, and recorded as removed.")


def _of_index(store: Store, following: Following) -> list[Problem]:
    """Compare index and records as of one change; others may come in between, and then it is done again."""
    if not following.is_apart():
        return []
    for _ in range(TIMES):
        following.catch_up()
        with store.read() as conn:
            found = list(_index(conn, following))
            if not found or following.is_as_of(conn):
                return found
    return [Problem("index", "the gallery changes all the time, so its index was not checked: try again later.")]


def _index(conn: Connection, following: Following) -> Iterator[Problem]:
    """Just the templates of the records in the index, each of its person, each nearest to itself."""
    found = following.differences(conn)
    if count := len(found.stale) + len(found.wrong):
        first = (*found.wrong, *found.stale)[0]
        yield Problem(
            "index", f"the index and the records differ in {count} templates, {first} among them: repair the gallery."
        )
        return
    index, dimension = following.caught_up(conn), records.meta(conn).dimension
    if index is None or dimension is None:
        return
    query = select(TEMPLATES.c.id).order_by(func.random()).limit(SAMPLE)
    for block in records.templates_in(conn, conn.execute(query).scalars().all(), dimension):
        for template, hits in zip(block.ids, index.nearest(block.embeddings, 1), strict=True):
            if not hits or hits[0].distance > SELF_DISTANCE:
                yield Problem("index", f"the index does not find template {template} by its own embedding.")
