"""Several templates of a person: which score tells people apart best, and what a threshold of single pairs then means.

    python benchmarks/score_rules.py [--draws 8] [--json FILE]

On LFW view 1, with the default models. For k templates, everybody with more than k photos is enrolled with k of them,
drawn anew in each of the draws; all other photos are probes, those of the same people genuine, all of them strangers
to everybody else. A false-accept rate is one per comparison of a probe with a person. Intervals are 95 %, by drawing
people; differences to the nearest template are on the same people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from _pages import markdown_of, write_blocks
from _rounds import data_folder, environment, options, report, table
from numpy.typing import NDArray
from rich.table import Table
from views import shown

from visavis import compare
from visavis.defaults import EMBEDDER
from visavis.embedding_cache.photo_cache import EmbeddingCache
from visavis.evaluate.data.templates import take
from visavis.evaluate.verification import read_lfw
from visavis.pipeline import Recognizer
from visavis.types import Floats

People = NDArray[np.intp]
Weights = NDArray[np.float64]

TEMPLATES = (1, 2, 3, 5)
FARS = (1e-2, 1e-3, 1e-4)
RESAMPLES = 400
NEAREST = 0.045
"""Share of the impostor comparisons that is kept, the nearest ones."""

RULES: dict[str, Callable[[Floats, Floats], Floats]] = {
    # of the distances to each template (n, p, k) and to the normalized mean embedding (n, p)
    "nearest template": lambda each, mean: each.min(axis=2),
    "mean of the best two": lambda each, mean: np.sort(each, axis=2)[:, :, :2].mean(axis=2),
    "mean of all distances": lambda each, mean: each.mean(axis=2),
    "mean embedding": lambda each, mean: mean,
    ".5 nearest + .5 mean embedding": lambda each, mean: (each.min(axis=2) + mean) / 2,
    ".5 nearest + .5 mean of distances": lambda each, mean: (each.min(axis=2) + each.mean(axis=2)) / 2,
    ".4 mean embedding + .6 mean of distances": lambda each, mean: 0.4 * mean + 0.6 * each.mean(axis=2),
}
BASE = "nearest template"


@dataclass(frozen=True)
class Drawn:
    """Who is enrolled (p,), with which rows (p, k), and which rows are probes (n,)."""

    people: People
    templates: People
    probes: People


@dataclass
class Scores:
    """What one rule has said in all draws: of impostors near by and of genuine probes, distance and people."""

    near: list[Floats] = field(default_factory=list)
    probed: list[People] = field(default_factory=list)
    enrolled: list[People] = field(default_factory=list)
    genuine: list[Floats] = field(default_factory=list)
    owner: list[People] = field(default_factory=list)
    first: list[NDArray[np.bool_]] = field(default_factory=list)


@dataclass(frozen=True)
class Figures:
    """TAR at ``FARS``, rank-1, FAR at the thresholds of ``FARS``: the data's, then a row a resample."""

    tar: Weights
    first: Weights
    far: Weights
    thresholds: Weights


def main() -> None:
    """Measure and print."""
    parser = options(__doc__ or "")
    parser.add_argument("--draws", type=int, default=8, help="draws of the templates (default 8)")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="renew the tables between the marks of a page")
    chosen = parser.parse_args()
    before = environment()
    lists = read_lfw(data_folder() / "lfw", view=1)
    recognizer = Recognizer(threads=chosen.threads)
    with EmbeddingCache(recognizer) as cache:
        taken = take(lists[0].photos, recognizer, cache=cache, progress=shown)
    embeddings = taken.embeddings[taken.has_template]
    people = np.unique(np.array(lists[0].names)[taken.has_template], return_inverse=True)[1]
    figures, facts = {}, {}
    for k in TEMPLATES:
        figures[k], facts[f"{k} templates"] = measured(embeddings, people, k, chosen.draws)
    tables = [better(figures), kept(figures)]
    report(tables, {**before, "draws": chosen.draws, **facts}, chosen.json, {})
    if chosen.write:
        blocks = zip(("templates", "thresholds of templates"), map(markdown_of, tables), strict=True)
        write_blocks(chosen.write, dict(blocks))


def measured(embeddings: Floats, people: People, k: int, draws: int) -> tuple[dict[str, Figures], str]:
    """Figures of each rule with k templates a person, and what they stand on."""
    rng = np.random.default_rng(k)
    number = int(people.max()) + 1
    weights = rng.multinomial(number, np.full(number, 1 / number), RESAMPLES).astype(np.float64)
    weights = np.concatenate([np.ones((1, number)), weights])
    scores = {name: Scores() for name in RULES if k > 1 or name == BASE}
    total = np.zeros(len(weights))
    for _ in range(draws):
        one = drawn(people, k, rng)
        total += comparisons(one, people, weights)
        for name, found in scored(one, embeddings, RULES if k > 1 else {BASE: RULES[BASE]}):
            gather(scores[name], found, one, people)
    genuine = len(np.concatenate(scores[BASE].genuine)) // draws
    about = f"{len(one.people)} people, {genuine} genuine and {total[0] / draws:.0f} impostor comparisons a draw"
    return {name: evaluated(some, total, weights) for name, some in scores.items()}, about


