"""PyAV, which alone opens containers; one sentence where it is missing."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from visavis.errors import MissingExtraError


def import_av() -> Any:
    """Return the package ``av``, which prints nothing of its own; raises MissingExtraError where it is missing."""
    try:
        import av
    except ModuleNotFoundError as error:
        raise MissingExtraError("videos need PyAV: pip install 'visavis[video]'.") from error
    package: ModuleType = av
    return package
