from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from embedders import own
from visavis.weights.spec import all_specs
from weights.server import Shelf, serving

from .conftest import Photos, Run
from .fakes import BLUE, DETECTOR, RED, photo


def test_list_has_a_line_a_file(run: Run) -> None:
    lines = run("models", "list", "--json").lines
    assert [line["name"] for line in lines] == [spec.name for spec in all_specs()]
    dlib = next(line for line in lines if line["name"] == "dlib-resnet")
    assert dlib["license"] == "CC0 1.0 (public domain)"
    assert dlib["bytes"] == 22_466_066
    assert len(dlib["sha256"]) == 64


def test_show_is_the_line_of_list(run: Run) -> None:
    lines = run("models", "list", "--json").lines
    assert run("models", "show", lines[0]["name"], "--json").line == lines[0]
    shown = run("models", "show", "dlib-resnet").out
    assert "trained_on" in shown
    assert "FaceScrub" in shown


def test_fetch_names_the_checked_file(run: Run) -> None:
    line = run("models", "fetch", "mtcnn-pnet", "--json").line
    assert Path(line["path"]).stat().st_size == line["bytes"] == 27_119


def test_fetch_refuses_a_file_of_another_hash(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "pnet.lz4").write_bytes(b"something else")
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path))
    done = run("models", "fetch", "mtcnn-pnet")
    assert (done.code, done.out) == (3, "")
    assert "SHA-256" in done.err
    assert done.err.count("\n") == 1


def test_an_unknown_name_is_exit_2(run: Run) -> None:
    done = run("models", "show", "dlib-resnett")
    assert done.code == 2
    assert "dlib-resnet" in done.err


# Downloads


DOWNLOAD = """
import sys
from dataclasses import replace
from visavis.weights import spec
spec.SPECS = (replace(
    spec.YUNET_FLOAT, name="test-net", file="test.bin", url=sys.argv.pop(1), sha256="", size=500_000,
    non_commercial=True, license="for tests only",
),)
from visavis.__main__ import main
main()
"""
"""The program, with a catalogue of one file that a server on this machine has."""


