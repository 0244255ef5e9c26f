"""How well clusters of photos agree with people: B-cubed and pairwise, by default and at fixed rates.

    python benchmarks/cluster_accuracy.py FOLDER... [--model MODEL] [--json FILE]

Each FOLDER holds a folder a person. All faces take part, and the largest of each photo counts, as in `visavis evaluate
clusters`. What was found in the photos is kept in the cache for the next run.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from _pages import markdown_of, write_blocks
from _rounds import environment, report, table
from numpy.typing import NDArray

from visavis.clustering import cluster_faces
from visavis.clustering.faces import gather_faces
from visavis.clustering.types import Faces
from visavis.defaults import EMBEDDER
from visavis.embedding_cache.photo_cache import EmbeddingCache
from visavis.evaluate.clusters import ClusterResult, measure_clustering
from visavis.evaluate.data.templates import every_face
from visavis.images.photo_files import photos_in
from visavis.pipeline import Recognizer

RATES = (3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 2e-3)
SEEDS = (1, 2, 3)


def main() -> None:
    """Measure each folder, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--model", default=EMBEDDER)
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="renew the tables between the marks of a page")
    chosen = parser.parse_args()
    default, rates = [], []
    for folder in chosen.folders:
        faces = faces_of(folder, chosen.model)
        default.append(default_row(folder, faces, chosen.model))
        f = [measure(faces, chosen.model, far=far)[0].b_cubed.f for far in RATES]
        rates.append([folder.name, *(f"{value:.3f}" for value in f)])
    names = ("threshold", "FAR", "clusters", "people", "precision", "recall", "F", "pairwise P", "R", "F", "F of seeds")
    tables = [
        table("By default", ("", "faces", *names), default),
        table("B-cubed F at a FAR", ("", *(f"{far:.0e}" for far in RATES)), rates),
    ]
    report(tables, environment(), chosen.json, {"default": default, "rates": rates})
    if chosen.write:
        blocks = zip(("clusters", "rates of clusters"), map(markdown_of, tables), strict=True)
        write_blocks(chosen.write, dict(blocks))


def faces_of(folder: Path, model: str) -> Faces:
    """Find and embed all faces below a folder."""
    photos = sorted(photos_in(folder))
    recognizer = Recognizer(embedder=model)
    with EmbeddingCache(recognizer) as cache:
        return gather_faces(every_face(photos, recognizer, cache=cache))[0]


def default_row(folder: Path, faces: Faces, model: str) -> list[str]:
    """Return the figures of the default rule, and B-cubed F with other seeds."""
    result, threshold, far = measure(faces, model)
    seeds = [f"{measure(faces, model, seed=seed)[0].b_cubed.f:.3f}" for seed in SEEDS]
    figures = [
        *(result.b_cubed.precision, result.b_cubed.recall, result.b_cubed.f),
        *(result.pairwise.precision, result.pairwise.recall, result.pairwise.f),
    ]
    counts = [f"{threshold:.4f}", f"{far or 0:.2g}", f"{result.clusters:,}", f"{result.people:,}"]
    return [folder.name, f"{len(faces):,}", *counts, *(f"{value:.3f}" for value in figures), " ".join(seeds)]


def measure(
    faces: Faces, model: str, *, far: float | None = None, seed: int = 0
) -> tuple[ClusterResult, float, float | None]:
    """Cluster, and hold the largest face of each photo against its folder."""
    answer = cluster_faces(faces, far=far, model=model, seed=seed)
    counted = largest(faces)
    people = [Path(faces.photos[row]).parent.name for row in counted.tolist()]
    return measure_clustering(people, answer.labels[counted].tolist()), answer.threshold, answer.far


def largest(faces: Faces) -> NDArray[np.int64]:
    """Return the row of the largest face of each photo."""
    areas = np.prod(faces.boxes[:, 2:] - faces.boxes[:, :2], axis=1)
    best: dict[str, int] = {}
    for row, photo in enumerate(faces.photos):
        if photo not in best or areas[row] > areas[best[photo]]:
            best[photo] = row
    return np.array(list(best.values()), np.int64)


if __name__ == "__main__":
    main()
