"""Folders of this user: files that visavis can make or download again, and files that it cannot."""

from __future__ import annotations

import os
from pathlib import Path

from visavis import permissions
from visavis.errors import WeightsError


def cache_dir() -> Path:
    """Return the root of the cache: ``VISAVIS_CACHE``, or the platform's cache folder. It need not exist yet."""
    named = os.environ.get("VISAVIS_CACHE")
    if named:
        return Path(named)
    import platformdirs

    return platformdirs.user_cache_path("visavis")


def trusted_folder(name: str) -> Path:
    """Return a folder of the cache, which need not exist yet; WeightsError where other users can write to it.

    Such users could put networks and embeddings of their own there, and so decide who is recognized.
    """
    folder = cache_dir() / name
    check_trusted(folder)
    return folder


def check_trusted(folder: Path) -> None:
    """Raise WeightsError where other users can write to a folder or to the folder that it is in."""
    for part in (folder.parent, folder):
        if fault := permissions.find_distrust(part):
            raise WeightsError(
                f"what is in {folder} is not used, because {fault}, or name another folder by VISAVIS_CACHE."
            )


def data_dir() -> Path:
    """Return the folder of files that are kept: ``VISAVIS_CACHE``, or the platform's data folder."""
    named = os.environ.get("VISAVIS_CACHE")
    if named:
        return Path(named)
    import platformdirs

    return platformdirs.user_data_path("visavis")
