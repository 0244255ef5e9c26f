"""Folders of this user: files that visavis can make or download again, and files that it cannot."""

from __future__ import annotations

import os
from pathlib import Path


def cache_dir() -> Path:
    """Return the root of the cache: ``VISAVIS_CACHE``, or the platform's cache folder. It need not exist yet."""
    named = os.environ.get("VISAVIS_CACHE")
    if named:
        return Path(named)
    import platformdirs

    return platformdirs.user_cache_path("visavis")


def data_dir() -> Path:
    """Return the folder of files that are kept: ``VISAVIS_CACHE``, or the platform's data folder."""
    named = os.environ.get("VISAVIS_CACHE")
    if named:
        return Path(named)
    import platformdirs

    return platformdirs.user_data_path("visavis")
