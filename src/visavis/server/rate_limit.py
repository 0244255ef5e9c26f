"""Requests a minute of each key and each address: a bucket that fills steadily (a token bucket), in memory."""

from __future__ import annotations

import threading
from time import monotonic

MOST_BUCKETS = 10_000
"""Keys and addresses that are remembered: the oldest are forgotten, and begin with a full bucket again."""


class RateLimiter:
    """Allows ``per_minute`` requests of each name, and as many at once; 0: any number."""

    def __init__(self, per_minute: float) -> None:
        self._per_second = per_minute / 60
        self._most = max(1.0, per_minute)
        self._buckets: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def wait_seconds(self, name: str, *, now: float | None = None) -> float:
        """Count a request of ``name``; return 0, or the seconds until one is allowed (and count nothing)."""
        if not self._per_second:
            return 0.0
        time = monotonic() if now is None else now
        with self._lock:
            level, filled = self._buckets.pop(name, (self._most, time))
            level = min(self._most, level + (time - filled) * self._per_second)
            allowed = level >= 1
            self._buckets[name] = (level - 1 if allowed else level, time)
            if len(self._buckets) > MOST_BUCKETS:
                del self._buckets[next(iter(self._buckets))]
        return 0.0 if allowed else (1 - level) / self._per_second
