"""Error rates of verification: how often two photos are rightly or wrongly taken for one person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visavis import compare
from visavis.errors import UsageError
from visavis.evaluate import accuracy
from visavis.evaluate.data.pairs import PairList, join_lists, read_pairs
from visavis.evaluate.data.templates import Templates
from visavis.evaluate.results import FARS, Accuracy, CalibratedRate, Histogram, Mistake, VerificationResult
from visavis.evaluate.stats import bootstrap
from visavis.evaluate.stats.metrics import Roc
from visavis.evaluate.stats.pair_distances import Compared, PairRows, compare_everybody, compare_listed
from visavis.evaluate.stats.rejection import RejectionCurve, rejection_curve

PROMISED = (1e-2, 1e-3, 1e-4)
MISTAKES_AT = 1e-3
"""FAR at which mistakes are listed and rejection is measured; the next higher tabled FAR if the data is too small."""
WORST = 12
BINS = 100


def of_people(
    templates: Templates, names: Sequence[str], *, data: str, draws: int = bootstrap.DRAWS
) -> VerificationResult:
    """Compare all pairs of photos; ``names (n,)`` holds the person of each photo."""
    people = np.unique(np.array(names), return_inverse=True)[1]
    compared = compare_everybody(templates.embeddings, templates.has_template, people)
    resampling = bootstrap.ByPeople(compared, people, templates.has_template)
    return _make_result(templates, compared, resampling, people=people, data=data, draws=draws)


def of_pairs(templates: Templates, pairs: PairList, *, data: str, draws: int = bootstrap.DRAWS) -> VerificationResult:
    """Compare the pairs of a list; measure the accuracy over its folds, or over ten folds made of it."""
    compared = compare_listed(templates.embeddings, templates.has_template, pairs.a, pairs.b, pairs.same)
    resampling = bootstrap.ByPairs(compared)
    people = np.unique(np.array(pairs.names), return_inverse=True)[1] if pairs.names else None
    distances = accuracy.pair_distances(templates.embeddings, templates.has_template, pairs)
    return replace(
        _make_result(templates, compared, resampling, people=people, data=data, draws=draws),
        accuracy=accuracy.cross_validate(distances, pairs.same, pairs.folds),
    )


def of_lfw(
    templates: Templates, lists: Sequence[PairList], *, data: str, draws: int = bootstrap.DRAWS
) -> VerificationResult:
    """Measure accuracy by LFW's protocol, and rates by comparing all pairs of photos in the lists.

    One list has ten folds (view 2); of two lists, the first is for choosing the threshold and the second for measuring
    (view 1).
    """
    return replace(
        of_people(templates, lists[0].names, data=data, draws=draws), accuracy=lfw_accuracy(templates, lists)
    )


def lfw_accuracy(templates: Templates, lists: Sequence[PairList]) -> Accuracy:
    """Measure accuracy by LFW's protocol on one list (view 2) or two (view 1)."""
    distances = [
        (accuracy.pair_distances(templates.embeddings, templates.has_template, pairs), pairs.same) for pairs in lists
    ]
    if len(distances) == 2:
        return accuracy.measure_on_test(distances[0], distances[1])
    return accuracy.cross_validate(*distances[0], lists[0].folds)


def read_lfw(folder: Path, *, view: int, photos: Path | None = None) -> tuple[PairList, ...]:
    """Read LFW's lists of a view, on common photos; ``photos`` is their folder (default: searched in ``folder``).

    Raises UsageError for missing lists or photos, and for lists of another format.
    """
    names = {1: ("pairsDevTrain.txt", "pairsDevTest.txt"), 2: ("pairs.txt",)}
    if view not in names:
        raise UsageError(f"LFW has the views 1 and 2, got {view}.")
    images = _find_images(folder) if photos is None else _choose_folder(photos, [photos])
    lists = join_lists(*(read_pairs(folder / name, images) for name in names[view]))
    if not lists[0].names:
        raise UsageError(f"{folder / names[view][0]} is not in LFW's format, which tells who is in a photo.")
    return lists


def _find_images(folder: Path) -> Path:
    """Find the folder that LFW's archives unpack to, with a folder a person."""
    return _choose_folder(folder, [folder / "images", *sorted(folder.glob("lfw*")), folder])


