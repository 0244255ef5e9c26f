"""visavis classify: people by name, and nobody."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from visavis.classify import CLASSIFIERS, Classifier
from visavis.types import RGB

from .conftest import Photos, Run
from .fakes import Colors

MODEL = "test-names"
PEOPLE = ("Red", "Green", "Blue", "Gray")


class Network:
    """Answers with a logit a color: the means of a crop's red, green and blue, and nothing."""

    def run(self, batch: RGB) -> list[np.ndarray]:
        means = batch.reshape(len(batch), -1, 3).mean(axis=1) / 51
        return [np.concatenate([means, np.zeros((len(batch), 1))], axis=1).astype(np.float32)]


def named(*, threads: int | None = None) -> Classifier:
    session: Any = Network()
    return Classifier(MODEL, session, PEOPLE, crops=Colors().crops)


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CLASSIFIERS._factories, MODEL, named)


@pytest.fixture
def tell(look: Run) -> Run:
    """Run the command with the detector of squares and the network of colors."""
    return lambda *arguments, **more: look("classify", "--model", MODEL, *arguments, **more)


def test_the_keys_and_values_of_the_contract(tell: Run, photos: Photos) -> None:
    done = tell(photos.both, "--json", "--top", 2)
    assert (done.code, done.err) == (0, "")
    assert list(done.line) == ["photo", "status", "captured", "faces"]
    assert (done.line["photo"], done.line["status"]) == ("both.png", "ok")
    blue, red = done.line["faces"]
    assert list(blue) == ["box", "score", "known", "names"]
    assert blue["box"] == [180, 100, 280, 200]
    assert [name for name, _ in blue["names"]] == ["Blue", "Red"]
    assert [name for name, _ in red["names"]] == ["Red", "Green"]
    e5 = np.e**5
    assert red["names"][0][1] == pytest.approx(e5 / (e5 + 3), abs=1e-5)
    assert (blue["known"], red["known"]) == (True, True)


def test_five_are_told_unless_said_otherwise(tell: Run, photos: Photos) -> None:
    assert len(tell(photos.red, "--json").line["faces"][0]["names"]) == 4  # of four
    assert len(tell(photos.red, "--json", "--top", 1).line["faces"][0]["names"]) == 1


def test_a_table(tell: Run, photos: Photos) -> None:
    done = tell(photos.both)
    rows = [line.split() for line in done.out.splitlines()]
    assert rows[2][:9] == ["both.png", "1", "180", "100", "280", "200", "Blue", "Blue", "98.0%,"]
    assert "Red 98.0%" in done.out


def test_nobody_it_knows(tell: Run, photos: Photos) -> None:
    done = tell(photos.both, "--min-probability", 0.99)
    assert done.code == 1
    assert done.out.count(" unknown ") == 2
    line = tell(photos.both, "--min-probability", 0.99, "--json").line
    assert [face["known"] for face in line["faces"]] == [False, False]
    assert line["faces"][0]["names"][0][0] == "Blue"  # still the likeliest


@pytest.mark.parametrize(
    ("names", "code"), [(["red", "broken"], 0), (["empty"], 1), (["empty", "broken"], 1), (["broken", "missing"], 2)]
)
def test_exit_codes(tell: Run, photos: Photos, names: list[str], code: int) -> None:
    done = tell(*(getattr(photos, name) for name in names), "--json")
    assert done.code == code
    assert len(done.lines) == len(names)


def test_bad_photos_have_their_lines(tell: Run, photos: Photos) -> None:
    done = tell(photos.missing, photos.red, photos.empty, "--json")
    assert [(line["status"], len(line["faces"])) for line in done.lines] == [("missing", 0), ("ok", 1), ("no_face", 0)]
    assert "missing.png" in done.lines[0]["message"]


@pytest.mark.parametrize("options", [["--top", "0"], ["--min-probability", "2"], ["--model", "vggface2-resnet"]])
def test_wrong_use(look: Run, photos: Photos, options: list[str]) -> None:
    done = look("classify", photos.red, *options)
    assert done.code == 2
    assert done.out == ""
    if "--model" in options:
        assert done.err.startswith("visavis: no classifier is called 'vggface2-resnet'; did you mean vggface2-resnet50")


def test_missing_files_are_one_sentence_each(
    look: Run, photos: Photos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "none"))
    monkeypatch.setenv("VISAVIS_OFFLINE", "1")
    monkeypatch.delenv("VISAVIS_WEIGHTS", raising=False)
    done = look("classify", photos.red, "--json")
    assert (done.code, done.out) == (3, "")
    address = "https://github.com/rcmalli/keras-vggface/releases/download/v2.0/"
    network, labels = "rcmalli_vggface_tf_resnet50.h5", "rcmalli_vggface_labels_v2.npy"
    assert done.err == (
        f"visavis: {network} is missing (VISAVIS_OFFLINE forbids downloads): download {address}{network}, then "
        "visavis models import FILE.\n"
        f"visavis: {labels} is missing: download {address}{labels}, then visavis models import FILE.\n"
    )


def test_a_license_is_accepted_once(look: Run, photos: Photos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "none"))
    monkeypatch.setenv("VISAVIS_OFFLINE", "1")
    monkeypatch.delenv("VISAVIS_WEIGHTS", raising=False)
    monkeypatch.delenv("VISAVIS_ACCEPT_LICENSE", raising=False)
    asked = look("classify", photos.red, "--model", "vggface-vgg16")
    assert (asked.code, asked.out) == (3, "")
    assert "(non-commercial research (VGG-Face)): accept it once, by --accept-license" in asked.err
    accepted = look("classify", photos.red, "--model", "vggface-vgg16", "--accept-license")
    again = look("classify", photos.red, "--model", "vggface-vgg16")
    assert accepted.err == again.err
    assert again.err.startswith("visavis: rcmalli_vggface_tf_vgg16.h5 is missing (")


def test_a_network_of_keras_takes_h5py(
    look: Run, photos: Photos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its file is there, and was never read before."""
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("VISAVIS_WEIGHTS", str(tmp_path))
    monkeypatch.setitem(sys.modules, "h5py", None)
    (tmp_path / "rcmalli_vggface_tf_resnet50.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    with (tmp_path / "rcmalli_vggface_labels_v2.npy").open("wb") as file:
        np.save(file, np.array([f"name {n}" for n in range(8631)]))
    done = look("classify", photos.red)
    said = "visavis: to read files of Keras takes the package h5py: pip install 'visavis[classic]'.\n"
    assert (done.code, done.out, done.err[-len(said) :]) == (3, "", said)
