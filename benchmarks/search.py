"""What search costs: against NumPy's bare product, by the number of templates, while others enroll.

    python benchmarks/search.py [--sizes 1000 ... 1000000] [--rounds 7] [--folder DIR] [--plot FILE.svg] [--json FILE]

Embeddings of 512 values, made up, five a person. ``numpy`` is ``probes @ embeddings.T`` in float32 alone, without
looking for the highest; ``exact`` and ``exact:int8`` give the ten nearest people. All run in one process, in turn; a
ratio is the median of those within each round. Takes 10 GB of memory and 3 GB of disk for a million.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from _rounds import environment, options, report, table
from _search_gallery import DIMENSION, build, embeddings, parts
from threadpoolctl import threadpool_info

from visavis.evaluate.report import svg
from visavis.gallery import Gallery
from visavis.gallery.index import INDEXES, Index
from visavis.types import Floats

TOP, BATCH = 10, 100
LEAST = 0.25
WATCHED = 10.0
"""Seconds of searching, in quiet and while another process enrolls."""
FORMS = ("numpy", "exact", "exact:int8")
COLORS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#8c564b", "#e377c2")

Times = dict[str, list[float]]


def main() -> None:
    """Measure, and print the tables."""
    parser = options(__doc__ or "")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--folder", type=Path, help="where the galleries are made (default: a temporary folder)")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg")
    chosen = parser.parse_args()
    before = environment()
    found: dict[int, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        for size in chosen.sizes:
            print(f"{size} templates", file=sys.stderr)
            found[size] = {**in_memory(size, chosen.rounds), **on_disk(Path(folder), size)}
        watched = beside(Path(folder) / f"{max(chosen.sizes)}.db")
    kernels = {one["prefix"]: one.get("architecture") for one in threadpool_info() if one["user_api"] == "blas"}
    about = {**before, "load after": environment()["load"], "numpy": np.__version__, "kernels of its BLAS": kernels}
    report([speeds(found), costs(found), latencies(watched)], about, chosen.json, {"sizes": found, "beside": watched})
    if chosen.plot:
        chosen.plot.write_text(drawn(found))


def in_memory(size: int, rounds: int) -> dict[str, Any]:
    """Milliseconds a query of each form, alone and in a batch; whether answers are right; what changes cost."""
    matrix = np.empty((size, DIMENSION), np.float32)
    forms: dict[str, Index] = {
        name: INDEXES.create("exact", dimension=DIMENSION, place=name.partition(":")[2]) for name in FORMS[1:]
    }
    done = 0
    for people, rows in parts(size):
        matrix[done : done + len(rows)] = rows
        for index in forms.values():
            index.add(np.arange(done, done + len(rows)) + 1, people, rows)
        done += len(rows)
    rng = np.random.default_rng(5)
    probes = embeddings(rng.integers(1, size // 4, BATCH), 77)  # some are nobody's
    spent: dict[int, Times] = {1: {}, BATCH: {}}
    for number in range(-1, rounds):
        for several, times in spent.items():
            for name in FORMS:
                work = (lambda p: p @ matrix.T) if name == "numpy" else (lambda p, i=forms[name]: i.search(p, TOP))
                took = milliseconds(work, probes[:several])
                if number >= 0:
                    times.setdefault(name, []).append(took)
    answers = [index.search(probes, TOP) for index in forms.values()]
    return {
        "single": spent[1],
        "batch": spent[BATCH],
        "recall": recall(matrix, probes, answers[1]),
        "same": answers[0] == answers[1],
        "changes": {name: changes(index, size) for name, index in forms.items()},
    }


def milliseconds(work: Callable[[Floats], object], probes: Floats) -> float:
    """Milliseconds a query: of as many passes as fill a quarter of a second, the median."""
    passes, end = [], time.perf_counter() + LEAST
    while not passes or time.perf_counter() < end:
        start = time.perf_counter()
        work(probes)
        passes.append(1e3 * (time.perf_counter() - start) / len(probes))
    return median(passes)


def recall(matrix: Floats, probes: Floats, answers: list[list[Any]]) -> float:
    """Share of the ten nearest people, found by float64 products of everything, that are among the answers."""
    exact = probes.astype(np.float64).T
    best = np.empty((0, len(probes)))
    people = np.empty((0, len(probes)), np.int64)
    for start in range(0, len(matrix), 65536):
        scores = matrix[start : start + 65536].astype(np.float64) @ exact
        rows = np.argpartition(-scores, 5 * TOP, axis=0)[: 5 * TOP]
        best = np.concatenate([best, np.take_along_axis(scores, rows, 0)])
        people = np.concatenate([people, (start + rows) // 5 + 1])
    order = np.argsort(-best, axis=0, kind="stable")
    ranked = np.take_along_axis(people, order, 0).T.tolist()
    right = sum(
        len({hit.person_id for hit in answer} & set(list(dict.fromkeys(row))[:TOP]))
        for row, answer in zip(ranked, answers, strict=True)
    )
    return right / (TOP * len(probes))


def changes(index: Index, size: int) -> dict[str, float]:
    """Microseconds to add one template, to add ten, and to replace ten; with the search before, all codes are made."""
    spent: Times = {"add 1": [], "add 10": [], "replace 10": []}
    last = size
    for number in range(30):
        for name, several in (("add 1", 1), ("add 10", 10), ("replace 10", 10)):
            rows = embeddings(np.arange(several) + 10**8, number)
            ids = np.arange(several) + (1 + number if name.startswith("replace") else last + 1)
            last += 0 if name.startswith("replace") else several
            start = time.perf_counter()
            index.add(ids, ids + 10**8, rows)
            spent[name].append(1e6 * (time.perf_counter() - start))
    return {name: median(times) for name, times in spent.items()}


def on_disk(folder: Path, size: int) -> dict[str, Any]:
    """Store a gallery, and open it in processes of their own."""
    file = folder / f"{size}.db"
    stored = build(file, size)
    command = [sys.executable, str(Path(__file__).with_name("_search_gallery.py")), "open", str(file)]
    opened = {
        form: [json.loads(subprocess.run([*command, form], check=True, capture_output=True).stdout) for _ in range(3)]
        for form in FORMS[1:]
    }
    return {"templates stored a second": stored, "opened": opened}


def beside(file: Path) -> dict[str, Times]:
    """Milliseconds of single searches in a gallery, in quiet and while another process enrolls."""
    found: dict[str, Times] = {}
    for form in FORMS[1:]:
        with Gallery(file, index=form) as gallery:
            gallery.search(embeddings(np.array([1]), 0), top=TOP)
            quiet = watched(gallery)
            command = [sys.executable, str(Path(__file__).with_name("_search_gallery.py")), "enroll", str(file)]
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
                assert other.stdout is not None
                other.stdout.readline()
                busy = watched(gallery)
                said, _ = other.communicate("end\n")
            found[form] = {"quiet": quiet, "enrolling": busy, "enrolled": [float(said)]}
    return found


def watched(gallery: Gallery) -> list[float]:
    """Milliseconds of one search after the other."""
    times, end, number = [], time.perf_counter() + WATCHED, 0
    while time.perf_counter() < end:
        probe = embeddings(np.array([1 + number % 150]), number)
        start = time.perf_counter()
        gallery.search(probe, top=TOP)
        times.append(1e3 * (time.perf_counter() - start))
        number += 1
    return times


def speeds(found: dict[int, dict[str, Any]]) -> Any:
    """Milliseconds a query, and times NumPy's product within a round."""
    rows = []
    for size, one in found.items():
        for case in ("single", "batch"):
            times = one[case]
            ratios = [median(a / b for a, b in zip(times[name], times["numpy"], strict=True)) for name in FORMS[1:]]
            rows.append(
                (f"{size:,}", case, *(median(times[name]) for name in FORMS), *ratios, one["recall"], one["same"])
            )
    columns = ("templates", "queries", *(f"{name} ms" for name in FORMS), "exact/numpy", "int8/numpy", "recall", "same")
    return table("Search, ms a query, the ten nearest people", columns, rows)


