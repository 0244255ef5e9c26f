"""detect, extract, embed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .conftest import Photos, Run
from .fakes import BLUE, DARK_RED, MODEL, RED, photo


def test_detect_has_the_keys_and_values_of_the_contract(look: Run, photos: Photos) -> None:
    done = look("detect", photos.red, "--json")
    assert done.code == 0
    assert done.err == ""
    assert list(done.line) == ["photo", "status", "captured", "width", "height", "faces"]
    assert (done.line["photo"], done.line["status"]) == ("red.png", "ok")
    assert (done.line["width"], done.line["height"]) == (320, 240)
    (face,) = done.line["faces"]
    assert list(face) == ["box", "score", "landmarks", "quality", "quality_parts"]
    assert face["box"] == [40, 50, 100, 110]
    assert face["score"] == 0.99
    assert face["landmarks"] == [[58, 74], [82, 74], [70, 86], [61, 98], [79, 98]]
    assert face["quality"] == 0  # one color all over
    assert face["quality_parts"]["exposure"] == 0
    assert face["quality_parts"]["brightness"] == pytest.approx(76 / 255, abs=0.01)


def test_a_bad_photo_among_good_ones_has_its_line_and_stops_nothing(look: Run, photos: Photos) -> None:
    done = look("detect", photos.red, photos.missing, photos.empty, photos.broken, photos.both, "--json")
    assert done.code == 0
    assert [line["status"] for line in done.lines] == ["ok", "missing", "no_face", "unreadable", "ok"]
    assert [len(line["faces"]) for line in done.lines] == [1, 0, 0, 0, 2]
    assert [("message" in line) for line in done.lines] == [False, True, True, True, False]
    assert "missing.png" in done.lines[1]["message"]
    assert done.lines[1]["width"] is None
    assert done.lines[2]["width"] == 320


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["red", "broken"], 0),
        (["empty"], 1),
        (["empty", "broken"], 1),
        (["broken"], 2),
        (["broken", "missing"], 2),
    ],
)
def test_detect_exits_by_what_could_be_seen(look: Run, photos: Photos, names: list[str], code: int) -> None:
    assert look("detect", *(getattr(photos, name) for name in names)).code == code


def test_min_face_reaches_the_detector(look: Run, photos: Photos) -> None:
    assert [len(look("detect", photos.both, "--json", "--min-face", side).line["faces"]) for side in (50, 51)] == [
        2,
        1,
    ]


def test_standard_input_is_a_photo(look: Run, photos: Photos) -> None:
    line = look("detect", "-", "--json", stdin=Path(photos.red).read_bytes()).line
    assert (line["photo"], line["faces"][0]["box"]) == ("-", [40, 50, 100, 110])


def test_standard_input_can_be_given_once(look: Run) -> None:
    done = look("detect", "-", "-", stdin=b"")
    assert (done.code, done.out) == (2, "")
    assert done.err == "visavis: standard input can be read only once: give - for one photo.\n"


def test_detect_without_json_prints_one_row_a_face(look: Run, photos: Photos) -> None:
    done = look("detect", photos.both, photos.missing)
    rows = [" ".join(row.split()) for row in done.out.splitlines()]
    assert rows[0] == "photo size face box score quality"
    assert rows[2].startswith("both.png 320 x 240 1 180 100 280 200 0.9900")
    assert rows[3].startswith("both.png 320 x 240 2 20 30 70 80 0.9800")
    assert rows[4].startswith("missing.png - 'missing.png' does not exist.")
    assert len(rows) == 5


def test_brackets_in_names_are_not_markup(look: Run, tmp_path: Path) -> None:
    photo(tmp_path / "[red]a[/red].png", (RED, 40, 50, 60))
    assert "[red]a[/red].png" in look("detect", "[red]a[/red].png").out


def test_detect_out_draws_and_leaves_the_photo_alone(look: Run, photos: Photos) -> None:
    before = Path(photos.both).read_bytes()
    assert look("detect", photos.both, photos.broken, "--out", ".").code == 0
    assert Path(photos.both).read_bytes() == before
    drawn = np.asarray(Image.open("both-faces.jpg")).astype(int)
    assert drawn.shape == (240, 320, 3)
    changed = np.abs(drawn - np.asarray(Image.open(photos.both)).astype(int)).max(axis=2) > 60
    assert changed[100, 180:280].mean() > 0.8  # the upper edge of the larger box
    assert not changed[210:, :].any()  # below both
    assert not list(Path().glob("broken*.jpg"))


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
