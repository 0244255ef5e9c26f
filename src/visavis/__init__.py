"""visavis: face detection, alignment, embedding, verification and identification.

Importing it loads almost nothing: each name is loaded from its module at its first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from visavis.clustering import cluster as cluster
    from visavis.compare import Calibration as Calibration
    from visavis.errors import (
        GalleryError as GalleryError,
    )
    from visavis.errors import (
        ImageError as ImageError,
    )
    from visavis.errors import (
        NoFaceError as NoFaceError,
    )
    from visavis.errors import (
        UsageError as UsageError,
    )
    from visavis.errors import (
        VisavisError as VisavisError,
    )
    from visavis.errors import (
        WeightsError as WeightsError,
    )
    from visavis.gallery.gallery import Gallery as Gallery
    from visavis.images.load import read as read
    from visavis.pipeline import (
        Recognizer as Recognizer,
    )
    from visavis.pipeline import (
        detect as detect,
    )
    from visavis.pipeline import (
        embed as embed,
    )
    from visavis.pipeline import (
        extract as extract,
    )
    from visavis.pipeline import (
        verify as verify,
    )
    from visavis.ranking.lookalikes import similar as similar
    from visavis.ranking.representatives import average_face as average_face
    from visavis.ranking.representatives import representative as representative
    from visavis.types import (
        Candidate as Candidate,
    )
    from visavis.types import (
        Characteristic as Characteristic,
    )
    from visavis.types import (
        Cluster as Cluster,
    )
    from visavis.types import (
        Clustering as Clustering,
    )
    from visavis.types import (
        Face as Face,
    )
    from visavis.types import (
        Faces as Faces,
    )
    from visavis.types import (
        Identification as Identification,
    )
    from visavis.types import (
        Lookalike as Lookalike,
    )
    from visavis.types import (
        Photo as Photo,
    )
    from visavis.types import (
        PhotoFaces as PhotoFaces,
    )
    from visavis.types import (
        PhotoVerification as PhotoVerification,
    )
    from visavis.types import (
        Quality as Quality,
    )
    from visavis.types import (
        Verification as Verification,
    )

__version__ = "0.1.0"

_HOMES = {
    "visavis.clustering": ["cluster"],
    "visavis.compare": ["Calibration"],
    "visavis.errors": ["GalleryError", "ImageError", "NoFaceError", "UsageError", "VisavisError", "WeightsError"],
    "visavis.gallery.gallery": ["Gallery"],
    "visavis.images.load": ["read"],
    "visavis.ranking.lookalikes": ["similar"],
    "visavis.pipeline": ["Recognizer", "detect", "embed", "extract", "verify"],
    "visavis.ranking.representatives": ["average_face", "representative"],
    "visavis.types": [
        "Candidate",
        "Characteristic",
        "Cluster",
        "Clustering",
        "Face",
        "Faces",
        "Identification",
        "Lookalike",
        "Photo",
        "PhotoFaces",
        "PhotoVerification",
        "Quality",
        "Verification",
    ],
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = ["__version__", *sorted(_HOME)]  # noqa: PLE0604 - the names are strings


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'visavis' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
