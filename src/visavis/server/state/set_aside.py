"""Faces that are put aside: their people are unknown to the users of a gallery, so that they wait for no name.

A row is an unassigned face of a gallery, by its template id, which no other face gets. A group of faces is put aside as
long as one of its faces is.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import delete, insert, select

from visavis.server.state import tables
from visavis.server.state.database import StateDatabase

ASIDE = tables.SET_ASIDE
AT_ONCE = 500
"""Ids in a statement."""


class FacesSetAside:
    """The faces that are put aside, by the name of their gallery and their template ids."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def read(self, gallery: str) -> set[int]:
        """Return the faces of a gallery that are put aside."""
        with self._database.read() as conn:
            return {*conn.execute(select(ASIDE.c.template_id).where(ASIDE.c.gallery == gallery)).scalars()}

    def add(self, gallery: str, template_ids: Collection[int]) -> None:
        """Put faces aside; those that are stay so."""
        with self._database.write() as conn:
            stored = {*conn.execute(select(ASIDE.c.template_id).where(ASIDE.c.gallery == gallery)).scalars()}
            rows = [{"gallery": gallery, "template_id": face} for face in sorted({*template_ids} - stored)]
            if rows:
                conn.execute(insert(ASIDE), rows)

    def remove(self, gallery: str, template_ids: Collection[int]) -> int:
        """Bring faces back; return the number of those that were put aside."""
        faces, removed = sorted(template_ids), 0
        if not faces:
            return 0
        with self._database.write() as conn:
            for start in range(0, len(faces), AT_ONCE):
                chosen = ASIDE.c.template_id.in_(faces[start : start + AT_ONCE])
                removed += conn.execute(delete(ASIDE).where(ASIDE.c.gallery == gallery, chosen)).rowcount
        return removed
