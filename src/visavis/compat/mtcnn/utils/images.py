"""Read pictures like ``mtcnn`` 1.0."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis import images
from visavis.compat.mtcnn.exceptions import InvalidImage
from visavis.types import RGB, Floats


def load_image(image: Any, dtype: Any = np.float32, device: str = "CPU:0") -> Floats:
    """Return RGB float32 ``(h, w, 3)`` in 0..255 of a path, bytes or an array; upright (the original ignores EXIF).

    ``dtype`` and ``device`` are for TensorFlow, and unused.
    """
    return pixels_of(image).astype(np.float32)


def pixels_of(image: Any) -> RGB:
    """Return RGB uint8 ``(h, w, 3)`` of a path, bytes, an array of values in 0..255, or a tensor with ``numpy()``.

    Raises InvalidImage for anything else, and ImageError for a file that cannot be read.
    """
    if hasattr(image, "numpy"):
        image = image.numpy()
    if isinstance(image, np.ndarray):
        return _convert_array(image)
    if image is None or (not isinstance(image, (str, bytes)) and not hasattr(image, "__fspath__")):
        raise InvalidImage(f"Image not valid: expected an RGB array, a path or bytes, got {type(image).__name__}.")
    return images.read(image).pixels


def _convert_array(image: NDArray[Any]) -> RGB:
    if image.ndim == 2:
        image = np.repeat(image[..., None], 3, axis=2)
    if image.ndim != 3 or image.shape[2] not in {3, 4} or 0 in image.shape:
        raise InvalidImage(f"Image not valid: expected an RGB array (h, w, 3), got shape {image.shape}.")
    pixels: RGB = image[..., :3] if image.dtype == np.uint8 else image[..., :3].round().clip(0, 255).astype(np.uint8)
    return np.ascontiguousarray(pixels)
