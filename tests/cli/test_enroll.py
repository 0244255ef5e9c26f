"""enroll: people from photos, folders and tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Photos, Run
from .fakes import BLUE, DARK_RED, RED, photo

POOR = "{}: poor quality 0.00 (without contrast): it may not be recognized."
"""Said of every square: one color all over."""


def test_a_folder_alone_hints_at_from(know: Run, photos: Photos) -> None:
    Path("my people").mkdir()
    done = know("enroll", "my people")
    assert done.code == 2
    assert done.err.endswith("or --from DIR or FILE (visavis enroll --from 'my people').\n")
    assert "visavis enroll --from" not in know("enroll", "Ann").err
    assert know("enroll", photos.red).err.endswith(f"(visavis enroll NAME {photos.red}).\n")
    Path("people.csv").touch()
    assert know("enroll", "people.csv").err.endswith("(visavis enroll --from people.csv).\n")


def test_with_an_id_the_hint_is_not_from(know: Run, photos: Photos) -> None:
    """--id speaks of one person, and --from of many: the name is what is missing."""
    Path("album").mkdir()
    for path in (photos.red, "album"):
        done = know("enroll", "--id", 1, path)
        assert done.code == 2
        assert done.err.endswith(f"(visavis enroll NAME {path}).\n")


def test_a_skipped_photo_is_named_once(know: Run, photos: Photos) -> None:
    done = know("enroll", "Ann", photos.red, photos.broken, photos.empty)
    assert done.code == 0
    assert [line.count(photos.broken) for line in done.err.splitlines() if photos.broken in line] == [1]
    assert f"visavis: {photos.empty}: no face was found.\n" in done.err


def test_the_same_photo_is_stored_once(know: Run, photos: Photos) -> None:
    know("enroll", "Ann", photos.red)
    line = know("enroll", "Ann", photos.red, photos.dark_red, "--json").line
    assert (line["person_id"], line["new"], line["added"]) == (1, False, 1)
    assert [one["photo"] for one in line["duplicates"]] == [photos.red]


def test_a_gallery_knows_where_its_photos_lie(know: Run, run: Run, photos: Photos) -> None:
    Path("album").mkdir()
    Path(photos.red).rename("album/red.png")
    know("enroll", "Ann", "album/../album")
    (template,) = run("gallery", "show", "Ann", "--json").line["templates"]
    assert template["photo"] == str(Path.cwd() / "album" / "red.png")
    (again,) = know("enroll", "Ann", "album", photos.dark_red, "--json").line["duplicates"]
    assert again["photo"] == "album/red.png"  # messages name photos as they were given
    assert run("gallery", "forget", "album/red.png", "--yes", "--json").line["photo"] == template["photo"]


def test_photos_without_a_face_are_skipped_and_said(know: Run, photos: Photos) -> None:
    done = know("enroll", "Ann", photos.empty, photos.red, photos.missing, "--json")
    assert (done.code, done.line["added"]) == (0, 1)
    assert [(one["photo"], one["status"]) for one in done.line["skipped"]] == [
        (photos.empty, "no_face"),
        (photos.missing, "missing"),
    ]
    assert done.err.splitlines() == [
        f"visavis: {POOR.format(photos.red)}",
        "visavis: empty.png: no face was found.",
        "visavis: 'missing.png' does not exist.",
    ]


def test_min_quality_refuses_and_says_why(know: Run, run: Run, photos: Photos) -> None:
    done = know("enroll", "Ann", photos.red, "--min-quality", 0.5, "--json")
    assert (done.code, done.out) == (2, "")
    assert done.err == ("visavis: red.png: poor quality 0.00 (without contrast), less than the 0.50 asked for.\n")
    assert run("gallery", "list", "--json").out == ""
    assert know("enroll", "Ann", photos.red, "--min-quality", 1.5).code == 2


def test_min_quality_of_a_folder_a_person(know: Run, tmp_path: Path) -> None:
    photo(tmp_path / "all/Ann/1.png", (RED, 40, 50, 60))
    done = know("enroll", "--from", "all", "--min-quality", 0.5, "--json")
    assert (done.code, done.line["status"]) == (2, "poor_quality")


def test_where_no_photo_can_be_used_nobody_is_enrolled(know: Run, photos: Photos, run: Run) -> None:
    done = know("enroll", "Ann", photos.empty, "--json")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("visavis: ")
    assert "empty.png" in done.err
    assert "no face" in done.err
    assert done.err.count("\n") == 1
    assert run("gallery", "list", "--json").out == ""


def test_two_people_of_one_name(know: Run, run: Run, photos: Photos) -> None:
    know("enroll", "Ann", photos.red)
    assert know("enroll", "Ann", photos.blue, "--new", "--json").line["person_id"] == 2
    done = know("enroll", "Ann", photos.dark_red)
    assert done.code == 2
    assert "2 people are called 'Ann'" in done.err
    assert know("enroll", "Ann", photos.dark_red, "--id", 1, "--json").line["person_id"] == 1
    assert [line["photos"] for line in run("gallery", "list", "--json").lines] == [2, 1]


def test_a_folder_a_person(know: Run, run: Run, tmp_path: Path) -> None:
    photo(tmp_path / "all/Ann Lee/1.png", (RED, 40, 50, 60))
    photo(tmp_path / "all/Ann Lee/2.PNG", (DARK_RED, 40, 50, 60))
    photo(tmp_path / "all/Bea/1.png", (BLUE, 40, 50, 60))
    photo(tmp_path / "all/Cid/1.png")
    (tmp_path / "all/Bea/notes.txt").write_text("no photo")
    (tmp_path / "all/Dan").mkdir()
    done = know("enroll", "--from", "all", "--json")
    assert done.code == 0
    assert [(line["name"], line["status"]) for line in done.lines] == [
        ("Ann Lee", "ok"),
        ("Bea", "ok"),
        ("Cid", "no_face"),
    ]
    assert [line.get("added") for line in done.lines] == [2, 1, None]
    assert done.err.splitlines()[0] == "visavis: all/Dan holds no photo, so it is passed over."
    assert [line["name"] for line in run("gallery", "list", "--json").lines] == ["Ann Lee", "Bea"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "a person needs a name and photos"),
        (["Ann"], "a person needs a name and photos"),
        (["Ann", "red.png", "--from", "."], "exclude each other"),
        (["--from", ".", "--new"], "--new and --id are for a single person"),
        (["--from", "none"], "holds no folder with photos and no photo"),
        (["--from", "nowhere"], "nowhere"),
        (["Ann", "red.png", "--new", "--id", 1], "not both"),
        (["Ann", "red.png", "--id", 7], "there is no person 7"),
    ],
)
def test_wrong_use_is_exit_2_and_says_what(know: Run, photos: Photos, arguments: list[object], said: str) -> None:
    Path("none").mkdir()
    done = know("enroll", *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
