"""Files that users write or receive, with changed bytes: read, or an error of visavis; never exit code 70."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from example_counts import LONG
from visavis import compare
from visavis.cli.gallery.describe import _parse_object
from visavis.errors import VisavisError
from visavis.evaluate.data.pairs import read_pairs
from visavis.gallery.check_input import make_details
from visavis.weights.model_row import read_row

TABLE = {
    "model": "m",
    "far_threshold": [[0.1, 0.5], [0.001, 0.3]],
    "logistic": [-20, 8],
    "provenance": {"data": "LFW", "pairs": 6000},
}
PAIRS = "photo1,photo2,same\na/1.jpg,a/2.jpg,1\na/1.jpg,b/1.jpg,0\nc/1.jpg,c/2.jpg,yes\n"
TOML = """
name = "mine"
file = "mine.onnx"
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
bytes = 1000
license = "MIT"
size = 112
channels = "RGB"
mean = 127.5
scale = 0.0078125
[crop]
kind = "points"
points = [[38.3, 51.7], [73.5, 51.5], [56.0, 71.7], [41.5, 92.4], [70.7, 92.2]]
"""
METADATA = '{"desk": 4, "teams": ["a", {"b": null}], "since": "2026-11-26"}'


def describe(path: Path) -> None:
    make_details(metadata=_parse_object(path.read_text(encoding="utf-8", errors="surrogateescape")))


READERS: dict[str, tuple[str, str, Callable[[Path], object]]] = {
    "calibration": ("table.json", json.dumps(TABLE), compare.read_calibration),
    "pairs": ("pairs.csv", PAIRS, read_pairs),
    "lfw pairs": ("pairs.txt", "1\t1\nAnn\t1\t2\nAnn\t1\tBob\t2\n", read_pairs),
    "model": ("model.toml", TOML, read_row),
    "metadata": ("metadata.json", METADATA, describe),
}
PIECES = (
    b"\0", b"\xff", b"\xed\xa0\x80", b"9" * 5000, b"-1", b"1e999", b"NaN", b"null", b"[", b"[" * 3000, b"{", b'"',
    b"\\ud800", b"\n", b",", b"\t", b"=", b"true", b"", b"inf", b"0x", b"1979-05-27", b"'''", b"n" * 100_000,
)  # fmt: skip


def mutants(content: bytes, rng: Random, count: int) -> Iterator[bytes]:
    for _ in range(count):
        changed = bytearray(content)
        for _ in range(rng.choice((1, 1, 2, 8))):
            place = rng.randrange(len(changed) + 1)
            changed[place : place + rng.choice((0, 1, 3, 12))] = rng.choice((*PIECES, rng.randbytes(2)))
        yield bytes(changed[: rng.choice((len(changed), len(changed), rng.randrange(len(changed) + 1)))])


@pytest.mark.parametrize("kind", READERS)
def test_a_changed_file_is_read_or_an_error(tmp_path: Path, kind: str) -> None:
    name, content, read = READERS[kind]
    path = tmp_path / name
    read_as_written = 0
    for changed in mutants(content.encode(), Random(kind), 10_000 if LONG else 400):
        path.write_bytes(changed)
        with suppress(VisavisError):
            read(path)
            read_as_written += 1
    path.write_text(content, encoding="utf-8")
    if kind != "model":  # its network is missing
        read(path)
    assert read_as_written < (10_000 if LONG else 400)
