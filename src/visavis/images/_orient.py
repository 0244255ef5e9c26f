"""A decoded Pillow image of any mode -> RGB pixels, the right way up."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from visavis.types import RGB

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

STRIP_PIXELS = 1 << 19
"""Pixels converted at a time, which bounds the memory beside the picture and the result."""

WHITES = {"I": (255, 65535, 2**31 - 1), "F": (1.0, 255.0, 65535.0)}
"""Possible values of white in a 32-bit file, by Pillow mode: such files do not state it; see :func:`_find_white`."""

ORIENTATION = 0x0112


# ------------------------------------------------------------------------------------------- orientation


def stated_orientation(image: ImageFile) -> int:
    """Return the EXIF orientation 1..8 of a loaded file, 1 where there is none or where it is invalid."""
    if hasattr(image, "tag_v2"):  # TIFF: newer Pillows turn it on loading, and drop the tag
        value = image.tag_v2.get(ORIENTATION, 1)
        return value if value in range(1, 9) else 1
    return exif_orientation(exif_block(image))


def exif_block(image: ImageFile) -> bytes:
    """Return the EXIF block of an opened file that is no TIFF; empty where there is none."""
    block = image.info.get("exif", b"")
    if not block and (text := image.info.get("Raw profile type exif")):
        block = _decode_raw_profile(str(text))
    return block if isinstance(block, bytes) else b""


def _decode_raw_profile(text: str) -> bytes:
    """Return the EXIF block of a PNG written by ImageMagick: three heading lines, then hexadecimal digits."""
    try:
        return bytes.fromhex("".join(text.split("\n")[3:]))
    except ValueError:
        return b""


def exif_orientation(block: bytes) -> int:
    """Return the orientation 1..8 in an EXIF block; 1 where it is missing or damaged.

    This replaces Pillow's reader, which warns about, or fails on, damage to tags that do not matter.
    Layout: TIFF 6.0, section 2: byte order, 42, offset of the first directory; there 12 bytes an entry (tag,
    type, count, value).
    """
    tiff = block.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(order + "I", tiff, 4)
        (entries,) = struct.unpack_from(order + "H", tiff, start)
        for at in range(start + 2, start + 2 + 12 * entries, 12):
            tag, kind = struct.unpack_from(order + "HH", tiff, at)
            if tag == ORIENTATION:
                (value,) = struct.unpack_from(order + ("I" if kind == 4 else "H"), tiff, at + 8)
                return value if 1 <= value <= 8 else 1
    except struct.error:
        pass  # a truncated or damaged block loses the turn, not the photo
    return 1


TURNS = {
    # EXIF 2.3, tag 274: Pillow's name of the turn that makes the picture upright
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
SIDEWAYS = {5, 6, 7, 8}
"""Orientations in which stored rows are columns of the upright picture."""
FROM_THE_END = {3, 4, 6, 7}
"""Orientations in which the first stored row is the last row, or column, of the upright picture."""


# ------------------------------------------------------------------------------------------ any mode -> RGB


def upright(image: Image, orientation: int) -> RGB:
    """Turn a loaded image into RGB ``(h, w, 3)``, strip by strip, each written to its place in the result."""
    from PIL.Image import Transpose

    width, height = image.size
    pixels: RGB = np.empty((height, width, 3), np.uint8)
    if orientation in SIDEWAYS:
        pixels = pixels.reshape(width, height, 3)
    convert = _choose_converter(image)
    rows = max(1, STRIP_PIXELS // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        strip = image.crop((0, top, width, bottom))
        if orientation in TURNS:
            strip = strip.transpose(Transpose[TURNS[orientation]])
        start, stop = (height - bottom, height - top) if orientation in FROM_THE_END else (top, bottom)
        place = pixels[:, start:stop] if orientation in SIDEWAYS else pixels[start:stop]
        place[...] = convert(strip)
    return pixels


def _choose_converter(image: Image) -> Callable[[Image], RGB]:
    """Return the function that converts strips of this image to RGB."""
    if image.mode.startswith("I;16"):
        return partial(_convert_gray16, shift=_find_depth(image) - 8)
    if image.mode in WHITES:
        return partial(_convert_wide, white=_find_white(image))
    if image.mode == "CMYK" and image.format == "JPEG" and "adobe" not in image.info:
        return _convert_ink
    if image.has_transparency_data:
        return lambda strip: over_white(cast("RGB", np.asarray(_undo_premultiplied(strip).convert("RGBA"))))
    return lambda strip: _to_array(strip if strip.mode == "RGB" else strip.convert("RGB"))


def _to_array(strip: Image) -> RGB:
    return cast("RGB", np.asarray(strip))


def _convert_ink(strip: Image) -> RGB:
    """Convert CMYK of a JPEG without Adobe's marker: there 0 is no ink, where Pillow expects 255."""
    from PIL.ImageChops import invert

    return _to_array(invert(strip).convert("RGB"))


def _undo_premultiplied(strip: Image) -> Image:
    """Undo premultiplied alpha."""
    straight = {"RGBa": "RGBA", "La": "LA"}.get(strip.mode)
    return strip.convert(straight) if straight else strip


def over_white(rgba: RGB) -> RGB:
    """Blend RGBA ``(h, w, 4)`` with white.

    The color of transparent pixels is arbitrary (often black, or the part that was cut away), so it must not be
    visible. White is the background of cut-out portraits in browsers and passports, and it keeps the outline of hair.
    """
    color, alpha = rgba[..., :3], rgba[..., 3:]
    if alpha.min() == 255:
        return color
    mixed = color.astype(np.uint16) * alpha + 255 * (255 - alpha.astype(np.uint16))
    return ((mixed + 127) // 255).astype(np.uint8)


def _convert_gray16(strip: Image, *, shift: int) -> RGB:
    return gray((np.asarray(strip) >> shift).astype(np.uint8))


def _find_depth(image: Image) -> int:
    tags: dict[int, Any] = getattr(image, "tag_v2", {})
    bits = tags.get(258, (16,))  # TIFF BitsPerSample: 12 in some scanners' files, unpacked to 16 without scaling
    return bits[0] if bits in ((12,), (16,)) else 16


def _find_white(image: Image) -> float:
    """Return the value of white where the file does not state it: the least customary value above all pixels."""
    if image.mode == "I" and image.format in {"PNG", "PPM"}:  # 16 bits, in Pillow before 11.3
        return 65535
    lowest, highest = cast("tuple[float, float]", image.getextrema())
    white = next((white for white in WHITES[image.mode] if highest <= white), None)
    if white is None or not lowest >= 0:
        raise ValueError(f"its values reach from {lowest:g} to {highest:g}, and nothing says what is white")
    return white


def _convert_wide(strip: Image, *, white: float) -> RGB:
    """Scale 32-bit values by the result of :func:`_find_white`; ValueError for values that are not numbers."""
    values = np.asarray(strip)
    if not np.isfinite(values).all():
        raise ValueError("it holds values that are not numbers")
    return gray((values * (255.0 / white) + 0.5).astype(np.uint8))


def gray(values: NDArray[np.uint8]) -> RGB:
    """Repeat one channel ``(h, w)`` as three, without copying."""
    return np.broadcast_to(values[..., None], (*values.shape, 3))
