"""Photos -> one template each: the face that a photo is about, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis.types import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Templates:
    """One row a photo.

    ``vectors (n, d)`` are of unit length, zeros where ``status`` is not "ok" (a failure to enrol); ``boxes (n, 4)`` and
    ``quality (n,)`` (0..1) are of the face that was taken, zeros without one; ``faces (n,)`` counts all that were
    found.
    """

    model: str
    detector: str
    photos: tuple[str, ...]
    status: tuple[str, ...]
    vectors: Floats
    boxes: Floats
    quality: Floats
    faces: NDArray[np.intp]

    @property
    def found(self) -> NDArray[np.bool_]:
        """Which photos gave a template ``(n,)``."""
        return np.array([one == "ok" for one in self.status], np.bool_)
