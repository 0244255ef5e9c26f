"""Shares of a threshold that remain on poor photos, measured on worsened copies of labeled photos.

Each photo gets a copy a kind of :data:`~visavis.evaluate.data.degradations.DEGRADATIONS`, with a strength drawn between
the ends of the kind, and the face is detected and embedded anew. Copies of one kind and of similar likeness or quality
are compared with each other: two photos with the same fault are the case in which strangers look most alike. The share
is the threshold of such copies at a rate, divided by the threshold of good photos at this rate; of several rates the
least share counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from visavis import defaults, images
from visavis.compare import Calibration, cosine_distances
from visavis.errors import UsageError
from visavis.evaluate.data.degradations import DEGRADATIONS, degrade
from visavis.evaluate.data.templates import ShowProgress, Templates
from visavis.pipeline import Recognizer
from visavis.poor_photos import SCORE, LikenessAxis, PoorPhotos, ShareCurve, interpolate_share, pair_shares
from visavis.types import RGB, Doubles, Floats, Quality

RATES = (1e-2, 3e-3, 1e-3, 3e-4)
"""Rates of false accepts at which thresholds are compared, as far as the copies support them."""
LEAST = 10
"""Fewest impostor pairs nearer than a threshold that determine it."""
WINDOWS = 10
"""Most neighborhoods of likeness or quality in which copies of a kind are compared; each overlaps half of the next."""
LEAST_COPIES = 290
"""Fewest copies in a neighborhood: enough for a rate of 3e-4."""
END = 0.1
"""Share of the copies in the poorest neighborhood that lie beyond the measured range."""
MOST = 1600
"""Most photos that are worsened, evenly spread over the list."""
NEAR = 0.99
"""Quantile of the products of a copy with other people that is its likeness."""
RIDGE = 5e-5
"""Ridge penalty in least squares, for each copy."""
AXES = 12
"""Axes along which the likeness is quadratic. A linear function explains .61 of the variance of copies of held-out
people, four axes .85, twelve .87.
"""
CLEAN = 0.1
"""Share of the unchanged photos with a quality below the limit of good photos."""
ALIKE = 0.3
"""Share of the unchanged photos with a likeness above the limit of good photos."""
LEAST_OWN = 0.05
"""Photos are too poor where less than this share of the genuine pairs pass at ``OWN_FAR``."""
OWN_FAR = 1e-3
TOLERANCE = 0.006
"""Points of a curve are left out if that changes it by no more than this."""


@dataclass(frozen=True, slots=True, eq=False)
class Copies:
    """Worsened copies with a face, a row each: ``embeddings (n, d)``, ``people (n,)``, and their qualities."""

    embeddings: Floats
    people: NDArray[np.intp]
    qualities: tuple[Quality, ...]

    def values(self, part: str) -> Doubles:
        """Return a part of the quality, or its score, of each copy ``(n,)``."""
        return np.array([getattr(quality, part) for quality in self.qualities], np.float64)

    def rows(self, rows: NDArray[np.intp]) -> Copies:
        """Return some of the rows."""
        return Copies(self.embeddings[rows], self.people[rows], tuple(self.qualities[row] for row in rows))


@dataclass(frozen=True, slots=True)
class Window:
    """Copies of similar likeness or quality: the ``share`` of the threshold that remains at their median ``value``.

    ``end`` is the ``END`` quantile of the values, to which the measurement reaches. ``own`` is the share of the genuine
    pairs that pass at ``OWN_FAR`` with this share (None: too few pairs).
    """

    value: float
    end: float
    share: float
    own: float | None


def person_numbers(names: Sequence[str]) -> NDArray[np.intp]:
    """Number the person of each photo ``(n,)`` by name."""
    return np.unique(np.array(names), return_inverse=True)[1].astype(np.intp)


def make_copies(
    templates: Templates,
    people: NDArray[np.intp],
    recognizer: Recognizer,
    *,
    min_face: float = defaults.MIN_FACE,
    seed: int = 0,
    most: int = MOST,
    progress: ShowProgress | None = None,
) -> dict[str, Copies]:
    """Make worsened copies of the photos of templates; return those that show a face, by the name of the kind.

    ``people (n,)`` numbers the person of each photo. The unchanged photos come first, under an empty name. Raises
    UsageError if fewer than ``LEAST_COPIES`` photos show a face.
    """
    rows = _spread_evenly(np.flatnonzero(templates.has_template), most)
    if len(rows) < LEAST_COPIES:
        raise UsageError(
            f"poor photos are measured on {LEAST_COPIES} photos with a face or more: there are {len(rows)}."
        )
    shares = np.random.default_rng(seed).random((len(DEGRADATIONS), len(rows)))

    def pictures() -> Iterator[RGB]:
        for place, row in enumerate(rows):
            yield from _make_versions(templates, int(row), shares[:, place], seed=int(seed + row))

    kinds = ["", *DEGRADATIONS]
    answers = recognizer.represent(pictures(), min_face=min_face)
    answered = progress(answers, len(rows) * len(kinds)) if progress else answers
    rows_by_kind: dict[str, list[tuple[Floats, int, Quality]]] = defaultdict(list)
    for number, answer in enumerate(answered):
        if answer.faces and answer.embeddings is not None:
            best, row = answer.largest, rows[number // len(kinds)]
            values = (answer.embeddings[best], int(people[row]), answer.quality[best])
            rows_by_kind[kinds[number % len(kinds)]].append(values)
    return {name: stack_copies(values_of_kind) for name, values_of_kind in rows_by_kind.items()}


def _make_versions(templates: Templates, row: int, shares: Doubles, *, seed: int) -> Iterator[RGB]:
    """Yield a photo unchanged, and a copy of each kind."""
    pixels = images.read(templates.photos[row]).pixels
    yield pixels
    for kind, share in zip(DEGRADATIONS.values(), shares, strict=True):
        yield degrade(pixels, templates.boxes[row], kind, kind.strength(float(share)), seed=seed)


def _spread_evenly(rows: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    return rows[np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(np.intp))]


def stack_copies(rows: Sequence[tuple[Floats, int, Quality]]) -> Copies:
    """Make copies of rows of embedding, person and quality."""
    embeddings, people, qualities = zip(*rows, strict=True)
    return Copies(np.stack(embeddings), np.array(people, np.intp), qualities)


def shares(copies: Mapping[str, Copies], table: Calibration) -> PoorPhotos:
    """Measure the shares of the thresholds of a table: by the likeness of embeddings, then by parts of the quality.

    A part gets the effect that the likeness does not explain: distances are first divided by the share of the likeness.
    """
    kinds = {name: copies[name] for name in DEGRADATIONS if name in copies}
    direction, axes = likeness_function(copies)
    unmeasured = PoorPhotos(direction, (), axes=axes)
    along = {name: unmeasured.likenesses(group.embeddings) for name, group in copies.items()}
    good, worst = float(np.quantile(along[""], 1 - ALIKE)), max(float(group.max()) for group in along.values())
    measured = [window for name, group in kinds.items() for window in windows(group, -along[name], table)]
    curve = _make_likeness_curve(
        [replace(window, value=-window.value, end=-window.end) for window in measured], good, worst
    )
    useless = [window.share for window in measured if window.own is not None and window.own < LEAST_OWN]
    by_likeness = replace(unmeasured, likeness=curve, useless=round(max(useless, default=0.0), 4))
    return replace(by_likeness, parts=_measure_parts(copies, by_likeness, table))


def likeness_function(copies: Mapping[str, Copies]) -> tuple[tuple[float, ...], tuple[LikenessAxis, ...]]:
    """Return the direction ``(d,)`` and the axes of the function that predicts the likeness of strangers' embeddings.

    The likeness of a copy is the ``NEAR`` quantile of its products with copies of other people of its kind. The axes
    are principal Hessian directions (Li 1992) of the residuals of a linear function, the directions of greatest
    curvature. Then the function is fitted by least squares (ridge regression): linear in all directions, quadratic
    along the axes.
    """
    embeddings = np.concatenate([group.embeddings for group in copies.values()]).astype(np.float64)
    target = np.concatenate([_measure_likeness(group) for group in copies.values()])
    centered = embeddings - embeddings.mean(axis=0)
    residuals = target - target.mean() - centered @ _fit_ridge(embeddings, target)
    curvatures, directions = np.linalg.eigh(centered.T * residuals @ centered)
    axes = directions[:, np.argsort(-np.abs(curvatures))[:AXES]]
    rows, columns = np.triu_indices(axes.shape[1])
    along = embeddings @ axes
    weights = _fit_ridge(np.concatenate([embeddings, along[:, rows] * along[:, columns]], axis=1), target)
    form = np.zeros((axes.shape[1],) * 2)
    form[rows, columns] = weights[embeddings.shape[1] :]
    squares, turn = np.linalg.eigh((form + form.T) / 2)
    turned = zip(squares, (axes @ turn).T, strict=True)
    direction = tuple(weights[: embeddings.shape[1]].round(3).tolist())
    return direction, tuple((round(float(weight), 3), tuple(axis.round(2).tolist())) for weight, axis in turned)


def _fit_ridge(features: Doubles, target: Doubles) -> Doubles:
    """Return the weights ``(d,)`` of the linear function of features ``(n, d)`` that fits a target ``(n,)`` best."""
    centered = features - features.mean(axis=0)
    ridge = RIDGE * len(features) * np.eye(features.shape[1])
    weights: Doubles = np.linalg.solve(centered.T @ centered + ridge, centered.T @ (target - target.mean()))
    return weights


def _measure_likeness(copies: Copies) -> Doubles:
    products = copies.embeddings @ copies.embeddings.T
    products[copies.people[:, None] == copies.people] = np.nan
    likeness: Doubles = np.nanquantile(products, NEAR, axis=1)
    return likeness


def _measure_parts(
    copies: Mapping[str, Copies], by_likeness: PoorPhotos, table: Calibration
) -> tuple[tuple[str, ShareCurve], ...]:
    by_part: dict[str, list[ShareCurve]] = defaultdict(list)
    for name, kind in DEGRADATIONS.items():
        for part in (*kind.parts, SCORE) if kind.parts and name in copies else ():
            good = float(np.quantile(copies[""].values(part), CLEAN))
            measured = windows(copies[name], copies[name].values(part), table, by_likeness)
            if curve := _make_curve(measured, good):
                by_part[part].append(curve)
    return tuple((part, _merge_curves(curves)) for part, curves in by_part.items())


def windows(copies: Copies, values: Doubles, table: Calibration, by_likeness: PoorPhotos | None = None) -> list[Window]:
    """Measure copies of one kind in overlapping neighborhoods of ``values (n,)``, in increasing order.

    With ``by_likeness`` only the effect beside its shares is measured; copies that are too poor for it are left out.
    """
    shares = np.ones(len(values)) if by_likeness is None else by_likeness.shares(copies.embeddings)
    order = np.argsort(values, kind="stable")
    order = order[np.isfinite(shares[order])]
    size = max(2 * len(order) // (WINDOWS + 1), LEAST_COPIES)
    starts = range(0, len(order) - size + 1, size // 2)
    rows = [order[start : start + size] for start in starts]
    results = [_measure_window(copies.rows(group), values[group], shares[group], table) for group in rows]
    return [window for window in results if window is not None]


def _measure_window(copies: Copies, values: Doubles, shares: Doubles, table: Calibration) -> Window | None:
    first, second = np.triu_indices(len(shares), 1)
    distances = cosine_distances(copies.embeddings, copies.embeddings)[first, second]
    distances = distances / pair_shares(shares[first], shares[second])
    same = copies.people[first] == copies.people[second]
    own, strangers = distances[same], np.sort(distances[~same])
    rates = [far for far in RATES if far in _measured_rates(table) and far * len(strangers) >= LEAST]
    if not rates:
        return None
    limits = [float(strangers[int(far * len(strangers))]) for far in rates]
    share = min(limit / table.threshold(far) for far, limit in zip(rates, limits, strict=True))
    enough = len(own) * LEAST_OWN >= 1
    passed = own <= share * table.threshold(OWN_FAR)
    value, end = float(np.median(values)), float(np.quantile(values, END))
    return Window(value, end, share, float(passed.mean()) if enough else None)


def _measured_rates(table: Calibration) -> list[float]:
    return [far for far in RATES if table.lowest_far <= far <= table.far[0]]


def _make_likeness_curve(windows: Sequence[Window], good: float, worst: float) -> ShareCurve:
    """Return shares that fall as the likeness rises, from 1 at ``good``; 1 up to ``worst`` without poor windows."""
    poor = sorted((window for window in windows if window.value > good), key=lambda window: window.value)
    if not poor:
        return ((good, 1.0), (worst, 1.0))
    falling = np.minimum(_fit_rising([window.share for window in poor][::-1])[::-1], 1.0)
    shares = [float(share) for share in falling]
    points = [(good, 1.0), *((window.value, share) for window, share in zip(poor, shares, strict=True))]
    points.append((max(window.end for window in poor), shares[-1]))
    return _thin_points([(round(value, 4), round(share, 3)) for value, share in points], _interpolate_linearly)


def _interpolate_linearly(curve: ShareCurve, value: float) -> float:
    """Return the share at a likeness by linear interpolation."""
    values, shares = zip(*curve, strict=True)
    return float(np.interp(value, values, shares))


def _make_curve(windows: Sequence[Window], good: float) -> ShareCurve:
    """Return shares that rise with the quality, up to 1 at ``good``; empty without poorer windows."""
    poor = [window for window in windows if window.value < good]
    if not poor:
        return ()
    rising = [float(share) for share in np.minimum(_fit_rising([window.share for window in poor]), 1.0)]
    points = ((window.value, share) for window, share in zip(poor, rising, strict=True))
    return ((poor[0].end, rising[0]), *points, (good, 1.0))


def _fit_rising(values: Sequence[float]) -> Doubles:
    """Return the increasing values nearest to these by least squares: decreasing neighbors get their mean."""
    blocks: list[tuple[float, int]] = []
    for value in values:
        blocks.append((value, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (a, n), (b, m) = blocks[-2:]
            blocks[-2:] = [((a * n + b * m) / (n + m), n + m)]
    return np.concatenate([np.full(count, value) for value, count in blocks])


def _merge_curves(curves: Sequence[ShareCurve]) -> ShareCurve:
    """Merge the curves of several kinds of damage: at each value the least share measured there."""
    values = sorted({value for curve in curves for value, _ in curve})
    least = [
        min(share for curve in curves if (share := interpolate_share(curve, value)) is not None) for value in values
    ]
    falling = np.minimum.accumulate(least[::-1])[::-1]  # a smaller fault never gets a stricter share than a greater one
    points = [(round(value, 6), round(float(share), 3)) for value, share in zip(values, falling, strict=True)]
    return _thin_points(points, interpolate_share)


def _thin_points(
    points: Sequence[tuple[float, float]], interpolate: Callable[[ShareCurve, float], float | None]
) -> ShareCurve:
    """Leave out points that are within ``TOLERANCE`` of their neighbors' interpolation, and duplicate values."""
    kept = list(dict(points).items())
    place = 1
    while place < len(kept) - 1:
        without = (*kept[:place], *kept[place + 1 :])
        gone = [point for point in points if kept[place - 1][0] < point[0] < kept[place + 1][0]]
        if all(abs((interpolate(without, value) or 0) - share) <= TOLERANCE for value, share in gone):
            del kept[place]
        else:
            place += 1
    return tuple(kept)
