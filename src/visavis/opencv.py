"""OpenCV, imported at the first use of this module: ``from visavis.opencv import cv2`` inside a function.

While ``cv2`` loads, it takes itself and its submodules out of ``sys.modules`` for a moment, and threads that import
it in that moment can fail (seen as KeyError: 'cv2.misc'). This module stays where it is while it loads, so its import
lock lets one thread import OpenCV and the others wait.
"""

from __future__ import annotations

import cv2

__all__ = ["cv2"]
