"""Pictures of a worker's cases: decoded by the parent, read here before anything is timed."""

from __future__ import annotations

from functools import partial

import numpy as np


def cases(settings, one, batch=None):
    """Turn each case ``{"files": [...npy], "batch": bool}`` into a function; it counts the faces of each.

    ``one(picture)`` returns a count, ``batch(list of pictures)`` a list of counts.
    """
    made = {}
    for name, case in settings["cases"].items():
        pictures = [np.load(file) for file in case["files"]]
        made[name] = partial(batch, pictures) if case["batch"] else partial(_loop, one, pictures)
    return made


def _loop(one, pictures):
    return [one(picture) for picture in pictures]
