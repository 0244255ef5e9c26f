"""Every index with a place for it, where this machine has what it takes."""

from __future__ import annotations

from importlib.util import find_spec
from itertools import count
from pathlib import Path

import pytest

from visavis.gallery.index import INDEXES, Durable, Index, Origin

SPECS = ("exact", "exact:int8", "pgvector", "pgvector:?index=hnsw&ef=1000", "milvus:{file}")
"""``{file}`` is a path; what has no place is where the gallery is. A graph that looks at (nearly) all is exact too."""

DURABLE = tuple(spec for spec in SPECS if spec != "exact")

_numbers = count(1)


class Places:
    """Makes indexes, each in a place that was empty, and closes them at the end."""

    def __init__(self, folder: Path, request: pytest.FixtureRequest) -> None:
        self._folder, self._request = folder, request
        self._made: list[Durable] = []

    def make(self, spec: str, *, dimension: int) -> Index:
        """An index of a gallery of its own."""
        name, _, place = self.spec(spec).partition(":")
        url = self.database() if name == "pgvector" else f"sqlite:///{self._folder / 'faces.db'}"
        key = f"{next(_numbers):032x}"
        index = INDEXES.create(name, dimension=dimension, place=place, origin=Origin(key, url))
        if isinstance(index, Durable):
            self._made.append(index)
            index.reached(1)  # makes a graph, where one is asked for
        return index

    def spec(self, spec: str) -> str:
        """What to ask for."""
        for package in {"pgvector": ["psycopg"], "milvus": ["pymilvus", "milvus_lite"]}.get(spec.partition(":")[0], []):
            if find_spec(package) is None:
                pytest.skip(f"{package} is not installed")
        return spec.format(file=self._folder / "vectors.db")

    def database(self) -> str:
        """URL of a database of PostgreSQL that all these indexes share."""
        return str(self._request.getfixturevalue("vectors"))

    def close(self) -> None:
        for index in self._made:
            index.close()
