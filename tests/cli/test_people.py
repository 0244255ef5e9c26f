"""enroll, identify, gallery."""

from __future__ import annotations

import getpass
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visavis.gallery import Gallery, IndexedPhoto, Template
from visavis.pipeline import Recognizer

from .conftest import Photos, Run
from .fakes import BLUE, DARK_RED, DETECTOR, MODEL, RED, photo

NEAR = pytest.approx(1 - DARK_RED[0] / np.linalg.norm(DARK_RED), abs=1e-6)


POOR = "{}: poor quality 0.00 (without contrast): it may not be recognized."
"""Said of every square: one color all over."""


def test_enroll_then_identify(know: Run, photos: Photos) -> None:
    done = know("enroll", "Ann", photos.red, "--json")
    assert done.code == 0
    assert done.line == {
        "person_id": 1,
        "name": "Ann",
        "status": "ok",
        "new": True,
        "added": 1,
        "templates": [1],
        "duplicates": [],
        "skipped": [],
        "notes": [POOR.format(photos.red)],
        "doubts": [],
    }
    assert done.err == f"visavis: {POOR.format(photos.red)}\n"
    assert Path("faces.db").is_file()
    done = know("identify", photos.dark_red, photos.blue, "--threshold", 0.1, "--json")
    assert (done.code, done.err) == (0, "")
    known, unknown = done.lines
    assert list(known) == ["photo", "status", "captured", "faces"]
    assert (known["photo"], known["status"]) == ("dark.png", "ok")
    assert known["faces"] == [
        {
            "box": [140, 90, 220, 170],
            "name": "Ann",
            "person_id": 1,
            "distance": NEAR,
            "threshold": 0.1,
            "probability": None,
            "margin": None,
            "notes": [],
            "candidates": [{"name": "Ann", "person_id": 1, "distance": NEAR, "probability": None}],
        }
    ]
    (face,) = unknown["faces"]
    assert (face["name"], face["person_id"], face["distance"]) == (None, None, 1.0)


def test_identify_exits_1_where_nobody_is_known_and_2_where_nothing_is_read(know: Run, photos: Photos) -> None:
    know("enroll", "Ann", photos.red)
    assert know("identify", photos.blue, photos.empty, "--threshold", 0.1).code == 1
    assert know("identify", photos.both, photos.broken, "--threshold", 0.1).code == 0
    assert know("identify", photos.broken, "--threshold", 0.1).code == 2


def test_identify_without_a_gallery_is_exit_3_and_makes_none(know: Run, photos: Photos) -> None:
    done = know("identify", photos.red, "--threshold", 0.1, "--json")
    assert (done.code, done.out) == (3, "")
    assert "there is no gallery at faces.db" in done.err
    assert not Path("faces.db").exists()


def test_identify_says_that_nobody_is_in_the_gallery(know: Run, photos: Photos) -> None:
    Gallery("sqlite:///faces.db", model=MODEL).close()
    done = know("identify", photos.red, "--threshold", 0.1, "--json")
    assert (done.code, done.line["faces"][0]["name"]) == (1, None)
    assert done.err == "visavis: nobody is in the gallery yet: visavis enroll NAME PHOTO... adds a person.\n"


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


def test_top_limits_the_candidates(know: Run, photos: Photos) -> None:
    know("enroll", "Ann", photos.red)
    know("enroll", "Bea", photos.blue)

    def names(top: int) -> list[str]:
        (face,) = know("identify", photos.dark_red, "--threshold", 0.1, "--top", top, "--json").line["faces"]
        return [one["name"] for one in face["candidates"]]

    assert names(1) == ["Ann"]
    assert names(2) == ["Ann", "Bea"]


def test_identify_out_names_the_faces(know: Run, photos: Photos) -> None:
    know("enroll", "Ann", photos.red)
    know("identify", photos.both, "--threshold", 0.1, "--out", "named")
    drawn = np.asarray(Image.open("named/both-named.jpg")).astype(int)
    blue, orange = (0, 114, 178), (230, 159, 0)
    # labels above the boxes: Ann's in blue, the stranger's in orange
    assert np.abs(drawn[27, 22] - blue).max() < 40
    assert np.abs(drawn[97, 182] - orange).max() < 40


