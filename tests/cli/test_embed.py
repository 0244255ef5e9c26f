"""embed: embeddings in one file."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest

from .conftest import Photos, Run
from .fakes import DARK_RED, MODEL


def test_embed_writes_a_row_a_face(know: Run, photos: Photos) -> None:
    done = know("embed", photos.both, photos.broken, photos.dark_red, "--out", "faces.npz", "--json")
    assert done.code == 0
    assert [[face["row"] for face in line["faces"]] for line in done.lines] == [[0, 1], [], [2]]
    with np.load("faces.npz") as arrays:
        assert sorted(arrays.files) == ["box", "embedding", "photo", "score"]
        assert arrays["photo"].tolist() == ["both.png", "both.png", "dark.png"]
        assert arrays["box"].dtype == arrays["embedding"].dtype == arrays["score"].dtype == np.float32
        assert arrays["box"].tolist() == [[180, 100, 280, 200], [20, 30, 70, 80], [140, 90, 220, 170]]
        assert arrays["score"] == pytest.approx([0.99, 0.98, 0.99])
        dark = np.array(DARK_RED) / np.linalg.norm(DARK_RED)
        assert arrays["embedding"] == pytest.approx(np.array([[0, 0, 1], [1, 0, 0], dark]), abs=1e-6)


def test_embed_makes_other_embeddings_of_other_views(look: Run, photos: Photos) -> None:
    embeddings = {}
    for options in ("", "--views 1", "--views 2", "--model sface@2"):
        assert look("embed", photos.both, "--out", "faces.npz", *options.split()).code == 0
        with np.load("faces.npz") as arrays:
            embeddings[options] = arrays["embedding"]
    np.testing.assert_array_equal(embeddings[""], embeddings["--views 1"])
    np.testing.assert_array_equal(embeddings["--views 2"], embeddings["--model sface@2"])
    assert np.abs(embeddings[""] - embeddings["--views 2"]).max() > 1e-4  # little: a square is almost its mirror image


def test_embed_refuses_views_that_there_are_not_and_writes_nothing(know: Run, photos: Photos) -> None:
    done = know("embed", photos.red, "--out", "faces.npz", "--views", 2)
    assert (done.code, done.out, Path("faces.npz").exists()) == (2, "", False)
    assert f"{MODEL} offers no choice of views" in done.err


def test_embed_of_photos_without_a_face_writes_no_rows(know: Run, photos: Photos) -> None:
    assert know("embed", photos.empty, "--out", "faces.npz").code == 1
    with np.load("faces.npz") as arrays:
        shapes = {name: arrays[name].shape for name in arrays.files}
    assert shapes == {"photo": (0,), "box": (0, 4), "score": (0,), "embedding": (0, 3)}


def test_embed_leaves_the_old_file_where_nothing_could_be_read(know: Run, photos: Photos) -> None:
    Path("faces.npz").write_bytes(b"old")
    assert know("embed", photos.broken, "--out", "faces.npz").code == 2
    assert Path("faces.npz").read_bytes() == b"old"


@pytest.mark.parametrize("out", ["faces.csv", "nowhere/faces.npz", "folder.npz"])
def test_embed_refuses_early_what_it_could_not_write(know: Run, photos: Photos, out: str) -> None:
    Path("folder.npz").mkdir()
    done = know("embed", photos.red, "--out", out)
    assert done.code == 2
    assert done.out == ""
    assert done.err.startswith("visavis: ")
    assert Path(out).name in done.err
    assert done.err.count("\n") == 1


@pytest.mark.skipif(importlib.util.find_spec("pyarrow") is not None, reason="pyarrow is installed")
def test_parquet_without_pyarrow_is_one_sentence(know: Run, photos: Photos) -> None:
    done = know("embed", photos.red, "--out", "faces.parquet")
    assert done.code == 3
    assert done.err == "visavis: Parquet files need pyarrow: pip install 'visavis[parquet]'.\n"


def test_parquet_holds_what_npz_holds(know: Run, photos: Photos) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    for out in ("faces.npz", "faces.parquet"):
        assert know("embed", photos.both, photos.red, "--out", out).code == 0
    table = parquet.read_table("faces.parquet")
    assert table.column_names == ["photo", "box", "score", "embedding"]
    with np.load("faces.npz") as arrays:
        for name in table.column_names:
            assert np.array(table[name].to_pylist()).tolist() == arrays[name].tolist()


@pytest.mark.skipif(not importlib.util.find_spec("pyarrow"), reason="pyarrow is not installed")
def test_a_name_that_is_not_utf8_is_escaped_in_parquet(know: Run, photos: Photos) -> None:
    from pyarrow import parquet

    name = os.fsdecode(b"\xff.png")
    Path(photos.red).rename(name)
    assert know("embed", name, "--out", "faces.parquet").code == 0
    assert parquet.read_table("faces.parquet").column("photo").to_pylist() == ["\\udcff.png"]