def fetch(shelf: Shelf, folder: Path, *words: str, stderr: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("VISAVIS_")}
    more = {"VISAVIS_CACHE": str(folder / "cache"), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", "TERM": "xterm"}
    return subprocess.run(
        [sys.executable, "-c", DOWNLOAD, f"{shelf.url}/test.bin", "models", "fetch", "test-net", *words],
        env={**kept, **more, "COLUMNS": "120"},
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def served() -> Iterator[Shelf]:
    with serving() as shelf:
        shelf.files["/test.bin"] = bytes(range(256)) * 2000
        shelf.slow.add("/test.bin")
        yield shelf


def test_a_license_is_accepted_and_the_file_is_pinned(served: Shelf, tmp_path: Path) -> None:
    done = fetch(served, tmp_path, "--json")
    assert (done.returncode, done.stdout, done.stderr.count("\n"), served.asked) == (3, "", 1, [])
    assert "accept it once, by --accept-license" in done.stderr
    done = fetch(served, tmp_path, "--accept-license", "--json")
    assert (done.returncode, done.stderr) == (0, "visavis: test-net: for tests only.\n")  # no bar in a file or a pipe
    line = json.loads(done.stdout)
    digest = hashlib.sha256(served.files["/test.bin"]).hexdigest()
    assert (line["pinned"], line["pin"], line["bytes"]) == ("here", digest, 512_000)
    assert fetch(served, tmp_path, "--json").stdout == done.stdout
    assert served.asked == ["/test.bin"]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such terminals")
def test_a_download_shows_its_progress_on_a_terminal(served: Shelf, tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    try:
        done = fetch(served, tmp_path, "--accept-license", "--json", stderr=theirs)
        shown = os.read(ours, 1 << 20).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert (done.returncode, json.loads(done.stdout)["name"]) == (0, "test-net")
    assert re.search(r"test\.bin .*\d+/512\.0 kB", shown), shown


# Files that were downloaded already


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, no folder of weights, and no license that was accepted."""
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("VISAVIS_OFFLINE", "1")
    for name in ("VISAVIS_WEIGHTS", "VISAVIS_ACCEPT_LICENSE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cache" / "weights"


def labels(path: Path, count: int = 2622) -> Path:
    """A list of so many names, under a name that tells nothing."""
    with path.open("wb") as file:
        np.save(file, np.array([f"name {n}" for n in range(count)]))
    return path


def test_a_file_known_by_its_arrays_is_imported_and_pinned(run: Run, empty_cache: Path, tmp_path: Path) -> None:
    file = labels(tmp_path / "download (3)")
    before = run("models", "show", "vggface-labels", "--json").line
    assert (before["present"], before["pinned"], before["pin"]) == (False, "at first download", None)
    done = run("models", "import", file, "--json")
    place = empty_cache / "rcmalli_vggface_labels_v1.npy"
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert (done.code, place.read_bytes()) == (0, file.read_bytes())
    assert done.err == (
        f"visavis: vggface-labels by its arrays: nobody told the hash of that file, so it is pinned to the one of "
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


def locate_or_skip(name: str) -> Path:
    from visavis.weights import spec, store

    where = store.locate(spec.spec(name))
    if where is None:
        pytest.skip(f"there is no file of {name}")
    return where


def test_a_row_of_ones_own_tells_its_name_itself(run: Run, own_model: Path) -> None:
    done = run("models", "import", own_model, "--as", "yunet")
    assert (done.code, done.err.count("\n")) == (2, 1)


# Models of one's own


@pytest.fixture
def own_model(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Path of the row of a tiny network, nothing imported yet."""
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "cache"))
    nodes = (
        ("Conv", ["x", "k"], "c"),
        ("Relu", ["c"], "r"),
        ("GlobalAveragePool", ["r"], "p"),
        ("Flatten", ["p"], "y"),
    )
    kernel = np.random.default_rng(0).normal(0, 0.3, (6, 3, 3, 3)).astype(np.float32)
    return own.write(tmp_path / "own", own.network(nodes, constants={"k": kernel}), output_dimension=6)


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


def test_show_leaves_out_what_is_not_known(run: Run, own_model: Path) -> None:
    run("models", "import", own_model)
    rows = dict(line.split(maxsplit=1) for line in run("models", "show", "own").out.splitlines() if line.strip())
    line = run("models", "show", "own", "--json").line
    assert {"url", "quantized_from", "published_threshold"} == {key for key, value in line.items() if value is None} - {
        "threshold_source", "non_commercial",
    }  # fmt: skip
    assert set(rows) == {key for key, value in line.items() if value is not None}
    assert (rows["present"], rows["scale"]) == ("yes", f"{line['scale']:.9g}")
    for name in (spec.name for spec in all_specs()):
        assert "None" not in run("models", "show", name).out


def test_show_tells_a_published_threshold_and_its_source(run: Run) -> None:
    line = run("models", "show", "facenet-vggface2", "--json").line
    assert (line["published_threshold"], line["threshold_source"]) == (
        0.3,
        "deepface 0.0.103, config/threshold.py, Facenet512",
    )


def test_an_own_model_is_removed_with_what_is_remembered_of_it(run: Run, own_model: Path, tmp_path: Path) -> None:
    folder = Path(run("models", "import", own_model, "--json").line["path"]).parents[1]
    remembered = tmp_path / "cache" / "embeddings"
    remembered.mkdir()
    key = "0123456789abcdef"
    gone = [f"own-{key}.db", f"own@4-{key}.db", f"own-{key}.db-wal"]
    stay = [f"own-int8-{key}.db", f"my-own-{key}.db", "notes.txt"]
    for name in (*gone, *stay):
        (remembered / name).write_bytes(b"")
    done = run("models", "remove", "own", "--json")
    assert (done.code, done.line, done.err) == (0, {"removed": "own", "path": str(folder)}, "")
    assert (folder.exists(), [*folder.parent.iterdir()]) == (False, [])
    assert sorted(path.name for path in remembered.iterdir()) == sorted(stay)
    assert run("models", "show", "own").code == 2
    assert run("models", "import", own_model).code == 0  # and may come again


def test_a_damaged_model_can_be_removed(run: Run, own_model: Path) -> None:
    path = Path(run("models", "import", own_model, "--json").line["path"])
    (path.parents[1] / "model.toml").write_text("damaged")
    assert run("models", "remove", "own").code == 0
    assert not path.parents[1].exists()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mtcnn-pnet", "mtcnn-pnet is a model of visavis, not one of your own, and cannot be removed; its file is "),
        ("facenet-casia", "facenet-casia is a model of visavis, not one of your own, and cannot be removed."),
        ("owm", "no model of your own is called 'owm'; there are: own."),
    ],
)
def test_other_models_are_not_removed(run: Run, own_model: Path, name: str, said: str) -> None:
    run("models", "import", own_model)
    done = run("models", "remove", "own", name) if name == "mtcnn-pnet" else run("models", "remove", name)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert done.err.startswith(f"visavis: {said}")
    assert run("models", "show", "own").code == 0  # nothing is removed where one name is refused


