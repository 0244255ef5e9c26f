"""Everything that can be wrong inside a gallery, looked for."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from sqlalchemy import Connection, func, select

from visavis.errors import GalleryError
from visavis.gallery import records
from visavis.gallery._following import Following
from visavis.gallery.schema import PEOPLE, REMOVALS, TEMPLATES
from visavis.gallery.store import Store
from visavis.gallery.types import Problem

UNIT_TOLERANCE = 1e-4


def problems(store: Store, following: Following) -> list[Problem]:
    """Return what is wrong with the records, the database and the index; an empty list where nothing is."""
    found: list[Problem] = []
    try:
        with store.read() as conn:
            for look in (_database, _people, _templates, _changes):
                found.extend(look(conn))
            if not found:
                found.extend(_index(conn, following))
    except GalleryError as error:
        found.append(Problem("damaged", str(error)))
    return found


def _database(conn: Connection) -> Iterator[Problem]:
    """SQLite's own view of its file."""
    for (line,) in conn.exec_driver_sql("PRAGMA integrity_check"):
        if line != "ok":
            yield Problem("damaged", f"{line}.")


def _people(conn: Connection) -> Iterator[Problem]:
    """Neither people without templates nor templates without a person."""
    lonely = select(PEOPLE.c.id).where(PEOPLE.c.id.not_in(select(TEMPLATES.c.person_id)))
    for person in conn.execute(lonely).scalars():
        yield Problem("person", f"person {person} has no template.")
    orphans = select(TEMPLATES.c.id, TEMPLATES.c.person_id).where(TEMPLATES.c.person_id.not_in(select(PEOPLE.c.id)))
    for row in conn.execute(orphans):
        yield Problem("template", f"template {row.id} is of person {row.person_id}, who is not there.")


def _templates(conn: Connection) -> Iterator[Problem]:
    """Every vector of the gallery's model and length, finite, of length 1."""
    meta = records.meta(conn)
    size = 4 * (meta.dimension or 0)
    query = select(TEMPLATES.c.id, TEMPLATES.c.model, TEMPLATES.c.vector)
    for rows in conn.execute(query, execution_options={"yield_per": records.BLOCK_ROWS}).partitions():
        for row in rows:
            if row.model != meta.model:
                yield Problem("model", f"template {row.id} is of {row.model}, the gallery of {meta.model}.")
            if len(row.vector) != size:
                yield Problem("vector", f"template {row.id} has {len(row.vector)} bytes, not {size}.")
        whole = [row for row in rows if size and len(row.vector) == size]
        vectors = records.as_vectors([row.vector for row in whole], size // 4 or 1).astype(np.float64)
        right = np.abs(np.linalg.norm(vectors, axis=1) - 1) <= UNIT_TOLERANCE  # False for nan and inf
        for i in np.flatnonzero(~right):
            yield Problem("vector", f"template {whole[i].id} is not a vector of length 1.")


def _changes(conn: Connection) -> Iterator[Problem]:
    """No change above the number of the last, no removed template still there."""
    last = records.meta(conn).change
    for column in (TEMPLATES.c.change, REMOVALS.c.change):
        highest = conn.execute(select(func.max(column))).scalar()
        if highest is not None and highest > last:
            yield Problem("change", f"change {highest} is recorded, but the last was {last}.")
    for one in conn.execute(select(TEMPLATES.c.id).join(REMOVALS, REMOVALS.c.template_id == TEMPLATES.c.id)):
        yield Problem("change", f"template {one.id} is there, and recorded as removed.")


def _index(conn: Connection, following: Following) -> Iterator[Problem]:
    """Just the templates of the records in the index, each of its person."""
    index = following.caught_up(conn)
    if index is None:
        return
    rows = conn.execute(select(TEMPLATES.c.id, TEMPLATES.c.person_id))
    stored = {row.id: row.person_id for row in rows}
    ids, people = index.entries()
    if len(ids) != len(stored) or stored != dict(zip(ids.tolist(), people.tolist(), strict=True)):
        yield Problem("index", "the index and the records differ: close the gallery and open it again.")
