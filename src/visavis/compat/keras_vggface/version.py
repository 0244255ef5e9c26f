"""Version of the original package."""

from __future__ import annotations

__version__ = "0.6"


def pretty_versions() -> str:
    """Return the version and the backend as a line of text."""
    return f"keras-vggface : {__version__} , on : visavis"
