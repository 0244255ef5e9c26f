"""Views of a crop: itself, its mirror image, and both a little nearer. Their vectors are summed.

A network that was trained on one view answers a little differently to another one of the same face; the sum keeps what
they have in common. Views are made of the crop alone, so any embedder can use them. See docs/accuracy.md for what each
is worth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from visavis import compare
from visavis.errors import UsageError
from visavis.types import RGB, Floats

ZOOMS = (1.0, 1.08, 1.04, 1.12)
"""How much larger the face is shown, in the order in which they are taken; each with its mirror image."""

COUNTS = (1, 2, 4, 6, 8)
"""Numbers of views there are."""


def model_id(name: str, views: int, *, default: int) -> str:
    """``NAME`` at the default number of views, else ``NAME@N``; UsageError for a number that there is not."""
    if views not in COUNTS:
        offered = ", ".join(str(count) for count in COUNTS)
        raise UsageError(f"{name} has no {views} views: choose from {offered}.")
    return name if views == default else f"{name}@{views}"


def embed_views(raw: Callable[[RGB], Floats], crops: RGB, *, views: int) -> Floats:
    """Unit vectors ``(n, d)``: the sums of what ``raw`` makes of so many views of the crops ``(n, s, s, 3)``."""
    total, *others = (raw(some) for some in views_of(crops, views))
    for one in others:
        total = total + one
    return compare.unit(total)


def views_of(crops: RGB, count: int) -> Iterator[RGB]:
    """Yield the crops ``(n, s, s, 3)`` in ``count`` views, each of that shape.

    The crops as they are come first, their mirror images second; of an even number of views, those of a mirrored crop
    are the same in another order.
    """
    mirrored = crops[:, :, ::-1]
    sides = [side for zoom in ZOOMS for side in ((crops, zoom), (mirrored, zoom))]
    for side, zoom in sides[:count]:
        yield side if zoom == 1 else _nearer(side, zoom)


def _nearer(crops: RGB, zoom: float) -> RGB:
    """Crops enlarged about their middle; what comes to lie outside is cut off."""
    import cv2

    size = crops.shape[1]
    middle = (size - 1) / 2
    matrix = np.array([[zoom, 0, middle * (1 - zoom)], [0, zoom, middle * (1 - zoom)]], np.float32)
    larger = np.empty(crops.shape, np.uint8)
    for source, place in zip(crops, larger, strict=True):
        cv2.warpAffine(np.ascontiguousarray(source), matrix, (size, size), dst=place, borderMode=cv2.BORDER_REPLICATE)
    return larger
