"""Encoded bytes, or a Pillow image, -> upright RGB pixels.

Each kind of file is recognized by its first bytes and opened with Pillow's class for that kind, not with
``Image.open``: that function warns about a process-wide limit of pixels, and tries kinds (PostScript, PDF ...) that can
start other programs. Pillow and its plugins are imported for the first photo of their kind.
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
from visavis.images._cost import check_file, find_cost
from visavis.images._limits import Cost, check_sides
from visavis.images._netpbm import normalize
from visavis.images._orient import ORIENTATION, exif_block, stated_orientation, upright
from visavis.types import RGB

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind of file: its name, Pillow's class for it, its final bytes, and whether opening it may warn."""

    name: str
    plugin: str
    ending: bytes = b""
    warns: bool = False


JPEG = FileKind("JPEG", "PIL.JpegImagePlugin:JpegImageFile", ending=b"\xff\xd9")
PNG = FileKind("PNG", "PIL.PngImagePlugin:PngImageFile", ending=b"IEND\xaeB`\x82")
GIF = FileKind("GIF", "PIL.GifImagePlugin:GifImageFile", ending=b";", warns=True)
WEBP = FileKind("WebP", "PIL.WebPImagePlugin:WebPImageFile")
BMP = FileKind("BMP", "PIL.BmpImagePlugin:BmpImageFile")
TIFF = FileKind("TIFF", "PIL.TiffImagePlugin:TiffImageFile", warns=True)
PPM = FileKind("PPM", "PIL.PpmImagePlugin:PpmImageFile")
JPEG2000 = FileKind("JPEG 2000", "PIL.Jpeg2KImagePlugin:Jpeg2KImageFile", ending=b"\xff\xd9")
AVIF = FileKind("AVIF", "PIL.AvifImagePlugin:AvifImageFile", warns=True)
HEIC = FileKind("HEIC", "pillow_heif:HeifImageFile", warns=True)

