"""DETECT: pictures -> faces. One file a detector; each registers itself in ``DETECTORS``.

The package is not called ``detect`` because ``visavis.detect`` is the function of that name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from visavis.registry import Registry
from visavis.types import RGB, Face


class Detector(Protocol):
    """Finds faces. Constructed means ready; safe to share between threads."""

    name: str

    def detect(self, pictures: Sequence[RGB], *, min_face: float = 20) -> list[list[Face]]:
        """Faces of each RGB picture (any mixture of sizes), best score first; an empty list where there is none.

        ``min_face`` is the side in pixels of the smallest face looked for; a somewhat smaller one may be found too.
        """
        ...


DETECTORS: Registry[Detector] = Registry(
    "detector",
    entry_points="visavis.detectors",
    builtin={
        "mtcnn": "visavis.detectors.mtcnn",
        "scrfd-2.5g": "visavis.detectors.scrfd",
        "scrfd-500m": "visavis.detectors.scrfd",
        "yunet": "visavis.detectors.yunet",
    },
)
