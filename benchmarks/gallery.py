"""What a gallery in SQLite costs: a search, one after an enrollment, names before an enrollment, and a check.

    python benchmarks/gallery.py [--searches 3000] [--names 100000] [--check 1000000] [--json FILE]

Embeddings of 128 values, made up, one a person; five a person for the check, which is skipped with --check 0. Searches
are ``Gallery.search`` and ``Gallery.identify_embeddings`` with one probe, on one thread.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before NumPy is imported

import numpy as np  # noqa: E402
from _rounds import environment, options, report, table  # noqa: E402
from _search_gallery import memory  # noqa: E402

from visavis.cli.enroll import _find_new_people  # noqa: E402
from visavis.defaults import EMBEDDER  # noqa: E402
from visavis.embedders import DIMENSIONS  # noqa: E402
from visavis.gallery import Gallery, Template  # noqa: E402
from visavis.types import Floats  # noqa: E402

MODEL, DIMENSION, PER_PERSON = EMBEDDER, DIMENSIONS[EMBEDDER], 5
SIZES = (100, 1000, 10_000)
PEOPLE_A_CALL = 4000
Row = tuple[object, ...]


def main() -> None:
    """Measure, and print the tables."""
    parser = options(__doc__ or "")
    parser.add_argument("--searches", type=int, default=3000)
    parser.add_argument("--names", type=int, default=100_000)
    parser.add_argument("--check", type=int, default=1_000_000, metavar="TEMPLATES")
    parser.add_argument("--only-check", type=Path, metavar="FILE", help="check this gallery, and print what that took")
    chosen = parser.parse_args()
    if chosen.only_check:
        print(json.dumps(checked(chosen.only_check)))
        return
    searches = [row for size in SIZES for row in searched(size, chosen.searches)]
    columns = ("people", "call", "median ms", "95 %", "least")
    tables = [table("One search", columns, searches), names_compared(chosen.names)]
    if chosen.check:
        tables.append(check(chosen.check))
    report(tables, environment(numpy=np.__version__), chosen.json, {"searches": searches})


def rows(count: int, seed: int) -> Floats:
    """Return random unit rows ``(count, 128)``."""
    made = np.random.default_rng(seed).standard_normal((count, DIMENSION)).astype(np.float32)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return made


def searched(people: int, count: int) -> list[Row]:
    """Time searches in a gallery of so many people."""
    embeddings = rows(people + 200, 0)
    probes = embeddings[:people] + 0.05 * rows(people, 1)
    with tempfile.TemporaryDirectory() as folder, Gallery(Path(folder) / "faces.db", model=MODEL) as gallery:
        gallery.add_many([(f"person {i}", [Template(embeddings[i], quality=0.9)]) for i in range(people)])
        calls: dict[str, Callable[[int], object]] = {
            "search": lambda i: gallery.search(probes[7 * i % people][None]),
            "identify": lambda i: gallery.identify_embeddings(probes[7 * i % people][None], qualities=[0.9]),
        }
        made = [(name, timed(call, count)) for name, call in calls.items()]
        after = []
        for i in range(people, people + 200):
            gallery.add(f"person {i}", [Template(embeddings[i], quality=0.9)])
            after += timed(lambda _, i=i: gallery.search(embeddings[i][None]), 1)  # type: ignore[misc]
    return [
        (f"{people:,}", name, *np.percentile(times, [50, 95]).tolist(), min(times))
        for name, times in (*made, ("search after an enrollment", after))
    ]


def timed(call: Callable[[int], object], count: int) -> list[float]:
    """Return the milliseconds of each call; the first third of many is not counted."""
    times = []
    for number in range(count):
        start = time.perf_counter()
        call(number)
        times.append(1e3 * (time.perf_counter() - start))
    return times[count // 3 :]


def names_compared(count: int) -> object:
    """Time how names are compared with those of the gallery before an enrollment of many."""
    names = [f"person {i}" for i in range(count)]
    found = []
    with tempfile.TemporaryDirectory() as folder, Gallery(Path(folder) / "faces.db", model=MODEL) as gallery:
        for known in (1, count // 10):
            gallery.add_many([(f"person {i}", [Template(one)]) for i, one in enumerate(rows(known, 0))])
            start = time.perf_counter()
            _find_new_people(gallery, names, yes=True)
            found.append((f"{count:,}", f"{known:,}", time.perf_counter() - start))
    return table("Names compared before an enrollment", ("names", "people", "seconds"), found)


def check(templates: int) -> object:
    """Check a gallery in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "faces.db"
        with Gallery(file, model=MODEL) as gallery:
            for start in range(0, templates // PER_PERSON, PEOPLE_A_CALL):
                several = range(start, min(start + PEOPLE_A_CALL, templates // PER_PERSON))
                gallery.add_many([(f"person {i}", [Template(one) for one in of_person(i)]) for i in several])
        command = [sys.executable, __file__, "--only-check", str(file)]
        took = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    columns = ("templates", "problems", "seconds", "CPU s", "peak MB", "before opening")
    return table("gallery check", columns, [(f"{templates:,}", *took)])


def of_person(i: int) -> Floats:
    """Return templates ``(5, 128)``; of one person in a thousand one is of somebody else."""
    made = rows(1, 10 + i) + 0.04 * rows(PER_PERSON, 10**9 + i) * DIMENSION**0.5
    if i % 1000 == 7:
        made[-1] = rows(1, 11 + i)[0]
    return made


def checked(file: Path) -> list[object]:
    """Return problems of a gallery, seconds, processor seconds, and MB of memory: peak, and before it was opened."""
    before, start, cpu = memory("VmRSS"), time.perf_counter(), time.process_time()
    with Gallery(file) as gallery:
        problems = gallery.check()
    took = time.perf_counter() - start, time.process_time() - cpu
    return [len(problems), *took, memory("VmHWM") / 2**20, before / 2**20]


if __name__ == "__main__":
    main()
