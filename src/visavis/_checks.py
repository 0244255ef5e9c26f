"""Checks of options: a number of the right type and range, or a UsageError that describes the option."""

from __future__ import annotations

import math
from numbers import Integral, Real

from visavis.errors import UsageError

MOST_DIGITS = 40
"""Digits of the longest whole number that a message quotes."""


def check_number(
    value: object, what: str, *, least: float = -math.inf, most: float = math.inf, finite: bool = True
) -> float:
    """Return a finite number from ``least`` to ``most``; any number where it need not be ``finite``.

    ``what`` describes the option, at the beginning of the message. Raises UsageError for anything else: text, None,
    truth values, NaN and infinities.
    """
    if isinstance(value, Real) and not isinstance(value, bool):
        try:
            figure = float(value)
        except OverflowError:  # a whole number of more than 308 digits
            figure = math.inf
        if not finite or (math.isfinite(figure) and least <= figure <= most):
            return figure
    raise UsageError(f"{what}{_format_range(least, most)}, got {_format_value(value)}.")


def check_whole(value: object, what: str, *, least: int, most: int | None = None) -> int:
    """Return a whole number from ``least`` to ``most``; UsageError for anything else, as in :func:`check_number`."""
    if isinstance(value, Integral) and not isinstance(value, bool):
        number = int(value)
        if least <= number and (most is None or number <= most):
            return number
    bounds = f"of {least} or more" if most is None else f"from {least} to {most}"
    raise UsageError(f"{what} {bounds}, got {_format_value(value)}.")


def _format_range(least: float, most: float) -> str:
    if math.isinf(most):
        return "" if math.isinf(least) else f" of at least {least:g}"
    return f" from {least:g} to {most:g}"


def _format_value(value: object) -> str:
    """Format a value for a message, in one line of limited length."""
    if isinstance(value, Integral) and abs(int(value)) >= 10**MOST_DIGITS:
        return f"a number of more than {MOST_DIGITS} digits"  # Python refuses to write one of more than 4,300
    text = f"{value:g}" if isinstance(value, float) else repr(value)
    return " ".join(text.split())[:80]
