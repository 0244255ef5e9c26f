"""Encoded bytes, or a Pillow image, -> upright RGB pixels.

Each kind of file is told by its first bytes and handed to Pillow's class for that kind, not to
``Image.open``: that one holds a process-wide limit of pixels which it warns about, and tries kinds
(PostScript, PDF ...) that can start other programs. Pillow and its plugins are imported when the first photo
of their kind comes by.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from importlib import import_module
from io import BytesIO
from typing import TYPE_CHECKING, cast

from visavis.errors import ImageError, TooLargeImageError, UnreadableImageError
from visavis.forking import UndisturbedByForks
from visavis.images import _end_marker, _tiff_samples
from visavis.images._capture_time import exif_capture_time
from visavis.images._orient import ORIENTATION, exif_block, stated_orientation, upright
from visavis.types import RGB

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: its name, Pillow's class for it, how it ends, and whether opening it may warn."""

    name: str
    plugin: str
    ending: bytes = b""
    warns: bool = False


JPEG = Kind("JPEG", "PIL.JpegImagePlugin:JpegImageFile", ending=b"\xff\xd9")
PNG = Kind("PNG", "PIL.PngImagePlugin:PngImageFile", ending=b"IEND\xaeB`\x82")
GIF = Kind("GIF", "PIL.GifImagePlugin:GifImageFile", ending=b";", warns=True)
WEBP = Kind("WebP", "PIL.WebPImagePlugin:WebPImageFile")
BMP = Kind("BMP", "PIL.BmpImagePlugin:BmpImageFile")
TIFF = Kind("TIFF", "PIL.TiffImagePlugin:TiffImageFile", warns=True)
PPM = Kind("PPM", "PIL.PpmImagePlugin:PpmImageFile")
JPEG2000 = Kind("JPEG 2000", "PIL.Jpeg2KImagePlugin:Jpeg2KImageFile", ending=b"\xff\xd9")
AVIF = Kind("AVIF", "PIL.AvifImagePlugin:AvifImageFile", warns=True)
HEIC = Kind("HEIC", "pillow_heif:HeifImageFile", warns=True)

MAGIC: tuple[tuple[bytes, Kind], ...] = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"BM", BMP),
    (b"II*\0", TIFF),
    (b"MM\0*", TIFF),
    (b"II+\0", TIFF),
    (b"MM\0+", TIFF),
    (b"\0\0\0\x0cjP  \r\n\x87\n", JPEG2000),
    (b"\xff\x4f\xff\x51", JPEG2000),
)
BRANDS = {b"avif": AVIF, b"avis": AVIF} | dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"), HEIC)
"""Brands in an ISO media file's ``ftyp`` box that name the picture's codec (mif1, msf1 leave it open)."""

KINDS = "JPEG, PNG, WebP, GIF, BMP, TIFF, PPM, JPEG 2000, AVIF and HEIC"


def kind_of(data: bytes) -> Kind | None:
    """Tell the kind of file by its first bytes; None where it is none that is read here."""
    for magic, kind in MAGIC:
        if data.startswith(magic):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WEBP
    if data[:1] == b"P" and data[1:2] in tuple(b"1 2 3 4 5 6 f".split()) and data[2:3].isspace():
        return PPM
    if data[4:8] == b"ftyp":
        return _iso_kind(data)
    return None


def _iso_kind(data: bytes) -> Kind | None:
    end = min(int.from_bytes(data[:4], "big"), 256)
    brands = [data[8:12], *(data[at : at + 4] for at in range(16, end, 4))]
    named = next((BRANDS[brand] for brand in brands if brand in BRANDS), None)
    return HEIC if named is None and brands[0] in {b"mif1", b"msf1"} else named


def decode(data: bytes, *, shown: str, max_pixels: int) -> tuple[RGB, tuple[str, ...]]:
    """Decode one photo, the first frame where there are several: its pixels, and notes on what its file lacks.

    ``shown`` is its name as error messages put it. Raises UnreadableImageError, and TooLargeImageError from
    the size that the header states, before anything is decoded. A JPEG that lacks its end marker and no pixel is
    decoded, with a note.
    """
    if kind_of(data) is not JPEG or not _end_marker.is_missing(data):
        return _decoded(data, shown, max_pixels), ()
    cut = f"{shown} is cut off: the JPEG file ends before the picture does."
    try:
        _decoded(data, shown, max_pixels)  # Pillow takes zeros in place of the rest for a picture
    except UnreadableImageError as error:
        if str(error) != cut:
            raise
    with _explained(shown, JPEG, data):
        whole = _end_marker.completed(data, _jpeg_class())
    if whole is None:
        raise UnreadableImageError(cut)
    return _decoded(whole, shown, max_pixels), (_end_marker.NOTE,)


def _decoded(data: bytes, shown: str, max_pixels: int) -> RGB:
    kind = kind_of(data)
    if kind is None:
        raise UnreadableImageError(f"{shown} {_what_else(data)}.")
    plugin = _plugin(kind, shown)
    animated = kind is PNG and b"acTL" in data
    quiet = partial(_quiet, wanted=kind.warns or animated)
    with _explained(shown, kind, data):
        with quiet():
            image = plugin(BytesIO(data))
        check_size(*image.size, shown=shown, max_pixels=max_pixels)
        with quiet():
            image.load()
            orientation = stated_orientation(image)
        return upright(image, orientation)


