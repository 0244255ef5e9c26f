"""Stand-in for ``keras_vggface`` 0.6: networks, preprocessing and names, without training and Keras layers."""

from __future__ import annotations

from visavis.compat.keras_vggface.version import __version__
from visavis.compat.keras_vggface.vggface import VGGFace

__all__ = ["VGGFace", "__version__"]
