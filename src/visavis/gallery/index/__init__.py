"""Search among the embeddings of one gallery. Each engine is one file, and registers itself in ``INDEXES``.

An index is derived from the records and can be filled again at any time. Engines outside the process
(:class:`Durable`) store the state of the records that they contain. An index is named ``NAME`` or ``NAME:PLACE``:
"exact", "pgvector:hnsw", "milvus:http://localhost:19530".
"""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from visavis.registry import Registry
from visavis.types import Floats

Ids = NDArray[np.int64]

UNASSIGNED = 0
"""The person id of an unassigned face, which is indexed but belongs to no person yet."""


class Hit(NamedTuple):
    """A template at a cosine distance (0..2), with the id of its person, or ``UNASSIGNED``."""

    person_id: int
    template_id: int
    distance: float


class Origin(NamedTuple):
    """The gallery that is searched: ``key`` is unique to it, ``url`` is where its records are."""

    key: str
    url: str


class Index(Protocol):
    """Embeddings by template id, with a person or unassigned. Used by one thread at a time (the gallery locks it)."""

    def add(self, ids: Ids, people: Ids, embeddings: Floats) -> None:
        """Add unit rows ``embeddings (n, d)`` under template ``ids (n,)``, of ``people (n,)``.

        Replace an id that the index has already: its person or its embedding may have changed.
        """
        ...

    def remove(self, ids: Ids) -> None:
        """Remove templates; ignore ids that the index does not have."""
        ...

    def search(self, probes: Floats, top: int, *, among: Ids | None = None) -> list[list[Hit]]:
        """Return up to ``top`` nearest people of each unit row of ``probes (n, d)``, nearest first, each person once.

        A person's distance is that of the nearest template. Unassigned faces are skipped, and with ``among`` all other
        people. Equal distances are ordered by person id, then by template id.
        """
        ...

    def nearest(self, probes: Floats, top: int, *, among: Ids | None = None) -> list[list[Hit]]:
        """Return up to ``top`` nearest templates of each probe, of any person, or of the people ``among``.

        Unassigned faces are included. Equal distances are ordered by template id.
        """
        ...

    def entries(self) -> tuple[Ids, Ids]:
        """Return template ids ``(n,)`` and their people ``(n,)``, in any order, for comparison with the records."""
        ...


@runtime_checkable
class Durable(Protocol):
    """Additional methods of an index that outlives the process; several processes may share it."""

    def change(self) -> int:
        """Return the state of the records that the index contains, a positive integer of 64 bits; 0: it is empty."""
        ...

    def reached(self, change: int) -> None:
        """Store that the index contains the records of this state, after they are safely stored."""
        ...

    def clear(self) -> None:
        """Remove everything, including the state."""
        ...

    def close(self) -> None:
        """Close connections."""
        ...


INDEXES: Registry[Index] = Registry(
    "index",
    entry_points="visavis.indexes",
    builtin={name: f"visavis.gallery.index.{name}" for name in ("exact", "milvus", "pgvector")},
)
"""Factories take ``dimension``, the length of the embeddings; ``place``, the text after the colon; and ``origin``."""
