"""The packages of the extra ``video``: one sentence where they are missing, before any camera is opened."""

from __future__ import annotations

from importlib.util import find_spec

from visavis.errors import MissingExtraError

PACKAGES = ("av", "scipy")


def require_extra() -> None:
    """Raise MissingExtraError where a package of the extra is not installed."""
    for name in PACKAGES:
        if find_spec(name) is None:
            raise MissingExtraError(f"videos need {name}: pip install 'visavis[video]'.")
