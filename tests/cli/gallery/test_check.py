"""gallery check."""

from __future__ import annotations

import pytest

from cli.conftest import Photos, Run


@pytest.mark.usefixtures("enrolled")
def test_check_of_a_sound_gallery(run: Run) -> None:
    done = run("gallery", "check", "--json")
    assert (done.code, done.line["problem"]) == (0, None)


def test_check_of_a_damaged_gallery_is_exit_1_and_says_what(know: Run, run: Run, photos: Photos) -> None:
    import sqlite3

    know("enroll", "Ann", photos.red)
    with sqlite3.connect("faces.db") as raw:
        raw.execute("update templates set embedding = x'00'")
    raw.close()
    done = run("gallery", "check", "--json")
    assert done.code == 1
    assert all(line["problem"] and line["message"] for line in done.lines)


@pytest.mark.usefixtures("album")
def test_repair_of_a_sound_gallery(run: Run) -> None:
    assert run("gallery", "check", "--repair", "--json").line["problem"] is None
