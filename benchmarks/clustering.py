"""Clustering of made-up faces: time, memory and how right it is, against the number of faces; beside DBSCAN.

    python benchmarks/clustering.py [--sizes 1000 10000 100000] [--dbscan 10000] [--alike 0.6] [--json FILE]

People are directions in 512 dimensions, a hundred at a time around a common one, so that some strangers are alike;
their photos, from 1 to some hundred each, lie around them, some near and some far. Each size runs in a process of its
own, whose greatest memory is told. DBSCAN is scikit-learn's, at the same threshold.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from _rounds import environment, report, table

from visavis.clustering import cluster_faces
from visavis.clustering.types import Faces
from visavis.compare import unit
from visavis.evaluate.clusters import measure_clustering

DIMENSION = 512
FAMILY = 100
THRESHOLD = 0.6
SPREAD = (0.5, 1.4)
"""Length of the noise of a face, that of its person being 1."""


def main() -> None:
    """Measure each size, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 3_000, 10_000, 30_000, 100_000])
    parser.add_argument("--dbscan", type=int, default=10_000, help="up to this size scikit-learn's DBSCAN runs too")
    parser.add_argument("--alike", type=float, default=0.6, help="length of what the people of a hundred share; own: 1")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        print(json.dumps(measured(chosen.one[0], int(chosen.one[1]), float(chosen.one[2]))))
        return
    before = environment()
    figures = [in_a_process("visavis", size, chosen.alike) for size in chosen.sizes]
    figures += [in_a_process("DBSCAN", size, chosen.alike) for size in chosen.sizes if size <= chosen.dbscan]
    taken = ("faces", "people", "by", "s", "CPU s", "MB at most", "MB of embeddings")
    columns = (*taken, "clusters", "precision", "recall", "F")
    about = {**before, "load after": environment()["load"], "threshold": THRESHOLD, "alike": chosen.alike}
    rows = [row(one) for one in figures]
    report([table("Clusters of made-up faces", columns, rows)], about, chosen.json, {"figures": figures})


def row(one: dict[str, Any]) -> list[str]:
    counts = [f"{one['faces']:,}", f"{one['people']:,}", one["by"]]
    sizes = [
        f"{one['seconds']:.1f}",
        f"{one['cpu']:.1f}",
        f"{one['mb']:.0f}",
        f"{one['mb_embeddings']:.0f}",
        f"{one['clusters']:,}",
    ]
    return [*counts, *sizes, *(f"{one[name]:.4f}" for name in ("precision", "recall", "f"))]


def in_a_process(engine: str, size: int, alike: float) -> dict[str, Any]:
    command = [sys.executable, __file__, "--one", engine, str(size), str(alike)]
    answer: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return answer


def measured(engine: str, size: int, alike: float) -> dict[str, Any]:
    """Cluster generated faces; the greatest memory is that of the whole process."""
    embeddings, people = generated(size, alike)
    start, cpu = time.perf_counter(), time.process_time()
    labels = by_visavis(embeddings) if engine == "visavis" else by_dbscan(embeddings)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    result = measure_clustering(people, labels)
    return {
        "faces": size,
        "people": result.people,
        "by": engine,
        "seconds": seconds,
        "cpu": cpu,
        "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "mb_embeddings": embeddings.nbytes / 1e6,
        "clusters": result.clusters,
        "precision": result.b_cubed.precision,
        "recall": result.b_cubed.recall,
        "f": result.b_cubed.f,
    }


def generated(size: int, alike: float) -> tuple[Any, Any]:
    """Unit embeddings ``(size, 512)`` and whose each is: ten faces a person on average, one of most, many of a few."""
    random = np.random.default_rng(0)
    counts = np.minimum(np.ceil(random.lognormal(1.5, 1.2, size)).astype(int), 300)
    people = np.repeat(np.arange(size), counts)[:size]
    count = int(people[-1]) + 1
    families = unit(random.normal(size=(count // FAMILY + 1, DIMENSION)).astype(np.float32))
    own = unit(random.normal(size=(count, DIMENSION)).astype(np.float32))
    directions = unit(alike * families[np.arange(count) // FAMILY] + own)
    embeddings = random.standard_normal((size, DIMENSION), np.float32)
    embeddings *= random.uniform(*SPREAD, (size, 1)).astype(np.float32) / np.sqrt(DIMENSION, dtype=np.float32)
    embeddings += directions[people]
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    order = random.permutation(size)
    return embeddings[order], people[order]


def by_visavis(embeddings: Any) -> Any:
    n = len(embeddings)
    ones = np.ones(n, np.float32)
    boxes = np.tile(np.array([0, 0, 1, 1], np.float32), (n, 1))
    photos = tuple(f"{row:08d}.jpg" for row in range(n))
    faces = Faces(photos, np.ones(n, np.int64), boxes, embeddings, ones, np.full(n, -1))
    return cluster_faces(faces, threshold=THRESHOLD).labels


def by_dbscan(embeddings: Any) -> Any:
    from sklearn.cluster import DBSCAN

    labels = DBSCAN(eps=THRESHOLD, min_samples=2, metric="cosine").fit_predict(embeddings)
    alone = labels < 0
    labels[alone] = labels.max() + 1 + np.arange(alone.sum())
    return labels


if __name__ == "__main__":
    main()