def test_identify_in_words(know: Run, photos: Photos) -> None:
    know("enroll", "Ann", photos.red)
    rows = [" ".join(row.split()) for row in know("identify", photos.both, "--threshold", 0.1).out.splitlines()]
    assert rows[2:] == [
        "both.png 1 180 100 280 200 unknown 1.0000 0.1000 -",
        "both.png 2 20 30 70 80 Ann 0.0000 0.1000 -",
    ]


def test_an_uncalibrated_model_needs_a_threshold(know: Run, photos: Photos) -> None:
    know("enroll", "Ann", photos.red)
    done = know("identify", photos.red)
    assert done.code == 2
    assert "uncalibrated" in done.err


def test_the_gallery_remembers_its_model(run: Run, know: Run, photos: Photos) -> None:
    know("enroll", "Ann", photos.red)
    done = run("identify", photos.red, "--detector", DETECTOR, "--threshold", 0.1, "--json")
    assert done.line["faces"][0]["name"] == "Ann"
    done = run("identify", photos.red, "--detector", DETECTOR, "--model", "dlib-resnet", "--threshold", 0.1)
    assert done.code == 3
    assert MODEL in done.err


@pytest.mark.parametrize("gallery", ["people.db", "sqlite:///people.db"])
def test_the_gallery_is_a_path_or_a_url_or_the_environment(
    know: Run, photos: Photos, gallery: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    know("enroll", "Ann", photos.red, "--gallery", gallery)
    assert Path("people.db").is_file()
    monkeypatch.setenv("VISAVIS_GALLERY", gallery)
    assert know("identify", photos.red, "--threshold", 0.1).code == 0
    assert not Path("faces.db").exists()


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
    assert done.err.splitlines()[0] == "visavis: all/Dan holds no photo: no person was enrolled from it."
    assert [line["name"] for line in run("gallery", "list", "--json").lines] == ["Ann Lee", "Bea"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "a person needs a name and photos"),
        (["Ann"], "a person needs a name and photos"),
        (["Ann", "red.png", "--from", "."], "exclude each other"),
        (["--from", ".", "--new"], "--new and --id speak of one person"),
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


@pytest.fixture
def enrolled(know: Run, photos: Photos) -> None:
    know("enroll", "Ann", photos.red, photos.dark_red, "--consent", "signed 2026-01-02", "--note", "staff")
    know("enroll", "Bea", photos.blue)


@pytest.mark.usefixtures("enrolled")
class TestGallery:
    def test_list(self, run: Run) -> None:
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

    def test_list_in_words(self, run: Run) -> None:
        rows = [row.split() for row in run("gallery", "list").out.splitlines()]
        assert rows[0] == ["person", "name", "photos", "consent", "note", "since"]
        assert rows[2][:7] == ["1", "Ann", "2", "signed", "2026-01-02", "staff", rows[2][6]]

    def test_show(self, run: Run, photos: Photos) -> None:
        line = run("gallery", "show", "Ann", "--json").line
        assert [one["photo"] for one in line["templates"]] == [
            str(Path.cwd() / one) for one in (photos.red, photos.dark_red)
        ]
        assert line["templates"][0]["box"] == [40, 50, 100, 110]
        assert run("gallery", "show", "1", "--json").line == line
        assert "red.png" in run("gallery", "show", "Ann").out

    def test_rename_keeps_the_id(self, run: Run) -> None:
        assert run("gallery", "rename", "Ann", "Ann Lee", "--json").line["person_id"] == 1
        assert [line["name"] for line in run("gallery", "list", "--json").lines] == ["Ann Lee", "Bea"]
        assert run("gallery", "rename", "2", "Bea Poe", "--json").line["name"] == "Bea Poe"

    def test_rename_to_a_name_that_another_has(self, run: Run) -> None:
        done = run("gallery", "rename", "Ann", "Bea", "--json")
        assert (done.code, done.line["person_id"], done.line["name"]) == (0, 1, "Bea")
        assert done.err == (
            "visavis: Bea (id 2) is another person than Bea (id 1): refer to them by id, or, if they are one person, "
            "run visavis gallery merge 1 2.\n"
        )

    def test_rename_to_a_name_like_that_of_another_says_so(self, run: Run) -> None:
        assert "Bea (id 2) is another person than bea (id 1)" in run("gallery", "rename", "Ann", "bea").err

    @pytest.mark.parametrize("name", ["Anna", "ann", "Ann"])
    def test_rename_to_a_name_that_nobody_else_has_says_nothing(self, run: Run, name: str) -> None:
        assert run("gallery", "rename", "Ann", name).err == ""

    def test_the_removed_are_unknown(self, know: Run, run: Run, photos: Photos) -> None:
        removed = run("gallery", "remove", "Ann", "--json").line
        assert (removed["person_id"], removed["removed"]) == (1, True)
        done = know("identify", photos.red, "--threshold", 0.1, "--json")
        assert (done.code, done.line["faces"][0]["name"]) == (1, None)

    def test_stats(self, run: Run) -> None:
        line = run("gallery", "stats", "--json").line
        assert (line["model"], line["people"], line["templates"], line["dimension"]) == (MODEL, 2, 3, 3)
        assert line["bytes"] == Path("faces.db").stat().st_size

    def test_check_of_a_sound_gallery(self, run: Run) -> None:
        done = run("gallery", "check", "--json")
        assert (done.code, done.line["problem"]) == (0, None)

    def test_a_name_that_nobody_has(self, run: Run) -> None:
        done = run("gallery", "remove", "An")
        assert (done.code, done.out) == (2, "")
        assert "did you mean 'Ann'?" in done.err


def test_show_tells_all_that_is_stored_and_the_ids_of_templates(know: Run, run: Run, photos: Photos) -> None:
    know("enroll", "Ann", photos.red, photos.dark_red, "--note", "at the desk", "--consent", "in writing")
    run("gallery", "describe", "Ann", "--metadata", '{"desk": 4}', "--consented", "2026-01-03")
    facts, templates = run("gallery", "show", "Ann").out.split("\n\n")
    shown = dict(line.split(maxsplit=1) for line in facts.splitlines())
    assert shown["person"] == "1"
    assert (shown["name"], shown["note"], shown["consent"]) == ("Ann", "at the desk", "in writing")
    assert (shown["consented"], shown["metadata"]) == ("2026-01-03", '{"desk": 4}')
    rows = [line.split() for line in templates.splitlines()]
    assert rows[0] == ["template", "photo", "box", "quality", "since"]
    assert [row[:6] for row in rows[2:]] == [
        ["1", str(Path.cwd() / "red.png"), "40", "50", "100", "110"],
        ["2", str(Path.cwd() / "dark.png"), "140", "90", "220", "170"],
    ]


def test_remove_says_that_it_removed(know: Run, run: Run, photos: Photos) -> None:
    know("enroll", "Ann", photos.red)
    know("enroll", "Bea", photos.blue)
    assert run("gallery", "remove", "Ann").out == "removed Ann (id 1) with 1 template.\n"
    assert [line["name"] for line in run("gallery", "list", "--json").lines] == ["Bea"]


def test_an_unknown_person_costs_the_others_nothing(know: Run, run: Run, photos: Photos) -> None:
    know("enroll", "Ann", photos.red)
    know("enroll", "Bea", photos.blue)
    done = run("gallery", "show", "2", "Annn", "Ann", "--json")
    assert (done.code, [line["person_id"] for line in done.lines]) == (1, [2, 1, None])
    assert [one["photo"] for one in done.lines[0]["templates"]] == [str(Path.cwd() / photos.blue)]
    assert (done.lines[2]["name"], "did you mean 'Ann'?" in done.lines[2]["message"]) == ("Annn", True)
    done = run("gallery", "show", "Bea", "Ann")
    assert (done.code, done.err) == (0, "")
    assert [part.split()[0] for part in done.out.split("\n\n")] == ["person", "template", "person", "template"]
    done = run("gallery", "remove", "Ann", "Cleo", "#1", "Bea")
    assert done.code == 1
    assert done.out == "removed Ann (id 1) with 1 template.\nremoved Bea (id 2) with 1 template.\n"
    assert done.err == "visavis: no person in this gallery is called 'Cleo'.\n"
    done = run("gallery", "remove", "Ann", "Bea", "--json")
    assert (done.code, [line["removed"] for line in done.lines]) == (2, [False, False])


def test_faces_are_those_of_another_person_of_the_name(know: Run, run: Run, photos: Photos) -> None:
    know("enroll", "Ann", photos.red)
    with Gallery("faces.db") as gallery:
        faces = tuple(
            Template(np.array(BLUE, np.float32), box=np.array(box, np.float32))
            for box in ([0, 0, 9, 9], [20, 0, 29, 9])
        )
        gallery.add_photos([IndexedPhoto(photos.both, "5" * 64, "ok", faces)])
    assert run("gallery", "name", "Ann", 2, "--new", "--json").line["person_id"] == 2
    done = run("gallery", "name", "Ann", 3)
    assert (done.code, "2 people are called 'Ann' (ids 1, 2)" in done.err) == (2, True)


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
        "visavis: 1 indexed face belongs to nobody yet: visavis cluster --gallery sqlite:///faces.db shows who is "
        "alike, visavis gallery name NAME TEMPLATE... names them.\n"
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
        "visavis: nobody is in the gallery yet: visavis enroll NAME PHOTO... --gallery sqlite:///other.db adds a "
        "person.\n",
    )


