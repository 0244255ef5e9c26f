"""Run scripts of ``keras_vggface`` 0.6, ``mtcnn`` 0.1 and 1.0, and ``face_recognition`` 1.3 on the networks of visavis.

``python -m visavis.compat SCRIPT [ARGS]`` runs a script unchanged; a script may also import
``visavis.compat.mtcnn`` and the others. The functions keep the names, arguments, defaults, orders and types of the
originals, even where this package has other rules. ``docs/coming-from.md`` lists the differences.
"""

from __future__ import annotations

import sys
import warnings
from functools import cache

NAMES = ("face_recognition", "keras_vggface", "mtcnn")
"""Packages that have a stand-in here."""


class CompatWarning(UserWarning):
    """An option of the original is accepted, but has no effect here."""


@cache
def note(message: str) -> None:
    """Warn of an option without effect, once per process."""
    warnings.warn(message, CompatWarning, stacklevel=_count_callers())


def _count_callers() -> int:
    """Return the stack level, counted from :func:`note`, of the script that called this package."""
    level, frame = 2, sys._getframe(2)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).startswith(f"{__name__}."):
        level, frame = level + 1, frame.f_back
    return level
