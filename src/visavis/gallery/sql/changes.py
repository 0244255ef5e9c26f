"""Read which templates were stored and removed since a change, as an index follows them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection, select

from visavis.errors import GalleryError
from visavis.gallery.index import UNASSIGNED, Ids
from visavis.gallery.sql import records
from visavis.gallery.sql.schema import REMOVALS, TEMPLATES
from visavis.types import Floats


class TemplateRows(NamedTuple):
    """Templates for an index: ids ``(n,)``, people ``(n,)`` (0: unassigned), embeddings ``(n, d)``."""

    ids: Ids
    people: Ids
    embeddings: Floats


def read_removed(conn: Connection, change: int) -> Ids:
    """Return ids ``(n,)`` of the templates removed after this change."""
    query = select(REMOVALS.c.template_id).where(REMOVALS.c.change > change)
    return np.array(conn.execute(query).scalars().all(), np.int64)


def read_added(conn: Connection, change: int, dimension: int) -> Iterator[TemplateRows]:
    """Yield the templates stored after this change, block by block; GalleryError where one is damaged."""
    query = select(TEMPLATES.c.id, TEMPLATES.c.person_id, TEMPLATES.c.embedding)
    if change:  # else all templates, in storage order
        query = query.where(TEMPLATES.c.change > change)
    for rows in conn.execute(query, execution_options={"yield_per": records.READ_ROWS}).partitions():
        ids, people, blobs = zip(*rows, strict=True)
        yield _make_block(ids, people, blobs, dimension)


def read_blocks(conn: Connection, ids: Iterable[int], dimension: int) -> Iterator[TemplateRows]:
    """Yield these templates, block by block."""
    for part in records.split_list(ids):
        query = select(TEMPLATES.c.id, TEMPLATES.c.person_id, TEMPLATES.c.embedding).where(TEMPLATES.c.id.in_(part))
        rows = conn.execute(query).all()
        yield _make_block(
            [row.id for row in rows], [row.person_id for row in rows], [row.embedding for row in rows], dimension
        )


def _make_block(
    ids: Sequence[int], people: Sequence[int | None], blobs: Sequence[bytes], dimension: int
) -> TemplateRows:
    """Return a block; raise GalleryError where an embedding has another length."""
    if any(len(blob) != 4 * dimension for blob in blobs):
        bad = next(template for template, blob in zip(ids, blobs, strict=True) if len(blob) != 4 * dimension)
        raise GalleryError(f"template {bad} is not an embedding of {dimension} values: check the gallery.")
    owners = np.array([UNASSIGNED if person is None else person for person in people], np.int64)
    return TemplateRows(np.array(ids, np.int64), owners, records.decode_embeddings(blobs, dimension))