def test_check_of_a_damaged_gallery_is_exit_1_and_says_what(know: Run, run: Run, photos: Photos) -> None:
    import sqlite3

    know("enroll", "Ann", photos.red)
    with sqlite3.connect("faces.db") as raw:
        raw.execute("update templates set embedding = x'00'")
    raw.close()
    done = run("gallery", "check", "--json")
    assert done.code == 1
    assert all(line["problem"] and line["message"] for line in done.lines)


@pytest.mark.parametrize("command", [["list"], ["show", "Ann"], ["remove", "Ann"], ["stats"], ["check"]])
def test_no_command_makes_a_gallery_by_looking(run: Run, command: list[str]) -> None:
    done = run("gallery", *command)
    assert done.code == 3
    assert not Path("faces.db").exists()


def test_a_file_that_is_no_gallery_is_exit_3(run: Run) -> None:
    Path("faces.db").write_bytes(b"not a database at all, but long enough to look into" * 20)
    done = run("gallery", "list")
    assert done.code == 3
    assert done.err.count("\n") == 1


class TestChanges:
    """Ann (templates 1 and 2), Bea (3), and two faces of a photo that are nobody's (4 and 5)."""

    @pytest.fixture(autouse=True)
    def album(self, know: Run, photos: Photos) -> None:
        know("enroll", "Ann", photos.red, photos.dark_red)
        know("enroll", "Bea", photos.blue)
        embeddings = np.eye(3, dtype=np.float32)[:2]
        faces = tuple(
            Template(one, box=np.array([9 * n, 0, 9 * n + 8, 8], np.float32)) for n, one in enumerate(embeddings)
        )
        with Gallery("faces.db") as gallery:
            gallery.add_photos([IndexedPhoto("party.jpg", "5" * 64, "ok", faces)])

    def test_merge(self, run: Run) -> None:
        line = run("gallery", "merge", "Bea", "Ann", "--json").line
        assert (line["person_id"], line["name"], line["photos"]) == (1, "Ann", 3)
        assert [one["name"] for one in run("gallery", "list", "--json").lines] == ["Ann"]
        assert run("gallery", "merge", "Ann", "1").code == 2

    def test_move_and_name(self, run: Run) -> None:
        assert run("gallery", "move", 2, 4, "--to", "Bea", "--json").line["photos"] == 3
        assert run("gallery", "name", "Cy", 5, "--json").line["person_id"] == 3
        done = run("gallery", "move", 1, "--to", "Cy")
        assert (done.code, done.err.count("\n")) == (2, 1)
        assert "person 1 would have no template left" in done.err
        assert run("gallery", "name", "Dee", 77).code == 2
        assert run("gallery", "stats", "--json").line["unnamed"] == 0

    def test_describe(self, run: Run) -> None:
        told = ("--consent", "by hand", "--consented", "2026-05-02", "--metadata", '{"desk": 4}')
        line = run("gallery", "describe", "Ann", *told, "--json").line
        assert (line["consent"], line["consented"], line["metadata"]) == ("by hand", "2026-05-02", {"desk": 4})
        assert run("gallery", "describe", "Ann", "--note", "n", "--json").line["consent"] == "by hand"
        for wrong in ("{", "[1]"):
            done = run("gallery", "describe", "Ann", "--metadata", wrong)
            assert (done.code, done.err.count("\n")) == (2, 1)
        assert run("gallery", "describe", "Ann", "--consented", "yesterday").code == 2

    def test_export_and_import(self, run: Run) -> None:
        sent = run("gallery", "export", "out", "--json").line
        assert (sent["people"], sent["templates"], sent["unnamed"], sent["photos"]) == (2, 3, 2, 1)
        taken = run("gallery", "import", "out", "--gallery", "copy.db", "--json").line
        assert taken == sent
        assert run("gallery", "list", "--gallery", "copy.db", "--json").lines == run("gallery", "list", "--json").lines
        assert run("gallery", "check", "--gallery", "copy.db").code == 0
        assert run("gallery", "export", "out").code == 2
        assert run("gallery", "import", "nowhere", "--gallery", "another.db").code == 2
        assert not Path("another.db").exists()

    def test_audit(self, run: Run) -> None:
        run("gallery", "merge", "Bea", "Ann")
        lines = run("gallery", "audit", "--json").lines
        assert [(one["action"], one["person_id"]) for one in lines] == [("enroll", 1), ("enroll", 2), ("merge", 1)]
        assert {one["actor"] for one in lines} == {getpass.getuser()}
        assert "merge" in run("gallery", "audit").out

    def test_repair_of_a_sound_gallery(self, run: Run) -> None:
        assert run("gallery", "check", "--repair", "--json").line["problem"] is None