MAGIC: tuple[tuple[bytes, FileKind], ...] = (
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


def kind_of(data: bytes) -> FileKind | None:
    """Return the kind of a file by its first bytes; None where it is not supported."""
    for magic, kind in MAGIC:
        if data.startswith(magic):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WEBP
    if data[:1] == b"P" and data[1:2] in tuple(b"1 2 3 4 5 6 f".split()) and data[2:3].isspace():
        return PPM
    if data[4:8] == b"ftyp":
        return _find_iso_kind(data)
    return None


def _find_iso_kind(data: bytes) -> FileKind | None:
    end = min(int.from_bytes(data[:4], "big"), 256)
    brands = [data[8:12], *(data[at : at + 4] for at in range(16, end, 4))]
    named = next((BRANDS[brand] for brand in brands if brand in BRANDS), None)
    return HEIC if named is None and brands[0] in {b"mif1", b"msf1"} else named


def decoding_cost(data: bytes) -> Cost:
    """Return what decoding a photo costs, by the structure of its file; nothing for what is not a photo."""
    kind = kind_of(data)
    return find_cost(data, kind.name if kind else "")


def decode(data: bytes, *, label: str, max_pixels: int) -> tuple[RGB, tuple[str, ...]]:
    """Decode one photo, the first frame where there are several; return its pixels, and notes on what its file lacks.

    ``label`` is its name in error messages. Raises UnreadableImageError, and TooLargeImageError from
    the size in the header, before anything is decoded. A JPEG that lacks its end marker but no pixel is
    decoded, with a note.
    """
    kind = kind_of(data)
    cost = check_file(data, kind.name if kind else "", label=label, max_pixels=max_pixels)
    if kind is not JPEG or not _end_marker.is_missing(data):
        return _decode_pixels(data, label, max_pixels), ()
    cut = f"{label} is cut off: the JPEG file ends before the picture does."
    try:
        _decode_pixels(data, label, max_pixels)  # Pillow decodes zeros in place of the missing data
    except UnreadableImageError as error:
        if str(error) != cut or cost.memory > _end_marker.MAX_MEMORY or cost.blocks > _end_marker.MAX_BLOCKS:
            raise
    with _explain_errors(label, JPEG, data):
        whole = _end_marker.completed(data, _jpeg_class())
    if whole is None:
        raise UnreadableImageError(cut)
    return _decode_pixels(whole, label, max_pixels), (_end_marker.NOTE,)


def _decode_pixels(data: bytes, label: str, max_pixels: int) -> RGB:
    kind = kind_of(data)
    if kind is None:
        raise UnreadableImageError(f"{label} {_describe_other(data)}.")
    plugin = _load_plugin(kind, label)
    animated = kind is PNG and b"acTL" in data
    quiet = partial(_suppress_warnings, needed=kind.warns or animated)
    with _explain_errors(label, kind, data):
        fast = normalize(data, max_pixels=max_pixels) if kind is PPM else data
        with quiet():
            image = plugin(BytesIO(fast))
        check_size(*image.size, label=label, max_pixels=max_pixels)
        with quiet():
            image.load()
            orientation = stated_orientation(image)
        return upright(image, orientation)


def capture_time(data: bytes, *, max_pixels: int) -> datetime | None:
    """Return when a photo was taken, by its EXIF; None where it is not stated, or the file cannot be opened."""
    kind = kind_of(data)
    if kind is TIFF:
        return exif_capture_time(data)
    if kind in {None, PPM, BMP, GIF}:  # kinds without EXIF
        return None
    try:
        check_file(data, kind.name, label="", max_pixels=max_pixels)
        with _suppress_warnings(needed=kind.warns or kind is PNG):
            return exif_capture_time(exif_block(_load_plugin(kind, "")(BytesIO(data))))
    except (ImageError, *DECODER_ERRORS):
        return None


def read_comment(data: bytes, *, max_pixels: int) -> str:
    """Return the comment of a JPEG or PNG; empty where there is none, or the file is of another kind or damaged."""
    kind = kind_of(data)
    if kind not in {JPEG, PNG}:
        return ""
    try:
        check_file(data, kind.name, label="", max_pixels=max_pixels)
        with _suppress_warnings(needed=True):
            comment = _load_plugin(kind, "")(BytesIO(data)).info.get("comment", "")
    except (ImageError, *DECODER_ERRORS):
        return ""
    return comment.decode("latin-1") if isinstance(comment, bytes) else str(comment)


def from_pillow(image: Image, *, label: str, max_pixels: int) -> RGB:
    """Convert an image that the user opened or made with Pillow; its EXIF orientation is applied."""
    check_size(*image.size, label=label, max_pixels=max_pixels)
    with _explain_errors(label, None, b""):
        image.load()
        with _suppress_warnings(needed=True):
            orientation = _read_orientation(image)
        return upright(image, orientation)


def check_size(width: int, height: int, *, label: str, max_pixels: int) -> None:
    """Raise TooLargeImageError for a picture above the limits, UnreadableImageError for no pixels."""
    check_sides(width, height, label=label, max_pixels=max_pixels)
    if width * height == 0:
        raise UnreadableImageError(f"{label} has no pixels ({width} x {height}).")


# ----------------------------------------------------------------------------- the decoder and its errors


@cache
def _jpeg_class() -> type[ImageFile]:
    from PIL.Image import Exif
    from PIL.JpegImagePlugin import JpegImageFile

    class Jpeg(JpegImageFile):
        """Hides EXIF from Pillow, which reads the dots per inch from it on opening, and warns of damage."""

        def getexif(self) -> Exif:
            """Return no entries."""
            return Exif()

    return Jpeg


def _load_plugin(kind: FileKind, label: str) -> Callable[[BytesIO], ImageFile]:
    if kind is JPEG:
        return _jpeg_class()
    module, name = kind.plugin.split(":")
    try:
        opener = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UnreadableImageError(f"{label} is {kind.name}, which needs {_describe_missing(kind)}.") from error
    if kind is AVIF and not _has_avif():
        raise UnreadableImageError(f"{label} is {kind.name}, which needs {_describe_missing(kind)}.")
    return cast("Callable[[BytesIO], ImageFile]", opener)


def _describe_missing(kind: FileKind) -> str:
    if kind is HEIC:
        return "one more package: pip install 'visavis[heic]'"
    return "a newer Pillow: pip install --upgrade pillow"


def _has_avif() -> bool:
    from PIL import features

    return bool(features.check("avif"))


_FILTERS = UndisturbedByForks()


@contextmanager
def _ignore_warnings() -> Iterator[None]:
    # The list of filters is global: two threads must not save and restore it at once.
    with _FILTERS.inside(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _suppress_warnings(*, needed: bool) -> AbstractContextManager[None]:
    """Suppress warnings of decoders that may warn; most photos need neither this nor its lock."""
    return _ignore_warnings() if needed else nullcontext()


DECODER_ERRORS = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, ArithmeticError, AttributeError,
    RuntimeError, MemoryError, struct.error, zlib.error,
)  # fmt: skip
"""Errors that Pillow's decoders raise on damaged files: they check headers little."""


@contextmanager
def _explain_errors(label: str, kind: FileKind | None, data: bytes) -> Iterator[None]:
    from PIL.Image import DecompressionBombError

    try:
        yield
    except ImageError:
        raise
    except DecompressionBombError as error:
        raise TooLargeImageError(f"{label} has more pixels than Pillow itself decodes: make it smaller.") from error
    except DECODER_ERRORS as error:
        what = f"{kind.name} file" if kind else "image"
        why = str(error).strip().rstrip(".") or type(error).__name__
        if kind and _is_cut(kind, data, why):
            raise UnreadableImageError(f"{label} is cut off: the {what} ends before the picture does.") from error
        if kind is TIFF and "unknown pixel mode" in why and (samples := _tiff_samples.samples(data)):
            raise UnreadableImageError(
                f"{label} is a TIFF with {samples}, which is not supported: convert it to gray or RGB of 8 or 16 bits."
            ) from error
        raise UnreadableImageError(f"{label} is a damaged {what}: {why}.") from error


def _is_cut(kind: FileKind, data: bytes, why: str) -> bool:
    if kind is WEBP:
        return len(data) < 8 + int.from_bytes(data[4:8], "little")
    if kind.ending:
        return not data.rstrip(b"\0").endswith(kind.ending)
    return any(word in why.lower() for word in ("truncat", "not enough", "not large enough", "end of"))


def _describe_other(data: bytes) -> str:
    if not data:
        return "is an empty file"
    head = data[:512]
    if data.startswith(b"%PDF"):
        return "is a PDF, not a picture"
    if b"\0" not in head and not any(byte < 9 for byte in head):
        return f"is text, not a picture ({KINDS} are read)"
    return f"is not a picture of a known kind ({KINDS} are read)"


def pillow_capture_time(image: Image) -> datetime | None:
    """Return when an image that the user opened with Pillow was taken, by its EXIF; None where it is not stated."""
    try:
        with _suppress_warnings(needed=True):
            return exif_capture_time(image.getexif().tobytes())
    except DECODER_ERRORS:
        return None


def _read_orientation(image: Image) -> int:
    try:
        value = image.getexif().get(ORIENTATION, 1)
    except DECODER_ERRORS:
        return 1
    return value if value in range(1, 9) else 1
