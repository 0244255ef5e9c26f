"""DETECT: find the faces in pictures. Each file has one detector, which it registers in ``DETECTORS``.

The name of a detector may end in ``@any-orientation``: the detector then finds faces in turned pictures, too.

The package is not called ``detect`` because ``visavis.detect`` is the function of that name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, Protocol

from visavis import defaults
from visavis.registry import Registry
from visavis.types import RGB, Face


class Detector(Protocol):
    """Find faces. A detector is ready once it is constructed, and safe to share between threads.

    The option ``min_score`` of its factory, if it has one, is the least score of a face: above 0, below 1.

    If good faces score well below 1, the detector has an attribute ``certain``: see :func:`certain_score`. If it finds
    the largest face alone in less time, it has the method ``detect_prominent``: see :func:`detect_prominent`.
    """

    name: str

    def detect(self, pictures: Sequence[RGB], *, min_face: float = defaults.MIN_FACE) -> list[list[Face]]:
        """Return the faces of each RGB picture (sizes may differ), best score first; an empty list if there is none.

        ``min_face`` is the side in pixels of the smallest face to find; slightly smaller ones may be found too.
        """
        ...


def certain_score(detector: Detector) -> float:
    """Return the score from which a detection is certain: the detector's attribute ``certain``, else 1."""
    return float(getattr(detector, "certain", 1.0))


def detect_prominent(detector: Detector, pictures: Sequence[RGB], *, min_face: float) -> list[list[Face]]:
    """Return the faces of each picture; beside a certain, large face, small ones may be left out to save time.

    The largest face is that of :meth:`Detector.detect`, to the last bit. A detector that can save time so has the
    method ``detect_prominent``; the others detect all faces.
    """
    detect: Callable[..., list[list[Face]]] = getattr(detector, "detect_prominent", detector.detect)
    return detect(pictures, min_face=min_face)


ANY_ORIENTATION = "@any-orientation"


def base_name(name: str) -> str:
    """Return the name of the registered detector, without ``@any-orientation``."""
    return name.removesuffix(ANY_ORIENTATION)


def oriented_name(name: str, *, any_orientation: bool) -> str:
    """Return the name as it is, or that of the detector that finds faces in turned pictures, too."""
    return base_name(name) + ANY_ORIENTATION if any_orientation else name


class Detectors(Registry[Detector]):
    """The registered detectors, each also with ``@any-orientation``."""

    def check(self, name: str) -> None:
        """Raise UnknownNameError with the nearest names if ``name`` is not registered; load nothing."""
        super().check(base_name(name))

    def options(self, name: str) -> Mapping[str, Any]:
        """Return the declared options of a detector, with their defaults."""
        return super().options(base_name(name))

    def factory(self, name: str) -> Callable[..., Detector]:
        """Return the factory of a name."""
        factory = super().factory(base_name(name))
        if base_name(name) == name:
            return factory

        @wraps(factory)
        def any_orientation(**options: object) -> Detector:
            from visavis.detectors._any_orientation import AnyOrientation

            return AnyOrientation(factory(**options), name)

        return any_orientation


DETECTORS = Detectors(
    "detector",
    entry_points="visavis.detectors",
    builtin={
        "mtcnn": "visavis.detectors.mtcnn",
        "scrfd-2.5g": "visavis.detectors.scrfd",
        "scrfd-500m": "visavis.detectors.scrfd",
        "yunet": "visavis.detectors.yunet",
    },
)
