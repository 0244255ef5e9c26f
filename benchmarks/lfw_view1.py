"""Accuracy of the default models on LFW view 1, and the table of thresholds that is shipped.

    python benchmarks/lfw_view1.py [--model dlib-resnet] [--write]

The protocol is LFW's: the threshold is chosen on pairsDevTrain (2,200 pairs), accuracy is counted on
pairsDevTest (1,000 pairs); a photo without a detected face makes its pairs errors. False-accept rates come from all
pairs of different people among the photos of view 1, far more than the listed ones. ``--write`` stores the table in
src/visavis/calibration.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from _rounds import data_folder
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

import visavis
from visavis.pipeline import Recognizer
from visavis.types import PhotoFaces

RATES = [factor * 10.0**-power for power in range(1, 7) for factor in (1, 0.3)]
LEAST_ERRORS = 30
"""A rate is tabled only if at least so many false accepts stand behind it (their relative error is then below 37 %)."""
BLOCK = 1024

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Pairs:
    """Listed pairs: indices of the two photos ``(n,)``, and whether they show one person ``(n,)``."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    same: NDArray[np.bool_]


def main() -> None:
    """Embed view 1, print the accuracy, write the table if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="dlib-resnet")
    parser.add_argument("--write", action="store_true", help="store the table in src/visavis/calibration")
    options = parser.parse_args()
    folder = data_folder() / "lfw"
    photos = sorted((folder / "images").glob("*/*.jpg"))
    people = np.array([photo.parent.name for photo in photos])
    started = time.perf_counter()
    vectors = embed(photos, model=options.model)
    seconds = time.perf_counter() - started
    numbers = {photo.stem: number for number, photo in enumerate(photos)}
    train, test = (read_pairs(folder / name, numbers) for name in ("pairsDevTrain.txt", "pairsDevTest.txt"))
    figures = protocol(vectors, train, test)
    figures |= {"photos": len(photos), "without a face": int((~vectors.any(axis=1)).sum()), "seconds": round(seconds)}
    table = far_table(vectors, people)
    console = Console()
    for name, value in figures.items():
        console.print(f"{name}: {value}")
    for far, threshold in table:
        console.print(f"FAR {far:.0e}: cosine distance {threshold:.4f}, TAR {accepted(vectors, test, threshold):.4f}")
    if options.write:
        write(options.model, table, logistic(vectors, train), figures, impostors(people, vectors))


def embed(photos: Sequence[Path], *, model: str) -> Vectors:
    """One vector a photo, zeros where no face was found."""
    recognizer = Recognizer(embedder=model)
    rows = np.zeros((len(photos), recognizer.embedder.dimension), np.float32)
    answers = track(recognizer.represent(map(str, photos)), total=len(photos), console=Console(stderr=True))
    for row, answer in zip(rows, answers, strict=True):
        if answer.vectors is not None and len(answer.vectors):
            row[:] = answer.vectors[subject(answer)]
    return rows


def subject(answer: PhotoFaces) -> int:
    """Which face an LFW photo is about: large and near the middle (area minus twice the squared distance)."""
    assert answer.photo is not None
    middle = np.array([answer.photo.width, answer.photo.height]) / 2
    off = [((face.box[:2] + face.box[2:]) / 2 - middle) ** 2 for face in answer.faces]
    return int(np.argmax([face.area - 2 * square.sum() for face, square in zip(answer.faces, off, strict=True)]))


def read_pairs(path: Path, numbers: dict[str, int]) -> Pairs:
    """LFW's format: "name i j" for one person, "name i name j" for two."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        fields = line.split("\t")
        name, other = fields[0], fields[-2] if len(fields) == 4 else fields[0]
        stems = f"{name}_{int(fields[1]):04d}", f"{other}_{int(fields[-1]):04d}"
        rows.append((numbers[stems[0]], numbers[stems[1]], len(fields) == 3))
    first, second, same = zip(*rows, strict=True)
    return Pairs(np.array(first), np.array(second), np.array(same))


