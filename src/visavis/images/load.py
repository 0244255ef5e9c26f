"""READ: a path, bytes, a file object, an array, a Pillow image or a Photo -> a :class:`~visavis.types.Photo`.

The pixels are RGB uint8 ``(h, w, 3)``, turned upright as EXIF says, C-contiguous, the photo's own (never a
view of the caller's array) and read-only: several stages and threads share the photo. Sixteen-bit
pictures are scaled to eight, transparent ones laid on white. ICC profiles are not applied.

Every fault of one photo is an :class:`~visavis.errors.ImageError` of one sentence.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import io
import os
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias, Union, cast

import numpy as np
from numpy.typing import NDArray

from visavis import atomic, decoding_time, input_files
from visavis._checks import check_number
from visavis.errors import (
    ImageError,
    MissingImageError,
    TooLargeImageError,
    UnreadableImageError,
    UsageError,
    reason_of,
)
from visavis.images import _decode
from visavis.images._orient import over_white
from visavis.images.photo_files import is_folder
from visavis.types import RGB, Photo

if TYPE_CHECKING:
    from PIL.Image import Image

Source: TypeAlias = Union[
    str, os.PathLike[str], bytes, bytearray, memoryview, BinaryIO, NDArray[Any], "Image", Photo
]  # not with "|", which does not take Pillow's class as a string
"""Source of a photo. A ``str`` is a path, or "-" (standard input); ``bytes`` are an encoded photo. A ``Photo`` is one
that :func:`read` returned: it is used as it is, with its name, its hash and its upright pixels."""

MAX_PIXELS = 100_000_000
"""Default limit of width x height: above all current cameras, too little to fill a server's memory."""

MIN_BYTES_LIMIT = 64 << 20
CHUNK = 1 << 20

SAVE_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}


def read(source: Source, *, name: str | None = None, max_pixels: int = MAX_PIXELS) -> Photo:
    """Read one photo from any source; ``name`` replaces the source's own name.

    Arrays are RGB(A) or gray: ``(h, w)``, ``(h, w, 1)``, ``(h, w, 3)`` or ``(h, w, 4)`` of uint8, of uint16
    (65535 is white), of bool, or of floats in 0..1. Reverse the channels of OpenCV's BGR arrays first:
    ``array[..., ::-1]``.

    A file object is read from its start, whatever its position, which is restored; one that cannot be rewound (a pipe)
    is read from its position to its end. "-" is read from the position of standard input.

    A :class:`~visavis.types.Photo` is returned unchanged but for its name: it was decoded, turned and hashed before,
    and ``max_pixels`` was applied then.

    Raises MissingImageError, UnreadableImageError, TooLargeImageError (more than ``max_pixels``, more than 65,535
    pixels along one side, more memory for decoding than 10 bytes for each of ``max_pixels`` or half of the memory at
    hand, or parts that no photo has, such as hundreds of scans: raised before decoding), and UsageError for a source
    of another type.
    """
    max_pixels = int(check_number(max_pixels, "max_pixels is a number of pixels", least=1))
    label = name_of(source) if name is None else name
    if isinstance(source, Photo):
        return replace(source, name=label, pixels=np.ascontiguousarray(source.pixels))
    if is_array_like(source):
        source = _to_array(source, shown(label))
    if isinstance(source, np.ndarray):
        return _make_photo(_from_array(source, shown(label), max_pixels), label)
    if _is_pillow(source):
        image = cast("Image", source)
        pixels = _decode.from_pillow(image, label=shown(label), max_pixels=max_pixels)
        return replace(_make_photo(pixels, label), captured=_decode.pillow_capture_time(image))
    data = encoded(source, name=label, max_pixels=max_pixels)
    with decoding_time.watched(shown(label)):
        pixels, notes = _decode.decode(data, label=shown(label), max_pixels=max_pixels)
    pixels.flags.writeable = False
    return Photo(
        pixels, label, hashlib.sha256(data).hexdigest(), notes, _decode.capture_time(data, max_pixels=max_pixels)
    )


