"""Where a rate lies that was counted on a few: 95 % intervals."""

from __future__ import annotations

import math

from visavis.errors import UsageError
from visavis.evaluate.results import Interval

Z = 1.959963984540054
"""Standard normal quantile of 0.975: 2.5 % lie beyond it on each side."""


def wilson(successes: int, n: int) -> Interval:
    """Wilson's score interval of ``successes`` among ``n`` independent trials; the whole 0..1 where ``n`` is 0.

    E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927). Unlike the
    normal approximation it never leaves 0..1 and has a width where all or none succeeded. Photos of one person are
    not independent trials: bootstrap over people there.
    """
    if not 0 <= successes <= n:
        raise UsageError(f"successes must be from 0 to the number of trials, got {successes} of {n}.")
    if n == 0:
        return 0.0, 1.0
    share, z2 = successes / n, Z * Z / n
    middle = share + z2 / 2
    half = Z * math.sqrt(share * (1 - share) / n + z2 / (4 * n))
    low, high = (middle - half) / (1 + z2), (middle + half) / (1 + z2)
    return (low if successes else 0.0), (high if successes < n else 1.0)  # exact where rounding would miss the end
