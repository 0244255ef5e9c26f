"""visavis: face detection, alignment, embedding, verification and identification.

Importing it loads almost nothing: each name is loaded from its module at its first use. Editors and type checkers read
the same names in ``__init__.pyi``, which is generated from the table below; CONTRIBUTING.md has the command.
"""

from __future__ import annotations

from importlib import import_module

__version__ = "0.1.0"

_PUBLIC = {
    "visavis.challenge": ["Challenge"],
    "visavis.client": ["Client"],
    "visavis.clustering": ["cluster"],
    "visavis.clustering.types": ["Cluster", "Clustering", "Faces"],
    "visavis.compare": ["Calibration"],
    "visavis.errors": ["GalleryError", "ImageError", "NoFaceError", "UsageError", "VisavisError", "WeightsError"],
    "visavis.gallery": ["Gallery"],
    "visavis.images.load": ["read"],
    "visavis.liveness": ["Liveness", "LivenessCheck"],
    "visavis.photo_liveness": ["check_liveness"],
    "visavis.pipeline": ["Recognizer", "detect", "embed", "extract", "verify"],
    "visavis.ranking.lookalikes": ["similar"],
    "visavis.ranking.representatives": ["average_face", "representative"],
    "visavis.train.classifier": ["load_classifier", "train_classifier"],
    "visavis.types": [
        "Candidate",
        "Characteristic",
        "Face",
        "Identification",
        "Lookalike",
        "Photo",
        "PhotoFaces",
        "PhotoVerification",
        "Quality",
        "Verification",
    ],
    "visavis.videos.run": ["video"],
}
_MODULES = {name: module for module, names in _PUBLIC.items() for name in names}

__all__ = ["__version__", *sorted(_MODULES)]  # noqa: PLE0604 - the names are strings


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'visavis' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return __all__
