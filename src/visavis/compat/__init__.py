"""Scripts of ``keras_vggface`` 0.6, ``mtcnn`` 0.1 and 1.0, and ``face_recognition`` 1.3, on the networks of visavis.

``python -m visavis.compat SCRIPT [ARGS]`` runs a script unchanged; ``import visavis.compat.mtcnn`` and the like are
for those who change their imports. The functions keep the names, arguments, defaults, orders and types of their
models, against this package's own rules where these differ. ``docs/coming-from.md`` says what cannot be equal.
"""

from __future__ import annotations

import sys
import warnings
from functools import cache

NAMES = ("face_recognition", "keras_vggface", "mtcnn")
"""Packages there is a stand-in for."""


class CompatWarning(UserWarning):
    """An option of the original was accepted, and changes nothing here."""


@cache
def note(message: str) -> None:
    """Warn of an option without effect: once a process, however often it is given."""
    warnings.warn(message, CompatWarning, stacklevel=_callers())


def _callers() -> int:
    """How far up the stack, as seen from :func:`note`, the script is that called any of this."""
    level, frame = 2, sys._getframe(2)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).startswith(f"{__name__}."):
        level, frame = level + 1, frame.f_back
    return level
