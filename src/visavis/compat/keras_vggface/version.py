"""Version of the package that is stood in for."""

from __future__ import annotations

__version__ = "0.6"


def pretty_versions() -> str:
    """Say what runs here."""
    return f"keras-vggface : {__version__} , on : visavis"
