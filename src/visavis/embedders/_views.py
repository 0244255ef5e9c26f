"""Views of a crop: itself, its mirror image, and both enlarged. Their embeddings are summed.

A network answers a little differently to each view of one face; the sum keeps what the answers have in common. Views
are made from the crop alone, so any embedder can use them. docs/accuracy.md has the gain and the cost of each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from visavis import compare
from visavis.errors import UsageError
from visavis.types import RGB, Floats

ZOOM = 1.12
"""Enlargement of the face in the nearer views: of 1.04 to 1.20, this and 1.16 added most to the plain views."""

COUNTS = (1, 2, 4)
"""Possible numbers of views. Six and eight, with turns and shifts, were no better than four."""


def model_id(name: str, views: int, *, default: int) -> str:
    """Return ``NAME`` at the default number of views, else ``NAME@N``; UsageError for another number than in COUNTS."""
    if views not in COUNTS:
        offered = ", ".join(str(count) for count in COUNTS)
        raise UsageError(f"{name} has no {views} views: choose from {offered}.")
    return name if views == default else f"{name}@{views}"


def embed_views(raw: Callable[[RGB], Floats], crops: RGB, *, views: int, model: str) -> Floats:
    """Return unit embeddings ``(n, d)``: the sums of ``raw`` over ``views`` views of the crops ``(n, s, s, 3)``.

    WeightsError, which names the ``model``, where a sum is zero or not finite.
    """
    total, *others = (raw(view) for view in views_of(crops, views))
    for other in others:
        total = total + other
    return compare.unit(compare.check_computed(total, model))


def views_of(crops: RGB, count: int) -> Iterator[RGB]:
    """Yield the crops ``(n, s, s, 3)`` in ``count`` views, each of that shape.

    The crops as they are come first, then their mirror images, then both nearer; so with an even number of views a
    mirrored crop has the same views in another order.
    """
    sides = (crops, crops[:, :, ::-1])
    for number in range(count):
        side = sides[number % 2]
        yield side if number < 2 else _enlarge(side)


def _enlarge(crops: RGB) -> RGB:
    """Return crops enlarged about their middle, cut off at the edges."""
    from visavis.opencv import cv2

    size = crops.shape[1]
    shift = (1 - ZOOM) * (size - 1) / 2
    matrix = np.array([[ZOOM, 0, shift], [0, ZOOM, shift]], np.float32)
    larger = np.empty(crops.shape, np.uint8)
    for source, place in zip(crops, larger, strict=True):
        cv2.warpAffine(np.ascontiguousarray(source), matrix, (size, size), dst=place, flags=cv2.INTER_LINEAR)
    return larger
