"""enroll asks before it makes a second person of nearly the same name, and says which photos seem to be of others."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from visavis import compare
from visavis.compare import Calibration
from visavis.gallery import Gallery

from .conftest import Photos, Run
from .fakes import BLUE, DARK_RED, DETECTOR, MODEL, RED, photo

PROGRAM = "import cli.fakes; from visavis.cli import app; app()"
TABLE = Calibration(MODEL, far=(0.1, 0.03, 1e-3, 1e-6), thresholds=(0.35, 0.3, 0.2, 0.1), slope=-30, intercept=6)


def names(path: str = "faces.db") -> list[str]:
    with Gallery(path, create=False) as gallery:
        return [person.name for person in gallery]


def test_without_a_terminal_a_name_written_alike_is_refused(know: Run, photos: Photos) -> None:
    know("enroll", "Hugh Jackman", photos.red)
    done = know("enroll", "hugh jackman", photos.blue)
    assert (done.code, done.out) == (2, "")
    assert "'hugh jackman' is written like 'Hugh Jackman' (id 1)" in done.err
    assert names() == ["Hugh Jackman"]
    assert know("enroll", "hugh jackman", photos.blue, "--yes").code == 0
    assert names() == ["Hugh Jackman", "hugh jackman"]
    assert know("enroll", "hugh jackman", photos.dark_red).code == 0  # of just that name there is one now
    assert know("enroll", "HUGH JACKMAN", photos.both, "--new").code == 0
    assert len(names()) == 3


def test_of_many_people_those_of_alike_names_are_refused_and_the_others_enrolled(know: Run, tmp_path: Path) -> None:
    photo(tmp_path / "people" / "Ann" / "a.png", (RED, 40, 50, 60))
    photo(tmp_path / "people" / "Bob" / "b.png", (BLUE, 40, 50, 60))
    photo(tmp_path / "people" / "ann" / "c.png", (DARK_RED, 40, 50, 60))
    done = know("enroll", "--from", "people", "--json")
    assert (done.code, [(line["name"], line["status"]) for line in done.lines]) == (
        0,
        [("Ann", "ok"), ("Bob", "ok"), ("ann", "refused")],
    )
    assert know("enroll", "--from", "people", "--yes", "--json").lines[2]["new"]
    assert names() == ["Ann", "Bob", "ann"]


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals of POSIX")
@pytest.mark.parametrize(("answer", "expected"), [("y", ["Ann", "ANN"]), ("n", ["Ann"])])
def test_at_a_terminal_it_asks(know: Run, photos: Photos, answer: str, expected: list[str]) -> None:
    import pty

    know("enroll", "Ann", photos.red)
    ours, theirs = pty.openpty()
    command = ["enroll", "ANN", photos.blue, "--detector", DETECTOR, "--model", MODEL]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *command],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    ) as running:
        os.write(ours, f"{answer}\n".encode())
        _, said = running.communicate(timeout=300)
    os.close(theirs)
    os.close(ours)
    assert "Ann (id 1) is there already. Is ANN another person?" in said.decode()
    assert (running.returncode, names()) == (0 if answer == "y" else 2, expected)


@pytest.fixture
def calibrated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "calibration", {MODEL: TABLE}.get)


def test_photos_of_somebody_else_are_told_of_and_refused_by_strict(
    know: Run, run: Run, photos: Photos, calibrated: None
) -> None:
    know("enroll", "Bob", photos.blue)
    know("enroll", "Ann", photos.red)
    done = know("enroll", "Ann", photos.dark_red, photo(Path("blue2.png"), (BLUE, 60, 60, 80)), "--json")
    (doubt,) = done.line["doubts"]
    assert doubt == {
        "photo": "blue2.png",
        "message": "looks more like Bob (id 1, distance 0.0000) than like Ann (1.0000).",
        "distance": 1.0,
        "person_id": 1,
        "name": "Bob",
        "other_distance": 0.0,
    }
    assert f"blue2.png {doubt['message']}" in done.line["notes"]
    assert f"visavis: blue2.png {doubt['message']}" in done.err
    done = run("gallery", "check", "--json")
    assert (done.code, done.line) == (
        1,
        {"problem": "doubtful", "message": f"template 4 ({Path.cwd() / 'blue2.png'}) {doubt['message']}"},
    )
    done = know("enroll", "Ann", photo(Path("blue3.png"), (BLUE, 90, 60, 90)), "--strict", "--json")
    assert (done.code, done.out) == (2, "")
    assert "blue3.png looks more like Bob (id 1" in done.err
    assert done.err.endswith(" It was not stored.\n")
    done = know("enroll", "Ann", photo(Path("red3.png"), (RED, 20, 20, 90)), "blue3.png", "--strict")
    assert done.code == 0
    (line,) = (line for line in done.err.splitlines() if "blue3.png looks more" in line)
    assert line.endswith(" It was not stored.")


def test_a_photo_of_another_says_whose_it_is(know: Run, photos: Photos) -> None:
    know("enroll", "Bob", photos.blue)
    done = know("enroll", "Ann", photos.red, photos.blue)
    assert "blue.png is a photo of Bob (id 1) already: it was not stored again." in done.err


def test_check_of_an_uncalibrated_gallery_says_what_it_did_not_look_at(know: Run, run: Run, photos: Photos) -> None:
    know("enroll", "Ann", photos.red, photos.blue)
    done = run("gallery", "check", "--json")
    assert done.code == 0
    assert done.line == {
        "problem": None,
        "message": "the gallery is sound; whether photos show the right people was not checked, because "
        "test-colors is uncalibrated.",
    }
