"""Read face crops from the RecordIO files of MXNet, as InsightFace packs them: ``train.rec`` with ``train.idx``.

``train.idx`` has a line per record: key, tab, position in ``train.rec``. A record there is, in little endian::

    uint32   magic number, 0xced7230a
    uint32   3 bits: 0 whole record, 1 first part, 2 middle part, 3 last part; 29 bits: length of the data
    data     padded with zeros to a multiple of 4 bytes

Data that contain the magic number are divided there, and the number is left out. Joined, the data are::

    uint32 flag, float32 label, uint64 id, uint64 id2
    float32  flag labels, if flag > 0: they take the place of the label
    picture  JPEG or PNG; empty in the records that describe the file (key 0: its range of pictures) or a person

The file is mapped into memory and read in the order of positions. A record that is damaged, or lies within another one,
is skipped, so that time and memory stay within the size of the files whatever they hold.
"""

from __future__ import annotations

import mmap
import os
import struct
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visavis import input_files
from visavis.errors import UsageError
from visavis.train.labeled_photos import LabeledPhotos, describe_shortages

MAGIC = 0xCED7230A
LENGTH_BITS = 29
WHOLE, FIRST, MIDDLE, LAST = range(4)
HEADER = struct.Struct("<IfQQ")
LARGEST = 64 << 20
"""Bytes of the largest record that is read."""
LONGEST_LINE = 64
"""Bytes of the longest line of an index."""
MOST_LABEL = 1 << 24
"""Labels are float32, which holds whole numbers up to this one."""


class DamagedRecordError(ValueError):
    """A record cannot be read; the message says why."""


@dataclass(frozen=True, slots=True, eq=False)
class RecordFile:
    """The pictures of a RecordIO file: ``labeled`` names them, ``positions (n,)`` are those of their records."""

    path: Path
    labeled: LabeledPhotos
    positions: NDArray[np.int64]

    def pictures(self) -> Iterator[bytes]:
        """Yield the encoded pictures one after the other; b"" for a record that was damaged since."""
        with _mapped(self.path) as data:
            for position in self.positions.tolist():
                try:
                    yield _split_record(_read_record(data, position)[0])[1]
                except DamagedRecordError:
                    yield b""


def find_record_file(source: str | os.PathLike[str]) -> Path | None:
    """Return the path of ``train.rec`` where the source is such a file, or a folder that holds it; None else."""
    path = Path(source)
    if path.is_dir():
        return path / "train.rec" if (path / "train.rec").is_file() else None
    return path if path.suffix.lower() == ".rec" else None


def read_record_file(path: Path) -> RecordFile:
    """Read labels and positions of the pictures in a RecordIO file. UsageError where there is no picture to read."""
    positions, labels, damaged = array("q"), array("q"), list[str]()
    with _mapped(path) as data:
        end = 0
        for position in _read_index(path.with_suffix(".idx")):
            try:
                if position < end:
                    raise DamagedRecordError(f"the record at byte {position} lies within another one")
                record, end = _read_record(data, position)
                label, picture = _split_record(record)
            except DamagedRecordError as error:
                damaged.append(str(error))
                continue
            if picture:
                positions.append(position)
                labels.append(label)
    if not positions:
        why = f": {damaged[0]}" if damaged else ""
        raise UsageError(f"{path} holds no picture{why}.")
    return RecordFile(path, _label(path, labels, damaged), np.array(positions, np.int64))


def _label(path: Path, labels: Sequence[int], damaged: Sequence[str]) -> LabeledPhotos:
    people, rows = np.unique(np.array(labels, np.int64), return_inverse=True)
    photos = tuple(f"{path}:{number}" for number in range(1, len(labels) + 1))
    labeled = LabeledPhotos(tuple(map(str, people.tolist())), photos, rows.astype(np.int64))
    notes = describe_shortages(labeled)
    if damaged:
        records = "1 record is" if len(damaged) == 1 else f"{len(damaged):,} records are"
        notes.append(f"{records} damaged and not used; the first: {damaged[0]}.")
    return LabeledPhotos(labeled.people, photos, labeled.labels, tuple(notes))


@contextmanager
def _mapped(path: Path) -> Iterator[mmap.mmap]:
    try:
        with input_files.open_file(path) as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise UsageError(f"{path} is empty.") from error
    with data:
        yield data


def _read_index(path: Path) -> list[int]:
    """Return the positions of all records, ascending, each once."""
    positions = array("q")
    try:
        with input_files.open_file(path) as file:
            number = 0
            while line := file.readline(LONGEST_LINE + 1):
                number += 1
                if line.strip():
                    positions.append(_parse_line(line, path, number))
    except OSError as error:
        raise UsageError(
            f"{path}, which belongs to the .rec file, cannot be read: {error.strerror or error}."
        ) from error
    unique: list[int] = np.unique(np.array(positions, np.int64)).tolist()
    return unique


def _parse_line(line: bytes, path: Path, number: int) -> int:
    words = line.split()
    if len(line) > LONGEST_LINE or len(words) != 2 or not all(word.isdigit() for word in words):
        raise UsageError(f"{path}: line {number} is not a key and a position.")
    return min(int(words[1]), 1 << 62)


def _read_record(data: mmap.mmap, position: int) -> tuple[bytes, int]:
    """Return the data of a record and the position behind it."""
    parts, length = list[bytes](), 0
    at, wanted = position, (WHOLE, FIRST)
    while True:
        if at + 8 > len(data):
            raise DamagedRecordError(f"the record at byte {position} is cut off")
        magic, word = struct.unpack_from("<II", data, at)
        kind, size = word >> LENGTH_BITS, word & ((1 << LENGTH_BITS) - 1)
        if magic != MAGIC or kind not in wanted:
            raise DamagedRecordError(f"there is no record at byte {position}")
        length += size + 4
        if length > LARGEST:
            raise DamagedRecordError(f"the record at byte {position} is larger than {LARGEST >> 20} MiB")
        if at + 8 + size > len(data):
            raise DamagedRecordError(f"the record at byte {position} is cut off")
        parts.append(data[at + 8 : at + 8 + size])
        at += 8 + size + -size % 4
        if kind in (WHOLE, LAST):
            return struct.pack("<I", MAGIC).join(parts), at
        wanted = (MIDDLE, LAST)


def _split_record(record: bytes) -> tuple[int, bytes]:
    """Return label and picture of a record; b"" and -1 for one that describes the file or a person."""
    if len(record) < HEADER.size:
        raise DamagedRecordError("a record has no header")
    flag, label, _, _ = HEADER.unpack_from(record)
    begin = HEADER.size + 4 * flag
    if begin > len(record):
        raise DamagedRecordError(f"a record says that it has {flag:,} labels, and is shorter")
    if begin == len(record):
        return -1, b""
    if flag:
        (label,) = struct.unpack_from("<f", record, HEADER.size)
    if not (0 <= label <= MOST_LABEL and label == int(label)):
        raise DamagedRecordError(f"a record has the label {label:g}, which is no number of a person")
    return int(label), record[begin:]