def _choose_folder(folder: Path, places: Sequence[Path]) -> Path:
    for place in places:
        if next(place.glob("*/*_0001.jpg"), None) is not None:
            return place
    raise UsageError(f"{folder} holds no photos of LFW (PERSON/PERSON_0001.jpg): name their folder.")


def _make_result(
    templates: Templates,
    compared: Compared,
    resampling: bootstrap.Resampling,
    *,
    people: NDArray[np.intp] | None,
    data: str,
    draws: int,
) -> VerificationResult:
    rates = bootstrap.rates(compared, resampling, FARS, draws=draws)
    at = min((rate.far for rate in rates if rate.far >= MISTAKES_AT), default=None)
    limit = next((rate.threshold for rate in rates if rate.far == at), None)
    accepts, rejects = ((), ()) if limit is None else _find_mistakes(compared, limit)
    return VerificationResult(
        data=data,
        model=templates.model,
        detector=templates.detector,
        photos=len(templates.photos),
        people=0 if people is None else int(people.max()) + 1,
        failures=int((~templates.has_template).sum()),
        failed_genuine=len(compared.failed_genuine),
        failed_impostors=compared.failed_impostors,
        roc=compared.roc,
        rates=rates,
        histogram=_make_histogram(compared.roc),
        rejection=None if limit is None else _measure_rejection(templates, compared, people, limit),
        promises=_measure_promises(templates.model, compared, resampling, draws),
        mistakes_at=at,
        worst_rejects=rejects,
        worst_accepts=accepts,
    )


def _measure_promises(
    model: str, compared: Compared, resampling: bootstrap.Resampling, draws: int
) -> tuple[CalibratedRate, ...]:
    """Measure the rates at the model's own thresholds, if it has any, on this data."""
    table = compare.calibration(model)
    if table is None:
        return ()
    fars_in_table = [far for far in PROMISED if table.far[-1] <= far <= table.far[0]]
    thresholds = np.array([table.threshold(far) for far in fars_in_table])
    fars = bootstrap.middle(bootstrap.fars_drawn(compared, resampling, np.tile(thresholds, (draws, 1))))
    return tuple(
        CalibratedRate(
            far,
            float(threshold),
            *compared.roc.at(float(threshold)),
            (float(fars[0, n]), float(fars[1, n])) if np.isfinite(fars[:, n]).all() else None,
        )
        for n, (far, threshold) in enumerate(zip(fars_in_table, thresholds, strict=True))
    )


def _find_mistakes(compared: Compared, limit: float) -> tuple[tuple[Mistake, ...], tuple[Mistake, ...]]:
    """Return the nearest impostors within the threshold, and the farthest genuine pairs beyond it."""
    near, genuine = compared.impostors, compared.genuine

    def mistake(rows: tuple[PairRows, PairRows], distance: float, same: bool) -> Mistake:
        return Mistake(int(rows[0]), int(rows[1]), float(distance), same)

    accepts = [
        mistake((near.a[n], near.b[n]), near.distances[n], same=False)
        for n in range(min(WORST, len(near)))
        if near.distances[n] <= limit
    ]
    rejects = [
        mistake((genuine.a[n], genuine.b[n]), genuine.distances[n], same=True)
        for n in range(len(genuine) - 1, max(len(genuine) - 1 - WORST, -1), -1)
        if genuine.distances[n] > limit
    ]
    return tuple(accepts), tuple(rejects)


def _make_histogram(roc: Roc) -> Histogram:
    edges = np.linspace(0, float(roc.thresholds[-1]), BINS + 1).astype(np.float32)

    def shares(accepted: NDArray[np.int64]) -> NDArray[np.float32]:
        counts = np.diff(accepted, prepend=0)
        binned = np.histogram(roc.thresholds, bins=edges, weights=counts)[0]
        return np.asarray(binned / max(counts.sum(), 1), np.float32)

    return Histogram(edges, shares(roc.genuine_accepted), shares(roc.impostors_accepted))


def _measure_rejection(
    templates: Templates, compared: Compared, people: NDArray[np.intp] | None, limit: float
) -> RejectionCurve:
    genuine, failed = compared.genuine, compared.failed_genuine
    a, b = np.append(genuine.a, failed[:, 0]), np.append(genuine.b, failed[:, 1])
    return rejection_curve(
        np.append(genuine.distances, np.full(len(failed), np.inf)),
        np.ones(len(a), np.bool_),
        templates.quality[a],
        templates.quality[b],
        threshold=limit,
        people=None if people is None else people[a],
    )
