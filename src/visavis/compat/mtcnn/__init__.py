"""Stand-in for ``mtcnn`` 0.1 and 1.0."""

from __future__ import annotations

from visavis.compat.mtcnn.mtcnn import MTCNN

__all__ = ["MTCNN"]
__version__ = "1.0.0"