def drawn(people: People, k: int, rng: np.random.Generator) -> Drawn:
    """Enroll everybody who has more than k photos with k of them."""
    enrolled = np.flatnonzero(np.bincount(people) > k)
    chosen = [rng.permutation(np.flatnonzero(people == one))[:k] for one in enrolled]
    templates = np.stack(chosen)
    return Drawn(enrolled, templates, np.setdiff1d(np.arange(len(people)), templates))


def comparisons(one: Drawn, people: People, weights: Weights) -> Weights:
    """How many impostor comparisons there are under each row of weights."""
    probes = np.bincount(people[one.probes], minlength=weights.shape[1]).astype(np.float64)
    own = weights[:, one.people] ** 2 @ probes[one.people]
    counts: Weights = (weights @ probes) * weights[:, one.people].sum(axis=1) - own
    return counts


def scored(
    one: Drawn, embeddings: Floats, rules: dict[str, Callable[[Floats, Floats], Floats]]
) -> Iterator[tuple[str, Floats]]:
    """Distances of probes to people ``(n, p)`` by each rule."""
    templates = embeddings[one.templates]
    flat = compare.cosine_distances(embeddings[one.probes], templates.reshape(-1, embeddings.shape[1]))
    each = flat.reshape(len(one.probes), *one.templates.shape)
    mean = compare.cosine_distances(embeddings[one.probes], compare.unit(templates.mean(axis=1)))
    for name, rule in rules.items():
        yield name, rule(each, mean)


def gather(scores: Scores, found: Floats, one: Drawn, people: People) -> None:
    """Keep the genuine comparisons and the nearest of the others."""
    whose = people[one.probes]
    same = whose[:, None] == one.people
    rows, columns = np.nonzero(same)
    near = np.nonzero((found < np.quantile(found[::7], NEAREST)) & ~same)
    scores.near.append(found[near])
    scores.probed.append(whose[near[0]])
    scores.enrolled.append(one.people[near[1]])
    scores.genuine.append(found[rows, columns])
    scores.owner.append(whose[rows])
    scores.first.append(found[rows].argmin(axis=1) == columns)


def evaluated(scores: Scores, total: Weights, weights: Weights) -> Figures:
    """Rates of the data and of each resample."""
    near, genuine = np.concatenate(scores.near), np.concatenate(scores.genuine)
    order, row = np.argsort(near), np.argsort(genuine)
    near, genuine = near[order], genuine[row]
    probed, enrolled = (np.concatenate(one)[order] for one in (scores.probed, scores.enrolled))
    owner, first = (np.concatenate(one)[row] for one in (scores.owner, scores.first))
    promised = np.searchsorted(near, [promise(far) for far in FARS], side="right")
    tar, ranked, far, limits = [], [], [], []
    for weight, all_of_them in zip(weights, total, strict=True):
        false = np.append(0.0, np.cumsum(weight[probed] * weight[enrolled]))
        true = np.append(0.0, np.cumsum(weight[owner]))
        limit = near[np.searchsorted(false[1:], np.multiply(FARS, all_of_them), side="right")]
        limits.append(limit)
        tar.append(true[np.searchsorted(genuine, limit)] / true[-1])
        ranked.append(weight[owner] @ first / true[-1])
        far.append(false[promised] / all_of_them)
    return Figures(*(np.array(one) for one in (tar, ranked, far, limits)))


def promise(far: float) -> float:
    """Threshold of single pairs."""
    calibration = compare.calibration(EMBEDDER)
    assert calibration is not None
    return calibration.threshold(far)


def better(figures: dict[int, dict[str, Figures]]) -> Table:
    """How well people are told apart, each rule at thresholds of its own."""
    rows = []
    for k, rules in figures.items():
        for name, one in rules.items():
            tars = [f"{tar:.4f}" for tar in one.tar[0]]
            gains = ["", ""] if name == BASE else [gain(one, rules[BASE], FARS.index(far)) for far in (1e-3, 1e-4)]
            rows.append((str(k), name, *tars, *gains, f"{one.first[0]:.4f}"))
    columns = ["k", "rule", *(f"TAR at {far:.0e}" for far in FARS), "gain at 1e-3", "gain at 1e-4", "rank 1"]
    return table("TAR at each rate per comparison", columns, rows)


def kept(figures: dict[int, dict[str, Figures]]) -> Table:
    """What thresholds of single pairs do, and by how much they would have to be multiplied to do as they say."""
    rows = []
    for k, rules in figures.items():
        for name, one in rules.items():
            ends = np.percentile(one.far[1:], [2.5, 97.5], axis=0).T
            real = [f"{far:.2e} ({low:.1e}, {high:.1e})" for far, (low, high) in zip(one.far[0], ends, strict=True)]
            factors = one.thresholds[0] / [promise(far) for far in FARS]
            rows.append((str(k), name, *real, " ".join(f"{factor:.3f}" for factor in factors)))
    columns = ["k", "rule", *(f"at that of {far:.0e}" for far in FARS), "factors"]
    return table("Rate of false accepts at the thresholds of single pairs", columns, rows)


def gain(one: Figures, base: Figures, column: int) -> str:
    """Difference of the TAR to the base's, with its interval."""
    difference = one.tar[:, column] - base.tar[:, column]
    low, high = np.percentile(difference[1:], [2.5, 97.5])
    return f"{difference[0]:+.4f} ({low:+.3f}, {high:+.3f})".replace("0.", ".")


if __name__ == "__main__":
    main()
