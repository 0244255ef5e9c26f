"""What views of a chip gain and what they cost, on LFW view 1.

    python benchmarks/views.py [--model NAME] [--rounds 15] [--threads 2] [--json FILE] [--write PAGE]

Every photo is looked at once, and the embeddings of all numbers of views are made of the same chips. The threshold is
chosen on pairsDevTrain, accuracy counted on pairsDevTest; the rates are those of all pairs of photos. Differences to
the default are measured on the same draws of people, so that their intervals hold what the people have in common.
Milliseconds are of batches of 32 chips, one number of views after the other within each round.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import TypeVar

import numpy as np
from _pages import markdown_of, write_blocks
from _rounds import data_folder, environment, options, report, table
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from visavis import compare, embedders
from visavis.defaults import EMBEDDER
from visavis.embedders._views import COUNTS, views_of
from visavis.embedders.trained import Trained
from visavis.evaluate.data.pairs import PairList
from visavis.evaluate.data.templates import Templates, take
from visavis.evaluate.results import Accuracy
from visavis.evaluate.stats.bootstrap import DRAWS, ByPeople
from visavis.evaluate.stats.pair_distances import compare_everybody
from visavis.evaluate.verification import lfw_accuracy, read_lfw
from visavis.pipeline import Recognizer
from visavis.types import RGB, Face, Floats

T = TypeVar("T")

FARS = (1e-2, 1e-3, 1e-4, 1e-5)
FACE = Face(
    np.array([50, 40, 150, 160], np.float32),
    1.0,
    np.array([[75, 80], [125, 80], [100, 110], [80, 135], [120, 135]], np.float32),
)
BATCH = 32


class SideBySide:
    """The embeddings of every number of views, one beside the other: ``(n, d * len(COUNTS))``."""

    def __init__(self, network: Trained) -> None:
        self.name = f"{network.name}@all"
        self._network = network
        self.dimension = network.dimension * len(COUNTS)

    def crops(self, picture: RGB, faces: Sequence[Face]) -> RGB:
        """Chips, as the network has them."""
        return self._network.crops(picture, faces)

    def embed(self, crops: RGB) -> Floats:
        """Run each view once; the sum so far is the embedding of so many views."""
        total, parts = np.zeros((len(crops), self._network.dimension), np.float32), []
        for number, view in enumerate(views_of(crops, max(COUNTS)), 1):
            total = total + self._network.raw(view)
            if number in COUNTS:
                parts.append(compare.unit(total))
        return np.concatenate(parts, axis=1)


@dataclass(frozen=True)
class Gain:
    """How good one number of views is: TAR at ``FARS``, of the data (row 0) and of each draw ``(1 + draws, 4)``."""

    views: int
    accuracy: Accuracy
    tar: NDArray[np.float64]
    impostors: int
    genuine: int


def main() -> None:
    """Measure and print."""
    parser = options(__doc__ or "", rounds=15)
    parser.add_argument("--write", type=Path, metavar="PAGE", help="renew the table between the marks of a page")
    parser.add_argument("--model", default=EMBEDDER)
    chosen = parser.parse_args()
    before = environment()
    lists = read_lfw(data_folder() / "lfw", view=1)
    templates = looked_at(lists, chosen.model)
    gains = [measured(number, part, lists) for number, part in by_views(templates).items()]
    costs = cost(chosen.model, chosen.rounds, chosen.threads)
    about = {
        **before,
        "load after": environment()["load"],
        "threads": chosen.threads,
        "rounds": chosen.rounds,
        "photos": len(templates.photos),
        "without a face": int((~templates.has_template).sum()),
        "least ms/face": {number: round(min(one), 2) for number, one in costs.items()},
        "pairs of one person": gains[0].genuine,
        "pairs of two people": gains[0].impostors,
    }
    results = summary(gains, costs, default=own_views(chosen.model))
    report([results], about, chosen.json, {"milliseconds": costs})
    if chosen.write:
        write_blocks(chosen.write, {"views": markdown_of(results)})


def own_views(model: str) -> int:
    """Return how many views a model has where none are named."""
    return next(number for number in COUNTS if embedders.model_id(f"{model}@{number}") == model)


def looked_at(lists: Sequence[PairList], model: str) -> Templates:
    """Find the face that each photo is about, and embed it in all views."""
    network = embedders.create(model)
    assert isinstance(network, Trained)
    return take(lists[0].photos, Recognizer(embedder=SideBySide(network)), progress=shown)


def shown(answers: Iterable[T], total: int, /) -> Iterator[T]:
    """Show on standard error how far the work has come."""
    yield from track(answers, total=total, console=Console(stderr=True))


def by_views(templates: Templates) -> dict[int, Templates]:
    """Cut the columns of each number of views out."""
    parts = np.split(templates.embeddings, len(COUNTS), axis=1)
    return {
        number: replace(templates, embeddings=np.ascontiguousarray(part))
        for number, part in zip(COUNTS, parts, strict=True)
    }


def measured(views: int, templates: Templates, lists: Sequence[PairList]) -> Gain:
    """Accuracy by LFW's protocol, and rates of true accepts with those of people drawn anew."""
    people = np.unique(np.array(lists[0].names), return_inverse=True)[1]
    compared = compare_everybody(templates.embeddings, templates.has_template, people)
    resampling, rng = ByPeople(compared, people, templates.has_template), np.random.default_rng(0)
    near, genuine = compared.impostors.distances, compared.genuine.distances
    rows = [[compared.roc.at(compared.roc.threshold(far) or 0.0)[1] for far in FARS]]
    for _ in range(DRAWS):
        draw = resampling.draw(rng)
        reached = np.searchsorted(np.cumsum(draw.impostors), np.multiply(FARS, draw.all_impostors), side="right")
        accepted = np.append(0.0, np.cumsum(draw.genuine))
        rows.append(accepted[np.searchsorted(genuine, near[reached])] / draw.all_genuine)
    return Gain(views, lfw_accuracy(templates, lists), np.array(rows), compared.roc.impostors, compared.roc.genuine)