def capture_time(data: bytes) -> datetime | None:
    """Return when a photo was taken, as its EXIF says; None where it does not say so, or cannot be opened."""
    kind = kind_of(data)
    if kind is TIFF:
        return exif_capture_time(data)
    if kind is None:
        return None
    try:
        with _quiet(wanted=kind.warns or kind is PNG):
            return exif_capture_time(exif_block(_plugin(kind, "")(BytesIO(data))))
    except (ImageError, *DECODER_ERRORS):
        return None


def from_pillow(image: Image, *, shown: str, max_pixels: int) -> RGB:
    """Convert an image that the user opened or made with Pillow; its EXIF turn is applied."""
    check_size(*image.size, shown=shown, max_pixels=max_pixels)
    with _explained(shown, None, b""):
        image.load()
        with _quiet(wanted=True):
            orientation = _pillow_orientation(image)
        return upright(image, orientation)


def check_size(width: int, height: int, *, shown: str, max_pixels: int) -> None:
    """Raise TooLargeImageError above ``max_pixels`` pixels, UnreadableImageError where there is none."""
    if width * height > max_pixels:
        raise TooLargeImageError(
            f"{shown} has {width} x {height} pixels, more than the limit of {max_pixels:,}: make it smaller."
        )
    if width * height == 0:
        raise UnreadableImageError(f"{shown} has no pixels ({width} x {height}).")


# ---------------------------------------------------------------------- the decoder and what goes wrong in it


@cache
def _jpeg_class() -> type[ImageFile]:
    from PIL.Image import Exif
    from PIL.JpegImagePlugin import JpegImageFile

    class Jpeg(JpegImageFile):
        """Keeps EXIF from Pillow, which looks for the dots per inch there on opening, and warns of damage."""

        def getexif(self) -> Exif:
            """Answer that there is nothing."""
            return Exif()

    return Jpeg


def _plugin(kind: Kind, shown: str) -> Callable[[BytesIO], ImageFile]:
    if kind is JPEG:
        return _jpeg_class()
    module, name = kind.plugin.split(":")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UnreadableImageError(f"{shown} is {kind.name}, which needs {_missing(kind)}.") from error
    if kind is AVIF and not _has_avif():
        raise UnreadableImageError(f"{shown} is {kind.name}, which needs {_missing(kind)}.")
    return cast("Callable[[BytesIO], ImageFile]", found)


def _missing(kind: Kind) -> str:
    if kind is HEIC:
        return "one more package: pip install 'visavis[heic]'"
    return "a newer Pillow: pip install --upgrade pillow"


def _has_avif() -> bool:
    from PIL import features

    return bool(features.check("avif"))


_FILTERS = UndisturbedByForks()


@contextmanager
def _ignoring() -> Iterator[None]:
    # The list of filters belongs to the whole process: two threads must not save and restore it at once.
    with _FILTERS.inside(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _quiet(*, wanted: bool) -> AbstractContextManager[None]:
    """Hold back the warnings of decoders that have any; most photos have none and wait for no lock."""
    return _ignoring() if wanted else nullcontext()


DECODER_ERRORS = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, ArithmeticError, AttributeError,
    RuntimeError, MemoryError, struct.error, zlib.error,
)  # fmt: skip
"""What Pillow's decoders are seen to raise on damaged files: each reads its headers with little checking."""


@contextmanager
def _explained(shown: str, kind: Kind | None, data: bytes) -> Iterator[None]:
    from PIL.Image import DecompressionBombError

    try:
        yield
    except ImageError:
        raise
    except DecompressionBombError as error:
        raise TooLargeImageError(f"{shown} has more pixels than Pillow itself decodes: make it smaller.") from error
    except DECODER_ERRORS as error:
        what = f"{kind.name} file" if kind else "image"
        why = str(error).strip().rstrip(".") or type(error).__name__
        if kind and _is_cut(kind, data, why):
            raise UnreadableImageError(f"{shown} is cut off: the {what} ends before the picture does.") from error
        if kind is TIFF and "unknown pixel mode" in why and (samples := _tiff_samples.samples(data)):
            raise UnreadableImageError(
                f"{shown} is a TIFF with {samples}, which is not supported: convert it to gray or RGB of 8 or 16 bits."
            ) from error
        raise UnreadableImageError(f"{shown} is a damaged {what}: {why}.") from error


def _is_cut(kind: Kind, data: bytes, why: str) -> bool:
    if kind is WEBP:
        return len(data) < 8 + int.from_bytes(data[4:8], "little")
    if kind.ending:
        return not data.rstrip(b"\0").endswith(kind.ending)
    return any(word in why.lower() for word in ("truncat", "not enough", "not large enough", "end of"))


def _what_else(data: bytes) -> str:
    if not data:
        return "is an empty file"
    head = data[:512]
    if data.startswith(b"%PDF"):
        return "is a PDF, not a picture"
    if b"\0" not in head and not any(byte < 9 for byte in head):
        return f"is text, not a picture ({KINDS} are read)"
    return f"is not a picture of a known kind ({KINDS} are read)"


def pillow_capture_time(image: Image) -> datetime | None:
    """Return when an image that the user opened with Pillow was taken, as its EXIF says; None where it does not."""
    try:
        with _quiet(wanted=True):
            return exif_capture_time(image.getexif().tobytes())
    except DECODER_ERRORS:
        return None


def _pillow_orientation(image: Image) -> int:
    try:
        value = image.getexif().get(ORIENTATION, 1)
    except DECODER_ERRORS:
        return 1
    return value if value in range(1, 9) else 1
