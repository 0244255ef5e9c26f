"""extract: crops as files."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .conftest import Photos, Run
from .fakes import BLUE, RED, photo


def test_extract_writes_each_face_at_the_size_asked(look: Run, photos: Photos) -> None:
    done = look("extract", photos.both, photos.empty, "--out", "crops", "--size", 64, "--margin", 1, "--json")
    assert done.code == 0
    assert list(done.lines[0]) == ["photo", "status", "captured", "faces"]
    assert [face["file"] for face in done.lines[0]["faces"]] == ["crops/both-1.png", "crops/both-2.png"]
    assert done.lines[1]["faces"] == []
    blue, red = (np.asarray(Image.open(f"crops/both-{n}.png")) for n in (1, 2))
    assert blue.shape == red.shape == (64, 64, 3)
    # margin 1: the square is twice the face, so the face fills the middle half
    assert tuple(blue[32, 32]) == BLUE
    assert tuple(red[20, 20]) == RED
    assert (blue == np.array(BLUE)).all(axis=2).mean() == pytest.approx(0.25, abs=0.03)


def test_crops_of_photos_of_one_stem_do_not_replace_each_other(look: Run, tmp_path: Path) -> None:
    photo(tmp_path / "a/me.png", (RED, 40, 50, 60))
    photo(tmp_path / "b/me.png", (BLUE, 40, 50, 60))
    first = look("extract", "a/me.png", "b/me.png", "--out", "crops", "--json").lines
    assert [line["faces"][0]["file"] for line in first] == ["crops/me-1.png", "crops/me~2-1.png"]
    # the other way round, in a later run: each still has its own name
    again = look("extract", "b/me.png", "a/me.png", "--out", "crops", "--json").lines
    assert [line["faces"][0]["file"] for line in again] == ["crops/me~2-1.png", "crops/me-1.png"]
    assert sorted(path.name for path in Path("crops").iterdir()) == ["me-1.png", "me~2-1.png"]
    colors = [tuple(np.asarray(Image.open(f"crops/{name}"))[112, 112]) for name in ("me-1.png", "me~2-1.png")]
    assert colors == [RED, BLUE]


def test_a_copy_of_a_photo_in_another_folder_has_its_own_crops(look: Run, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        photo(tmp_path / folder / "me.png", (RED, 40, 50, 60))
    look("extract", "a/me.png", "b/me.png", "--out", "crops")
    assert len(list(Path("crops").iterdir())) == 2


def test_a_file_of_the_user_is_never_replaced(look: Run, photos: Photos) -> None:
    Path("red-1.png").write_bytes(b"mine")
    line = look("extract", photos.red, "--out", ".", "--json").line
    assert line["faces"][0]["file"] == "red~2-1.png"
    assert Path("red-1.png").read_bytes() == b"mine"


def _png(side: int, *chunks: tuple[bytes, bytes]) -> bytes:
    parts = [(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)), *chunks, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )


BOMB = zlib.compress(bytes(5_000_000))
OTHERS = {
    "more pixels than Pillow opens": _png(99_999),
    "as many as it warns of": _png(10_000),
    "a text that unpacks to megabytes": _png(9, (b"zTXt", b"comment\0\0" + BOMB)),
    "a profile that unpacks to megabytes": _png(9, (b"iCCP", b"a\0\0" + BOMB)),
    "a drawing in PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99999999 99999999\n",
    "a TIFF without its entries": b"II*\0\x08\0\0\0\xff\xff" + bytes(50),
}


@pytest.mark.parametrize("content", OTHERS.values(), ids=OTHERS)
def test_hostile_files_in_the_folder_of_pictures_are_kept(
    look: Run, photos: Photos, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "out").mkdir()
    for name in ("red-1.png", "red-faces.jpg"):
        (tmp_path / "out" / name).write_bytes(content)
    for _ in range(2):
        (face,) = look("extract", photos.red, "--out", "out", "--json").line["faces"]
        assert face["file"] == "out/red~2-1.png"
    assert look("detect", photos.red, "--out", "out").code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "red-1.png", "red-faces.jpg", "red~2-1.png", "red~2-faces.jpg",
    ]  # fmt: skip
    assert (tmp_path / "out" / "red-1.png").read_bytes() == content