def captured(source: Source) -> datetime | None:
    """Return when a photo was taken, by its EXIF, without decoding its pixels; see :class:`~visavis.types.Photo`.

    None where EXIF does not state it, and where the photo cannot be read.
    """
    if isinstance(source, Photo):
        return source.captured
    try:
        return _decode.capture_time(encoded(source), max_pixels=MAX_PIXELS)
    except ImageError:
        return None


def read_again(path: str, sha256: str | None, *, max_pixels: int = MAX_PIXELS) -> Photo:
    """Read a photo again by its path, to crop faces that were detected before.

    ``sha256`` is the hash of the photo in which they were detected; None: not known, and not checked. Raises
    UnreadableImageError where the file holds another photo now, and for ``/dev/stdin`` and other files that are open
    already, and the errors of :func:`read`. "-" is a file here.
    """
    if path != "-" and input_files.is_stream(path):
        raise UnreadableImageError(f"{shown(path)} is no photo in a file: it cannot be read again.")
    photo = read(Path(path), max_pixels=max_pixels)
    if sha256 is not None and photo.sha256 != sha256:
        raise UnreadableImageError(replaced_message(path))
    return photo


def read_comment(path: str | os.PathLike[str]) -> str:
    """Return the comment in a JPEG or PNG, without decoding its pixels; empty where it has none or cannot be read."""
    try:
        return _decode.read_comment(encoded(Path(path)), max_pixels=MAX_PIXELS)
    except ImageError:
        return ""


def replaced_message(path: str) -> str:
    """Return the message that the path now holds a photo other than the face's."""
    return f"{shown(path)} holds another photo by now than the one with the face."


def encoded(source: Source, *, name: str | None = None, max_pixels: int = MAX_PIXELS) -> bytes:
    """Read the bytes of one photo unchanged: those that :func:`read` decodes and hashes.

    Raises MissingImageError, UnreadableImageError, TooLargeImageError (more bytes than ``max_pixels`` can take), and
    UsageError for a source that has no encoded bytes.
    """
    label = name_of(source) if name is None else name
    return _read_encoded(source, shown(label), limit=max(MIN_BYTES_LIMIT, 8 * max_pixels))


def not_a_folder(source: Source) -> Source:
    """Return the source of one photo unchanged; raises UnreadableImageError for the path of a folder."""
    if is_folder(source):
        raise _folder_error(shown(name_of(source)))
    return source


def shown(name: str) -> str:
    """Format a name for messages: quoted, without control or unprintable characters, not too long."""
    quoted = repr(name)
    return quoted if len(quoted) <= 240 else f"{quoted[:120]}...{quoted[-100:]}"


def _make_photo(pixels: RGB, label: str) -> Photo:
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(pixels.data)
    pixels.flags.writeable = False
    return Photo(pixels, label, digest.hexdigest())


def _is_pillow(source: object) -> bool:
    # No image exists before the module has been imported, or while another thread imports it.
    kind = getattr(sys.modules.get("PIL.Image"), "Image", None)
    return kind is not None and isinstance(source, kind)


def name_of(source: object) -> str:
    """Return the name of a source: its path, "-", the name of its file or Photo, or its kind ("array", "bytes")."""
    if isinstance(source, np.ndarray) or is_array_like(source):
        return "array"
    if _is_pillow(source):
        return str(getattr(source, "filename", "") or "image")
    if isinstance(source, (str, os.PathLike)):
        return os.fsdecode(source)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return "bytes"
    own = getattr(source, "name", None)
    return own if isinstance(own, str) else "file"


# ------------------------------------------------------------------------------------------- sources -> bytes


