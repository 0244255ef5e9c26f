"""Search among the embeddings of one gallery. One file an engine; each registers itself in ``INDEXES``.

An index is derived from the records and can be filled again at any time. Engines outside the process
(:class:`Durable`) keep the number of the change that they are up to. An index is named ``NAME`` or ``NAME:PLACE``:
"exact", "pgvector:hnsw", "milvus:http://localhost:19530".
"""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from visavis.registry import Registry
from visavis.types import Floats

Ids = NDArray[np.int64]

NOBODY = 0
"""In place of a person's id: the face is indexed, and nobody has said whose it is."""


class Hit(NamedTuple):
    """A template at a cosine distance (0..2), and whose it is: a person's id, or ``NOBODY``."""

    person_id: int
    template_id: int
    distance: float


class Origin(NamedTuple):
    """The gallery whose embeddings are searched: ``key`` is its own and no other's, ``url`` where its records are."""

    key: str
    url: str


class Index(Protocol):
    """Embeddings by template id, each of a person or of nobody. One thread uses it at a time (the gallery locks it)."""

    def add(self, ids: Ids, people: Ids, embeddings: Floats) -> None:
        """Take in unit rows ``embeddings (n, d)`` under template ``ids (n,)``, of ``people (n,)``.

        An id that is there already is replaced: its person or its embedding may have changed.
        """
        ...

    def remove(self, ids: Ids) -> None:
        """Forget templates; ids that are not there are passed over."""
        ...

    def search(self, probes: Floats, top: int, *, among: Ids | None = None) -> list[list[Hit]]:
        """Find the ``top`` nearest people of each unit row of ``probes (n, d)``, nearest first, each once.

        A person is as far as the nearest template. Faces of nobody are passed over, and all but the people ``among``
        where these are given. Fewer where there are fewer. Equal distances are ordered by person id, then by template
        id.
        """
        ...

    def nearest(self, probes: Floats, top: int, *, among: Ids | None = None) -> list[list[Hit]]:
        """Find the ``top`` nearest templates, whoever's they are; ``among`` leaves only those of some people.

        Faces of nobody are found too. Equal distances are ordered by template id.
        """
        ...

    def entries(self) -> tuple[Ids, Ids]:
        """Template ids ``(n,)`` and their people ``(n,)``, in any order; for comparison with the records."""
        ...


@runtime_checkable
class Durable(Protocol):
    """What an index has besides where it outlives the process; several processes may share it."""

    def change(self) -> int:
        """Return the change of the gallery that all up to is in the index; 0 where nothing is."""
        ...

    def reached(self, change: int) -> None:
        """Keep that all up to this change is in the index, once it is safely there."""
        ...

    def clear(self) -> None:
        """Forget everything, the change too."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


INDEXES: Registry[Index] = Registry(
    "index",
    entry_points="visavis.indexes",
    builtin={name: f"visavis.gallery.index.{name}" for name in ("exact", "milvus", "pgvector")},
)
"""Factories take ``dimension``, the length of the embeddings; ``place``, the text behind the colon; and ``origin``."""
