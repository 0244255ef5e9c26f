"""Galleries of made-up people for ``search.py``, and what other processes do with them.

python benchmarks/_search_gallery.py open FILE INDEX      open it, search once, tell seconds and memory
python benchmarks/_search_gallery.py enroll FILE           add a person every 20 ms until the input ends
"""

from __future__ import annotations

import json
import select
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from sqlalchemy import insert

from visavis.gallery import Gallery, Template
from visavis.gallery.sql import records
from visavis.gallery.sql.schema import PEOPLE
from visavis.types import Floats

MODEL, DIMENSION, PER_PERSON = "made-up", 512, 5
SPREAD = 0.035
"""Noise on each component: two templates of a person are at a cosine distance of about .4."""
PEOPLE_A_CALL = 2000


def embeddings(people: np.ndarray, seed: int) -> Floats:
    """Unit rows, one for each of ``people (n,)``, around a point of that person's own."""
    rng = np.random.default_rng(seed)
    known, which = np.unique(people, return_inverse=True)
    centers = np.stack([np.random.default_rng([1, int(one)]).standard_normal(DIMENSION, np.float32) for one in known])
    centers /= np.linalg.norm(centers, axis=1, keepdims=True)
    return unit(centers[which] + np.float32(SPREAD) * rng.standard_normal((len(people), DIMENSION), np.float32))


def unit(rows: Floats) -> Floats:
    """Rows of length 1."""
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def parts(templates: int) -> Iterator[tuple[np.ndarray, Floats]]:
    """People and embeddings of a gallery of so many templates, five a person."""
    step = PEOPLE_A_CALL * PER_PERSON
    for start in range(0, templates, step):
        people = np.arange(start, min(start + step, templates)) // PER_PERSON + 1
        yield people, embeddings(people, start)


def build(file: Path, templates: int) -> tuple[float, float]:
    """Store such a gallery; returns templates a second through ``Gallery.add_many``, and of the records alone.

    The first part goes the one way and the rest the other; making up the embeddings does not count.
    """
    spent = [[0, 0.0], [0, 0.0]]
    with Gallery(file, model=MODEL) as gallery:
        for number, (people, rows) in enumerate(parts(templates)):
            made = [
                Template(row, photo_sha256=f"{person:032x}{place:032x}", photo=f"{place}.jpg", quality=0.5)
                for place, (person, row) in enumerate(zip(people.tolist(), rows, strict=True))
            ]
            start = time.perf_counter()
            if number:
                with gallery.opened.database.write() as conn:
                    known = [
                        {"id": int(one), "name": f"person {one}", "note": "", "created": ""} for one in set(people)
                    ]
                    conn.execute(insert(PEOPLE), known)
                    records.add_templates(conn, MODEL, list(zip(people.tolist(), made, strict=True)))
            else:
                batch: dict[str, list[Template]] = {}
                for person, one in zip(people.tolist(), made, strict=True):
                    batch.setdefault(f"person {person}", []).append(one)
                gallery.add_many(batch.items())
            spent[number > 0][0] += len(rows)
            spent[number > 0][1] += time.perf_counter() - start
    rates = [count / took if count else float("nan") for count, took in spent]
    return rates[0], rates[1]


def memory(field: str) -> int:
    """Bytes, as Linux tells them: VmRSS now, VmHWM at the most."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return 1024 * int(line.split()[1])


def open_once(file: str, index: str) -> None:
    probe = embeddings(np.array([3]), 99)
    np.dot(probe, probe.T)
    if index.endswith("int8"):  # what ONNX Runtime takes by itself is not the gallery's
        import onnxruntime  # noqa: F401
    before, start = memory("VmRSS"), time.perf_counter()
    with Gallery(file, index=index) as gallery:
        gallery.search(probe, top=10)
        took = time.perf_counter() - start
        gallery.search(probe, top=10)
        told = {"seconds": took, "highest": memory("VmHWM") - before, "after": memory("VmRSS") - before}
    print(json.dumps(told))


def enroll(file: str) -> None:
    number = 0
    with Gallery(file) as gallery:
        print("ready", flush=True)
        while not select.select([sys.stdin], [], [], 0.02)[0]:
            rows = embeddings(np.array([10**7 + number]), number)
            gallery.add(f"newcomer {number}", [Template(rows[0])])
            number += 1
    print(number)


if __name__ == "__main__":
    {"open": open_once, "enroll": enroll}[sys.argv[1]](*sys.argv[2:])
