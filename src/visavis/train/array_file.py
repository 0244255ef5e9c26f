"""Files of named arrays and one JSON object, in the safetensors layout: no code, no compression, nothing to unpack.

Layout facts: https://github.com/huggingface/safetensors. Eight bytes hold the length of the header; the header is a
JSON object that gives each array's type, shape and place; the arrays follow without gaps. A file takes as much memory
as it has bytes, and what it claims is held to its size before anything is made.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import numpy as np
from numpy.typing import NDArray

from visavis import atomic, input_files
from visavis.errors import UsageError, reason_of
from visavis.structured_text import parse_json

TYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "U8": "|u1"}
NAMES = {np.dtype(code): name for name, code in TYPES.items()}
MAX_FILE = 4 << 30
MAX_HEADER = 16 << 20
MAX_RANK = 8
NOT_REGULAR = f"it is no regular file of at most {MAX_FILE >> 30} GB"
METADATA = "__metadata__"


class ArrayFileError(ValueError):
    """The reason why a file is not one of arrays; the caller names the file."""


def write_arrays(path: Path, content: Mapping[str, object], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write a JSON object and arrays of float32, float64, int64 or bytes, whole or not at all.

    UsageError if the file cannot be written.
    """
    ordered = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    header: dict[str, object] = {METADATA: {"content": json.dumps(content, ensure_ascii=False, allow_nan=False)}}
    place = 0
    for name, array in ordered.items():
        end = place + array.nbytes
        header[name] = {"dtype": NAMES[array.dtype], "shape": list(array.shape), "data_offsets": [place, end]}
        place = end
    text = json.dumps(header, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    if len(text) > MAX_HEADER:
        raise UsageError(f"{path} cannot be written: its names take more than {MAX_HEADER >> 20} MB.")
    try:
        with atomic.new_file(path) as file:
            file.write(len(text).to_bytes(8, "little") + text)
            for array in ordered.values():
                file.write(array.tobytes())
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {reason_of(error)}.") from error


def read_arrays(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return the JSON object and the arrays of a file. Raises ArrayFileError, and OSError if it cannot be read."""
    with _open(path) as file:
        status = os.fstat(file.fileno())
        if status.st_size > MAX_FILE:
            raise ArrayFileError(NOT_REGULAR)
        length = int.from_bytes(file.read(8), "little")
        if length > min(MAX_HEADER, status.st_size - 8):
            raise ArrayFileError("it does not begin with the length of its header")
        header = _parse_object(file.read(length))
        size = status.st_size - 8 - length
        if _claimed_size(header) != size:  # before as much is read
            raise ArrayFileError("its arrays do not fill it")
        data = memoryview(file.read(size))
    metadata = header.pop(METADATA, None)
    if not isinstance(metadata, dict) or not isinstance(metadata.get("content"), str):
        raise ArrayFileError("it has no description of its content")
    arrays = {name: _take_array(name, entry, data) for name, entry in header.items()}
    return _parse_object(metadata["content"].encode()), arrays


def _open(path: Path) -> BinaryIO:
    try:
        return input_files.open_file(path)
    except (input_files.SpecialFileError, IsADirectoryError) as error:
        raise ArrayFileError(NOT_REGULAR) from error


def _parse_object(text: bytes) -> dict[str, Any]:
    def refuse(word: str) -> NoReturn:
        raise ValueError(f"{word} is no number")

    try:
        value = parse_json(text, parse_constant=refuse)
    except ValueError as error:
        raise ArrayFileError("its description is not JSON") from error
    if not isinstance(value, dict):
        raise ArrayFileError("its description is no JSON object")
    return value


def _claimed_size(header: dict[str, Any]) -> int:
    """Return the bytes that the arrays of a header take together."""
    places = [_read_sizes(entry.get("data_offsets"), 2) for entry in header.values() if isinstance(entry, dict)]
    return sum(place[1] - place[0] for place in places if place is not None and len(place) == 2)


def _take_array(name: str, entry: object, data: memoryview) -> NDArray[Any]:
    entry = entry if isinstance(entry, dict) else {}
    code, shape = TYPES.get(str(entry.get("dtype"))), _read_sizes(entry.get("shape"), MAX_RANK)
    place = _read_sizes(entry.get("data_offsets"), 2)
    if code is None or shape is None or place is None or len(place) != 2:
        raise ArrayFileError(f"the array {name[:50]!r} is not described")
    dtype = np.dtype(code)
    start, end = place
    if not start <= end <= len(data) or math.prod(shape) * dtype.itemsize != end - start:
        raise ArrayFileError(f"the array {name[:50]!r} has another size than it says")
    array: NDArray[Any] = np.frombuffer(data[start:end], dtype).reshape(shape)
    return array


def _read_sizes(value: object, most: int) -> list[int] | None:
    """Return a list of at most that many sizes; None for anything else."""
    if not isinstance(value, list) or len(value) > most:
        return None
    return value if all(type(size) is int and 0 <= size <= MAX_FILE for size in value) else None
