"""why: what stopped a face, on the command line."""

from __future__ import annotations

import pytest

from .conftest import Photos, Run


def test_exit_0_where_the_person_is_recognized_and_1_where_not(know: Run, photos: Photos) -> None:
    know("enroll", "Ann", photos.red)
    know("enroll", "Bea", photos.blue)
    done = know("why", photos.dark_red, "--person", "Ann", "--threshold", 0.1, "--json")
    assert (done.code, done.line["recognized"], done.line["reason"]) == (0, True, "recognized")
    done = know("why", photos.blue, "--person", "Ann", "--threshold", 0.1, "--json")
    line = done.line
    assert (done.code, line["recognized"], line["reason"], line["name"]) == (1, False, "other_person", "Ann")
    (face,) = line["faces"]
    assert (face["name"], face["distance"], face["fpir"]) == ("Bea", 1.0, None)
    assert face["nearest"] == {
        "template_id": 1,
        "photo": face["nearest"]["photo"],
        "person_id": 1,
        "name": "Ann",
        "distance": 1.0,
    }
    assert (face["nearest_other"]["name"], face["nearest_other"]["distance"]) == ("Bea", 0.0)
    done = know("why", photos.empty, "--person", "Ann", "--threshold", 0.1, "--json")
    assert (done.code, done.line["reason"], done.line["faces"]) == (1, "no_face", [])


def test_the_table_says_what_would_help(know: Run, photos: Photos) -> None:
    know("enroll", "Ann", photos.red)
    done = know("why", photos.blue, "--person", "Ann", "--threshold", 0.1)
    assert done.code == 1
    assert "the distance to Ann is 1.0000, the threshold 0.1000." in done.out
    assert "Faults: too dark." in done.out
    assert "Use a face in even light" in done.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--person", "Bob"], "no person in this gallery is called 'Bob'"),
        (["--person", "Ann", "--threshold", "0.1", "--fpir", "0.1"], "exclude each other"),
        (["--person", "Ann"], "test-colors is uncalibrated"),
        ([], "Missing option '--person'"),
    ],
)
def test_wrong_use_is_exit_2(know: Run, photos: Photos, arguments: list[str], message: str) -> None:
    know("enroll", "Ann", photos.red)
    done = know("why", photos.red, *arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_a_folder_and_a_broken_photo_are_exit_2(know: Run, photos: Photos) -> None:
    know("enroll", "Ann", photos.red)
    for photo in (".", photos.broken, photos.missing):
        assert know("why", photo, "--person", "Ann", "--threshold", 0.1).code == 2
