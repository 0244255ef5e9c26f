"""Where visavis keeps what it can make or fetch again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_dir() -> Path:
    """Root of the cache: ``VISAVIS_CACHE``, or the platform's folder for caches. It need not exist yet."""
    named = os.environ.get("VISAVIS_CACHE")
    if named:
        return Path(named)
    import platformdirs

    return platformdirs.user_cache_path("visavis")