def cost(model: str, rounds: int, threads: int) -> dict[int, list[float]]:
    """Milliseconds a face in each round, after one that does not count."""
    engines = {number: embedders.create(f"{model}@{number}", threads=threads) for number in COUNTS}
    side = engines[1].crops(np.zeros((200, 200, 3), np.uint8), [FACE]).shape[1]
    batch = np.random.default_rng(0).integers(0, 256, (BATCH, side, side, 3), np.uint8)
    spent: dict[int, list[float]] = {number: [] for number in COUNTS}
    for _ in range(rounds + 1):
        for number, engine in engines.items():
            start = time.perf_counter()
            engine.embed(batch)
            spent[number].append(1e3 * (time.perf_counter() - start) / len(batch))
    return {number: one[1:] for number, one in spent.items()}


def summary(gains: Sequence[Gain], costs: dict[int, list[float]], *, default: int) -> Table:
    """One row a number of views, and one below it: what is gained over the default."""
    usual = next(one for one in gains if one.views == default)
    rows = []
    for one in gains:
        accuracy, milliseconds = one.accuracy, costs[one.views]
        ratio = median(mine / its for mine, its in zip(milliseconds, costs[default], strict=True))
        tars = [f"{tar:.4f}" for tar in one.tar[0]]
        right = f"{accuracy.accuracy:.4f} ± {accuracy.error:.4f}"
        spent = f"{median(milliseconds):.2f}", f"{ratio:.2f}"
        rows.append((str(one.views), right, f"{accuracy.threshold:.4f}", *tars, *spent))
        if one is not usual:
            rows.append(("", "", "", *gained(one, usual), "", ""))
    rates = [f"TAR at {far:.0e}" for far in FARS]
    columns = ["views", "accuracy", "threshold", *rates, "ms/face", f"to {default}"]
    return table(f"Views of a chip (below: gain over the default, {default}, 95 %)", columns, rows)


def gained(one: Gain, default: Gain) -> list[str]:
    """Say how much each TAR is above the default's, with the interval of the difference."""
    difference = one.tar - default.tar
    ends = np.percentile(difference[1:], [2.5, 97.5], axis=0).T
    rows = zip(difference[0], ends, strict=True)
    return [f"{gain:+.4f} ({low:+.3f}, {high:+.3f})".replace("0.", ".") for gain, (low, high) in rows]


if __name__ == "__main__":
    main()
