"""Files of arrays and JSON: what is written is read, and what is hostile is one sentence in bounded time and memory."""

from __future__ import annotations

import json
import os
import pickle
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from visavis.errors import UsageError
from visavis.train.array_file import MAX_HEADER, ArrayFileError, read_arrays, write_arrays

ARRAYS = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b": np.array([1.5, np.pi]),
    "c": np.array([[-(2**62)]], np.int64),
    "d": np.zeros((0, 4), np.uint8),
}


def raw(header: Any, data: bytes = b"", *, content: str = "{}") -> bytes:
    """Return a file with any header."""
    if isinstance(header, dict):
        header = json.dumps({"__metadata__": {"content": content}, **header})
    text = header if isinstance(header, bytes) else header.encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(shape: list[object], start: int, end: int, dtype: str = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    content = {"people": ["Ann", "山田"], "number": 1.25, "none": None}
    write_arrays(tmp_path / "x", content, ARRAYS)
    read, arrays = read_arrays(tmp_path / "x")
    assert read == content
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        assert np.array_equal(arrays[name], array)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_the_layout_is_that_of_safetensors(tmp_path: Path) -> None:
    write_arrays(tmp_path / "x", {"a": 1}, {"w": np.array([1.0], np.float32)})
    data = (tmp_path / "x").read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    assert header == {
        "__metadata__": {"content": '{"a": 1}'},
        "w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
    }
    assert (length % 8, data[8 + length :]) == (0, np.float32(1).tobytes())


def test_an_unwritable_place_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be written"):
        write_arrays(tmp_path / "file" / "x", {}, ARRAYS)
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_arrays(tmp_path / "y", {"a": float("nan")}, ARRAYS)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


HOSTILE = {
    "empty": b"",
    "seven bytes": b"\0" * 7,
    "a header longer than the file": (2**40).to_bytes(8, "little"),
    "a header longer than allowed": (MAX_HEADER + 1).to_bytes(8, "little") + b" " * 64,
    "text": b"hello, this is no classifier at all",
    "a pickle": pickle.dumps([os.getcwd]),
    "a deep list": raw("[" * 100_000),
    "a deep object": raw('{"a":' * 100_000),
    "a deep content": raw({}, content="[" * 100_000),
    "a long number": raw('{"a": ' + "9" * 100_000 + "}"),
    "NaN in the content": raw({}, content='{"a": NaN}'),
    "infinity in the header": raw('{"__metadata__": {"content": "{}"}, "a": Infinity}'),
    "no UTF-8": raw(b'{"\xff": 1}'),
    "a list": raw("[]"),
    "no content": raw('{"a": 1}'),
    "content that is a number": raw('{"__metadata__": {"content": 1}}'),
    "a huge shape": raw({"a": entry([2**31, 2**31], 0, 4)}, b"\0" * 4),
    "a shape beyond 64 bits": raw({"a": entry([2**32, 2**32, 2**32], 0, 4)}, b"\0" * 4),
    "a negative side": raw({"a": entry([-1, -1], 0, 4)}, b"\0" * 4),
    "a side that is true": raw({"a": entry([True], 0, 4)}, b"\0" * 4),
    "a side that is a fraction": raw({"a": entry([1.0], 0, 4)}, b"\0" * 4),
    "too many sides": raw({"a": entry([1] * 9, 0, 4)}, b"\0" * 4),
    "an offset beyond the end": raw({"a": entry([2], 0, 8)}, b"\0" * 4),
    "an end before its start": raw({"a": entry([1], 4, 0)}, b"\0" * 4),
    "objects": raw({"a": entry([1], 0, 8, "O")}, b"\0" * 8),
    "an array that is a word": raw({"a": "b"}),
    "arrays on top of each other": raw({"a": entry([1], 0, 4), "b": entry([1], 0, 4)}, b"\0" * 4),
    "bytes that belong to no array": raw({"a": entry([1], 0, 4)}, b"\0" * 8),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_one_sentence(name: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(HOSTILE[name])
    tracemalloc.start()
    try:
        with pytest.raises(ArrayFileError):
            read_arrays(tmp_path / "x")
        assert tracemalloc.get_traced_memory()[1] < 40 << 20
    finally:
        tracemalloc.stop()


def test_a_file_of_holes_is_refused_unread(tmp_path: Path) -> None:
    """Two gigabytes that take no place on the disk, and that no array claims."""
    (tmp_path / "x").write_bytes(raw({"a": entry([1], 0, 4)}, b"\0" * 4))
    os.truncate(tmp_path / "x", 2 << 30)
    tracemalloc.start()
    try:
        with pytest.raises(ArrayFileError, match="its arrays do not fill it"):
            read_arrays(tmp_path / "x")
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_a_packed_archive_is_refused_unopened(tmp_path: Path) -> None:
    """A gigabyte of zeros in a megabyte of zip, under the name of a classifier."""
    with zipfile.ZipFile(tmp_path / "x", "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.npy", "w") as member:
        for _ in range(64):
            member.write(bytes(1 << 20))
    with pytest.raises(ArrayFileError, match="length of its header"):
        read_arrays(tmp_path / "x")


def test_folders_and_pipes_are_refused_and_missing_files_are_errors_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_arrays(tmp_path / "none")
    with pytest.raises(ArrayFileError, match="no regular file"):
        read_arrays(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(ArrayFileError, match="no regular file"):
            read_arrays(tmp_path / "pipe")
