"""Folders that jobs may index: those below the roots of the configuration, by the names of the roots.

Clients write ``photos/2024``: the root ``photos``, and a folder in it. No answer holds a path of the server.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from visavis.errors import UnknownNameError, UsageError
from visavis.images import shown
from visavis.server.config import ServerConfig


def resolve_folder(config: ServerConfig, folder: str) -> Path:
    """Return the folder's path; raises UnknownNameError where there is none, or it leads out of its root.

    Symbolic links are followed first, so that none leads out either. The runner of a job calls this again.
    """
    name, _, rest = folder.partition("/")
    root = config.index_roots.get(name)
    if root is None:
        names = ", ".join(config.index_roots) or "none is configured"
        raise UnknownNameError(f"{shown(folder)} begins with no root of this server: {names}.")
    if ".." in PurePosixPath(rest).parts or PurePosixPath(rest).is_absolute():
        raise UsageError(f"{shown(folder)} is not a folder below its root: leave out '..' and a second '/'.")
    try:
        base = root.resolve(strict=True)
        path = (base / rest).resolve(strict=True)
    except (OSError, ValueError, RuntimeError):  # missing, with a zero byte, a circle of links
        path = base = Path()
    if path == Path() or not path.is_relative_to(base) or not path.is_dir():
        raise UnknownNameError(f"there is no folder {shown(folder)} on this server.")
    return path


def refuse_links_out(config: ServerConfig, folder: str, photos: Iterable[str]) -> None:
    """Raise UsageError for a folder of a job that leads to photos outside of its root, by links of folders or files."""
    base = config.index_roots[folder.partition("/")[0]].resolve()
    checked: dict[str, Path] = {}
    for photo in photos:
        place, name = os.path.split(photo)
        parent = checked.get(place) or checked.setdefault(place, Path(os.path.realpath(place)))
        path = Path(os.path.realpath(photo)) if os.path.islink(photo) else parent / name  # noqa: PTH114 - millions of photos
        if not path.is_relative_to(base):
            advice = "remove them, or add their targets to [index_roots]"
            raise UsageError(f"{shown(folder)} has links that lead out of its root: {advice}.")
