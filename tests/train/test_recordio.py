"""RecordIO files of MXNet, written here as its documentation describes them; damaged and hostile ones."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visavis.errors import UsageError
from visavis.train import recordio
from visavis.train.crops import prepare_records
from visavis.train.recordio import MAGIC, find_record_file, read_record_file
from visavis.types import RGB

from .made_up import crops


def png(pixels: RGB) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.asarray(pixels)).save(file, "PNG")
    return file.getvalue()


def pack(picture: bytes, *labels: float, flag: int | None = None) -> bytes:
    """The header of a picture, with a label or several."""
    if flag is None and len(labels) == 1:
        return struct.pack("<IfQQ", 0, labels[0], 7, 0) + picture
    count = len(labels) if flag is None else flag
    return struct.pack("<IfQQ", count, 0, 7, 0) + struct.pack(f"<{len(labels)}f", *labels) + picture


def record(data: bytes) -> bytes:
    """A record; data are divided where the magic number stands at a multiple of 4, as dmlc's writer does it."""
    magic = struct.pack("<I", MAGIC)
    cuts = [at for at in range(0, len(data) - 3, 4) if data[at : at + 4] == magic]
    ends = [*cuts, len(data)]
    parts = [data[begin:end] for begin, end in zip([0, *(cut + 4 for cut in cuts)], ends, strict=True)]
    kinds = [0] if len(parts) == 1 else [1, *[2] * (len(parts) - 2), 3]
    return b"".join(
        magic + struct.pack("<I", kind << 29 | len(part)) + part + bytes(-len(part) % 4)
        for kind, part in zip(kinds, parts, strict=True)
    )


def write(path: Path, records: Sequence[bytes]) -> Path:
    """A file with an index."""
    positions = np.cumsum([0, *map(len, records)]).tolist()
    path.write_bytes(b"".join(records))
    lines = [f"{key}\t{position}\n" for key, position in enumerate(positions[:-1])]
    path.with_suffix(".idx").write_text("".join(lines), encoding="ascii")
    return path


def insightface(path: Path, pixels: RGB, labels: Sequence[int]) -> Path:
    """As InsightFace packs: the range of pictures first, the range of each person last."""
    pictures = [record(pack(png(crop), label)) for crop, label in zip(pixels, labels, strict=True)]
    people = [record(pack(b"", 1, 2)) for _ in set(labels)]
    end = len(pictures) + 1
    return write(path, [record(pack(b"", end, end + len(people))), *pictures, *people])


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "cache"))


def test_pictures_and_labels(tmp_path: Path) -> None:
    data = crops(people=3, pictures=4)
    path = insightface(tmp_path / "train.rec", data.pixels, [5, 5, 5, 5, 9, 9, 9, 9, 10, 10, 10, 10])
    assert find_record_file(tmp_path) == find_record_file(path) == path
    got = prepare_records(read_record_file(path), size=32)
    assert np.array_equal(got.pixels, data.pixels)
    assert got.people == ("5", "9", "10")
    assert got.labels.tolist() == data.labels.tolist()
    assert got.notes == ()
    assert got.photos[0] == f"{path}:1"


def test_divided_records_and_several_labels(tmp_path: Path) -> None:
    """The magic number within a picture, twice in a row, and at the end of the data."""
    magic = struct.pack("<I", MAGIC)
    payloads = [b"abcd" + magic + magic + b"x", magic, b"abc" + magic, b"abcdefgh" + magic]
    path = write(tmp_path / "train.rec", [record(pack(data, 3, 0.5)) for data in payloads])
    records = read_record_file(path)
    assert [*records.pictures()] == payloads
    assert records.labeled.people == ("3",)


