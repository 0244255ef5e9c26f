"""gallery list."""

from __future__ import annotations

import re

import numpy as np
import pytest

from cli.conftest import Photos, Run
from cli.fakes import DARK_RED
from visavis.gallery import Gallery, IndexedPhoto, Template


@pytest.mark.usefixtures("enrolled")
def test_list(run: Run) -> None:
    ann, bea = run("gallery", "list", "--json").lines
    assert list(ann) == ["person_id", "name", "photos", "consent", "consented", "note", "metadata", "created"]
    assert {**ann, "created": ""} == {
        "person_id": 1,
        "name": "Ann",
        "photos": 2,
        "consent": "signed 2026-01-02",
        "consented": None,
        "note": "staff",
        "metadata": {},
        "created": "",
    }
    assert (bea["name"], bea["consent"]) == ("Bea", None)


@pytest.mark.usefixtures("enrolled")
def test_list_in_words(run: Run) -> None:
    rows = [row.split() for row in run("gallery", "list").out.splitlines()]
    assert rows[0] == ["person", "name", "photos", "consent", "note", "since"]
    assert rows[2][:7] == ["1", "Ann", "2", "signed", "2026-01-02", "staff", rows[2][6]]


def test_list_says_what_to_do_with_faces_of_nobody(know: Run, run: Run, photos: Photos) -> None:
    know("enroll", "Ann", photos.red)
    assert run("gallery", "list").err == ""
    box = np.array([140, 90, 220, 170], np.float32)
    with Gallery("faces.db") as gallery:
        face = Template(np.array(DARK_RED, np.float32), box=box, quality=0.5)
        gallery.add_photos([IndexedPhoto(photos.dark_red, "5" * 64, "ok", (face,))])
    done = run("gallery", "list")
    assert "Ann" in done.out
    assert done.err == (
        "visavis: 1 indexed face is unassigned: visavis cluster --gallery sqlite:///faces.db shows which "
        "look alike, visavis gallery name NAME TEMPLATE... assigns them.\n"
    )
    assert run("gallery", "list", "--json").err == ""
    shown = run("cluster", "--gallery", "faces.db", "--threshold", 0.1)
    assert re.search(r"^1 +2 +dark\.png +2 +140 90 220 170 +-", shown.out, re.MULTILINE)
    assert run("gallery", "name", "Ann", "2", "--json").line["photos"] == 2
    assert run("gallery", "list").err == ""


def test_list_of_nobody_says_how_to_begin(know: Run, run: Run, photos: Photos) -> None:
    know("enroll", "Ann", photos.red, "--gallery", "other.db")
    run("gallery", "remove", "Ann", "--yes", "--gallery", "other.db")
    done = run("gallery", "list", "--gallery", "other.db")
    assert (done.out, done.err) == (
        "",
        "visavis: the gallery has no people yet: visavis enroll NAME PHOTO... --gallery sqlite:///other.db adds a "
        "person.\n",
    )
