"""visavis: face detection, alignment, embedding, verification and identification. Importing it loads next to nothing."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from visavis.errors import (
        GalleryError as GalleryError,
        ImageError as ImageError,
        NoFaceError as NoFaceError,
        UsageError as UsageError,
        VisavisError as VisavisError,
        WeightsError as WeightsError,
    )
    from visavis.gallery import Gallery as Gallery
    from visavis.images import read as read
    from visavis.pipeline import (
        Recognizer as Recognizer,
        detect as detect,
        embed as embed,
        extract as extract,
        verify as verify,
    )
    from visavis.types import (
        Candidate as Candidate,
        Face as Face,
        Identification as Identification,
        Photo as Photo,
        PhotoFaces as PhotoFaces,
        Verification as Verification,
    )

__version__ = "0.1.0"

_HOMES = {
    "visavis.errors": ["GalleryError", "ImageError", "NoFaceError", "UsageError", "VisavisError", "WeightsError"],
    "visavis.gallery": ["Gallery"],
    "visavis.images": ["read"],
    "visavis.pipeline": ["Recognizer", "detect", "embed", "extract", "verify"],
    "visavis.types": ["Candidate", "Face", "Identification", "Photo", "PhotoFaces", "Verification"],
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = ["__version__", *sorted(_HOME)]  # noqa: PLE0604 - the names are strings


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'visavis' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
