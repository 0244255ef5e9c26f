"""What is left of a threshold where photos are poor, measured on worsened copies of labeled photos.

Of each photo one copy a kind of :data:`~visavis.evaluate.data.degradations.DEGRADATIONS` is made, at a strength drawn
between the ends of the kind, and the face is detected and embedded anew. Copies of one kind and of about the same
likeness or quality are compared with each other: as alike in their fault as two photos can be, which is where strangers
look most alike. The share is that of their threshold at a rate in the threshold of good photos at this rate; of several
rates the least share counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from visavis import images
from visavis.compare import Calibration, cosine_distances
from visavis.errors import UsageError
from visavis.evaluate.data.degradations import DEGRADATIONS, degraded
from visavis.evaluate.data.templates import Progress, Templates
from visavis.pipeline import Recognizer
from visavis.poor_photos import SCORE, Axis, Curve, Doubles, PoorPhotos, interpolated, pair_shares
from visavis.types import RGB, Floats, Quality

RATES = (1e-2, 3e-3, 1e-3, 3e-4)
"""Rates of false accepts at which thresholds are compared, as far as the copies can tell them."""
LEAST = 10
"""Pairs of strangers nearer than a threshold that tell it."""
WINDOWS = 10
"""Neighborhoods of likeness or quality in which copies of a kind are compared, at most; each overlaps half of the next.
"""
LEAST_COPIES = 290
"""Copies in a neighborhood, at least: enough to tell a rate of 3e-4."""
END = 0.1
"""Share of the copies in the poorest neighborhood that are poorer than what counts as measured."""
MOST = 1600
"""Photos that are made worse at most, evenly spread over the list."""
NEAR = 0.99
"""Quantile of its products with strangers that is the likeness of a copy."""
RIDGE = 5e-5
"""Weight of the length of the solution in least squares, for each copy."""
AXES = 12
"""Axes along which the likeness is of the second degree. A linear function explains .60 of the variance of copies of
people who are left out, four axes .87; with twelve, strangers on double images pass half as often.
"""
CLEAN = 0.1
"""Share of the photos as they are whose quality may be poorer than what counts as good."""
ALIKE = 0.3
"""Share of the photos as they are whose likeness may be higher than what counts as good."""
LEAST_OWN = 0.05
"""Where fewer pairs of one person than this share pass at ``OWN_FAR`` photos are too poor to say."""
OWN_FAR = 1e-3
TOLERANCE = 0.006
"""Points of a curve are left out where it moves by no more than this without them."""


@dataclass(frozen=True, slots=True, eq=False)
class Copies:
    """Worsened copies in which a face was found, one a row: ``embeddings (n, d)``, ``people (n,)``, their qualities."""

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
    """Copies of about one likeness or quality: the ``share`` of the threshold that is left at its median ``value``.

    ``end`` is what it is measured down to: the ``END`` quantile of the values.
    ``own`` is the share of the pairs of one person that pass at ``OWN_FAR`` by this share (None: too few).
    """

    value: float
    end: float
    share: float
    own: float | None


def person_numbers(names: Sequence[str]) -> NDArray[np.intp]:
    """Number the person of each photo ``(n,)`` by the names."""
    return np.unique(np.array(names), return_inverse=True)[1].astype(np.intp)


def make_copies(
    templates: Templates,
    people: NDArray[np.intp],
    recognizer: Recognizer,
    *,
    min_face: float = 20,
    seed: int = 0,
    most: int = MOST,
    progress: Progress | None = None,
) -> dict[str, Copies]:
    """Make worse copies of the photos of templates; return by the name of the kind those that show a face.

    ``people (n,)`` numbers the person of each photo. The photos as they are come first, under an empty name. Raises
    UsageError where fewer than ``LEAST_COPIES`` photos show a face.
    """
    rows = _spread(np.flatnonzero(templates.found), most)
    if len(rows) < LEAST_COPIES:
        raise UsageError(
            f"poor photos are measured on {LEAST_COPIES} photos with a face or more: there are {len(rows)}."
        )
    shares = np.random.default_rng(seed).random((len(DEGRADATIONS), len(rows)))

    def pictures() -> Iterator[RGB]:
        for place, row in enumerate(rows):
            yield from _versions(templates, int(row), shares[:, place], seed=int(seed + row))

    kinds = ["", *DEGRADATIONS]
    answers = recognizer.represent(pictures(), min_face=min_face)
    shown = progress(answers, len(rows) * len(kinds)) if progress else answers
    taken: dict[str, list[tuple[Floats, int, Quality]]] = defaultdict(list)
    for number, answer in enumerate(shown):
        if answer.faces and answer.embeddings is not None:
            best, row = answer.largest, rows[number // len(kinds)]
            found = (answer.embeddings[best], int(people[row]), answer.quality[best])
            taken[kinds[number % len(kinds)]].append(found)
    return {name: stacked(some) for name, some in taken.items()}


def _versions(templates: Templates, row: int, shares: Doubles, *, seed: int) -> Iterator[RGB]:
    """Yield a photo as it is and a copy a kind."""
    pixels = images.read(templates.photos[row]).pixels
    yield pixels
    for kind, share in zip(DEGRADATIONS.values(), shares, strict=True):
        yield degraded(pixels, templates.boxes[row], kind, kind.strength(float(share)), seed=seed)


def _spread(rows: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    return rows[np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(np.intp))]


def stacked(found: Sequence[tuple[Floats, int, Quality]]) -> Copies:
    """Return copies of embeddings, people and qualities, a row each."""
    embeddings, people, qualities = zip(*found, strict=True)
    return Copies(np.stack(embeddings), np.array(people, np.intp), qualities)


def shares(copies: Mapping[str, Copies], table: Calibration) -> PoorPhotos:
    """Measure what is left of the thresholds of a table: by the likeness of embeddings, then by parts of the quality.

    A part is left with what the likeness does not explain: strangers' distances are divided by its share before.
    """
    kinds = {name: copies[name] for name in DEGRADATIONS if name in copies}
    direction, axes = likeness_function(copies)
    unmeasured = PoorPhotos(direction, (), axes=axes)
    along = {name: unmeasured.likenesses(some.embeddings) for name, some in copies.items()}
    good, worst = float(np.quantile(along[""], 1 - ALIKE)), max(float(some.max()) for some in along.values())
    measured = [window for name, some in kinds.items() for window in windows(some, -along[name], table)]
    curve = _likeness_curve([replace(window, value=-window.value, end=-window.end) for window in measured], good, worst)
    useless = [window.share for window in measured if window.own is not None and window.own < LEAST_OWN]
    by_likeness = replace(unmeasured, likeness=curve, useless=round(max(useless, default=0.0), 4))
    return replace(by_likeness, parts=_parts(copies, by_likeness, table))


def likeness_function(copies: Mapping[str, Copies]) -> tuple[tuple[float, ...], tuple[Axis, ...]]:
    """Return the direction ``(d,)`` and the axes of the function that tells how like strangers' embeddings are.

    The likeness of a copy is the ``NEAR`` quantile of its products with copies of other people of its kind. The axes
    are principal Hessian directions (Li 1992) of what a linear function leaves of it: there it bends most. Then the
    function is fitted by least squares (ridge regression): linear in all directions, of the second degree along these.
    """
    embeddings = np.concatenate([some.embeddings for some in copies.values()]).astype(np.float64)
    target = np.concatenate([_stranger_likeness(some) for some in copies.values()])
    centered = embeddings - embeddings.mean(axis=0)
    left = target - target.mean() - centered @ _ridge_weights(embeddings, target)
    bends, directions = np.linalg.eigh(centered.T * left @ centered)
    axes = directions[:, np.argsort(-np.abs(bends))[:AXES]]
    rows, columns = np.triu_indices(axes.shape[1])
    along = embeddings @ axes
    weights = _ridge_weights(np.concatenate([embeddings, along[:, rows] * along[:, columns]], axis=1), target)
    form = np.zeros((axes.shape[1],) * 2)
    form[rows, columns] = weights[embeddings.shape[1] :]
    squares, turn = np.linalg.eigh((form + form.T) / 2)
    turned = zip(squares, (axes @ turn).T, strict=True)
    direction = tuple(weights[: embeddings.shape[1]].round(3).tolist())
    return direction, tuple((round(float(weight), 3), tuple(axis.round(2).tolist())) for weight, axis in turned)


def _ridge_weights(features: Doubles, target: Doubles) -> Doubles:
    """Return the weights ``(d,)`` of a linear function of features ``(n, d)``, nearest to a target ``(n,)``."""
    centered = features - features.mean(axis=0)
    ridge = RIDGE * len(features) * np.eye(features.shape[1])
    weights: Doubles = np.linalg.solve(centered.T @ centered + ridge, centered.T @ (target - target.mean()))
    return weights


def _stranger_likeness(copies: Copies) -> Doubles:
    products = copies.embeddings @ copies.embeddings.T
    products[copies.people[:, None] == copies.people] = np.nan
    likeness: Doubles = np.nanquantile(products, NEAR, axis=1)
    return likeness


def _parts(copies: Mapping[str, Copies], by_likeness: PoorPhotos, table: Calibration) -> tuple[tuple[str, Curve], ...]:
    by_part: dict[str, list[Curve]] = defaultdict(list)
    for name, kind in DEGRADATIONS.items():
        for part in (*kind.parts, SCORE) if kind.parts and name in copies else ():
            good = float(np.quantile(copies[""].values(part), CLEAN))
            measured = windows(copies[name], copies[name].values(part), table, by_likeness)
            if curve := _curve(measured, good):
                by_part[part].append(curve)
    return tuple((part, _worst(curves)) for part, curves in by_part.items())


def windows(copies: Copies, values: Doubles, table: Calibration, by_likeness: PoorPhotos | None = None) -> list[Window]:
    """Measure copies of one kind in overlapping neighborhoods of values ``(n,)``, from the least on.

    With ``by_likeness`` only what is left beside its shares is measured; copies that are too poor for it are left out.
    """
    shares = np.ones(len(values)) if by_likeness is None else by_likeness.shares(copies.embeddings)
    order = np.argsort(values, kind="stable")
    order = order[np.isfinite(shares[order])]
    size = max(2 * len(order) // (WINDOWS + 1), LEAST_COPIES)
    starts = range(0, len(order) - size + 1, size // 2)
    rows = [order[start : start + size] for start in starts]
    found = [_window(copies.rows(some), values[some], shares[some], table) for some in rows]
    return [window for window in found if window is not None]


def _window(copies: Copies, values: Doubles, shares: Doubles, table: Calibration) -> Window | None:
    first, second = np.triu_indices(len(shares), 1)
    distances = cosine_distances(copies.embeddings, copies.embeddings)[first, second]
    distances = distances / pair_shares(shares[first], shares[second])
    same = copies.people[first] == copies.people[second]
    own, strangers = distances[same], np.sort(distances[~same])
    rates = [far for far in RATES if far in _measured(table) and far * len(strangers) >= LEAST]
    if not rates:
        return None
    limits = [float(strangers[int(far * len(strangers))]) for far in rates]
    share = min(limit / table.threshold(far) for far, limit in zip(rates, limits, strict=True))
    enough = len(own) * LEAST_OWN >= 1
    passed = own <= share * table.threshold(OWN_FAR)
    value, end = float(np.median(values)), float(np.quantile(values, END))
    return Window(value, end, share, float(passed.mean()) if enough else None)


def _measured(table: Calibration) -> list[float]:
    return [far for far in RATES if table.lowest_far <= far <= table.far[0]]


def _likeness_curve(found: Sequence[Window], good: float, worst: float) -> Curve:
    """Return shares that fall as the likeness rises, from 1 at what is good; 1 up to the worst if none was measured."""
    poor = sorted((window for window in found if window.value > good), key=lambda window: window.value)
    if not poor:
        return ((good, 1.0), (worst, 1.0))
    falling = np.minimum(_rising([window.share for window in poor][::-1])[::-1], 1.0)
    shares = [float(share) for share in falling]
    points = [(good, 1.0), *((window.value, share) for window, share in zip(poor, shares, strict=True))]
    points.append((max(window.end for window in poor), shares[-1]))
    return _thinned([(round(value, 4), round(share, 3)) for value, share in points], _on_line)


def _on_line(curve: Curve, value: float) -> float:
    """Return the share at a likeness of a curve, interpolated linearly."""
    values, shares = zip(*curve, strict=True)
    return float(np.interp(value, values, shares))


def _curve(found: Sequence[Window], good: float) -> Curve:
    """Return shares that rise with the quality, up to 1 at what is good; empty where nothing was poorer than that."""
    poor = [window for window in found if window.value < good]
    if not poor:
        return ()
    rising = [float(share) for share in np.minimum(_rising([window.share for window in poor]), 1.0)]
    points = ((window.value, share) for window, share in zip(poor, rising, strict=True))
    return ((poor[0].end, rising[0]), *points, (good, 1.0))


def _rising(values: Sequence[float]) -> Doubles:
    """Return the rising values that are nearest to these by least squares: neighbors that fall get their mean."""
    blocks: list[tuple[float, int]] = []
    for value in values:
        blocks.append((value, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (a, n), (b, m) = blocks[-2:]
            blocks[-2:] = [((a * n + b * m) / (n + m), n + m)]
    return np.concatenate([np.full(count, value) for value, count in blocks])


def _worst(curves: Sequence[Curve]) -> Curve:
    """Return one curve for several kinds of damage: at each value the least share of those that were measured there."""
    values = sorted({value for curve in curves for value, _ in curve})
    least = [min(share for curve in curves if (share := interpolated(curve, value)) is not None) for value in values]
    falling = np.minimum.accumulate(least[::-1])[::-1]  # a milder fault is never held to more than a worse one
    points = [(round(value, 6), round(float(share), 3)) for value, share in zip(values, falling, strict=True)]
    return _thinned(points, interpolated)


def _thinned(points: Sequence[tuple[float, float]], between: Callable[[Curve, float], float | None]) -> Curve:
    """Leave out points that those beside them give within ``TOLERANCE``, and of points of one value all but one."""
    kept = list(dict(points).items())
    place = 1
    while place < len(kept) - 1:
        without = (*kept[:place], *kept[place + 1 :])
        gone = [point for point in points if kept[place - 1][0] < point[0] < kept[place + 1][0]]
        if all(abs((between(without, value) or 0) - share) <= TOLERANCE for value, share in gone):
            del kept[place]
        else:
            place += 1
    return tuple(kept)
