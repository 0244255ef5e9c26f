"""Readers of published weight files: ``read(path) -> arrays``. They never run code from a file."""

from __future__ import annotations

from pathlib import Path

from visavis import input_files
from visavis.errors import WeightsError

BEGINNINGS = (
    (b"\x89HDF\r\n\x1a\n", "keras"),
    (b"\x93NUMPY", "numpy"),
    (b"PK\x03\x04", "torch"),
    (b"\x80", "torch"),  # a pickle: files older than the archive
    (b"\x0a", "tensorflow"),  # a graph begins with a node,
    (b"\x08", "onnx"),  # a model with its version
)
"""First bytes of the formats; names and extensions of files are not reliable."""


def kind_of(path: Path) -> str:
    """Return "keras", "torch", "tensorflow", "onnx", "numpy", or "" for others; WeightsError if it cannot be read."""
    try:
        with input_files.open_file(path) as file:
            begin = file.read(8)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror}.") from error
    return next((kind for mark, kind in BEGINNINGS if begin.startswith(mark)), "")
