"""Fit the curves of ``visavis.quality`` to what photos made worse cost the default embedder.

    python benchmarks/quality_curves.py [--people 300] [--seeds 2] [--json FILE]

Two photos each of people of LFW's ``peopleDevTrain`` are made worse, each kind at strengths drawn between mild and
harsh, and compared with the other photo of the same person as it is. A curve is the share of these pairs that pass at a
FAR of 1e-3, over that of the photos as they are: 1 / (1 + (half / x)^steep), by the greatest likelihood. People of
``peopleDevTest`` say whether it holds: of copies in thirds by what the curve says, what it says and what passed.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from _rounds import data_folder, environment, report
from numpy.typing import NDArray
from rich.progress import track
from rich.table import Table

from visavis import compare, quality
from visavis.defaults import EMBEDDER
from visavis.embedding_cache.photo_cache import EmbeddingCache
from visavis.evaluate.data.templates import Templates, take
from visavis.evaluate.poor_photos import Copies, make_copies
from visavis.images.photo_files import photos_in
from visavis.pipeline import Recognizer
from visavis.types import Floats

FAR = 1e-3
Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Curve:
    """A constant of ``visavis.quality``, the part that it shapes, and the kinds of damage that it is fitted to.

    ``falling`` says that more of the measured figure is worse.
    """

    constant: str
    part: str
    kinds: tuple[str, ...]
    falling: bool = False

    def figures(self, copies: Copies) -> Doubles:
        """Return the measured figure of each copy, taken back from the part by today's curve; inverted if falling."""
        half, steep = getattr(quality, self.constant)
        part = np.clip(copies.values(self.part), 1e-9, 1 - 1e-9)
        figure: Doubles = (1 / half if self.falling else half) * (part / (1 - part)) ** (1 / steep)
        return figure


CURVES = (
    Curve("SIZE", "size", ("small",)),
    Curve("SHARPNESS", "sharpness", ("blurred", "enlarged")),
    Curve("CLARITY", "clarity", ("noisy",)),
    Curve("CONTRAST", "exposure", ("dark", "pale")),
    Curve("COMPRESSION", "compression", ("compressed",)),
    Curve("PROPORTIONS", "proportions", ("narrow", "wide"), falling=True),
)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=300, help="people to fit to; half as many to check by")
    parser.add_argument("--seeds", type=int, default=2, help="copies a photo and kind")
    parser.add_argument("--json", type=Path, help="also write the results here")
    chosen = parser.parse_args()
    recognizer = Recognizer()
    table = compare.calibration(recognizer.model)
    if table is None:
        raise SystemExit(f"there are no thresholds for {EMBEDDER}")
    limit = table.threshold(FAR)
    fitted, checked = (
        measure(recognizer, name, people, chosen.seeds, limit)
        for name, people in (("peopleDevTrain", chosen.people), ("peopleDevTest", chosen.people // 2))
    )
    shown = Table("curve", "half", "steep", "half, now", "steep, now", "copies", "others: said", "passed")
    results = []
    for curve in CURVES:
        figures, passed = of_curve(curve, fitted)
        half, steep = fit(figures, passed, fitted.base)
        other, other_passed = of_curve(curve, checked)
        said = checked.base * keeps(other, half, steep)
        thirds = np.array_split(np.argsort(said), 3)
        pairs = [(float(said[rows].mean()), float(other_passed[rows].mean())) for rows in thirds]
        now = getattr(quality, curve.constant)
        half = 1 / half if curve.falling else half
        said_text, passed_text = (" ".join(f"{pair[side]:.2f}" for pair in pairs) for side in (0, 1))
        shown.add_row(
            *(curve.constant, f"{half:.3g}", f"{steep:.2g}", f"{now[0]:.3g}", f"{now[1]:.2g}"),
            *(str(len(figures)), said_text, passed_text),
        )
        results.append({"curve": curve.constant, "half": half, "steep": steep, "others": pairs})
    report([shown], environment(), chosen.json, {"base": fitted.base, "curves": results})


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Copies by kind, whether each passes with the other photo of its person, and how many photos as they are do."""

    copies: dict[str, Copies]
    passed: dict[str, NDArray[np.bool_]]
    base: float


def measure(recognizer: Recognizer, name: str, people: int, seeds: int, limit: float) -> Measured:
    """Make copies of two photos each of people of a list of LFW."""
    with EmbeddingCache(recognizer) as cache:
        photos = two_photos_each(data_folder() / "lfw", name, people)
        templates = take(photos, recognizer, cache=cache)
    rows = np.arange(len(photos))
    copies: dict[str, list[Copies]] = {}
    for seed in range(seeds):
        made = make_copies(
            templates, rows, recognizer, seed=seed * 100_000, most=len(rows),
            progress=lambda answers, total: track(answers, f"copies of {name}", total),
        )  # fmt: skip
        for kind, some in made.items():
            copies.setdefault(kind, []).append(some)
    whole = {kind: joined(some) for kind, some in copies.items()}
    passed = {kind: passes(some, templates, limit) for kind, some in whole.items()}
    return Measured(whole, passed, float(passed[""].mean()))


def two_photos_each(folder: Path, name: str, people: int) -> list[str]:
    """Return two photos each of so many people of a list, spread over it; each pair stands together."""
    names = [line.split("\t")[0] for line in (folder / f"{name}.txt").read_text().splitlines()[1:]]
    photos = [photos_in(folder / "images" / person)[:2] for person in names]
    pairs = [pair for pair in photos if len(pair) > 1]
    rows = np.linspace(0, len(pairs) - 1, min(people, len(pairs))).round().astype(int)
    return [photo for row in rows for photo in pairs[row]]


def joined(some: list[Copies]) -> Copies:
    """Return the rows of several copies."""
    embeddings, people = (np.concatenate([getattr(one, name) for one in some]) for name in ("embeddings", "people"))
    return Copies(embeddings, people, tuple(each for one in some for each in one.qualities))


def passes(copies: Copies, templates: Templates, limit: float) -> NDArray[np.bool_]:
    """Return whether each copy passes with the other photo of the same person, as it is."""
    other: Floats = templates.embeddings[copies.people ^ 1]
    near: NDArray[np.bool_] = 1 - np.einsum("nd,nd->n", copies.embeddings, other) <= limit
    return near


def of_curve(curve: Curve, measured: Measured) -> tuple[Doubles, NDArray[np.bool_]]:
    """Return the figures of the copies that a curve is fitted to, and whether they pass."""
    figures = [curve.figures(measured.copies[kind]) for kind in curve.kinds]
    return np.concatenate(figures), np.concatenate([measured.passed[kind] for kind in curve.kinds])


def keeps(figures: Doubles, half: float, steep: float) -> Doubles:
    """Return the share of the matches that is kept."""
    kept: Doubles = 1 / (1 + (half / figures) ** steep)
    return kept


def fit(figures: Doubles, passed: NDArray[np.bool_], base: float) -> tuple[float, float]:
    """Return the half and the steepness of the greatest likelihood, by search on a grid."""
    best, answer = -np.inf, (1.0, 1.0)
    for half in np.geomspace(*np.quantile(figures, [0.001, 0.8]) * [0.5, 1], 120):
        for steep in np.geomspace(0.7, 12, 60):
            share = np.clip(base * keeps(figures, half, steep), 1e-9, 1 - 1e-9)
            likelihood = float(np.log(np.where(passed, share, 1 - share)).sum())
            if likelihood > best:
                best, answer = likelihood, (float(half), float(steep))
    return answer


if __name__ == "__main__":
    main()
