"""Crops that a gallery keeps: the part of a photo around a face, so large that every network can crop it anew.

Pixels are copied, not turned or interpolated, and stored without loss. The picture of a face of more than
``LARGEST_FACE`` pixels is halved, as :func:`visavis.align.warp` halves it before it crops.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from visavis import align, images
from visavis.errors import GalleryError, ImageError
from visavis.gallery.types import FaceCrop
from visavis.types import RGB, Face, Floats, Photo

SIDE = 2.5
"""Side of the square over the longer side of the box: the widest built-in geometry, of a face that lies on its side,
takes 2.2."""
LARGEST_FACE = 512
"""Pixels of the longer side of a box; the picture is halved from twice as many on. Networks take 112 to 224."""
SHOWN_SIDE = 1.4
"""Side of the square that is shown of a crop, over the longer side of the box."""
GRID = 32
"""Corners lie on multiples of this many pixels, so that halving pairs the same pixels as in the whole photo."""


def make_crop(photo: Photo, face: Face) -> FaceCrop | None:
    """Return the square around a face, cut off where the photo ends; None for a face outside the photo."""
    from visavis.opencv import cv2

    longer = max(face.width, face.height)
    if not math.isfinite(longer) or longer <= 0:
        return None
    middle, half = (face.box[:2] + face.box[2:]) / 2, longer * SIDE / 2
    low = np.maximum(np.floor((middle - half) / GRID) * GRID, 0).astype(int)
    size = (photo.width, photo.height)
    high = np.minimum(np.ceil((middle + half) / GRID) * GRID, size).astype(int)
    if (low >= high).any():
        return None
    whole = photo.pixels[low[1] : high[1], low[0] : high[0]]
    picture = align.halve({0: whole}, max(0, int(math.log2(longer / LARGEST_FACE))))
    ratio = np.array(whole.shape[1::-1]) / np.array(picture.shape[1::-1])
    _, data = cv2.imencode(".png", picture[..., ::-1])
    return FaceCrop(
        data.tobytes(),
        ((face.box - np.tile(low, 2)) / np.tile(ratio, 2)).astype(np.float32),
        ((face.landmarks - low + 0.5) / ratio - 0.5).astype(np.float32),
    )


def open_crop(crop: FaceCrop, template_id: int) -> tuple[RGB, Face]:
    """Return the picture of a crop with the face in it; GalleryError where it cannot be read."""
    try:
        photo = images.read(crop.picture)
    except ImageError as error:
        raise GalleryError(f"the crop of template {template_id} is damaged: {error}") from error
    return photo.pixels, Face(crop.box, 1.0, crop.landmarks)


def make_thumbnail(crop: FaceCrop, template_id: int, side: int) -> bytes:
    """Return the face of a crop, with a small margin, as a JPEG of ``side`` pixels; GalleryError if it is damaged."""
    picture, face = open_crop(crop, template_id)
    return cut_face(picture, face.box, side)


def cut_face(picture: RGB, box: Sequence[float] | Floats, side: int) -> bytes:
    """Return the face of a box in a picture, with a small margin, as a JPEG of ``side`` pixels."""
    from visavis.opencv import cv2

    corners = np.asarray(box, np.float32)
    height, width = picture.shape[:2]
    edge = max(1, min(round(SHOWN_SIDE * float(max(corners[2:] - corners[:2]))), width, height))
    middle = (corners[:2] + corners[2:]) / 2 - edge / 2
    left, top = (
        int(np.clip(round(float(low)), 0, size - edge)) for low, size in zip(middle, (width, height), strict=True)
    )
    square = picture[top : top + edge, left : left + edge]
    method = cv2.INTER_AREA if edge > side else cv2.INTER_LINEAR
    shown = cv2.resize(square, (side, side), interpolation=method)
    _, data = cv2.imencode(".jpg", shown[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])
    return data.tobytes()
