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
            level = self._level(name, time)
            self._buckets.pop(name, None)
            self._buckets[name] = (level - 1 if level >= 1 else level, time)
            if len(self._buckets) > MOST_BUCKETS:
                del self._buckets[next(iter(self._buckets))]
        return self._seconds(level)

    def peek_seconds(self, name: str, *, now: float | None = None) -> float:
        """Return what :meth:`wait_seconds` would, and count nothing."""
        if not self._per_second:
            return 0.0
        with self._lock:
            return self._seconds(self._level(name, monotonic() if now is None else now))

    def _level(self, name: str, time: float) -> float:
        level, filled = self._buckets.get(name, (self._most, time))
        return min(self._most, level + (time - filled) * self._per_second)

    def _seconds(self, level: float) -> float:
        return 0.0 if level >= 1 else (1 - level) / self._per_second
