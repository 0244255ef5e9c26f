"""A single array that ``numpy.save`` wrote, of the versions 1 to 3: numbers, or text.

An array of objects is a pickle. It is read as text, by a machine that can build nothing else (``_pickle``), since
lists of names were saved so. Layout facts: ``numpy.lib.format``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis.errors import WeightsError
from visavis.weights.readers._file_bytes import FileBytes
from visavis.weights.readers._pickle import Call, PickleError, Stateful, load

MAX_HEADER = 10_000
MAX_TEXTS = 2**20
MAX_TEXT = 1000
"""Characters of a text that is encoded as bytes within the pickle."""
ENTRY = r"""'(descr|fortran_order|shape)':(?:'([^'\\]*)'|(True|False)|\(([\d,]*)\))"""
HEADER = re.compile(rf"\{{(?:{ENTRY},?){{3}}\}}")
NUMBERS = re.compile(r"[<>|=](?:b1|[iu][1248]|f[248])")
TEXT = re.compile(r"[<>|=][SU][1-9]\d{0,5}")
COPIES = 5
"""Text takes four bytes a character in an array, and may take one in the file."""


def read(path: Path) -> NDArray[Any]:
    """Return the array, rows first and of native byte order; text of any kind as ``U``.

    Raises WeightsError where the file is damaged, has other elements, or holds a pickle of anything but text.
    """
    file = FileBytes(path, "an array of numpy", copies=COPIES)
    start, kind, columns, shape = _read_header(file)
    count = file.elements(shape)
    if kind in ("O", "|O"):
        return _read_objects(file, start, shape)
    if not (NUMBERS.fullmatch(kind) or TEXT.fullmatch(kind)):
        raise file.fail(f"elements of type {kind[:50]!r}")
    dtype = np.dtype("u1" if kind.endswith("b1") else kind)
    if file.size - start != count * dtype.itemsize:
        raise file.fail(f"{file.size - start} bytes for {count} elements of {dtype.itemsize}", start)
    values = file.array(start, dtype, shape, columns_first=columns)
    if dtype.kind == "S":
        return _decode_texts(file, values)
    if dtype.kind == "U":
        points = values.reshape(-1).view(np.uint32)
        if np.any((points > 0x10FFFF) | ((points >= 0xD800) & (points <= 0xDFFF))):
            raise file.fail("characters that are none")
    return values != 0 if kind.endswith("b1") else values


def _read_header(file: FileBytes) -> tuple[int, str, bool, tuple[int, ...]]:
    """Return where the data begin, the kind of element, whether columns come first, and the shape."""
    mark = file.take(0, 8)
    if mark[:6] != b"\x93NUMPY" or not 1 <= mark[6] <= 3:
        raise file.fail("it does not begin as numpy's files of version 1 to 3 do", 0)
    width = 2 if mark[6] == 1 else 4
    size = file.integer(8, width)
    if size > MAX_HEADER:
        raise file.fail(f"a header of {size} bytes", 8)
    words = re.sub(r"\s", "", file.take(8 + width, size).decode("latin-1"))
    entries = {key: "".join(values) for key, *values in re.findall(ENTRY, words)}
    sides = re.findall(r"\d+", entries.get("shape", ""))
    if not HEADER.fullmatch(words) or len(entries) != 3 or max(map(len, sides), default=0) > 20:
        raise file.fail("a header that describes no array of one kind", 8 + width)
    return 8 + width + size, entries["descr"], entries["fortran_order"] == "True", tuple(map(int, sides))


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
