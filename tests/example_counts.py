"""How much of what is drawn at random is tried: by ``./check`` some, by ``./check --long`` (VISAVIS_LONG) far more."""

from __future__ import annotations

import os

LONG = os.environ.get("VISAVIS_LONG") == "1"


def examples(count: int) -> int:
    """Return how many examples a property is tried on: so many, twenty times as many in a long check."""
    return 20 * count if LONG else count


def rounds(count: int) -> int:
    """Return how often a process is killed at random: so often in a long check, a quarter of it otherwise."""
    return count if LONG else max(count // 4, 3)
