"""gallery coach."""

from __future__ import annotations

import json
from pathlib import Path

from cli.conftest import Photos, Run
from cli.fakes import MODEL

TABLE = {"model": MODEL, "far_threshold": [[0.1, 0.5], [0.001, 0.3]], "logistic": [-20, 8]}


def test_what_harms_is_exit_1_and_too_few_photos_are_not(know: Run, run: Run, photos: Photos) -> None:
    know("enroll", "Ann", photos.red)
    Path("table.json").write_text(json.dumps(TABLE), encoding="utf-8")
    run("gallery", "calibrate", "table.json")
    done = run("gallery", "coach", "--json")
    assert (done.code, done.line["people"], done.line["harmful"]) == (0, 1, [])
    assert [(person["name"], person["kind"]) for person in done.line["thin"]] == [("Ann", "few")]
    assert "1 photo: more would help." in run("gallery", "coach").out
    know("enroll", "Anna", photos.dark_red)
    done = run("gallery", "coach", "--json")
    assert (done.code, [same["name"] for same in done.line["same"]]) == (1, ["Ann"])
    assert "seems to be the same person" in run("gallery", "coach").out


def test_an_uncalibrated_gallery_is_exit_2(know: Run, run: Run, photos: Photos) -> None:
    know("enroll", "Ann", photos.red)
    done = run("gallery", "coach")
    assert (done.code, done.out) == (2, "")
    assert "test-colors is uncalibrated" in done.err
