"""models import."""

import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest

from cli.conftest import Photos, Run
from cli.fakes import DETECTOR


def labels(path: Path, count: int = 2622) -> Path:
    """A list of so many names, under a name that tells nothing."""
    with path.open("wb") as file:
        np.save(file, np.array([f"name {n}" for n in range(count)]))
    return path


def locate_or_skip(name: str) -> Path:
    from visavis.weights import spec, store

    where = store.locate(spec.spec(name))
    if where is None:
        pytest.skip(f"there is no file of {name}")
    return where


def test_a_file_known_by_its_arrays_is_imported_and_pinned(run: Run, empty_cache: Path, tmp_path: Path) -> None:
    file = labels(tmp_path / "download (3)")
    before = run("models", "show", "vggface-labels", "--json").line
    assert (before["present"], before["pinned"], before["pin"]) == (False, "at first download", None)
    done = run("models", "import", file, "--json")
    place = empty_cache / "rcmalli_vggface_labels_v1.npy"
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert (done.code, place.read_bytes()) == (0, file.read_bytes())
    assert done.err == (
        f"visavis: vggface-labels, recognized by its arrays: its hash was not published, so it is pinned to that of "
        f"{file}, {digest}.\n"
    )
    after = run("models", "show", "vggface-labels", "--json").line
    assert done.line == after
    more = {"present": True, "path": str(place), "pinned": "here", "pin": digest, "bytes": file.stat().st_size}
    assert after == {**before, **more}
    assert run("models", "import", file, "--json").line == after
    listed = {row[0]: row[-2:] for row in (line.split() for line in run("models", "list").out.splitlines()) if row}
    assert listed["vggface-labels"] == ["yes", "here"]
    assert listed["facenet-casia"] == ["first", "download"]
    assert listed["yunet-float"] == ["no", "published"]
    assert listed["yunet"] == ["yes", "published"]  # it comes with a package


def test_a_renamed_file_of_known_hash_is_imported(run: Run, empty_cache: Path, tmp_path: Path) -> None:
    from visavis.weights import spec, store

    where = store.locate(spec.PNET)  # in the package that carries it
    assert where is not None
    (tmp_path / "some.bin").write_bytes(where.read_bytes())
    done = run("models", "import", "some.bin", "--json")
    assert (done.code, done.err) == (0, "")
    assert done.line["path"] == str(empty_cache / "pnet.lz4")
    assert (done.line["pinned"], done.line["pin"]) == ("published", None)
    assert [path.name for path in empty_cache.iterdir()] == ["pnet.lz4"]


@pytest.mark.parametrize(
    ("content", "words", "code", "said"),
    [
        (b"not weights", (), 3, "is no published weight file that visavis knows"),
        (b"\x89HDF\r\n\x1a\n", (), 3, "is damaged or not weights of Keras"),
        (b"not weights", ("--as", "facenet-casio"), 2, "facenet-casia"),
        (b"not weights", ("--as", "yunet"), 3, "is not the published yunet"),
    ],
)
def test_what_is_no_weight_file_is_not_copied(
    run: Run, empty_cache: Path, tmp_path: Path, content: bytes, words: tuple[str, ...], code: int, said: str
) -> None:
    (tmp_path / "some.bin").write_bytes(content)
    done = run("models", "import", "some.bin", *words)
    assert (done.code, done.out, done.err.count("\n")) == (code, "", 1)
    assert said in done.err
    assert not empty_cache.exists()


def test_a_file_of_keras_takes_h5py(
    run: Run, empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    (tmp_path / "some.bin").write_bytes(b"\x89HDF\r\n\x1a\n")
    done = run("models", "import", "some.bin")
    said = "visavis: to read files of Keras takes the package h5py: pip install 'visavis[classic]'.\n"
    assert (done.code, done.out, done.err) == (3, "", said)
    assert not empty_cache.exists()


def test_a_license_is_asked_for_before_anything_is_copied(run: Run, empty_cache: Path, tmp_path: Path) -> None:
    where = locate_or_skip("dlib-68-points")
    (tmp_path / "some.bin").symlink_to(where)
    done = run("models", "import", "some.bin")
    assert (done.code, done.out, done.err.count("\n")) == (3, "", 1)
    assert "--accept-license" in done.err
    assert not empty_cache.exists()
    done = run("models", "import", "some.bin", "--accept-license", "--json")
    assert (done.code, done.line["name"], done.line["non_commercial"]) == (0, "dlib-68-points", True)
    assert done.err.startswith("visavis: dlib-68-points: non-commercial")
    assert not (empty_cache / "shape_predictor_68_face_landmarks.dat").is_symlink()


def test_a_row_of_ones_own_tells_its_name_itself(run: Run, own_model: Path) -> None:
    done = run("models", "import", own_model, "--as", "yunet")
    assert (done.code, done.err.count("\n")) == (2, 1)


def test_an_imported_model_is_listed_shown_and_used(run: Run, own_model: Path, photos: Photos) -> None:
    done = run("models", "import", own_model, "--json")
    assert (done.code, done.line["name"], done.line["precision"], done.line["task"]) == (0, "own", "float32", "embed")
    assert Path(done.line["path"]).stat().st_size == done.line["bytes"]
    listed = run("models", "list", "--json").lines
    assert listed[-1] == run("models", "show", "own", "--json").line == done.line
    assert "own" in run("models", "list").out
    words = ("--model", "own@4", "--detector", DETECTOR, "--threshold", "0.01", "--json")
    told = run("verify", photos.red, photos.dark_red, *words)
    assert (told.code, told.line["model"], told.line["far"]) == (0, "own@4", None)


@pytest.mark.parametrize(("text", "said"), [("", "input is missing"), ("name = ", "is not TOML")])
def test_a_row_that_means_nothing_is_exit_2(run: Run, own_model: Path, text: str, said: str) -> None:
    own_model.write_text(text, encoding="utf-8")
    done = run("models", "import", own_model)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert said in done.err


def test_a_network_that_is_not_what_its_row_says_is_exit_3(run: Run, own_model: Path) -> None:
    own_model.with_suffix(".onnx").write_bytes(b"no network")
    done = run("models", "import", own_model)
    assert (done.code, done.out, done.err.count("\n")) == (3, "", 1)
