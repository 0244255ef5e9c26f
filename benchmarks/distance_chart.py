"""The picture of the README: distances of strangers and of one person on LFW view 1, with the threshold between them.

Run ``python benchmarks/distance_chart.py [--model NAME] [--write docs/images/distances.svg]``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from _rounds import data_folder
from numpy.typing import NDArray

from visavis import compare
from visavis.defaults import EMBEDDER
from visavis.embedding_cache.photo_cache import EmbeddingCache
from visavis.evaluate.data.pairs import read_people
from visavis.evaluate.data.templates import take
from visavis.evaluate.poor_photos import person_numbers
from visavis.pipeline import Recognizer
from visavis.types import Floats

FAR = 1e-3
EDGES = np.linspace(0, 1.3, 66)
"""Of the bars, in cosine distance."""
WIDTH, HEIGHT, LEFT, TOP, BASE = 760, 250, 20, 34, 200
STYLE = (
    "text{font:13px sans-serif;fill:#444}.own{fill:#1a7f5a;fill-opacity:.75}.strangers{fill:#c2571a;fill-opacity:.75}"
    ".line{stroke:#444;stroke-dasharray:5 4}.axis{stroke:#888}"
    "@media(prefers-color-scheme:dark){text{fill:#ccc}.line{stroke:#ccc}}"
)


def main() -> None:
    """Measure, and write the picture."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default=EMBEDDER)
    parser.add_argument("--write", type=Path, default=Path(__file__).parents[1] / "docs/images/distances.svg")
    chosen = parser.parse_args()
    people, recognizer = read_people(data_folder() / "lfw" / "images"), Recognizer(embedder=chosen.model)
    with EmbeddingCache(recognizer) as cache:
        templates = take(people.photos, recognizer, cache=cache)
    own, strangers = histograms(
        templates.embeddings[templates.has_template], person_numbers(people.names)[templates.has_template]
    )
    table = compare.calibration(recognizer.model)
    if table is None:
        raise SystemExit(f"{recognizer.model} is not calibrated.")
    chosen.write.write_text(picture(own, strangers, table.threshold(FAR)), encoding="utf-8")


def histograms(embeddings: Floats, people: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Count the pairs of one person and of two people by distance, between neighboring ``EDGES``."""
    counts = np.zeros((2, len(EDGES) - 1), np.intp)
    for start in range(0, len(embeddings), 500):
        rows = np.arange(start, min(start + 500, len(embeddings)))
        later = np.arange(len(embeddings)) > rows[:, None]
        same = people[rows, None] == people
        distances = np.clip(compare.cosine_distances(embeddings[rows], embeddings), 0, EDGES[-1])
        for kind, pairs in enumerate((later & same, later & ~same)):
            counts[kind] += np.histogram(distances[pairs], EDGES)[0]
    return counts[0], counts[1]


def picture(own: NDArray[np.intp], strangers: NDArray[np.intp], threshold: float) -> str:
    """Draw both as SVG, each as high as its highest bar."""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>Distances of {own.sum():,} pairs of one person and of {strangers.sum():,} pairs of strangers</title>",
        f"<style>{STYLE}</style>",
        _area(own, "own"),
        _area(strangers, "strangers"),
        f'<path class="axis" d="M{LEFT} {BASE}H{WIDTH - LEFT}"/>',
        *(_label(value, BASE + 18, f"{value:g}") for value in np.arange(0, 1.3, 0.2).round(1)),
        f'<path class="line" d="M{_x(threshold):.1f} {TOP - 8}V{BASE}"/>',
        _label(threshold, TOP - 16, f"threshold {threshold:.2f}: 1 stranger in {1 / FAR:,.0f} passes"),
        _label(_mode(own), BASE + 40, f"one person: {own.sum():,} pairs"),
        _label(_mode(strangers), BASE + 40, f"strangers: {strangers.sum() / 1e6:.1f} million pairs"),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _x(distance: float) -> float:
    return LEFT + (WIDTH - 2 * LEFT) * distance / float(EDGES[-1])


def _mode(counts: NDArray[np.intp]) -> float:
    return float(EDGES[counts.argmax()])


def _area(counts: NDArray[np.intp], name: str) -> str:
    heights = BASE - (BASE - TOP) * counts / counts.max()
    steps = "".join(f"V{y:.1f}H{_x(right):.1f}" for y, right in zip(heights, EDGES[1:], strict=True))
    return f'<path class="{name}" d="M{LEFT} {BASE}{steps}V{BASE}Z"/>'


def _label(distance: float, y: float, text: str) -> str:
    return f'<text x="{_x(distance):.1f}" y="{y}" text-anchor="middle">{text}</text>'


if __name__ == "__main__":
    main()