def costs(found: dict[int, dict[str, Any]]) -> Any:
    """Opening, memory, changes."""
    rows = []
    for size, one in found.items():
        for form in FORMS[1:]:
            runs, changed = one["opened"][form], one["changes"][form]
            memory = (median(run[key] for run in runs) for key in ("highest", "after"))
            times = (b / (4 * DIMENSION * size) for b in memory)
            opening = median(run["seconds"] for run in runs)
            rates = one["templates stored a second"]
            rows.append((f"{size:,}", form, opening, *times, *changed.values(), *rates))
    columns = (
        "templates",
        "index",
        "open s",
        "highest memory/embeddings",
        "after",
        "add 1 us",
        "add 10",
        "replace 10",
        "stored/s",
    )
    return table("Opening (to the first answer), memory, changes", columns, rows)


def latencies(watched: dict[str, Times]) -> Any:
    """Median and 99th percentile of single searches through the gallery."""
    rows = []
    for form, one in watched.items():
        for case in ("quiet", "enrolling"):
            rate = one["enrolled"][0] / WATCHED if case == "enrolling" else 0.0
            rows.append((form, case, median(one[case]), float(np.percentile(one[case], 99)), len(one[case]), rate))
    columns = ("index", "meanwhile", "median ms", "99 % ms", "searches", "people enrolled/s")
    return table("A search through the gallery, while another process enrolls", columns, rows)


def drawn(found: dict[int, dict[str, Any]]) -> str:
    """Milliseconds a query against the number of templates, as a file of its own."""
    sizes = sorted(found)
    y = [median(one[case][name]) for one in found.values() for case in ("single", "batch") for name in FORMS]
    frame = svg.PlotFrame(
        svg.logarithmic("templates", round(np.log10(sizes[0])), round(np.log10(sizes[-1]))),
        svg.logarithmic("ms a query", int(np.floor(np.log10(min(y)))), int(np.ceil(np.log10(max(y))))),
    )
    lines, keys = [], []
    for case, words in (("single", "one query"), ("batch", f"each of {BATCH} queries")):
        for name in FORMS:
            values = [median(found[size][case][name]) for size in sizes]
            tips = [f"{name}, {words}, {size:,}: {value:.3g} ms" for size, value in zip(sizes, values, strict=True)]
            keys.append(svg.Key(f"{name}, {words}", len(keys)))
            lines.append(svg.polyline(frame, sizes, values, series=keys[-1].series, tips=tips))
    text = svg.figure(frame, lines, label="Milliseconds a query by the number of templates", keys=keys)
    style = "".join(f".s{number}{{color:{color}}}" for number, color in enumerate(COLORS))
    rest = "svg{background:#fff;font:12px sans-serif}.grid{stroke:#ccc}text{fill:#333}"
    head, _, tail = text.partition(">")
    return f"{head}><style>{style}{rest}</style>{tail}\n"


if __name__ == "__main__":
    main()
