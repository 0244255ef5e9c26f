"""Whether strangers pass at the promised rate on poor photos, and what that costs: people who took no part in it.

    python benchmarks/poor_photos.py [--model NAME] [--most 1000] [--people 300] [--json FILE] [--write PAGE]

The people of LFW view 1 are split in halves. One half gives the thresholds of good photos and, by worsened copies, what
is left of them where photos are poor, as ``visavis calibrate --degrade`` does. Of the other half two photos a person
are made worse, each kind at several strengths, and compared: at the threshold of good photos (*fixed*), and at that
which follows how poor both are (*followed*). ``search``: galleries of some of these people and of others with a photo
each, enrolled with one photo as poor as the probes, and probes of all the others, who should be unknown.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from _pages import decimal, markdown, write_blocks
from _rounds import data_folder, environment
from _unseen_damage import UNSEEN
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from visavis import images
from visavis.compare import Calibration, cosine_distances
from visavis.defaults import EMBEDDER
from visavis.embedding_cache.photo_cache import EmbeddingCache
from visavis.evaluate import calibrate
from visavis.evaluate.data.degradations import DEGRADATIONS, degrade
from visavis.evaluate.data.pairs import read_people
from visavis.evaluate.data.templates import Templates, take
from visavis.evaluate.poor_photos import Copies, make_copies, person_numbers, stack_copies
from visavis.pipeline import Recognizer
from visavis.poor_photos import pair_shares
from visavis.types import RGB, Floats

FAR, FPIR = 1e-3, 1e-2
SPLITS, ENROLLED = 40, 150
"""Galleries that searches are averaged over, and the people in each."""
STRENGTHS: Mapping[str, Sequence[float]] = {
    "small": (48, 34, 24),
    "enlarged": (48, 34, 24),
    "blurred": (2, 3, 4),
    "compressed": (10, 7, 5, 4),
    "noisy": (20, 30, 45, 60),
    "dark": (0.25, 0.15),
    "pale": (0.3, 0.2),
    "narrow": (1.5, 2),
    "wide": (1.5, 2),
    "noisy, resized": (30, 60),
    "small, noisy": (20, 40),
    "compressed, resized": (8, 4),
    "compressed, turned": (8, 4),
    "compressed twice": (8, 4),
    "pale, noisy": (0.3, 0.2),
    "moved": (11, 17, 25),
    "doubled": (5, 8, 12),
    "pixelated": (5, 7, 9),
    "posterized": (4, 3, 2),
    "smoothed": (7, 11),
    "vignetted": (3, 6),
    "waved": (2, 4),
    "blotched": (30, 45),
    "small, noisy, enlarged": (20, 40),
    "small, compressed": (15, 5),
    "noisy, blurred": (40, 80),
    "noisy, compressed": (30, 60),
    "dark, noisy, bright": (0.2, 0.1),
    "few colors": (10, 6),
    "frosted": (3, 5),
}
"""Strengths of each kind; units are those of ``visavis.evaluate.data.degradations``. The last seven kinds
are not among those that a calibration measures."""
KINDS = DEGRADATIONS | UNSEEN

T = TypeVar("T")
Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Photos:
    """Photos that show a face: their ``copies``, and the row of the photo ``(n,)`` that each was made of."""

    copies: Copies
    rows: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Row:
    """What one kind and strength does: rates with the threshold of good photos, and with that which follows quality.

    ``far`` and ``tar`` are of two photos as poor, ``tar_with_good`` of one with a good one, ``fpir`` of a search;
    ``too_poor`` is the share of the pairs of one person that has no answer. They count as missed.
    """

    kind: str
    faces: int
    quality: float
    share: float
    far: tuple[float, float]
    tar: tuple[float, float]
    too_poor: float
    far_with_good: tuple[float, float]
    tar_with_good: tuple[float, float]
    fpir: tuple[float, float]


def main() -> None:
    """Measure, print, and write the figures."""
    chosen = _options().parse_args()
    rows = measure(chosen)
    figures = {"environment": environment() | {"model": chosen.model}, "rows": [asdict(row) for row in rows]}
    Console().print(table(rows))
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1) + "\n")
    if chosen.write:
        write_blocks(chosen.write, {f"poor-photos {chosen.model}": table(rows)})


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default=EMBEDDER)
    parser.add_argument("--most", type=int, default=1000, help="photos of the first half that are made worse")
    parser.add_argument("--people", type=int, default=300, help="people of the second half, two photos each")
    parser.add_argument("--strangers", type=int, default=500, help="more people of the second half, for searches")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="renew the table between the marks of a page")
    return parser


def measure(chosen: argparse.Namespace) -> list[Row]:
    """Calibrate on one half of the people and try it on the other."""
    people = read_people(data_folder() / "lfw" / "images")
    recognizer = Recognizer(embedder=chosen.model, threads=chosen.threads)
    numbers = person_numbers(people.names)
    first = numbers % 2 == 0
    with EmbeddingCache(recognizer) as cache:
        templates = take(people.photos, recognizer, cache=cache, progress=_progress)
    half = _rows(templates, np.flatnonzero(first))
    names = [name for name, chosen_half in zip(people.names, first, strict=True) if chosen_half]
    measured = calibrate.of_people(half, names, data="half of LFW view 1")
    copies = make_copies(half, person_numbers(names), recognizer, most=chosen.most, progress=_progress)
    table = calibrate.with_poor_photos(measured, copies).calibration
    pairs = _pairs(templates, numbers, ~first, chosen.people)
    pairs = np.concatenate([pairs, _strangers(templates, numbers, ~first, pairs, chosen.strangers)])
    plain = _worsened(templates, numbers, pairs, recognizer, None, 0)
    return [row(plain, plain, table, "as they are"), *_tried(templates, numbers, pairs, recognizer, plain, table)]


def _tried(
    templates: Templates,
    numbers: NDArray[np.intp],
    pairs: NDArray[np.intp],
    recognizer: Recognizer,
    plain: Photos,
    table: Calibration,
) -> Iterator[Row]:
    for kind, strengths in STRENGTHS.items():
        for strength in strengths:
            hard = _worsened(templates, numbers, pairs, recognizer, kind, strength)
            yield row(hard, plain, table, f"{kind} {strength:g}")


def _progress(answers: Iterable[T], total: int) -> Iterator[T]:
    yield from track(answers, total=total, console=Console(stderr=True))


def _rows(templates: Templates, rows: NDArray[np.intp]) -> Templates:
    return Templates(
        templates.model,
        templates.detector,
        tuple(templates.photos[row] for row in rows),
        tuple(templates.status[row] for row in rows),
        *(getattr(templates, name)[rows] for name in ("embeddings", "boxes", "quality", "faces")),
    )


def _pairs(templates: Templates, numbers: NDArray[np.intp], half: NDArray[np.bool_], people: int) -> NDArray[np.intp]:
    """Return two photos (rows) of each of some people of a half, one after the other."""
    usable = half & templates.has_template
    counts = np.bincount(numbers[usable])
    several = np.flatnonzero(counts > 1)
    spread = several[np.unique(np.linspace(0, len(several) - 1, min(people, len(several))).round().astype(int))]
    return np.concatenate([np.flatnonzero(usable & (numbers == person))[:2] for person in spread])


def _strangers(
    templates: Templates, numbers: NDArray[np.intp], half: NDArray[np.bool_], pairs: NDArray[np.intp], people: int
) -> NDArray[np.intp]:
    """Return a photo (row) of each of some people of a half who are not in the pairs."""
    left = np.flatnonzero(half & templates.has_template & ~np.isin(numbers, numbers[pairs]))
    first = left[np.unique(numbers[left], return_index=True)[1]]
    return first[np.unique(np.linspace(0, len(first) - 1, min(people, len(first))).round().astype(int))]


def _worsened(
    templates: Templates,
    numbers: NDArray[np.intp],
    rows: NDArray[np.intp],
    recognizer: Recognizer,
    kind: str | None,
    strength: float,
) -> Photos:
    def pictures() -> Iterator[RGB]:
        for row in rows:
            pixels = images.read(templates.photos[row]).pixels
            yield (
                pixels
                if kind is None
                else degrade(pixels, templates.boxes[row], KINDS[kind], strength, seed=10_000 + int(row))
            )

    found, shown = [], []
    for row, answer in zip(rows, recognizer.represent(pictures()), strict=True):
        if answer.faces and answer.embeddings is not None:
            best = answer.largest
            found.append((answer.embeddings[best], int(numbers[row]), answer.quality[best]))
            shown.append(int(row))
    return Photos(stack_copies(found), np.array(shown))


def row(hard: Photos, plain: Photos, table: Calibration, kind: str) -> Row:
    """Compare poor photos with each other and with the photos as they are."""
    limit, poor, good = table.threshold(FAR), hard.copies, plain.copies
    together, with_good = _shares(poor, poor, table), _shares(poor, good, table)
    near, near_good = (
        cosine_distances(poor.embeddings, poor.embeddings),
        cosine_distances(poor.embeddings, good.embeddings),
    )
    same, strangers = _same(hard, hard), poor.people[:, None] != poor.people
    same_good, strangers_good = _same(hard, plain), poor.people[:, None] != good.people
    own = table.poor.shares(poor.embeddings, poor.qualities) if table.poor else np.ones(len(poor.embeddings))
    return Row(
        kind=kind,
        faces=len(poor.embeddings),
        quality=float(np.median(poor.values("score"))),
        share=float(np.nanmedian(own)) if np.isfinite(own).any() else 0.0,
        far=_passed(near, limit, together, strangers),
        tar=_passed(near, limit, together, same),
        too_poor=float(np.isnan(together[same]).mean()),
        far_with_good=_passed(near_good, limit, with_good, strangers_good),
        tar_with_good=_passed(near_good, limit, with_good, same_good),
        fpir=_searched(poor, table),
    )


def _shares(a: Copies, b: Copies, table: Calibration) -> Doubles:
    """Return what is left of a threshold for each pair ``(n, m)``, NaN where it is too poor to say."""
    if table.poor is None:
        return np.ones((len(a.qualities), len(b.qualities)))
    of_a, of_b = (table.poor.shares(some.embeddings, some.qualities) for some in (a, b))
    left: Doubles = pair_shares(of_a[:, None], of_b)
    return np.where(left > table.poor.useless, left, np.nan)


def _same(a: Photos, b: Photos) -> NDArray[np.bool_]:
    """Pairs of one person, of two different photos."""
    return (a.copies.people[:, None] == b.copies.people) & (a.rows[:, None] != b.rows)


def _passed(near: Floats, limit: float, shares: Doubles, pairs: NDArray[np.bool_]) -> tuple[float, float]:
    return float((near <= limit)[pairs].mean()), float((near <= limit * shares)[pairs].mean())


def _searched(hard: Copies, table: Calibration) -> tuple[float, float]:
    """Return the share of strangers' probes that are named, in galleries of ``ENROLLED`` people with a photo each."""
    rng = np.random.default_rng(0)
    named = []
    probe_shares, enrolled_shares = np.ones((2, len(hard.embeddings)))
    if table.poor:  # a gallery knows the score of the quality of its templates, not the parts
        probe_shares = table.poor.shares(hard.embeddings, hard.qualities)
        enrolled_shares = table.poor.shares(hard.embeddings, [quality.score for quality in hard.qualities])
    people, first = np.unique(hard.people, return_index=True)
    for _ in range(SPLITS):
        enrolled = first[rng.permutation(len(people))[:ENROLLED]]
        probes = np.flatnonzero(~np.isin(hard.people, hard.people[enrolled]))
        near = cosine_distances(hard.embeddings[probes], hard.embeddings[enrolled])
        best, limit = near.argmin(axis=1), table.search_threshold(FPIR, len(enrolled))
        left = pair_shares(probe_shares[probes], enrolled_shares[enrolled[best]])
        left = np.where(left > (table.poor.useless if table.poor else 0), left, np.nan)
        nearest = near.min(axis=1)
        named.append((float((nearest <= limit).mean()), float((nearest <= limit * left).mean())))
    rates = np.array(named).mean(axis=0)
    return float(rates[0]), float(rates[1])


def table(rows: Sequence[Row]) -> str:
    """Return the table of the page."""
    columns = (
        "both photos", "faces", "quality", "share left", "strangers pass: fixed", "followed", "own pass: fixed",
        "followed", "too poor", "with a good photo, strangers: fixed", "followed", "own: fixed", "followed",
        "search, FPIR: fixed", "followed",
    )  # fmt: skip
    return markdown(columns, [_cells(one) for one in rows])


def _cells(one: Row) -> list[str]:
    rates = (*one.far, *one.tar, one.too_poor, *one.far_with_good, *one.tar_with_good, *one.fpir)
    digits = (4, 4, 3, 3, 3, 4, 4, 3, 3, 3, 3)
    shown = [decimal(rate, places) for rate, places in zip(rates, digits, strict=True)]
    return [one.kind, str(one.faces), decimal(one.quality, 2), decimal(one.share, 2), *shown]


if __name__ == "__main__":
    main()
