"""Engines of a server of their own: away, back again, asked for wrongly, or nearly exact."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gallery.faces import MODEL, embedding, person
from visavis.errors import GalleryError, MissingExtraError, UsageError
from visavis.gallery import Gallery
from visavis.gallery.index import INDEXES, Hit, Index, Origin
from visavis.gallery.index import milvus as milvus_engine
from visavis.gallery.index import pgvector as pgvector_engine
from visavis.gallery.sql import reconnect
from visavis.types import Floats

from .engines import SHARED, Places

if TYPE_CHECKING:
    from servers import Milvus, Postgres

NOWHERE = Origin("0" * 32, "sqlite:///faces.db")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconnect, "RETRY_SECONDS", 0.5)
    monkeypatch.setattr(milvus_engine, "ANSWER_SECONDS", 0.5)


@pytest.fixture(params=SHARED)
def served(request: pytest.FixtureRequest, places: Places) -> Iterator[tuple[str, Postgres | Milvus]]:
    """An engine's spec, and its server; that it runs is seen to afterwards."""
    spec = places.spec(request.param)
    server = request.getfixturevalue("postgres" if spec.startswith("pgvector") else "milvus")
    yield spec, server
    server.start()


def test_a_server_that_is_away_is_told_of_and_used_again(
    tmp_path: Path, served: tuple[str, Postgres | Milvus], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records are in a file, so they are stored whatever the index does."""
    spec, server = served
    with Gallery(tmp_path / "faces.db", model=MODEL, index=spec) as gallery:
        gallery.add(*person(1))
        assert gallery.search(person(1)[1][0].embedding[None])[0][0].name == "person 1"
        server.kill()
        with monkeypatch.context() as patch:
            patch.setattr(reconnect, "RETRY_SECONDS", 0.5)
            patch.setattr(milvus_engine, "ANSWER_SECONDS", 0.5)
            for _ in range(2):
                with pytest.raises(GalleryError, match=r"^the index in .* cannot be used: .*\.$"):
                    gallery.search(embedding(1)[None])
            gallery.add(*person(2))
            with pytest.raises(GalleryError, match=r"^the index in .* cannot be used"):
                Gallery(tmp_path / "faces.db", index=spec).search(embedding(1)[None])
        server.start()
        monkeypatch.setattr(reconnect, "RETRY_SECONDS", 60)
        assert gallery.search(person(2)[1][0].embedding[None])[0][0].name == "person 2"
        assert gallery.search(person(1)[1][0].embedding[None])[0][0].name == "person 1"
        assert gallery.check() == []


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("pgvector", "is in a database of PostgreSQL, and this gallery is not: write pgvector:postgresql://user@host"),
        ("pgvector:http://host", "is no place of an index pgvector"),
        ("pgvector:postgresql://host", "is no place of an index pgvector"),
        ("pgvector:?index=flat", "index=flat of the index means nothing: write one of exact, hnsw"),
        ("pgvector:?index=hnsw&ef=0", "ef=0 of the index means nothing: write a number from 1 to 1000"),
        ("milvus", "'' is no place of an index milvus: write milvus:http://host:19530"),
        ("milvus:./embeddings", "is no place of an index milvus"),
        ("milvus:ftp://host/embeddings.db", "is no place of an index milvus"),
        (
            "milvus:./embeddings.db?index=DISKANN",
            "index=DISKANN of the index means nothing: write one of FLAT, IVF_FLAT",
        ),
        ("milvus:./embeddings.db?ef=10", "ef means nothing to the index FLAT of Milvus"),
        ("milvus:./embeddings.db?index=HNSW&nlist=10", "nlist means nothing to the index HNSW"),
        ("milvus:./embeddings.db?index=HNSW&ef=many", "ef=many of the index means nothing: write a number"),
    ],
)
def test_places_that_mean_nothing(spec: str, words: str) -> None:
    name, _, place = spec.partition(":")
    with pytest.raises(UsageError, match=words):
        INDEXES.create(name, dimension=16, place=place, origin=NOWHERE)


def test_a_graph_of_pgvector_has_a_greatest_length() -> None:
    with pytest.raises(UsageError, match="of up to 2000 values, those of this gallery have 2048: leave hnsw out"):
        INDEXES.create("pgvector", dimension=2048, place="hnsw", origin=NOWHERE)


@pytest.mark.parametrize(
    ("spec", "module", "missing", "words"),
    [
        ("pgvector", pgvector_engine, "psycopg", r"psycopg: pip install 'visavis\[postgresql\]'\.$"),
        ("milvus:http://host", milvus_engine, "pymilvus", r"pymilvus: pip install 'visavis\[milvus\]'\.$"),
        (
            "milvus:./embeddings.db",
            milvus_engine,
            "milvus_lite",
            r"milvus-lite: pip install 'visavis\[milvus-lite\]'\.$",
        ),
    ],
)
def test_a_missing_package_is_named(
    spec: str, module: object, missing: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == missing else sys)
    name, _, place = spec.partition(":")
    with pytest.raises(MissingExtraError, match=words):
        INDEXES.create(name, dimension=16, place=place, origin=NOWHERE)


def test_nobody_answers(impatient: None) -> None:
    with pytest.raises(GalleryError, match=r"the index in http://127\.0\.0\.1:1 cannot be used"):
        INDEXES.create("milvus", dimension=16, place="http://ann:secret@127.0.0.1:1", origin=NOWHERE)
    with pytest.raises(GalleryError, match=r"the index in postgresql://ann@127\.0\.0\.1:1/v cannot be used: .*refused"):
        INDEXES.create("pgvector", dimension=16, place="postgresql://ann:secret@127.0.0.1:1/v", origin=NOWHERE)


def test_a_user_who_may_not_turn_pgvector_on(postgres: Postgres) -> None:
    url = postgres.new()
    postgres.run("CREATE USER ann")
    with pytest.raises(GalleryError, match=r"may not turn on pgvector in postgresql://ann@/.*CREATE EXTENSION vector"):
        INDEXES.create("pgvector", dimension=16, place=url.replace("postgres@", "ann@"), origin=NOWHERE)
    postgres.drop(url)
    postgres.run("DROP USER ann")


def test_a_file_of_milvus_is_one_process_s(tmp_path: Path, places: Places, impatient: None) -> None:
    from milvus_lite.db import MilvusLite

    place = places.spec("milvus:{file}").partition(":")[2]
    other = MilvusLite(place)
    Path(place).chmod(0o700)  # as visavis makes it; else there is a warning
    with pytest.raises(GalleryError, match="milvus-lite lets one process use a file, or it is damaged"):
        INDEXES.create("milvus", dimension=16, place=place, origin=NOWHERE)
    other.close()
    index = INDEXES.create("milvus", dimension=16, place=place, origin=NOWHERE)
    index.close()  # type: ignore[attr-defined]
    MilvusLite(place).close()  # which the last that uses it lets go
    with pytest.raises(GalleryError, match=r"there is no folder .*nowhere for the index v\.db: make it first"):
        INDEXES.create("milvus", dimension=16, place=str(tmp_path / "nowhere" / "v.db"), origin=NOWHERE)


# Graphs


def clustered(rng: np.random.Generator, people: int, each: int, dimension: int) -> Floats:
    centers = np.repeat(rng.normal(size=(people, dimension)), each, axis=0)
    rows = centers + 0.5 * rng.normal(size=centers.shape)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize(
    "spec", ["pgvector:{postgres}?index=hnsw", "milvus:{milvus}?index=HNSW", "milvus:{milvus}?index=IVF_FLAT&nlist=64"]
)
def test_one_that_is_not_exact_finds_nearly_all(spec: str, places: Places) -> None:
    """As it is shipped; the people among whom one searches are not lost behind others."""
    rng = np.random.default_rng(5)
    embeddings = clustered(rng, 2000, 2, 64)
    ids, people = np.arange(1, 4001), np.repeat(np.arange(1, 2001), 2)
    people[::50] = 0
    exact = INDEXES.create("exact", dimension=64)
    index = places.make(spec, dimension=64)
    for one in (exact, index):
        one.add(ids, people, embeddings)
    probes = clustered(rng, 40, 1, 64)
    assert shared_hits(index.search(probes, 10), exact.search(probes, 10)) >= 0.95
    assert shared_hits(index.nearest(probes, 10), exact.nearest(probes, 10)) >= 0.95
    few = np.array([5, 700, 1999])
    assert [len(hits) for hits in index.search(probes, 10, among=few)] == [3] * 40
    assert shared_hits(index.search(embeddings[:40], 1), exact.search(embeddings[:40], 1)) >= 0.95


def shared_hits(found: list[list[Hit]], right: list[list[Hit]]) -> float:
    both = [
        len({hit.template_id for hit in one} & {hit.template_id for hit in other})
        for one, other in zip(found, right, strict=True)
    ]
    return sum(both) / sum(map(len, right))


def test_pgvector_makes_and_uses_its_graph(places: Places) -> None:
    index = places.make("pgvector:{postgres}?index=hnsw", dimension=16)
    exact = other_way_to(index)
    rows = [embedding(i) for i in range(500)]
    index.add(np.arange(1, 501), np.arange(1, 501), np.stack(rows))
    assert "_hnsw" in plan(index, "vector <#> %s::vector")
    assert "_hnsw" not in plan(exact, "(vector <#> %s::vector) + 0")
    assert exact.search(rows[0][None], 5) == index.search(rows[0][None], 5)
    exact.close()  # type: ignore[attr-defined]


def other_way_to(index: Index) -> Index:
    """The same table, every embedding looked at."""
    url, table = index._url, index._table  # type: ignore[attr-defined]
    return INDEXES.create("pgvector", dimension=16, place=url, origin=Origin(table.split("_")[1], ""))


def plan(index: Index, order: str) -> str:
    text = str(embedding(0).tolist())
    query = "EXPLAIN SELECT id FROM {table} WHERE person > 0 ORDER BY " + order + " LIMIT 5"
    return "\n".join(row[0] for row in index._do(query, [text]))  # type: ignore[attr-defined]