def distances(vectors: Vectors, pairs: Pairs) -> Vectors:
    """Cosine distances; 2, the largest, where a photo has no face."""
    a, b = vectors[pairs.first], vectors[pairs.second]
    return np.where(a.any(axis=1) & b.any(axis=1), 1 - (a * b).sum(axis=1), 2)


def protocol(vectors: Vectors, train: Pairs, test: Pairs) -> dict[str, float]:
    """Threshold from the training pairs, accuracy on the test pairs."""
    known = distances(vectors, train)
    tries = np.unique(known)
    hits = np.array([((known <= limit) == train.same).mean() for limit in tries])
    best = float(tries[np.flatnonzero(hits == hits.max())].mean())
    asked = distances(vectors, test)
    # A pair without a face is an error whatever its distance says.
    right = ((asked <= best) == test.same) & (asked < 2)
    share = float(right.mean())
    return {
        "threshold from pairsDevTrain": round(best, 4),
        "accuracy on pairsDevTrain": round(float(hits.max()), 4),
        "accuracy on pairsDevTest": round(share, 4),
        "standard error": round(math.sqrt(share * (1 - share) / len(asked)), 4),
    }


def accepted(vectors: Vectors, pairs: Pairs, threshold: float) -> float:
    """Share of the pairs of one person that are accepted."""
    return float((distances(vectors, pairs)[pairs.same] <= threshold).mean())


def impostors(people: NDArray[np.str_], vectors: Vectors) -> int:
    """Number of pairs of photos of different people, both with a face."""
    counts = np.unique(people[vectors.any(axis=1)], return_counts=True)[1]
    total = int(counts.sum())
    return (total * total - int((counts**2).sum())) // 2


def far_table(vectors: Vectors, people: NDArray[np.str_]) -> list[tuple[float, float]]:
    """Rates and the cosine distances at which just that share of all impostor pairs is accepted."""
    found = vectors.any(axis=1)
    vectors, people = vectors[found], people[found]
    near: list[Vectors] = []
    for start in range(0, len(vectors), BLOCK):
        block = 1 - vectors[start : start + BLOCK] @ vectors[start:].T
        other = people[start : start + BLOCK, None] != people[None, start:]
        later = np.arange(len(block))[:, None] < np.arange(block.shape[1])[None, :]
        near.append(block[other & later])
    everything = np.sort(np.concatenate(near))
    counted = [(far, int(far * len(everything))) for far in RATES]
    return [(far, float(everything[count])) for far, count in counted if count >= LEAST_ERRORS]


def logistic(vectors: Vectors, pairs: Pairs) -> tuple[float, float]:
    """Slope and intercept of log odds against distance, by Newton's method; the pairs are half and half."""
    x = distances(vectors, pairs).astype(np.float64)
    x, y = x[x < 2], pairs.same[x < 2]
    design = np.stack([x, np.ones_like(x)], axis=1)
    weights = np.zeros(2)
    for _ in range(50):
        p = 1 / (1 + np.exp(-design @ weights))
        hessian = design.T @ (design * (p * (1 - p))[:, None]) + 1e-9 * np.eye(2)
        weights = weights + np.linalg.solve(hessian, design.T @ (y - p))
    return float(weights[0]), float(weights[1])


def write(
    model: str,
    table: list[tuple[float, float]],
    fit: tuple[float, float],
    figures: dict[str, float],
    impostor_pairs: int,
) -> None:
    """Store the table where ``visavis.compare`` finds it."""
    content = {
        "model": model,
        "far_threshold": [[float(f"{far:.1e}"), round(threshold, 5)] for far, threshold in table],
        "logistic": [round(number, 4) for number in fit],
        "provenance": {
            "data": "LFW (deep-funneled) view 1",
            "impostor_pairs": impostor_pairs,
            "logistic_pairs": "pairsDevTrain",
            "detector": "mtcnn",
            "precision": "float32",
            "version": visavis.__version__,
            "date": datetime.now(UTC).date().isoformat(),
            **{name.replace(" ", "_"): value for name, value in figures.items() if name != "seconds"},
        },
    }
    path = Path(visavis.__file__).parent / "calibration" / f"{model}.json"
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
