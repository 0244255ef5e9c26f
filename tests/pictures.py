"""Makers of test pictures: everything is drawn here, no photograph of anybody is needed."""

from __future__ import annotations

import struct
import zlib
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, features

HAS_AVIF = find_spec("PIL.AvifImagePlugin") is not None and bool(features.check("avif"))
ORIENTATIONS = range(1, 9)

# EXIF 2.3, tag 274: which side of the upright picture the stored row 0 and the stored column 0 are.
ROW_AND_COLUMN = {
    1: ("top", "left"),
    2: ("top", "right"),
    3: ("bottom", "right"),
    4: ("bottom", "left"),
    5: ("left", "top"),
    6: ("right", "top"),
    7: ("right", "bottom"),
    8: ("left", "bottom"),
}


def scene(width: int = 64, height: int = 48) -> np.ndarray:
    """An upright RGB picture that no turn or mirroring leaves as it is, smooth enough for JPEG."""
    across = np.linspace(0, 200, width)[None, :].repeat(height, 0)
    down = np.linspace(20, 240, height)[:, None].repeat(width, 1)
    picture = np.stack([across, down, (across + 2 * down) / 4], axis=-1)
    picture[: height // 4, : width // 4] = (250, 30, 30)
    picture[: height // 4, -(width // 4) :] = (30, 250, 30)
    return picture.astype(np.uint8)


def noise(width: int, height: int, *, seed: int = 0) -> np.ndarray:
    """RGB noise."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def gray_rgb(values: np.ndarray) -> np.ndarray:
    """A gray picture ``(h, w)`` as RGB."""
    return np.repeat(values[..., None], 3, axis=-1)


def stored(upright: np.ndarray, orientation: int) -> np.ndarray:
    """How a camera held so stores the picture: each stored pixel is looked up as the EXIF table says."""
    row_side, column_side = ROW_AND_COLUMN[orientation]
    height, width = upright.shape[:2]
    rows = height if row_side in {"top", "bottom"} else width
    columns = width if column_side in {"left", "right"} else height
    result = np.empty((rows, columns, *upright.shape[2:]), upright.dtype)
    for row in range(rows):
        for column in range(columns):
            at = {"top": 0, "left": 0}
            for side, distance in ((row_side, row), (column_side, column)):
                if side in {"top", "left"}:
                    at[side] = distance
                else:
                    at["top" if side == "bottom" else "left"] = (height if side == "bottom" else width) - 1 - distance
            result[row, column] = upright[at["top"], at["left"]]
    return result


def exif(orientation: int, *, order: str = "<", kind: int = 3) -> bytes:
    """An EXIF block with a date, an orientation (SHORT = 3 or LONG = 4) and nothing else."""
    value = struct.pack(order + "HH", orientation, 0) if kind == 3 else struct.pack(order + "I", orientation)
    date = b"2020:01:01 00:00:00\0"
    entries = struct.pack(order + "HHI", 0x0112, kind, 1) + value
    entries += struct.pack(order + "HHII", 0x0132, 2, len(date), 8 + 2 + 2 * 12 + 4)
    header = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    return b"Exif\0\0" + header + struct.pack(order + "H", 2) + entries + struct.pack(order + "I", 0) + date


def encode(pixels: np.ndarray | Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """A file of that kind, as bytes; ``options`` are Pillow's."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    held = BytesIO()
    image.save(held, kind, **options)
    return held.getvalue()


def jpeg(pixels: np.ndarray | Image.Image, *, quality: int = 95, **options: object) -> bytes:
    """A JPEG that keeps its colors as sharp as its grays."""
    return encode(pixels, "JPEG", quality=quality, subsampling=0, **options)


def write(folder: Path, name: str, data: bytes) -> Path:
    """The bytes as a file."""
    path = folder / name
    path.write_bytes(data)
    return path


def png_chunk(name: bytes, data: bytes) -> bytes:
    """One chunk of a PNG, with its checksum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def with_chunk(png: bytes, name: bytes, data: bytes) -> bytes:
    """The PNG with one more chunk, right after its header."""
    return png[:33] + png_chunk(name, data) + png[33:]


def png16(values: np.ndarray) -> bytes:
    """A 16-bit PNG, gray ``(h, w)`` or RGB ``(h, w, 3)``, made by hand: Pillow writes no 16-bit RGB."""
    height, width = values.shape[:2]
    color = 0 if values.ndim == 2 else 2
    header = struct.pack(">IIBBBBB", width, height, 16, color, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(name, data) for name, data in chunks)


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header states any size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 99)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(name, data) for name, data in chunks)


def jpeg_that_claims(width: int, height: int) -> bytes:
    """A small JPEG whose frame header states another size."""
    data = bytearray(jpeg(scene()))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def without_segment(data: bytes, marker: int) -> bytes:
    """A JPEG less its segments of one marker (0xEE is Adobe's)."""
    at, kept = 2, [data[:2]]
    while data[at + 1] != 0xDA:
        size = 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at + 1] != marker:
            kept.append(data[at : at + size])
        at += size
    return b"".join([*kept, data[at:]])


def drawn_face(side: int = 128, *, center: tuple[float, float] | None = None, canvas: int = 256) -> np.ndarray:
    """A drawing with the light, darks and edges of a face, symmetric, on a gray square canvas."""
    x0, y0 = center or ((canvas - 1) / 2, (canvas - 1) / 2)
    y, x = np.mgrid[:canvas, :canvas].astype(float)
    u, v = (x - x0) / side, (y - y0) / side
    gray = np.full((canvas, canvas), 128.0)
    gray[(u / 0.42) ** 2 + (v / 0.5) ** 2 < 1] = 190
    for across in (-0.18, 0.18):
        gray[((u - across) / 0.09) ** 2 + ((v + 0.12) / 0.05) ** 2 < 1] = 240
        gray[((u - across) / 0.04) ** 2 + ((v + 0.12) / 0.04) ** 2 < 1] = 30
        gray[(np.abs(u - across) < 0.11) & (np.abs(v + 0.22) < 0.02)] = 60
    gray[(np.abs(u) < 0.03 + 0.1 * np.clip(v + 0.1, 0, 1)) & (np.abs(v) < 0.09)] = 165
    gray[(u / 0.17) ** 2 + ((v - 0.26) / 0.04) ** 2 < 1] = 100
    return np.stack([gray, gray * 0.9, gray * 0.8], axis=-1).astype(np.uint8)