def test_a_threshold_that_is_no_cosine_distance_is_refused(know: Run, photos: Photos) -> None:
    know("enroll", "Ann", photos.red)
    done = know("identify", photos.red, "--threshold", 5)
    assert (done.code, done.out) == (2, "")
    assert "a distance in cosine is from 0 to 2, got 5" in done.err


def test_one_name_a_photo_unless_repeats_are_allowed(know: Run, tmp_path: Path) -> None:
    photo(tmp_path / "red.png", (RED, 40, 50, 60))
    photo(tmp_path / "twice.png", (DARK_RED, 20, 30, 50), (RED, 180, 100, 100))
    know("enroll", "Ann", "red.png")
    done = know("identify", "twice.png", "--threshold", 0.1, "--json")
    first, second = done.line["faces"]
    assert [first["name"], second["name"], first["notes"]] == ["Ann", None, []]
    (text,) = second["notes"]
    assert "but face 1 of this photo looks more like Ann (0.0000), and a person is in a photo once" in text
    assert text in know("identify", "twice.png", "--threshold", 0.1).out
    both = know("identify", "twice.png", "--threshold", 0.1, "--repeats", "--json").line["faces"]
    assert [one["name"] for one in both] == ["Ann", "Ann"]


def test_json_and_to_dict_agree(know: Run, photos: Photos) -> None:
    know("enroll", "Ann", photos.red)
    printed = know("identify", photos.both, photos.empty, "--threshold", 0.1, "--json").lines
    recognizer = Recognizer(detector=DETECTOR, embedder=MODEL)
    with Gallery("faces.db", recognizer=recognizer) as gallery:
        found = [one.to_dict() for one in gallery.identify_photos([photos.both, photos.empty], threshold=0.1)]
    for line, answer in zip(printed, found, strict=True):
        assert set(line) == set(answer)
        for face, other in zip(line["faces"], answer["faces"], strict=True):
            assert set(face) == set(other)
            assert (face["name"], face["box"]) == (other["name"], other["box"])
            assert face["distance"] == pytest.approx(other["distance"], abs=1e-5)
