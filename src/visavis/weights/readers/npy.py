"""A single array that ``numpy.save`` wrote, of the versions 1 to 3: numbers, or text.

``numpy.lib.format`` reads the header. ``numpy.load`` would allocate what a header claims before it reads, so the data
are read here, after the claim was compared with the file's size. An array of objects is a pickle, which ``numpy.load``
runs or refuses. It is read as text, by a machine that can build nothing else (``_pickle``), since lists of names were
saved so.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.lib import format
from numpy.typing import NDArray

from visavis.errors import WeightsError
from visavis.weights.readers._file_bytes import FileBytes
from visavis.weights.readers._pickle import Call, PickleError, Stateful, load

HEADER_START, MAX_HEADER = 12, 1000
"""Bytes before a header, and of a header: one of 32 axes takes less, and Python's parser may crash on long ones."""
VERSIONS = {
    (1, 0): format.read_array_header_1_0,
    (2, 0): format.read_array_header_2_0,
    (3, 0): format.read_array_header_2_0,  # differs in the names of fields only
}
FAULTS = (ValueError, TypeError, SyntaxError, RecursionError, MemoryError, OverflowError, TokenError, Warning)
"""What numpy raises for a damaged header; a warning where the caller turns warnings into errors."""
MAX_TEXTS = 2**20
MAX_TEXT = 1000
"""Characters of a text that is encoded as bytes within the pickle."""
NUMBERS = re.compile(r"[<>|](?:b1|[iu][1248]|f[248])")
TEXT = re.compile(r"[<>|][SU][1-9]\d{0,5}")
COPIES = 5
"""Text takes four bytes a character in an array, and may take one in the file."""


def read(path: Path) -> NDArray[Any]:
    """Return the array, rows first and of native byte order; text of any kind as ``U``.

    Raises WeightsError where the file is damaged, has other elements, or holds a pickle of anything but text.
    """
    file = FileBytes(path, "an array of numpy", copies=COPIES)
    start, kind, columns_first, shape = _read_header(file)
    count = file.elements(shape)
    if kind == np.dtype(object):
        return _read_objects(file, start, shape)
    if kind.fields or kind.shape or not (NUMBERS.fullmatch(kind.str) or TEXT.fullmatch(kind.str)):
        raise file.fail(f"elements of type {str(kind)[:50]!r}")
    dtype = np.dtype("u1") if kind == np.dtype(bool) else kind
    if file.size - start != count * dtype.itemsize:
        raise file.fail(f"{file.size - start} bytes for {count} elements of {dtype.itemsize}", start)
    values = file.array(start, dtype, shape, columns_first=columns_first)
    if dtype.kind == "S":
        return _decode_texts(file, values)
    if dtype.kind == "U":
        points = values.reshape(-1).view(np.uint32)
        if np.any((points > 0x10FFFF) | ((points >= 0xD800) & (points <= 0xDFFF))):
            raise file.fail("characters that are none")
    return values != 0 if kind == np.dtype(bool) else values


def _read_header(file: FileBytes) -> tuple[int, np.dtype[Any], bool, tuple[int, ...]]:
    """Return where the data begin, the kind of element, whether columns come first, and the shape."""
    first = io.BytesIO(file.take(0, min(file.size, HEADER_START + MAX_HEADER)))
    try:
        version = format.read_magic(first)
        if version not in VERSIONS:
            raise file.fail("it does not begin as numpy's files of version 1 to 3 do", 0)
        shape, columns_first, kind = VERSIONS[version](first, max_header_size=MAX_HEADER)
    except FAULTS as error:
        raise file.fail(
            f"a header that describes no array of one kind ({' '.join(str(error).split())[:100]})"
        ) from error
    return first.tell(), kind, columns_first, shape


def _decode_texts(file: FileBytes, values: NDArray[Any]) -> NDArray[Any]:
    if values.size > MAX_TEXTS:
        raise file.fail(f"{values.size} texts")
    file.spend(4 * values.nbytes)
    try:
        return np.asarray(np.char.decode(values, "utf-8"))
    except UnicodeDecodeError as error:
        raise file.fail("text that is not UTF-8") from error


# --- arrays of objects


class _Kind(Stateful):
    """Replaces ``numpy.dtype``."""

    def __init__(self, name: str = "", *_: object) -> None:
        self.name = name

    def set_state(self, state: Any) -> None:
        """Ignore the state: objects have no byte order."""


class _Array(Stateful):
    """Replaces ``numpy.ndarray``."""

    def __init__(self, *_: object) -> None:
        self.texts: list[str] = []

    def set_state(self, state: Any) -> None:
        """Take ``(version, shape, dtype, columns first, elements)``."""
        if not (isinstance(state, tuple) and len(state) == 5):
            raise PickleError("it holds an array without elements")
        kind, elements = state[2], state[4]
        if not (isinstance(kind, _Kind) and kind.name in ("O", "O4", "O8") and isinstance(elements, list)):
            raise PickleError("it holds an array of something other than texts")
        if not all(isinstance(text, str | bytes) for text in elements):
            raise PickleError("it holds something other than texts")
        if self.texts:
            raise PickleError("it fills an array twice")
        self.texts = [text if isinstance(text, str) else text.decode() for text in elements]


def _encode_text(text: str, way: str) -> bytes:
    """Return bytes from their form in protocol 2: text, and its encoding."""
    if not isinstance(text, str) or len(text) > MAX_TEXT or way != "latin1":
        raise PickleError("it holds bytes that are written in no known way")
    return text.encode("latin-1")


CALLS: dict[str, Call | None] = {
    "numpy.core.multiarray._reconstruct": _Array,
    "numpy._core.multiarray._reconstruct": _Array,
    "numpy.ndarray": None,
    "numpy.dtype": _Kind,
    "_codecs.encode": _encode_text,
}


def _read_objects(file: FileBytes, start: int, shape: tuple[int, ...]) -> NDArray[Any]:
    try:
        value, _ = load(file.data, start, file.size, CALLS)
    except PickleError as error:
        raise WeightsError(f"{file.path} is refused: {error}.") from error
    if not isinstance(value, _Array) or len(value.texts) != file.elements(shape):
        raise file.fail("objects of another number than it says", start)
    width = max(map(len, value.texts), default=0) or 1
    file.spend(4 * width * len(value.texts))
    return np.array(value.texts, f"U{width}").reshape(shape)