def test_a_gallery_of_a_removed_model_is_warned_of(run: Run, own_model: Path, photos: Photos) -> None:
    run("models", "import", own_model)
    run("enroll", "Ann", photos.red, "--model", "own@4", "--detector", DETECTOR, "--gallery", "own.db")
    assert "holds embeddings of own: until" in run("models", "remove", "own", "--gallery", "own.db").err
    run("models", "import", own_model)
    assert run("models", "remove", "own").err == ""  # there is no faces.db, and none is made
    assert not Path("faces.db").exists()


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


def test_a_damaged_model_is_told_of_and_the_others_are_listed(run: Run, own_model: Path) -> None:
    path = Path(run("models", "import", own_model, "--json").line["path"])
    path.write_bytes(b"changed")
    done = run("models", "list", "--json")
    assert (done.code, len(done.lines)) == (0, len(all_specs()))
    assert "is not the file that was imported" in done.err
    assert run("models", "show", "own").code == 3


def test_a_model_is_quantized_measured_and_taken_elsewhere(
    run: Run, own_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("models", "import", own_model)
    for n in range(9):
        photo(tmp_path / "faces" / "deep" / f"{n}.png", ((RED, BLUE)[n % 2], 20, 30, 60 + n))
    (tmp_path / "out").mkdir()
    words = ("--calibrate", "faces", "--out", "out", "--detector", DETECTOR, "--json")
    made = run("models", "quantize", "own", *words).line
    assert (made["name"], made["precision"], made["quantized_from"]) == ("own-int8", "int8", "own")
    lines = run("models", "bench", "own", "own-int8@4", "--threads", 1, "--json").lines
    assert [(line["model"], line["precision"]) for line in lines] == [("own", "float32"), ("own-int8@4", "int8")]
    for line in lines:
        one, many = (line["ms_embed"][batch] for batch in ("1", "32"))
        assert 0 < many["best"] <= many["median"]
        assert line["faces_per_second"] == pytest.approx(1000 / min(one["median"], many["median"]), rel=0.01)
        assert line["accuracy"] is None
    assert lines[1]["bytes"] == made["bytes"]
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "elsewhere"))
    again = run("models", "import", "out/own-int8.toml", "--json").line
    assert {key: value for key, value in again.items() if key in made and key != "path"} == {
        key: value for key, value in made.items() if key != "path"
    }


def test_a_precision_is_asked_for_by_every_command_that_takes_a_model(
    run: Run, own_model: Path, photos: Photos
) -> None:
    text = own_model.read_text(encoding="utf-8")
    run("models", "import", own_model)
    asked = ("--model", "own", "--precision", "int8")
    look = (photos.red, photos.dark_red, "--detector", DETECTOR, "--threshold", "0.01", "--json")
    for words in (asked, ("--model", "own@4", "--precision", "int8")):
        done = run("verify", *look, *words)
        assert (done.code, done.out, done.err.count("\n")) == (3, "", 1)
        assert "visavis models quantize own --calibrate DIR" in done.err
    more = 'name = "own-int8"\nprecision = "int8"\nquantized_from = "own"'
    own_model.write_text(text.replace('name = "own"', more, 1), encoding="utf-8")
    assert run("models", "import", own_model).code == 0
    assert run("verify", *look, *asked).line["model"] == "own-int8"
    assert run("verify", *look, *asked, "--views", 4).line["model"] == "own-int8@4"
    assert run("verify", *look, "--model", "own-int8", "--precision", "float32").code == 2
    assert run("verify", *look, "--model", "own", "--precision", "int4").code == 2
    take = ("--detector", DETECTOR, *asked)
    assert run("enroll", "Red", photos.red, *take).code == 0
    assert run("gallery", "stats", "--json").line["model"] == "own-int8"
    assert run("identify", photos.dark_red, *take, "--threshold", 0.1, "--json").line["faces"][0]["name"] == "Red"
    assert run("embed", photos.red, *take, "--out", "red.npz").code == 0
    three = (photos.red, photos.dark_red, photos.blue)
    pairs = [f"{a},{b},{int(photos.blue not in (a, b))}" for a, b in permutations(three, 2)]
    Path("pairs.csv").write_text("\n".join([*pairs, *pairs]), encoding="utf-8")
    assert run("evaluate", "pairs", "pairs.csv", *take, "--json").line["model"] == "own-int8"
    for command in ("calibrate", "evaluate identification", "evaluate groups", "evaluate lfw"):
        assert "--precision" in run(*command.split(), "--help").out


def test_bench_tells_the_accuracy_that_came_with_a_model(run: Run) -> None:
    line = run("models", "bench", "dlib-resnet", "--json").line
    assert line["accuracy"] == {"data": "LFW (deep-funneled) view 1", "far": 0.001, "tar": 0.94706}
    assert (line["model"], line["precision"], line["bytes"]) == ("dlib-resnet", "float32", 22_466_066)
