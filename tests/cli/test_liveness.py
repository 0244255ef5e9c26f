"""liveness: the JSON, the table and the exit codes; the networks are replaced, except for the sample photos."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from visavis import spoof_networks
from visavis.types import RGB, Face, Floats

from .conftest import Photos, Run


class Reds:
    """Takes a face for real where it is red."""

    def __init__(self, *, threads: int | None = None) -> None:
        self.threads = threads

    def probabilities(self, picture: RGB, faces: Sequence[Face]) -> Floats:
        colors = [picture[int(face.box[1]) + 5, int(face.box[0]) + 5] for face in faces]
        return np.array([[0.1, 0.9, 0] if red > blue else [0.3, 0.2, 0.5] for red, _, blue in colors], np.float32)


@pytest.fixture(autouse=True)
def reds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spoof_networks, "SpoofNetworks", Reds)


def test_keys_and_values_of_the_answer(look: Run, photos: Photos) -> None:
    done = look("liveness", photos.both, "--json")
    assert (done.code, done.err) == (1, "")
    assert list(done.line) == ["photo", "status", "captured", "faces"]
    assert [list(face) for face in done.line["faces"]] == [["box", "real", "score", "doubts"]] * 2
    assert [face["box"] for face in done.line["faces"]] == [[180, 100, 280, 200], [20, 30, 70, 80]]
    assert {face["real"]: face["score"] for face in done.line["faces"]} == {True: 0.9, False: 0.2}
    assert all(doubt.startswith("the picture is poor") for face in done.line["faces"] for doubt in face["doubts"])


def test_the_threshold(look: Run, photos: Photos) -> None:
    (face,) = look("liveness", photos.red, "--threshold", 0.95, "--json").line["faces"]
    assert (face["real"], face["score"]) == (False, 0.9)
    assert look("liveness", photos.red, "--threshold", 2).code == 2


def test_a_table_that_says_what_is_doubtful(look: Run, photos: Photos) -> None:
    done = look("liveness", photos.red, photos.empty, photos.broken)
    rows = [" ".join(row.split()) for row in done.out.splitlines()]
    assert rows[0] == "photo face box answer score"
    assert rows[2].startswith("red.png 1 40 50 100 110 real? 0.9000 the picture is poor")
    assert rows[3] == "empty.png no face was found."
    assert done.code == 1  # a square of one color is no sure real face
    assert look("liveness", photos.broken).code == 2


def test_the_authors_samples(run: Run, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("VISAVIS_WEIGHTS", str(data.parent / "weights"))
    folder = data / "photos" / "spoof"
    done = run("liveness", folder, "--json")
    assert {Path(line["photo"]).stem: line["faces"][0]["real"] for line in done.lines} == {
        "image_F1": False, "image_F2": False, "image_T1": True,
    }  # fmt: skip
    assert done.code == 1
    assert run("liveness", folder / "image_T1.jpg").code == 0


def test_missing_networks_are_one_sentence_a_file(
    run: Run, photos: Photos, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("VISAVIS_WEIGHTS", "")
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("VISAVIS_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    done = run("liveness", photos.red)
    assert (done.code, done.out) == (3, "")
    assert "2.7_80x80_MiniFASNetV2.pth is missing" in done.err
    assert "4_0_0_80x80_MiniFASNetV1SE.pth is missing" in done.err
