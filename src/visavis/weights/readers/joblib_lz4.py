"""Arrays dumped by joblib with lz4 compression, as in the ``mtcnn`` package.

The container is an lz4 frame around a pickle in which every array is a small wrapper object (shape, order, dtype)
followed by its raw bytes. It is read with an unpickler that knows three names, those of the wrapper, of
``numpy.ndarray`` and of ``numpy.dtype``, and replaces each by a class of visavis: numpy's dtype crashes the process on
a damaged state. Any other name in the file is an error, so no file can run code; ``joblib.load`` would run it.
"""

from __future__ import annotations

import io
import math
import pickle
import struct
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from visavis import input_files
from visavis.errors import WeightsError
from visavis.types import Floats

MAX_BYTES = 256 * 2**20
"""An lz4 frame that unpacks to more than this is refused (the largest known file unpacks to 1.6 MB)."""
DAMAGE = (
    *(OSError, EOFError, ValueError, TypeError, LookupError, AttributeError, RuntimeError, struct.error),
    *(OverflowError, MemoryError),  # at an impossible length
)
"""Errors of lz4 and the unpickler on invalid bytes."""


def read(path: Path) -> list[Floats]:
    """Read float32 arrays in their order; WeightsError where the file is damaged or holds anything else."""
    try:
        stream = io.BytesIO(_unpack(input_files.read_file(path, most=input_files.WEIGHTS)))
        arrays = _ArrayUnpickler(stream).load()
    except DAMAGE as error:
        raise WeightsError(f"{path} is not a readable joblib file: {error}.") from error
    except pickle.UnpicklingError as error:
        raise WeightsError(f"{path} is refused: {error}.") from error
    if not isinstance(arrays, list) or not all(isinstance(array, np.ndarray) for array in arrays):
        raise WeightsError(f"{path} does not hold a list of arrays.")
    return arrays


def _unpack(data: bytes) -> bytes:
    import lz4.frame

    with lz4.frame.LZ4FrameFile(io.BytesIO(data)) as frame:
        unpacked: bytes = frame.read(MAX_BYTES + 1)
    if len(unpacked) > MAX_BYTES:
        raise ValueError(f"it unpacks to more than {MAX_BYTES // 2**20} MB")
    return unpacked


class _Wrapper:
    """Replaces ``numpy.ndarray`` and joblib's NumpyArrayWrapper, with their state in ``__dict__``."""


class _Type:
    """Replaces ``numpy.dtype``: keeps its name and the byte order of its state."""

    def __init__(self, name: str, *_: object) -> None:
        self.name, self.order = name, "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = state[1]


class _ArrayUnpickler(pickle._Unpickler):  # the one in pure Python: it can be extended
    """Builds arrays and nothing else; after each wrapper its raw bytes are taken from the stream."""

    ALLOWED: ClassVar[dict[tuple[str, str], type]] = {
        ("joblib.numpy_pickle", "NumpyArrayWrapper"): _Wrapper,
        ("numpy", "ndarray"): _Wrapper,
        ("numpy", "dtype"): _Type,
    }
    dispatch: ClassVar[dict[int, Any]] = dict(pickle._Unpickler.dispatch)
    stack: list[Any]

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream)
        self._stream = stream

    def find_class(self, module: str, name: str) -> type:
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return self.ALLOWED[module, name]

    def load_build(self) -> None:
        super().load_build()  # type: ignore[misc]  # typeshed leaves the loaders out
        if isinstance(self.stack[-1], _Wrapper):
            self.stack[-1] = _read_array(vars(self.stack[-1]), self._stream)

    dispatch[pickle.BUILD[0]] = load_build


def _read_array(state: dict[str, Any], stream: io.BytesIO) -> Floats:
    if state.get("numpy_array_alignment_bytes") is not None:
        stream.read(stream.read(1)[0])  # one byte says how many bytes of padding follow
    kind, shape = state["dtype"], tuple(int(n) for n in state["shape"])
    if (kind.name, kind.order) != ("f4", "<") or min(shape, default=0) < 0:
        raise ValueError("it holds an array of other things than little-endian float32, or of negative size")
    return np.frombuffer(stream.read(math.prod(shape) * 4), "<f4").reshape(shape, order=state["order"])
