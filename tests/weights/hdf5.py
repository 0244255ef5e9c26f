"""Writes weights as Keras 2 does, in HDF5 of its oldest form, without h5py: for tests of large files."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

UNDEFINED = 2**64 - 1
FLOAT = bytes([0x11, 0x20, 0x1F, 0, 4, 0, 0, 0, 0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0])
SUPERBLOCK = 96
ENTRIES = 512
"""Names that a group can hold."""


def write_keras(path: Path, layers: Mapping[str, Iterable[tuple[str, np.ndarray]]]) -> Path:
    """A file of ``save_weights``: a group a layer, whose datasets lie in the groups that their names lead through."""
    with path.open("wb") as file:
        file.write(bytes(SUPERBLOCK))
        root: dict[str, object] = {}
        names: dict[tuple[str, ...], list[str]] = {(): [*layers]}
        for layer, weights in layers.items():
            stored = names[tuple(layer.split("/"))] = []
            _place(root, layer.split("/"), {})
            for name, array in weights:
                stored.append(name)
                _place(root, [*layer.split("/"), *name.split("/")], _dataset(file, array))
        top = _group(file, root, (), names)
        file.seek(0)
        file.write(_superblock(file, top))
    return path


def _place(group: dict[str, object], path: list[str], what: object) -> None:
    for name in path[:-1]:
        group = group.setdefault(name, {})  # type: ignore[assignment]
    if what != {} or path[-1] not in group:
        group[path[-1]] = what


def _superblock(file: BinaryIO, root: int) -> bytes:
    end = file.seek(0, 2)
    file.seek(0)
    head = b"\x89HDF\r\n\x1a\n" + bytes([0, 0, 0, 0, 0, 8, 8, 0]) + struct.pack("<HHI", ENTRIES // 2, 16, 0)
    return head + struct.pack("<QQQQ", 0, UNDEFINED, end, UNDEFINED) + struct.pack("<QQII16x", 0, root, 0, 0)


def _put(file: BinaryIO, data: bytes) -> int:
    file.write(bytes(-file.tell() % 8))
    address = file.tell()
    file.write(data)
    return address


def _header(file: BinaryIO, messages: list[tuple[int, bytes]]) -> int:
    parts = []
    for kind, data in messages:
        padded = data + bytes(-len(data) % 8)
        parts.append(struct.pack("<HHB3x", kind, len(padded), 0) + padded)
    body = b"".join(parts)
    return _put(file, struct.pack("<BxHII4x", 1, len(parts), 1, len(body)) + body)


def _space(shape: tuple[int, ...]) -> bytes:
    return struct.pack(f"<BB6x{len(shape)}Q", 1, len(shape), *shape)


def _dataset(file: BinaryIO, array: np.ndarray) -> int:
    values = np.ascontiguousarray(array, "<f4")
    at = _put(file, b"")
    values.tofile(file)
    layout = struct.pack("<BBQQ", 3, 1, at, values.nbytes)
    return _header(file, [(1, _space(array.shape)), (3, FLOAT), (8, layout)])


def _group(
    file: BinaryIO, content: dict[str, object], path: tuple[str, ...], names: Mapping[tuple[str, ...], list[str]]
) -> int:
    entries = {
        name: _group(file, what, (*path, name), names) if isinstance(what, dict) else int(str(what))
        for name, what in sorted(content.items())
    }
    heap, places = bytearray(8), {}
    for name in entries:
        places[name] = len(heap)
        heap += name.encode() + b"\0"
        heap += bytes(-len(heap) % 8)
    data = _put(file, bytes(heap))
    heap_at = _put(file, b"HEAP" + struct.pack("<B3xQQQ", 0, len(heap), 1, data))
    symbols = b"".join(struct.pack("<QQII16x", places[name], at, 0, 0) for name, at in entries.items())
    node = _put(
        file, b"SNOD" + struct.pack("<BBH", 1, 0, len(entries)) + symbols + bytes(40 * (ENTRIES - len(entries)))
    )
    last = places[max(entries)] if entries else 0
    leaf = struct.pack("<BBHQQ", 0, 0, 1 if entries else 0, UNDEFINED, UNDEFINED) + struct.pack("<QQQ", 0, node, last)
    tree = _put(file, b"TREE" + leaf + bytes(31 * 16))
    messages = [(17, struct.pack("<QQ", tree, heap_at))]
    if path in names:
        messages.append((12, _strings("weight_names" if path else "layer_names", names[path])))
    return _header(file, messages)


def _strings(name: str, values: list[str]) -> bytes:
    size = max((len(value.encode()) for value in values), default=1)
    kind = struct.pack("<BBBBI", 0x13, 1, 0, 0, size)
    space = _space((len(values),))
    label = name.encode() + b"\0"
    label += bytes(-len(label) % 8)
    head = struct.pack("<BxHHH", 1, len(name) + 1, len(kind), len(space))
    return head + label + kind + space + b"".join(value.encode().ljust(size, b"\0") for value in values)
