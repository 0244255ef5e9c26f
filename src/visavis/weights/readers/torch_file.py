"""State dicts that torch saved, read without torch: as a zip archive (since 1.6) or in the older sequence of pickles.

Both hold one pickle that assigns parts of storages to tensors, and the storages' raw bytes. The pickle is read by a
machine that can name and call only the parts of state dicts (``_pickle``); whole models, which name their own classes,
are refused. ``torch.load`` would need torch, which takes hundreds of megabytes. Layout facts: torch 2.13,
``serialization.py`` and ``_utils.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis.errors import WeightsError
from visavis.weights.readers import _zip
from visavis.weights.readers._file_bytes import MAX_RANK, FileBytes
from visavis.weights.readers._pickle import Call, Name, PickleError, load

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
MAX_DEPTH = 16
MAX_NAME = 1000
COPIES = 4
"""How many times the file's size arrays may take: bfloat16 and arrays of other orders are copied."""

KINDS = {
    "FloatStorage": "f4",
    "DoubleStorage": "f8",
    "HalfStorage": "f2",
    "BFloat16Storage": "bf16",
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "b1",
}


def read(path: Path) -> dict[str, NDArray[Any]]:
    """Return tensors under their keys in the state dict; those of nested dicts as ``outer.inner``.

    Tensors of one storage share memory where each is a plain piece of it. bfloat16 becomes float32. Entries that are
    not tensors (an epoch, a learning rate) are left out. Raises WeightsError where the file is damaged, or refers to
    anything but tensors: such a file is refused and nothing in it is run.
    """
    file = FileBytes(path, "a state dict of torch", copies=COPIES)
    try:
        value, storages = _read_zip(file) if file.data[:4] == _zip.LOCAL else _read_legacy(file)
        tensors: dict[str, _Tensor] = {}
        _collect(value, "", tensors, set())
    except PickleError as error:
        raise WeightsError(f"{path} is refused: {error}.") from error
    if not tensors:
        raise file.fail("it holds no tensors")
    return {name: storages.array(tensor) for name, tensor in tensors.items()}


def _collect(value: Any, prefix: str, tensors: dict[str, _Tensor], visited: set[int], depth: int = 0) -> None:
    if not isinstance(value, dict):
        raise PickleError("it is no dict of tensors")
    if id(value) in visited or depth > MAX_DEPTH:
        raise PickleError("its dicts lie within themselves")
    visited.add(id(value))
    for key, item in value.items():
        name = f"{prefix}{key}"
        if len(name) > MAX_NAME or name in tensors:
            raise PickleError(f"it holds a key that is too long, or twice there: {name[:100]!r}")
        if isinstance(item, dict):
            _collect(item, f"{name}.", tensors, visited, depth + 1)
        elif isinstance(item, _Tensor):
            tensors[name] = item


# --- contents of the pickle


@dataclass(frozen=True, slots=True)
class _Storage:
    """Part of the storage ``key``: ``count`` elements from ``start``."""

    key: str
    kind: str
    start: int
    count: int


@dataclass(frozen=True, slots=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _storage(named: Any) -> _Storage:
    """Return the storage of a persistent id: ("storage", type, key, device, elements), in older files also a view."""
    if not (isinstance(named, tuple) and len(named) in (5, 6) and named[0] == "storage"):
        raise PickleError("it points to something other than a storage")
    kind, key, count = named[1], named[2], named[4]
    if not (isinstance(kind, Name) and kind.name in KINDS and isinstance(key, str) and _is_size(count)):
        raise PickleError("it points to a storage that is none")
    start = 0
    if len(named) == 6 and named[5] is not None:
        _, start, count = named[5] if isinstance(named[5], tuple) and len(named[5]) == 3 else (None, -1, -1)
        if not (_is_size(start) and _is_size(count)):
            raise PickleError("it points to a part of a storage that is none")
    return _Storage(key, KINDS[kind.name], start, count)


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: object) -> _Tensor:
    if not all(isinstance(sides, tuple) and len(sides) <= MAX_RANK for sides in (shape, strides)):
        raise PickleError("it holds a tensor without a shape")
    sizes = (offset, *shape, *strides)
    if not isinstance(storage, _Storage) or len(shape) != len(strides) or not all(_is_size(size) for size in sizes):
        raise PickleError("it holds a tensor without a storage, or of negative size")
    return _Tensor(storage, offset, shape, strides)


def _parameter(tensor: Any, *_: object) -> _Tensor:
    if not isinstance(tensor, _Tensor):
        raise PickleError("it holds a parameter without a tensor")
    return tensor


def _size(shape: Any) -> tuple[int, ...]:
    if not isinstance(shape, tuple | list) or len(shape) > MAX_RANK:
        raise PickleError("it holds a shape that is none")
    return tuple(shape)


def _dict() -> dict[Any, Any]:
    return {}


CALLS: dict[str, Call | None] = {
    "collections.OrderedDict": _dict,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "torch.nn.parameter.Parameter": _parameter,
    "torch.Size": _size,
    "torch.device": lambda *_: None,
    **{f"torch.{name}": None for name in KINDS},
    **{f"torch.{name}": None for name in ("float16", "float32", "float64", "bfloat16", "int32", "int64", "strided")},
}


# --- where the bytes lie

