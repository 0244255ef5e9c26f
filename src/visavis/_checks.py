"""Checks of options: a number of the right type and range, or a UsageError that says what the option is."""

from __future__ import annotations

import math
from numbers import Integral, Real

from visavis.errors import UsageError


def checked_number(
    value: object, what: str, *, least: float = -math.inf, most: float = math.inf, finite: bool = True
) -> float:
    """Return a finite number from ``least`` to ``most``; any number where it need not be ``finite``.

    ``what`` says what it is, as the message begins. Raises UsageError for anything else: text, None, truth
    values, NaN and infinities.
    """
    if isinstance(value, Real) and not isinstance(value, bool):
        figure = float(value)
        if not finite or (math.isfinite(figure) and least <= figure <= most):
            return figure
    raise UsageError(f"{what}{_range(least, most)}, got {_shown(value)}.")


def checked_whole(value: object, what: str, *, least: int) -> int:
    """Return a whole number of ``least`` or more; UsageError, as of :func:`checked_number`, for anything else."""
    if isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= least:
        return int(value)
    raise UsageError(f"{what} of {least} or more, got {_shown(value)}.")


def _range(least: float, most: float) -> str:
    if math.isinf(most):
        return "" if math.isinf(least) else f" of at least {least:g}"
    return f" from {least:g} to {most:g}"


def _shown(value: object) -> str:
    """Write a value for a message, in one line that is not too long."""
    text = f"{value:g}" if isinstance(value, float) else repr(value)
    return " ".join(text.split())[:80]
