"""Every index with a place for it, where this machine has what it takes."""

from __future__ import annotations

from importlib.util import find_spec
from itertools import count
from pathlib import Path

import pytest

from visavis.gallery.index import INDEXES, Durable, Index, Origin

BUILT_IN = (
    "exact",
    "exact:int8",
    "pgvector:{postgres}",
    "pgvector:{postgres}?index=hnsw&ef=1000",
    "milvus:{file}",
    "milvus:{milvus}",
    "milvus:{milvus}?index=HNSW&ef=2000",
    "milvus:{milvus}?index=IVF_FLAT&nlist=8&nprobe=8",
)
"""A graph that looks at nearly all is exact too."""

OTHERS = [name for name in INDEXES.names() if not name.startswith("test-")]  # those of other tests
SPECS = (*BUILT_IN, *(name for name in OTHERS if name not in {spec.partition(":")[0] for spec in BUILT_IN}))
"""Also those that packages of others register."""

SHARED = ("pgvector:{postgres}", "milvus:{milvus}")
DURABLE = (*SHARED, "pgvector:{postgres}?index=hnsw&ef=1000", "milvus:{file}")

PACKAGES = {"pgvector": ("psycopg",), "milvus": ("pymilvus", "milvus_lite")}

_numbers = count(1)


class Places:
    """Makes indexes, each in a place that was empty, and closes them at the end."""

    def __init__(self, folder: Path, request: pytest.FixtureRequest) -> None:
        self._folder, self._request = folder, request
        self._made: list[Durable] = []

    def make(self, spec: str, *, dimension: int) -> Index:
        """An index of a gallery of its own."""
        name, _, place = self.spec(spec).partition(":")
        origin = Origin(f"{next(_numbers):032x}", "sqlite:///faces.db")
        index = INDEXES.create(name, dimension=dimension, place=place, origin=origin)
        if isinstance(index, Durable):
            self._made.append(index)
            index.reached(1)  # makes a graph, where one is asked for
        return index

    def spec(self, spec: str) -> str:
        """What to ask for, with real places; the test is skipped where this machine has none."""
        for package in PACKAGES.get(spec.partition(":")[0], ()):
            if find_spec(package) is None:
                pytest.skip(f"{package} is not installed")
        if "{postgres}" in spec:
            return _with_query(spec, "{postgres}", self._request.getfixturevalue("vectors"))
        if "{milvus}" in spec:
            return spec.replace("{milvus}", self._request.getfixturevalue("milvus").url)
        return spec.replace("{file}", str(self._folder / "vectors.db"))

    def close(self) -> None:
        for index in self._made:
            index.close()


def _with_query(spec: str, mark: str, url: str) -> str:
    """Put a URL that has a query itself into one that may have one."""
    name, _, query = spec.partition("?")
    return name.replace(mark, f"{url}&{query}" if query else url)