_Place = Callable[[_Storage], tuple[int, int]]
"""Start and number of a storage's bytes."""


class _Storages:
    """The storages of a file, each read once."""

    def __init__(self, file: FileBytes, order: str, place: _Place) -> None:
        self._file, self._order, self._place = file, order, place
        self._read: dict[tuple[str, str], NDArray[Any]] = {}

    def array(self, tensor: _Tensor) -> NDArray[Any]:
        file, storage, shape = self._file, tensor.storage, tensor.shape
        count = file.elements(shape)
        last = sum((n - 1) * step for n, step in zip(shape, tensor.strides, strict=True))
        if count and tensor.offset + last >= storage.count:
            raise file.fail(f"a tensor that reaches beyond its storage of {storage.count} elements")
        values = self._values(storage)
        values = values[storage.start : storage.start + storage.count][tensor.offset :]
        if count == 0:
            return np.empty(shape, values.dtype)
        if all(
            n == 1 or step == plain for n, step, plain in zip(shape, tensor.strides, _plain_strides(shape), strict=True)
        ):
            return values[:count].reshape(shape)
        file.spend(count * values.itemsize)
        steps = tuple(step * values.itemsize for step in tensor.strides)
        return np.ascontiguousarray(np.lib.stride_tricks.as_strided(values, shape, steps, writeable=False))

    def _values(self, storage: _Storage) -> NDArray[Any]:
        """Return the whole storage, of which this one may be a part."""
        key = (storage.key, storage.kind)
        if key not in self._read:
            at, size = self._place(storage)
            kind = np.dtype(self._order + ("u2" if storage.kind == "bf16" else storage.kind))
            values = self._file.array(at, kind, (size // kind.itemsize,))
            self._read[key] = self._converted(values, storage.kind)
        values = self._read[key]
        if storage.start + storage.count > len(values):
            raise self._file.fail(
                f"storage {storage.key[:50]!r} has {len(values)} elements, not {storage.count} from {storage.start}"
            )
        return values

    def _converted(self, values: NDArray[Any], kind: str) -> NDArray[Any]:
        if kind == "bf16":
            self._file.spend(values.nbytes)  # twice as much, and the values themselves are freed
            return (values.astype(np.uint32) << 16).view(np.float32)
        return values.view(np.uint8) != 0 if kind == "b1" else values


def _plain_strides(shape: Sequence[int]) -> tuple[int, ...]:
    """Return the strides of a contiguous array."""
    steps = [1]
    for n in shape[:0:-1]:
        steps.append(steps[-1] * n)
    return tuple(steps[::-1]) if shape else ()


def _read_zip(file: FileBytes) -> tuple[Any, _Storages]:
    members = _zip.members(file)
    (name, *more) = [name for name in members if name.endswith("/data.pkl")] or [""]
    if not name or more:
        raise file.fail("an archive without data.pkl, or with several")
    folder = name[: -len("data.pkl")]
    order = file.take(*members[folder + "byteorder"]) if folder + "byteorder" in members else b"little"
    if order not in (b"little", b"big"):
        raise file.fail("bytes in no known order")

    def place(storage: _Storage) -> tuple[int, int]:
        if f"{folder}data/{storage.key}" not in members:
            raise file.fail(f"there is no storage {storage.key[:50]!r}")
        return members[f"{folder}data/{storage.key}"]

    at, size = members[name]
    value, _ = load(file.data, at, at + size, CALLS, _storage)
    return value, _Storages(file, "<" if order == b"little" else ">", place)


def _read_legacy(file: FileBytes) -> tuple[Any, _Storages]:
    """Read five pickles (mark, protocol, system, dict, keys of storages), then per key a count and the raw bytes."""
    at, parts, widths = 0, [], dict[str, int]()

    def storage(named: Any) -> _Storage:
        part_of_storage = _storage(named)
        width = 2 if part_of_storage.kind == "bf16" else np.dtype(part_of_storage.kind).itemsize
        if widths.setdefault(part_of_storage.key, width) != width:
            raise PickleError("it holds one storage of two kinds")
        return part_of_storage

    for calls in ({}, {}, {}, CALLS, {}):
        part, at = load(file.data, at, file.size, calls, storage if calls else None)
        parts.append(part)
    magic, protocol, system, value, keys = parts
    if (
        magic != MAGIC
        or protocol != PROTOCOL
        or not isinstance(system, dict)
        or system.get("little_endian") is not True
    ):
        raise file.fail("other marks at its beginning than torch's", 0)
    return value, _Storages(file, "<", _locate_storages(file, at, keys, widths))


def _locate_storages(file: FileBytes, at: int, keys: Any, widths: dict[str, int]) -> _Place:
    """Locate the storages, one behind the other: a count of elements, then the elements."""
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise file.fail("keys of storages that are none", at)
    places: dict[str, tuple[int, int]] = {}
    for key in keys:
        if key not in widths or key in places:
            raise file.fail(f"storage {key[:50]!r} is there twice, or for nothing", at)
        size = file.integer(at, 8) * widths[key]
        file.check(at + 8, size)
        places[key] = (at + 8, size)
        at += 8 + size

    def place(storage: _Storage) -> tuple[int, int]:
        if storage.key not in places:
            raise file.fail(f"there is no storage {storage.key[:50]!r}")
        return places[storage.key]

    return place
