"""Search among the vectors of one gallery. One file an index; each registers itself in ``INDEXES``.

An index is derived from the records: it can be thrown away and filled again at any time.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from visavis.registry import Registry
from visavis.types import Floats

Ids = NDArray[np.int64]


class Hit(NamedTuple):
    """A person at the cosine distance (0..2) of that person's nearest template."""

    person_id: int
    template_id: int
    distance: float


class Index(Protocol):
    """Vectors by template id, each of a person. Used by one thread at a time (the gallery holds a lock)."""

    def add(self, ids: Ids, people: Ids, vectors: Floats) -> None:
        """Take in unit rows ``vectors (n, d)`` under new template ``ids (n,)``, of ``people (n,)``."""
        ...

    def remove(self, ids: Ids) -> None:
        """Forget templates; ids that are not there are passed over."""
        ...

    def search(self, probes: Floats, top: int) -> list[list[Hit]]:
        """Find the ``top`` nearest people of each unit row of ``probes (n, d)``, nearest first.

        Each person once; fewer where the gallery has fewer. Equal distances are ordered by person id, then by
        template id.
        """
        ...

    def entries(self) -> tuple[Ids, Ids]:
        """Template ids ``(n,)`` and their people ``(n,)``, in any order; for comparison with the records."""
        ...


INDEXES: Registry[Index] = Registry(
    "index", entry_points="visavis.indexes", builtin={"exact": "visavis.gallery.index.exact"}
)
"""Factories take ``dimension``, the length of the vectors."""
