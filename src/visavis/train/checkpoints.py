"""Checkpoints of a run: the newest and the one before it, each written whole or not at all.

A checkpoint holds all that the rest of the run depends on: weights, statistics, the optimizer, the step. Batches,
changes of pictures and choices of triplets follow from seed and step. So a run that is resumed on the processor goes on
to the bit as if it had not been interrupted.
"""

from __future__ import annotations

import struct
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from zipfile import BadZipFile, ZipFile, is_zipfile

from visavis import atomic
from visavis.errors import UsageError, reason_of
from visavis.pytorch import torch

DAMAGED = (
    RuntimeError,
    UnpicklingError,
    EOFError,
    ValueError,
    KeyError,
    IndexError,
    AttributeError,
    OSError,
    BadZipFile,
    TypeError,
    AssertionError,
    MemoryError,
    OverflowError,
    struct.error,
)
"""What PyTorch raises for files that are cut off or altered."""
NEWEST, PREVIOUS = "checkpoint.pt", "checkpoint.previous.pt"


def save(run: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint; the newest becomes the previous one. UsageError where the disk is full or read-only."""
    try:
        if (run / NEWEST).exists():
            (run / NEWEST).replace(run / PREVIOUS)
        atomic.write(run / NEWEST, lambda file: torch.save(state, file))
    except (OSError, RuntimeError) as error:
        reason = _find_reason(error)
        if reason is None:
            raise
        raise UsageError(
            f"{run} cannot be written to: {reason_of(reason)}. The run is kept up to the checkpoint before: "
            "make room, and go on with --resume."
        ) from error


def _find_reason(error: BaseException | None) -> OSError | None:
    """Return the error of the system behind an error: PyTorch's writer raises a RuntimeError in place of it."""
    while error is not None and not isinstance(error, OSError):
        error = error.__cause__ or error.__context__
    return error


def load(run: Path) -> dict[str, Any] | None:
    """Return the newest checkpoint that is whole; None where there is none. Nothing in the file is run."""
    for name in (NEWEST, PREVIOUS):
        path = run / name
        if not path.is_file():
            continue
        try:
            _check_size(path)
            state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        except DAMAGED:
            continue
        return state
    return None


def _check_size(path: Path) -> None:
    """Raise ValueError for an archive whose members are larger than it: PyTorch packs nothing."""
    if is_zipfile(path):
        with ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > path.stat().st_size:
                raise ValueError("members are packed")
