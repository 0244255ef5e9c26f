"""EMBED: faces -> unit vectors. One file an embedder; each registers itself in ``EMBEDDERS``.

The package is not called ``embed`` because ``visavis.embed`` is the function of that name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from visavis.registry import Registry
from visavis.types import RGB, Face, Floats


class Embedder(Protocol):
    """Turns faces into vectors that are near for one person. Constructed means ready; safe to share between threads."""

    name: str
    dimension: int

    def crops(self, picture: RGB, faces: Sequence[Face]) -> RGB:
        """Cut the faces out as this network wants them: ``(n, s, s, 3)`` RGB uint8."""
        ...

    def embed(self, crops: RGB) -> Floats:
        """Embed crops ``(n, s, s, 3)`` as unit vectors ``(n, dimension)`` float32."""
        ...


EMBEDDERS: Registry[Embedder] = Registry(
    "model", entry_points="visavis.embedders", builtin={"dlib-resnet": "visavis.embedders.dlib"}
)
