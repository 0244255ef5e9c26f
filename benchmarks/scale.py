"""What docs/scale.md computes with: bytes of a face in a gallery's file, and the time of a search among 128 values.

    python benchmarks/scale.py [--sizes 10000 100000 1000000] [--rounds 15] [--folder DIR]

Faces are random directions, one a person: the hardest case, since all are about equally far. ``numpy`` is the product
in float32 alone, without looking for the highest. Files are made up to 100,000 faces: the rest is in proportion.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from visavis.gallery import Gallery, Template
from visavis.gallery.index import INDEXES
from visavis.types import Floats

VALUES, TOP, BATCH, STEP = 128, 10, 100, 10_000
LARGEST_FILE = 100_000


def make_rows(count: int, seed: int) -> Floats:
    """Return random unit embeddings."""
    rows = np.random.default_rng(seed).standard_normal((count, VALUES), np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def count_bytes(folder: Path, size: int) -> float:
    """Return the bytes of a face in the file of a gallery, with a box, a quality and the name of a photo."""
    file = folder / f"{size}.db"
    box = np.array([10, 10, 90, 120])
    with Gallery(file, model="sface") as gallery:
        for start in range(0, size, STEP):
            numbers = range(start, start + STEP)
            rows = make_rows(STEP, start)
            people = [
                (f"person {number}", [Template(row, f"{number:064x}", f"photo {number:09}.jpg", box, 0.9)])
                for number, row in zip(numbers, rows, strict=True)
            ]
            gallery.add_many(people)
    return sum(path.stat().st_size for path in folder.glob(f"{size}.db*")) / size


def measure(work: Callable[[int], object], rounds: int) -> str:
    """Return the median and the least milliseconds of a call."""
    spent = []
    for number in range(-1, rounds):
        start = time.perf_counter()
        work(number)
        spent.append(1e3 * (time.perf_counter() - start))
    return f"{np.median(spent[1:]):.3g} ({min(spent[1:]):.3g})"


def measure_searches(size: int, rounds: int) -> list[str]:
    """Return the milliseconds of a probe: of NumPy's product, and of both indexes, alone and among a hundred."""
    probes = make_rows(BATCH, 7)
    matrix = np.concatenate([make_rows(STEP, start) for start in range(0, size, STEP)])
    cells = [measure(lambda number: probes[number : number + 1] @ matrix.T, rounds)]
    ids = np.arange(size) + 1
    for place in ("", "int8"):
        index = INDEXES.create("exact", dimension=VALUES, place=place)
        for start in range(0, size, STEP):
            part = slice(start, start + STEP)
            index.add(ids[part], ids[part], matrix[part])
        cells.append(measure(lambda number, index=index: index.search(probes[number : number + 1], TOP), rounds))
        together = measure(lambda _, index=index: index.search(probes, TOP), max(rounds // 3, 1))
        cells.append(" ".join(f"{float(text.strip('()')) / BATCH:.3g}" for text in together.split()))
    return cells


def main() -> None:
    """Measure, and print a table: the median of the rounds, and the least in brackets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--folder", type=Path, help="where the galleries are made (default: a temporary folder)")
    chosen = parser.parse_args()
    table = Table(
        "faces", "bytes in the file", "numpy, ms", "exact", "exact, each of 100", "exact:int8", "int8, each of 100"
    )
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        for size in chosen.sizes:
            stored = f"{count_bytes(Path(folder), size):,.0f}" if size <= LARGEST_FILE else ""
            table.add_row(f"{size:,}", stored, *measure_searches(size, chosen.rounds))
    Console(width=150).print(table)
    print(f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} processors, load {before:.1f} to {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
