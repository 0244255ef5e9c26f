"""gallery migrate and gallery keep-crops."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import Photos, Run
from cli.fakes import BLUE, DETECTOR, MODEL, photo
from gallery.models import GRAYS, TINTS
from visavis.gallery import Gallery


@pytest.fixture
def staff(know: Run, photos: Photos, tmp_path: Path) -> None:
    photo(tmp_path / "pale.png", ((10, 30, 240), 50, 20, 70))
    know("enroll", "Ann", photos.red, photos.dark_red)
    know("enroll", "Ben", photos.blue, "pale.png")


def words(text: str) -> str:
    """A table on one line, without the spaces between its columns."""
    return " ".join(text.split())


@pytest.mark.usefixtures("staff")
def test_a_gallery_is_changed_gone_back_and_finished(run: Run, look: Run, photos: Photos) -> None:
    done = run("gallery", "migrate", "--detector", DETECTOR, "--model", TINTS, "--json")
    assert (done.code, done.err) == (0, "")
    line = done.line
    assert (line["switched"], line["refused"], line["lost"]) == (True, "", [])
    assert line["state"] == {"model": TINTS, "second": MODEL, "state": "switched", "faces": 4, "filled": 4}
    assert (line["old"]["model"], line["new"]["model"], line["new"]["miss_rate"]) == (MODEL, TINTS, 0.0)
    assert look("identify", photos.red, "--threshold", "0.1", "--json").line["faces"][0]["name"] == "Ann"
    state = run("gallery", "migrate")
    assert (state.code, f"answered before {MODEL}: 4 of 4 faces" in words(state.out)) == (0, True)
    back = run("gallery", "migrate", "--detector", DETECTOR, "--back")
    assert (back.code, f"answering {MODEL}" in words(back.out)) == (0, True)
    finished = run("gallery", "migrate", "--finish", "--json")
    assert finished.line == {"model": MODEL, "second": None, "state": "none", "faces": 4, "filled": 0}


@pytest.mark.usefixtures("staff")
def test_a_worse_model_and_lost_photos_are_printed(run: Run, photos: Photos, tmp_path: Path) -> None:
    worse = run("gallery", "migrate", "--detector", DETECTOR, "--model", GRAYS)
    assert worse.code == 1
    assert f"{GRAYS} misses 2 of 2 pairs of one person" in words(worse.out)
    rates = "misses 0 of 2 pairs of one person (0.00%) at a distance that accepts 0 of 4 pairs"
    assert rates in words(worse.out)
    run("gallery", "migrate", "--finish")
    (tmp_path / photos.blue).unlink()
    lost = run("gallery", "migrate", "--detector", DETECTOR, "--model", TINTS)
    assert (lost.code, "Ben" in lost.out) == (1, True)
    assert "1 photo: the photo is not at its path." in words(lost.out)
    accepted = run("gallery", "migrate", "--detector", DETECTOR, "--model", TINTS, "--accept-loss", "--accept-errors")
    assert accepted.code == 0
    with Gallery(tmp_path / "faces.db") as gallery:
        assert [len(person.templates) for person in gallery.people()] == [2, 1]


@pytest.mark.usefixtures("staff")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", TINTS, "--back"], "exclude each other"),
        (["--thresholds", "table.json"], "--thresholds belongs to --model"),
        (["--back"], "no model to go back to"),
        (["--finish"], "no second set"),
        (["--model", MODEL], f"of {MODEL} already"),
        (["--model", "test-nothing"], "test-nothing"),
    ],
)
def test_wrong_options_are_a_sentence(run: Run, options: list[str], message: str) -> None:
    done = run("gallery", "migrate", "--detector", DETECTOR, *options)
    assert (done.code, message in done.err, done.err.count("\n")) == (2, True, 1)


def test_crops_are_kept_from_then_on(run: Run, know: Run, photos: Photos, tmp_path: Path) -> None:
    know("enroll", "Ann", photos.red)
    assert run("gallery", "keep-crops", "--json").line == {"keep_crops": False, "removed": 0}
    assert run("gallery", "keep-crops", "on", "--json").line == {"keep_crops": True, "removed": 0}
    know("enroll", "Ann", photos.dark_red)
    know("enroll", "Ben", photo(tmp_path / "b.png", (BLUE, 9, 9, 50)))
    assert words(run("gallery", "keep-crops").out).startswith("keep crops removed")
    assert run("gallery", "keep-crops", "off", "--json").line == {"keep_crops": False, "removed": 2}
