"""95 % confidence intervals of counted rates."""

from __future__ import annotations

import math

import numpy as np

from visavis.errors import UsageError
from visavis.evaluate.results import Interval
from visavis.evaluate.stats.metrics import Counts

Z = 1.959963984540054
"""Standard normal quantile of 0.975: 2.5 % lie beyond it on each side."""
TAIL = 0.025
"""Probability beyond each end of an interval."""


def wilson(successes: float, n: float) -> Interval:
    """Return Wilson's score interval of ``successes`` among ``n`` independent trials; 0..1 where ``n`` is 0.

    E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927). Unlike the
    normal approximation it stays within 0..1 and has a width where all or none succeeded. Photos of one person are not
    independent trials: see :func:`wilson_of_people`.
    """
    if not 0 <= successes <= n:
        raise UsageError(f"successes must be from 0 to the number of trials, got {successes:g} of {n:g}.")
    if n == 0:
        return 0.0, 1.0
    share, z2 = successes / n, Z * Z / n
    middle = share + z2 / 2
    half = Z * math.sqrt(share * (1 - share) / n + z2 / (4 * n))
    low, high = (middle - half) / (1 + z2), (middle + half) / (1 + z2)
    return (low if successes else 0.0), (high if successes < n else 1.0)  # exact where rounding would miss the end


def wilson_of_people(successes: Counts, trials: Counts) -> Interval:
    """Return Wilson's interval of a rate over several photos a person: ``successes (k,)`` of ``trials (k,)`` each.

    Photos of one person succeed and fail together, so they count as fewer independent trials: as many as give the
    binomial rate the variance between people (J. N. K. Rao, A. J. Scott, A simple method for the analysis of clustered
    binary data, Biometrics 48, 1992), and never more than there are. Where all or none succeeded the variance is
    unknown, and each person counts once.
    """
    tried = trials > 0
    good, n, people = int(successes.sum()), int(trials.sum()), int(tried.sum())
    if people < 2 or good in (0, n):
        return wilson(good * people / n if n else 0, people)
    share = good / n
    spread = float(np.square(successes - share * trials).sum())
    effective = min(float(n), share * (1 - share) * n * n / spread) if spread else float(n)
    return wilson(share * effective, effective)


def poisson(count: int) -> Interval:
    """Return the exact 95 % interval of the expected number of independent rare events of which ``count`` occurred.

    F. Garwood, Fiducial limits for the Poisson distribution, Biometrika 28 (1936). Without an event it ends at 3.69.
    """
    if count < 0:
        raise UsageError(f"a number of events is 0 or more, got {count}.")
    low = 0.0 if count == 0 else _find_mean(count - 1, 1 - TAIL)
    return low, _find_mean(count, TAIL)


def _find_mean(count: int, share: float) -> float:
    """Return the mean at which up to ``count`` events have the probability ``share``."""
    low, high = 0.0, count + 10 * math.sqrt(count + 1) + 10
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (low, middle) if _probability_up_to(count, middle) < share else (middle, high)
    return (low + high) / 2


def _probability_up_to(count: int, mean: float) -> float:
    return math.fsum(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(count + 1))
