"""Check a gallery: its database, its records, its index and its people; repair the index."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from sqlalchemy import Connection, func, select

from visavis.errors import GalleryError
from visavis.gallery._index_sync import SyncedIndex, read_blocks
from visavis.gallery._open_gallery import OpenGallery
from visavis.gallery.misplaced_photos import find_doubtful_templates
from visavis.gallery.sql import records, second_set
from visavis.gallery.sql.database import Database
from visavis.gallery.sql.schema import PEOPLE, REJECTIONS, REMOVALS, TABLES, TEMPLATES
from visavis.gallery.sql.values import find_wrong_lengths, optional
from visavis.gallery.types import Problem

SAMPLE = 200
"""Number of templates that are searched for by their own embeddings."""
SELF_DISTANCE = 1e-3
ATTEMPTS = 20
"""How often index and records are compared while other processes change them."""


def check(opened: OpenGallery) -> list[Problem]:
    """Do as :meth:`visavis.gallery.Gallery.check`."""
    with opened.lock:
        problems = _find_problems(opened.database, opened.index)
    return problems or [*find_doubtful_templates(opened)]


def repair(opened: OpenGallery) -> list[Problem]:
    """Do as :meth:`visavis.gallery.Gallery.repair`."""
    with opened.lock:
        opened.index.repair()
    return check(opened)


def _find_problems(database: Database, index: SyncedIndex) -> list[Problem]:
    """Return the problems of the database, the records and the index; an empty list if there are none."""
    problems: list[Problem] = []
    try:
        with database.read() as conn:
            problems.extend(Problem("damaged", line) for line in database.find_faults(conn))
            for find in (
                _check_values,
                _check_people,
                _check_templates,
                _check_rejections,
                _check_second,
                _check_changes,
            ):
                problems.extend(find(conn))
        if not problems:
            problems.extend(_check_index(database, index))
    except GalleryError as error:
        problems.append(Problem("damaged", str(error)))
    return problems


def _check_values(conn: Connection) -> Iterator[Problem]:
    """Check type, size and form of all other values, by reading them; the first fault of each table."""
    for table in TABLES.tables.values():
        columns = [column for column in table.columns if column.name not in {"embedding", "picture"}]
        try:
            for _ in conn.execute(select(*columns), execution_options={"yield_per": records.BLOCK_ROWS}):
                pass
        except GalleryError as error:
            yield Problem("damaged", f"table {table.name}: {error}")


def _check_people(conn: Connection) -> Iterator[Problem]:
    """Check that each person has a template, and that the person of each template exists."""
    owners = select(TEMPLATES.c.person_id).where(TEMPLATES.c.person_id.is_not(None))
    without_template = select(PEOPLE.c.id).where(PEOPLE.c.id.not_in(owners))
    for person in conn.execute(without_template).scalars():
        yield Problem("person", f"person {person} has no template.")
    orphans = select(TEMPLATES.c.id, TEMPLATES.c.person_id).where(
        TEMPLATES.c.person_id.is_not(None), TEMPLATES.c.person_id.not_in(select(PEOPLE.c.id))
    )
    for row in conn.execute(orphans):
        yield Problem("template", f"template {row.id} is of person {row.person_id}, who is not there.")


def _check_templates(conn: Connection) -> Iterator[Problem]:
    """Check that all embeddings are of the gallery's model and dimension, finite and of length 1."""
    meta = records.read_meta(conn)
    size = 4 * (meta.dimension or 0)
    query = select(TEMPLATES.c.id, TEMPLATES.c.model, TEMPLATES.c.embedding)
    for rows in conn.execute(query, execution_options={"yield_per": records.READ_ROWS}).partitions():
        for row in rows:
            if row.model != meta.model:
                yield Problem("model", f"template {row.id} is of {row.model}, the gallery of {meta.model}.")
            if not isinstance(row.embedding, bytes):
                yield Problem("embedding", f"template {row.id} is not an embedding.")
            elif len(row.embedding) != size:
                yield Problem("embedding", f"template {row.id} has {len(row.embedding)} bytes, not {size}.")
        whole = [row for row in rows if size and isinstance(row.embedding, bytes) and len(row.embedding) == size]
        embeddings = np.frombuffer(b"".join(row.embedding for row in whole), "<f4").reshape(len(whole), size // 4)
        for i in find_wrong_lengths(embeddings):
            yield Problem("embedding", f"template {whole[i].id} is not an embedding of length 1.")


def _check_rejections(conn: Connection) -> Iterator[Problem]:
    """Check that rejections are of people who exist, with embeddings of the gallery's dimension and length 1."""
    dimension = records.read_meta(conn).dimension or 0
    people = set(records.read_person_ids(conn))
    for row in conn.execute(select(REJECTIONS.c.id, REJECTIONS.c.person_id, REJECTIONS.c.embedding)):
        if row.person_id not in people:
            yield Problem("rejection", f"rejection {row.id} is of person {row.person_id}, who is not there.")
        if not isinstance(row.embedding, bytes) or len(row.embedding) != 4 * dimension:
            yield Problem("embedding", f"rejection {row.id} is not an embedding of {dimension} values.")
        elif len(find_wrong_lengths(np.frombuffer(row.embedding, "<f4")[None])):
            yield Problem("embedding", f"rejection {row.id} is not an embedding of length 1.")


def _check_second(conn: Connection) -> Iterator[Problem]:
    """Check that the embeddings of a second model are of the model that is being prepared, and of length 1."""
    for fault in second_set.find_faults(conn):
        yield Problem("embedding", fault)


def _check_changes(conn: Connection) -> Iterator[Problem]:
    """Check that no change has a number above the last one, and that removed templates are not there."""
    last = records.read_meta(conn).change
    for column in (TEMPLATES.c.change, REMOVALS.c.change):
        highest = conn.execute(select(func.max(optional(column)))).scalar()
        if highest is not None and highest > last:
            yield Problem("change", f"change {highest} is recorded, but the last was {last}.")
    for row in conn.execute(select(TEMPLATES.c.id).join(REMOVALS, REMOVALS.c.template_id == TEMPLATES.c.id)):
        yield Problem("change", f"template {row.id} is there, and recorded as removed.")


def _check_index(database: Database, index: SyncedIndex) -> list[Problem]:
    """Compare index and records at the same change; try again if another process changes them in between."""
    if not index.can_differ():
        return []
    for _ in range(ATTEMPTS):
        index.update_durable()
        with database.read() as conn:
            problems = list(_compare_index(conn, index))
            if not problems or index.is_current(conn):
                return problems
    return [Problem("index", "the gallery changes all the time, so its index was not checked: try again later.")]


def _compare_index(conn: Connection, synced: SyncedIndex) -> Iterator[Problem]:
    """Check that the index has exactly the templates of the records, with their people, each nearest to itself."""
    differences = synced.find_differences(conn)
    if count := len(differences.stale) + len(differences.wrong):
        first = (*differences.wrong, *differences.stale)[0]
        yield Problem(
            "index", f"the index and the records differ in {count} templates, {first} among them: repair the gallery."
        )
        return
    index, dimension = synced.update(conn), records.read_meta(conn).dimension
    if index is None or dimension is None:
        return
    query = select(TEMPLATES.c.id).order_by(func.random()).limit(SAMPLE)
    for block in read_blocks(conn, conn.execute(query).scalars().all(), dimension):
        for template, hits in zip(block.ids, index.nearest(block.embeddings, 1), strict=True):
            if not hits or hits[0].distance > SELF_DISTANCE:
                yield Problem("index", f"the index does not find template {template} by its own embedding.")