def _read_encoded(source: object, what: str, *, limit: int) -> bytes:
    """Read the whole file once, so that the same bytes are hashed and decoded."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source)
    if isinstance(source, str) and source == "-":
        return _from_stdin(limit)
    if isinstance(source, (str, os.PathLike)):
        return _from_path(os.fsdecode(source), what, limit)
    if isinstance(source, Photo):
        raise UsageError(f"{what} is decoded already, and its file's bytes were not kept: give the path or the bytes.")
    if hasattr(source, "read"):
        return _from_file_object(cast("BinaryIO", source), what, limit)
    raise UsageError(
        f"a photo cannot be read from {type(source).__name__}: give a path, bytes, a file opened with 'rb', "
        "an array, a Pillow image or what visavis.read returned."
    )


def _from_stdin(limit: int) -> bytes:
    stream = getattr(sys.stdin, "buffer", None)
    if stream is None:
        raise UnreadableImageError("'-' is standard input, and there is none.")
    return _from_stream(cast("BinaryIO", stream), "'-' (standard input)", limit)


def _from_path(path: str, what: str, limit: int) -> bytes:
    try:
        with input_files.open_stream(path) as stream:
            facts = os.fstat(stream.fileno())
            if S_ISREG(facts.st_mode) and facts.st_size <= limit:
                return stream.read()
            return _from_stream(stream, what, limit)
    except input_files.SpecialFileError as error:
        raise UnreadableImageError(
            f"{what} is a pipe, a socket or a device: give what it holds as - (standard input)."
        ) from error
    except OSError as error:
        raise _path_error(path, what, error) from error


def _path_error(path: str, what: str, error: OSError) -> MissingImageError | UnreadableImageError:
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        hint = " (web addresses are not fetched)" if path.startswith(("http://", "https://")) else ""
        return MissingImageError(f"{what} does not exist{hint}.")
    if error.errno == errno.ENAMETOOLONG:
        return MissingImageError(f"{what} does not exist: the name is too long for a file.")
    if error.errno == errno.EISDIR or _is_folder(path):  # Windows says "permission denied" of a folder
        return _folder_error(what)
    if isinstance(error, PermissionError):
        return UnreadableImageError(f"{what} may not be read: permission denied.")
    return UnreadableImageError(f"{what} cannot be read: {error.strerror or error}.")


def _folder_error(what: str) -> UnreadableImageError:
    return UnreadableImageError(
        f"{what} is a folder, where one photo is expected: name a photo in it, or use a function that takes folders "
        "(Recognizer.detect, Gallery.enroll, Gallery.identify_photos, cluster, similar, representative)."
    )


def _is_folder(path: str) -> bool:
    try:
        return S_ISDIR(Path(path).stat().st_mode)
    except (OSError, ValueError):
        return False


def _from_file_object(file: BinaryIO, what: str, limit: int) -> bytes:
    """Read a file from its start and restore its position; read from the position if it cannot be rewound."""
    try:
        place = file.tell()
        file.seek(0)
    except (AttributeError, OSError, ValueError):  # a pipe, a socket, an object with read alone
        data = _from_stream(file, what, limit)
        if not data:
            raise UnreadableImageError(
                f"{what} holds nothing more: it is empty or was read to its end, and cannot be rewound. Keep its bytes."
            ) from None
        return data
    try:
        return _from_stream(file, what, limit)
    finally:
        with suppress(OSError, ValueError):
            file.seek(place)


def _from_stream(stream: BinaryIO, what: str, limit: int) -> bytes:
    """Read the rest of a stream, a chunk at a time: a device or a pipe may never end."""
    data = io.BytesIO()
    try:
        while chunk := stream.read(CHUNK):
            if not isinstance(chunk, bytes):
                raise UsageError(f"{what} is open as text: open it with 'rb'.")
            data.write(chunk)
            if data.tell() > limit:
                raise TooLargeImageError(f"{what} holds more than {limit:,} bytes, more than a photo needs.")
    except UnicodeDecodeError as error:
        raise UsageError(f"{what} is open as text: open it with 'rb'.") from error
    except (UsageError, TooLargeImageError):
        raise
    except (OSError, ValueError) as error:
        raise UnreadableImageError(f"{what} cannot be read: {error}.") from error
    return data.getvalue()


# ------------------------------------------------------------------------------------------- arrays -> pixels


def is_array_like(source: object) -> bool:
    """Return whether a source is not a NumPy array but can be converted to one, as tensors of PyTorch."""
    other = (str, bytes, bytearray, memoryview, os.PathLike, np.ndarray)
    return hasattr(source, "__array__") and not isinstance(source, other) and not _is_pillow(source)


def _to_array(source: object, what: str) -> NDArray[Any]:
    """Convert a source to an array; UnreadableImageError where it refuses (such as a tensor on a graphics card)."""
    try:
        return np.asarray(source)
    except (TypeError, ValueError, RuntimeError) as error:
        kind, reason = type(source).__name__, " ".join(str(error).split())
        raise UnreadableImageError(
            f"{what} ({kind}) cannot be turned into a NumPy array: {reason} "
            "For a tensor of PyTorch, pass tensor.detach().cpu()."
        ) from error


def _from_array(array: NDArray[Any], what: str, max_pixels: int) -> RGB:
    """Copy an array as RGB uint8; the meaning of its values is never guessed."""
    channels = {2: 1, 3: array.shape[-1]}.get(array.ndim) if array.ndim else None
    if channels not in {1, 3, 4}:
        raise UnreadableImageError(
            f"{what} has shape {array.shape}, not (h, w), (h, w, 1), (h, w, 3) or (h, w, 4){_advise_on_shape(array)}."
        )
    height, width = array.shape[:2]
    _decode.check_size(width, height, label=what, max_pixels=max_pixels)
    values = _to_eight_bits(array, what).reshape(height, width, channels)
    if channels == 4:
        values = over_white(values)
    pixels: RGB = np.empty((height, width, 3), np.uint8)
    pixels[...] = values
    return pixels


def _advise_on_shape(array: NDArray[Any]) -> str:
    if array.ndim == 3 and array.shape[0] in {1, 3, 4}:
        return ": its channels come first; move them to the end, by numpy.moveaxis(array, 0, -1)"
    if array.ndim == 4:
        return f": it holds {len(array)} photos; pass them one by one"
    return ""


def _to_eight_bits(array: NDArray[Any], what: str) -> NDArray[np.uint8]:
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype.kind == "u" and array.dtype.itemsize == 2:
        return (array >> 8).astype(np.uint8)
    if array.dtype.kind != "f":
        raise UnreadableImageError(f"{what} is of {array.dtype}: pass uint8 in 0..255, uint16, bool or floats in 0..1.")
    lowest, highest = float(array.min()), float(array.max())
    if not 0 <= lowest <= highest <= 1:
        raise UnreadableImageError(
            f"{what} holds floats from {lowest:g} to {highest:g}: pass floats in 0..1, or uint8 in 0..255."
        )
    return (array * np.float32(255) + np.float32(0.5)).astype(np.uint8)


# ---------------------------------------------------------------------------------------------------- writing


def save(pixels: RGB, path: str | os.PathLike[str]) -> None:
    """Write RGB pixels as PNG, JPEG or WebP, according to the suffix; the folder has to exist.

    Raises UsageError for another suffix and where the file cannot be written.
    """
    from PIL import Image

    target = Path(path)
    if target.suffix.lower() not in SAVE_FORMATS:
        raise UsageError(f"{shown(str(target))} cannot be written: the name must end in {', '.join(SAVE_FORMATS)}.")
    encoded = io.BytesIO()
    try:
        Image.fromarray(pixels).save(encoded, SAVE_FORMATS[target.suffix.lower()], quality=95)
        atomic.write_bytes(target, encoded.getvalue())
    except (OSError, ValueError) as error:
        why = reason_of(error) if isinstance(error, OSError) else error
        raise UsageError(f"{shown(str(target))} cannot be written: {why}.") from error


def data_address(pixels: RGB, *, quality: int = 82) -> str:
    """Return RGB pixels ``(h, w, 3)`` as a JPEG in a ``data:`` address, to embed pictures in pages."""
    from PIL import Image

    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "JPEG", quality=quality, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(data.getvalue()).decode("ascii")


def shrink(pixels: RGB, longest: int) -> RGB:
    """Shrink a picture so that its longest side is at most ``longest`` pixels; a smaller one stays as it is."""
    from PIL import Image

    image = Image.fromarray(pixels)
    image.thumbnail((longest, longest), Image.Resampling.BOX)
    return np.asarray(image)