def test_damaged_records_are_counted_and_skipped(tmp_path: Path) -> None:
    good = [record(pack(png(crop), 1)) for crop in crops(people=1, pictures=3).pixels]
    bad = [
        b"\0" * 40,  # no record
        record(b"short"),  # no header
        record(pack(b"", flag=1 << 31)),  # more labels than bytes
        record(pack(b"picture", float("nan"))),
        record(pack(b"picture", -1.0)),
        struct.pack("<II", MAGIC, 3 << 29 | 4) + b"last",  # a last part without a first one
        struct.pack("<II", MAGIC, (1 << 29) - 1),  # 512 MiB
    ]
    path = write(tmp_path / "train.rec", [good[0], *bad, good[1], record(pack(b"no picture", 1)), good[2][:-8]])
    got = prepare_records(read_record_file(path), size=32)
    assert len(got.pixels) == 2
    assert "8 records are damaged and not used; the first: there is no record at byte " in got.notes[1]
    assert "1 of 3 photos is not used" in got.notes[2]


def test_records_within_records_are_not_read(tmp_path: Path) -> None:
    """An index with a position in each of many nested records would cost the square of the file."""
    inner = b"".join(record(pack(b"x", 1)) for _ in range(1000))
    path = tmp_path / "train.rec"
    path.write_bytes(struct.pack("<II", MAGIC, len(pack(inner, 1))) + pack(inner, 1))
    lines = [f"{n}\t{n * 4}\n" for n in range(len(inner) // 4)]
    path.with_suffix(".idx").write_text("".join(lines), encoding="ascii")
    records = read_record_file(path)
    assert records.positions.tolist() == [0]


def test_a_record_without_end_stops_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordio, "LARGEST", 1000)
    parts = struct.pack("<II", MAGIC, 1 << 29) + struct.pack("<II", MAGIC, 2 << 29) * 10_000
    path = write(tmp_path / "train.rec", [parts])
    with pytest.raises(UsageError, match="holds no picture: the record at byte 0 is larger than"):
        read_record_file(path)


@pytest.mark.parametrize(
    ("content", "index", "message"),
    [
        (b"", "0\t0\n", r"train\.rec is empty"),
        (b"x" * 100, "0\t0\n", "holds no picture: there is no record at byte 0"),
        (b"x" * 100, "", "holds no picture"),
        (b"x" * 100, "0\t99999999999999999999999\n", "holds no picture: the record at byte 4611686018427387904 is cut"),
        (b"x" * 100, "0\t-8\n", "line 1 is not a key and a position"),
        (b"x" * 100, "0\t0\nno\n", "line 2 is not a key and a position"),
        (b"x" * 100, "7" * 1_000_000, "line 1 is not a key and a position"),
        (b"x" * 100, None, r"train\.idx, which belongs to the \.rec file, cannot be read: No such file"),
    ],
    ids=["empty", "no record", "no index", "far", "negative", "words", "long line", "missing"],
)
def test_files_of_nonsense_are_one_sentence(tmp_path: Path, content: bytes, index: str | None, message: str) -> None:
    path = tmp_path / "train.rec"
    path.write_bytes(content)
    if index is not None:
        path.with_suffix(".idx").write_text(index, encoding="ascii")
    with pytest.raises(UsageError, match=message):
        read_record_file(path)


def test_any_bytes_end_in_a_sentence(tmp_path: Path) -> None:
    whole = insightface(tmp_path / "whole.rec", crops(people=2, pictures=2).pixels[:, :8, :8], [0, 0, 1, 1])
    content, index = whole.read_bytes(), whole.with_suffix(".idx").read_bytes()
    rng = np.random.default_rng(0)
    path = tmp_path / "train.rec"
    read = 0
    for _ in range(300):
        altered = bytearray(content)
        for place in rng.integers(0, len(altered), rng.integers(1, 20)):
            altered[place] = rng.integers(256)
        path.write_bytes(bytes(altered[: rng.integers(1, len(altered) + 1)]))
        path.with_suffix(".idx").write_bytes(index)
        with suppress(UsageError):
            read += len([*read_record_file(path).pictures()])
    assert read > 100
