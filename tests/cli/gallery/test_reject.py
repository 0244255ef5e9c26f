"""gallery reject, rejections and undo-rejection."""

from __future__ import annotations

import pytest

from cli.conftest import Done, Photos, Run
from cli.fakes import DETECTOR, MODEL
from visavis.gallery import Gallery


def reject(run: Run, *arguments: object) -> Done:
    return run("gallery", "reject", *arguments, "--detector", DETECTOR, "--model", MODEL)


def test_a_rejected_face_is_unknown_until_that_is_undone(know: Run, run: Run, photos: Photos) -> None:
    know("enroll", "Ann", photos.red)
    assert know("identify", photos.dark_red, "--threshold", 0.1).code == 0
    done = reject(run, photos.dark_red, "--person", "Ann", "--days", 7, "--json")
    line = done.line
    assert (done.code, line["id"], line["name"], line["compared"], line["lost"]) == (0, 1, "Ann", 0, [])
    assert "Ann has one template to compare with" in done.err
    assert know("identify", photos.dark_red, "--threshold", 0.1).code == 1
    assert know("identify", photos.red, "--threshold", 0.1).code == 0
    why = know("why", photos.dark_red, "--person", "Ann", "--threshold", 0.1, "--json")
    assert (why.code, why.line["reason"]) == (1, "rejected")
    listed = run("gallery", "rejections", "--person", "Ann", "--json").line
    assert listed == {key: value for key, value in line.items() if key not in {"distance", "compared", "lost"}}
    assert listed["expires"] > listed["created"]
    undone = run("gallery", "undo-rejection", 1, "--json")
    assert (undone.code, undone.line["id"]) == (0, 1)
    assert know("identify", photos.dark_red, "--threshold", 0.1).code == 0
    assert run("gallery", "rejections", "--json").lines == []


def test_templates_that_would_be_lost_need_a_yes(know: Run, run: Run, photos: Photos) -> None:
    know("enroll", "Ann", photos.red, photos.blue)
    done = reject(run, photos.dark_red, "--person", "Ann")
    assert (done.code, done.out) == (2, "")
    assert "1 of 2 templates of Ann would become unknown (1): give --yes to reject the face anyway" in done.err
    assert run("gallery", "rejections", "--json").lines == []
    done = reject(run, photos.dark_red, "--person", "Ann", "--yes", "--json")
    assert (done.code, done.line["compared"], done.line["lost"]) == (0, 2, [1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["red.png", "--person", "Bob"], "no person in this gallery is called 'Bob'"),
        (["red.png", "--person", "Ann"], "this face is enrolled as template 1 of Ann"),
        (["empty.png", "--person", "Ann"], "no face was found"),
        (["blue.png", "--person", "Ann", "--days", "0"], "'--days'"),
        ([".", "--person", "Ann"], "is a folder"),
    ],
)
def test_what_cannot_be_rejected(know: Run, run: Run, photos: Photos, arguments: list[str], message: str) -> None:
    know("enroll", "Ann", photos.red)
    done = reject(run, *arguments)
    assert done.code in {1, 2}
    assert message in done.err
    with Gallery("faces.db") as gallery:
        assert gallery.rejections() == []


def test_an_id_that_is_not_there(know: Run, run: Run, photos: Photos) -> None:
    know("enroll", "Ann", photos.red)
    done = run("gallery", "undo-rejection", 7)
    assert (done.code, done.out) == (2, "")
    assert "there is no rejection 7" in done.err
