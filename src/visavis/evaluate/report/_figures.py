"""Figures of the verification report: curves of all models in one plot, and the distances of each model."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from visavis.evaluate.report import svg
from visavis.evaluate.report.svg import Axis, Key, PlotFrame
from visavis.evaluate.results import Rate, VerificationResult
from visavis.evaluate.stats.metrics import Roc
from visavis.types import Doubles

LOWEST = -7
"""Lowest power of ten on the FAR axis."""
MARKED = (1e-2, 1e-3, 1e-4)
"""Rates of false accepts with thresholds drawn in the plot of distances."""
NEIGHBORS = 3
"""Pixels between the whiskers of two models at one rate."""


def roc(results: Sequence[VerificationResult], names: Sequence[str]) -> str:
    """Draw TAR against FAR, on a logarithmic FAR axis."""
    least = max(LOWEST, min(-1, math.floor(-math.log10(_max_impostors(results)) + 1e-9)))
    x = svg.logarithmic("FAR: strangers accepted", least, 0)
    ends = [end for result in results for end in _lowest_tars(result, x.low)]
    lowest = min(90.0, 10.0 * max(0, math.floor(10 * min(ends))))
    y = svg.linear("TAR: same person accepted, %", lowest, 100.0)
    frame = PlotFrame(x, y)
    curves = [svg.steps(frame, *_accepted_curve(result.roc, 100.0), series=n) for n, result in enumerate(results)]
    marks = [
        svg.whisker(frame, rate.far, 100 * rate.tar, _interval_percent(rate), series=n, tip=tip, shift=shift)
        for n, rate, tip, shift in _iterate_marks(results, names, x)
    ]
    return svg.figure(
        frame, [*curves, *marks], label=_make_label("ROC: TAR against FAR", names), keys=_make_keys(names)
    )


def det(results: Sequence[VerificationResult], names: Sequence[str]) -> str:
    """Draw FRR against FAR, both as normal deviates (Martin et al., The DET curve, Eurospeech 1997)."""
    x = svg.probit("FAR: strangers accepted, %", _tick_below(min(0.01, 1 / _max_impostors(results))), 0.5)
    curves = [_rejected_curve(result.roc) for result in results]
    most = max(_height_at(far, frr, x.low) for far, frr in curves)
    least = min(
        max(_height_at(*curve, x.high), 1 / result.roc.genuine) for curve, result in zip(curves, results, strict=True)
    )
    y = svg.probit("FRR: same person rejected, %", _tick_below(min(least, 0.2)), _tick_above(max(most, 0.3)))
    frame = PlotFrame(x, y)
    parts = [_draw_equal_errors(frame)]
    parts += [svg.steps(frame, far, frr, series=n) for n, (far, frr) in enumerate(curves)]
    for n, rate, tip, shift in _iterate_marks(results, names, x):
        ends = rate.tar_interval
        missed = None if ends is None else (1 - ends[1], 1 - ends[0])
        parts.append(svg.whisker(frame, rate.far, 1 - rate.tar, missed, series=n, tip=tip, shift=shift))
    return svg.figure(frame, parts, label=_make_label("DET: FRR against FAR", names), keys=_make_keys(names))


def distances(result: VerificationResult, name: str) -> str:
    """Draw the distances of pairs of one person and of two, and the thresholds at the ``MARKED`` rates."""
    edges, genuine, impostors = (
        np.asarray(values, np.float64)
        for values in (result.histogram.edges, result.histogram.genuine * 100, result.histogram.impostors * 100)
    )
    (used,) = np.nonzero(genuine + impostors)
    first, last = (used[0], used[-1] + 1) if len(used) else (0, len(genuine))
    edges, genuine, impostors = edges[first : last + 1], genuine[first:last], impostors[first:last]
    highest = max(float(np.max(genuine, initial=0)), float(np.max(impostors, initial=0))) * 1.05
    x = svg.linear("cosine distance", float(edges[0]), float(edges[-1]))
    frame = PlotFrame(x, svg.linear("share of the pairs, %", 0.0, highest or 1.0))
    kinds = ((genuine, "one person"), (impostors, "two people"))
    parts = [
        svg.bars(frame, edges, shares, series=n, tips=[*_make_bar_tips(edges, shares, kind)])
        for n, (shares, kind) in enumerate(kinds)
    ]
    marked = [rate for far in MARKED for rate in result.rates if math.isclose(rate.far, far, rel_tol=1e-6)]
    for row, rate in enumerate(rate for rate in marked if x.low <= rate.threshold <= x.high):
        tip = f"threshold {rate.threshold:.4f}: FAR {short(rate.far)}, TAR {rate.tar:.2%}"
        parts.append(svg.rule(frame, rate.threshold, f"FAR {short(rate.far)}", row=row, tip=tip))
    keys = [Key("pairs of one person (genuine)", 0, "area"), Key("pairs of two people (impostors)", 1, "area")]
    return svg.figure(frame, parts, label=f"Distances of pairs, {name}", keys=keys)


def rejection(results: Sequence[VerificationResult], names: Sequence[str]) -> str | None:
    """Draw FNMR against the share of the worst pairs rejected; None if no result has such a curve."""
    curves = [(n, result.rejection) for n, result in enumerate(results) if result.rejection is not None]
    if not curves:
        return None
    widest = max(max(curve.shares) for _, curve in curves) * 100
    highest = max(max(curve.fnmr) for _, curve in curves) * 105
    x = svg.linear("worst pairs by quality rejected, %", 0.0, widest or 1.0)
    frame = PlotFrame(x, svg.linear("FNMR of the rest, %", 0.0, highest or 1.0))
    parts, keys = [], []
    for n, curve in curves:
        pairs = list(zip(curve.shares, curve.fnmr, strict=True))
        tips = [f"{names[n]}: worst {share:.0%} rejected, FNMR {fnmr:.2%}" for share, fnmr in pairs]
        points = 100 * np.array(pairs)
        parts.append(svg.polyline(frame, points[:, 0], points[:, 1], series=n, tips=tips))
        keys.append(Key(f"{names[n]}, threshold {curve.threshold:.4f}", n))
    return svg.figure(frame, parts, label=_make_label("FNMR against the share rejected", names), keys=keys)


def short(far: float) -> str:
    """Format a rate in scientific notation: 0.001 is "1e-3"."""
    mantissa, exponent = f"{far:.2e}".split("e")
    return f"{float(mantissa):g}e{int(exponent)}" if int(exponent) else f"{far:g}"


# ---------------------------------------------------------------------------------------------------- pieces


def _max_impostors(results: Sequence[VerificationResult]) -> int:
    return max(result.roc.impostors for result in results)


def _accepted_curve(roc: Roc, factor: float) -> tuple[Doubles, Doubles]:
    """Return FAR and TAR from the first false accept on, since a logarithmic axis has no 0."""
    first = int(np.searchsorted(roc.impostors_accepted, 1))
    return roc.far[first:], factor * roc.tar[first:]


def _rejected_curve(roc: Roc) -> tuple[Doubles, Doubles]:
    """Return FAR and FRR from the first false accept on, up to the point where FRR is 0."""
    far, tar = _accepted_curve(roc, 1.0)
    last = int(np.searchsorted(tar, 1.0)) + 1
    return far[:last], 1 - tar[:last]


def _height_at(x: Doubles, y: Doubles, position: float) -> float:
    """Return the height of a step curve at a position, or at its beginning if that is later."""
    return float(y[max(0, int(np.searchsorted(x, position, side="right")) - 1)])


def _lowest_tars(result: VerificationResult, low: float) -> Iterator[float]:
    """Yield the lowest points of the TAR curve and its whiskers."""
    yield _height_at(*_accepted_curve(result.roc, 1.0), low)
    yield from (rate.tar_interval[0] for rate in result.rates if rate.tar_interval and rate.far >= low)


def _iterate_marks(
    results: Sequence[VerificationResult], names: Sequence[str], x: Axis
) -> Iterator[tuple[int, Rate, str, float]]:
    """Yield series, rate, tooltip and shift of every tabled rate within the axis."""
    for n, (result, name) in enumerate(zip(results, names, strict=True)):
        for rate in result.rates:
            if x.low <= rate.far * (1 + 1e-9) and rate.far <= x.high:
                shift = NEIGHBORS * (n - (len(results) - 1) / 2)
                yield n, rate, f"{name}: FAR {short(rate.far)}, TAR {rate.tar:.2%}{_format_interval(rate)}", shift


def _format_interval(rate: Rate) -> str:
    ends = rate.tar_interval
    return "" if ends is None else f" ({ends[0]:.2%} to {ends[1]:.2%})"


def _interval_percent(rate: Rate) -> tuple[float, float] | None:
    return None if rate.tar_interval is None else (100 * rate.tar_interval[0], 100 * rate.tar_interval[1])


def _make_bar_tips(edges: Doubles, shares: Doubles, kind: str) -> Iterator[str]:
    for low, high, share in zip(edges[:-1], edges[1:], shares, strict=True):
        yield f"{low:.3f} to {high:.3f}: {share:.2f} % of the pairs of {kind}"


def _draw_equal_errors(frame: PlotFrame) -> str:
    """Draw the line of equal errors, which each curve crosses at its EER."""
    ends = np.array([max(frame.x.low, frame.y.low), min(frame.x.high, frame.y.high)])
    (left, right), (bottom, top) = frame.across(ends), frame.down(ends)
    line = f'd="M{left:.1f} {bottom:.1f}L{right:.1f} {top:.1f}"'
    return f'<path class="grid" stroke-dasharray="3 4" fill="none" {line}><title>FAR = FRR</title></path>'


def _tick_below(value: float) -> float:
    return max([tick for tick in svg.PROBIT_TICKS if tick <= value * (1 + 1e-9)], default=svg.PROBIT_TICKS[0])


def _tick_above(value: float) -> float:
    return min([tick for tick in svg.PROBIT_TICKS if tick >= value], default=svg.PROBIT_TICKS[-1])


def _make_label(text: str, names: Sequence[str]) -> str:
    return f"{text} of {', '.join(names)}"


def _make_keys(names: Sequence[str]) -> list[Key]:
    return [Key(name, n) for n, name in enumerate(names)]
