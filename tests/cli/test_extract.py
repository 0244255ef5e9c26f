"""extract: crops as files."""

from __future__ import annotations

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
