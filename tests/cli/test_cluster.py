"""cluster: a line a face, folders of crops, the page, and what was clustered before."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visavis.gallery import Gallery, IndexedPhoto, Template

from .conftest import Photos, Run
from .fakes import BLUE, DARK_RED, RED, photo

NEAR = ("--threshold", 0.1)


def by_face(lines: list[dict[str, object]]) -> dict[tuple[object, object], object]:
    return {(line["photo"], line["face"]): line["cluster"] for line in lines if "face" in line}


def test_a_line_a_face(know: Run, photos: Photos) -> None:
    """Red, dark red and blue; the photo of both gives a face to each; the rest is told of."""
    names = [photos.red, photos.dark_red, photos.blue, photos.both, photos.empty, photos.broken, photos.missing]
    done = know("cluster", *names, *NEAR, "--json")
    assert done.code == 0
    faces, skipped = done.lines[:5], done.lines[5:]
    assert [list(line) for line in faces] == [
        ["cluster", "size", "photo", "captured", "face", "box", "representative", "quality"]
    ] * 5
    assert by_face(faces) == {
        ("red.png", 1): 1,
        ("dark.png", 1): 1,
        ("both.png", 2): 1,
        ("blue.png", 1): 2,
        ("both.png", 1): 2,
    }
    assert [line["size"] for line in faces] == [3, 3, 3, 2, 2]
    assert [sum(line["representative"] for line in faces if line["cluster"] == one) for one in (1, 2)] == [1, 1]
    assert faces[0]["box"] == [40, 50, 100, 110]
    assert [(line["photo"], line["status"]) for line in skipped] == [
        ("empty.png", "no_face"),
        ("broken.png", "unreadable"),
        ("missing.png", "missing"),
    ]


def test_folders_are_gone_through(know: Run, tmp_path: Path) -> None:
    """Whatever is below, hidden files and files that are no photos left out, each photo once."""
    photo(tmp_path / "album" / "a.png", (RED, 40, 50, 60))
    photo(tmp_path / "album" / "deep" / "er" / "b.png", (DARK_RED, 40, 50, 60))
    photo(tmp_path / "album" / ".hidden" / "c.png", (RED, 40, 50, 60))
    (tmp_path / "album" / "notes.txt").write_text("none")
    done = know("cluster", "album", "album/a.png", "./album/../album/a.png", *NEAR, "--json")
    assert by_face(done.lines) == {("album/a.png", 1): 1, ("album/deep/er/b.png", 1): 1}
    (tmp_path / "nothing").mkdir()
    done = know("cluster", "nothing", *NEAR)
    assert (done.code, done.err) == (2, "visavis: the folder 'nothing' holds no photo.\n")
    assert know("cluster", "-", *NEAR).code == 2


def test_exit_codes(know: Run, photos: Photos) -> None:
    assert know("cluster", photos.empty, *NEAR).code == 1
    assert know("cluster", photos.broken, photos.missing, *NEAR).code == 2
    assert know("cluster", photos.red).code == 2
    assert "uncalibrated" in know("cluster", photos.red).err
    assert know("cluster", photos.red, "--far", 0.1, *NEAR).code == 2


def test_the_table(know: Run, photos: Photos) -> None:
    out = know("cluster", photos.red, photos.dark_red, photos.blue, photos.empty, *NEAR).out
    rows = [line.split() for line in out.splitlines()[2:]]
    assert rows[2] == ["2", "1", "blue.png", "1", "10", "20", "74", "84", "poor", "quality"]
    assert sorted(row[2] for row in rows[:2]) == ["dark.png", "red.png"]
    assert ["representative," in row for row in rows[:2]].count(True) == 1
    assert rows[3][:2] == ["-", "empty.png"]


def test_a_folder_a_cluster(know: Run, photos: Photos, tmp_path: Path) -> None:
    know("cluster", photos.red, photos.dark_red, photos.both, *NEAR, "--out", "out")
    files = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.png"))
    assert files == ["alone/both-1.png", "cluster-1/both-2.png", "cluster-1/dark-1.png", "cluster-1/red-1.png"]
    with Image.open(tmp_path / "out" / "cluster-1" / "red-1.png") as crop:
        assert (crop.size, crop.getpixel((112, 112))) == ((224, 224), RED)


def test_later_photos_join(know: Run, photos: Photos, tmp_path: Path) -> None:
    """The file holds all: photos that are not named again are looked at again."""
    first = know("cluster", photos.blue, photos.both, *NEAR, "--json")
    Path("before.jsonl").write_text(first.out, encoding="utf-8")
    photo(tmp_path / "green.png", ((0, 255, 0), 40, 50, 60))
    again = know("cluster", photos.red, "green.png", "--previous", "before.jsonl", *NEAR, "--json")
    assert (again.code, again.err) == (0, "")
    now, before = by_face(again.lines), by_face(first.lines)
    assert before == {("blue.png", 1): 1, ("both.png", 1): 1, ("both.png", 2): 2}
    assert now == {**before, ("red.png", 1): 2, ("green.png", 1): 3}
    (tmp_path / "blue.png").unlink()
    third = know("cluster", photos.both, "--previous", "before.jsonl", *NEAR, "--json")
    assert third.err == "visavis: not found again, of the faces that were clustered before: 1.\n"
    assert by_face(third.lines) == {("both.png", 1): 1, ("both.png", 2): 2}
    assert third.lines[-1]["status"] == "missing"


@pytest.mark.parametrize(
    "line",
    [
        "no json",
        "[1]",
        '{"photo": "a.png", "box": [1, 2, 3, 4]}',
        '{"photo": "a.png", "box": [1, 2, 3], "cluster": 1}',
        '{"photo": "a.png", "box": [1, 2, 3, 4], "cluster": "x"}',
        '{"photo": "a.png", "box": [1, 2, 3, 4], "cluster": true}',
        '{"box": [1, 2, 3, 4], "cluster": 1}',
    ],
)
def test_a_file_that_is_no_earlier_answer(know: Run, photos: Photos, line: str) -> None:
    Path("before.jsonl").write_text(f'{{"photo": "e.png", "status": "no_face"}}\n\n{line}\n', encoding="utf-8")
    done = know("cluster", photos.red, "--previous", "before.jsonl", *NEAR)
    assert (done.code, done.out) == (2, "")
    assert "line 3" in done.err


def test_what_is_printed_can_be_evaluated(run: Run, know: Run, tmp_path: Path) -> None:
    """By the folders' names, the largest face of each photo."""
    photo(tmp_path / "ann" / "1.png", (RED, 40, 50, 60), (BLUE, 180, 20, 30))
    photo(tmp_path / "ann" / "2.png", (DARK_RED, 40, 50, 60))
    photo(tmp_path / "bea" / "1.png", (BLUE, 40, 50, 60))
    photo(tmp_path / "bea" / "2.png")
    Path("c.jsonl").write_text(know("cluster", ".", *NEAR, "--json").out, encoding="utf-8")
    line = run("evaluate", "clusters", "c.jsonl", "--json").line
    assert (line["faces"], line["people"], line["clusters"], line["bystanders"], line["failures"]) == (3, 2, 2, 1, 1)
    assert line["b_cubed"] == {"precision": 1.0, "recall": 1.0, "f": 1.0}


def test_the_page_and_the_enrollment_of_what_it_exports(know: Run, photos: Photos) -> None:
    """The faces that were named, not the largest of their photos."""
    done = know("cluster", photos.red, photos.both, *NEAR, "--report", "page.html", "--json")
    assert Path("page.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    faces = [{"photo": line["photo"], "box": line["box"]} for line in done.lines if line["cluster"] == 1]
    assert len(faces) == 2
    faces.append({"photo": "both.png", "box": [0, 0, 15, 15]})
    faces.append({"photo": "missing.png", "box": [0, 0, 15, 15]})
    Path("people.json").write_text(json.dumps([{"name": "Ann", "faces": faces}]), encoding="utf-8")
    enrolled = know("enroll", "--from", "people.json", "--json", "--note", "from the page").line
    assert (enrolled["name"], enrolled["added"], enrolled["templates"]) == ("Ann", 2, [1, 2])
    assert [(one["photo"], one["status"]) for one in enrolled["skipped"]] == [
        ("both.png", "no_face"),
        ("missing.png", "missing"),
    ]
    shown = know("identify", photos.dark_red, photos.blue, "--threshold", 0.1, "--json").lines
    assert [line["faces"][0]["name"] for line in shown] == ["Ann", None]
    again = know("enroll", "--from", "people.json", "--json").line
    assert (again["added"], len(again["duplicates"])) == (0, 2)


def test_names_given_before_are_shown_again(know: Run, photos: Photos, tmp_path: Path) -> None:
    """Also where the photo is named in another way; nobody stays nobody and is not enrolled."""
    lines = know("cluster", photos.red, photos.both, *NEAR, "--json").lines
    box = {(line["photo"], line["face"]): line["box"] for line in lines}
    ann = {"name": "Ann", "faces": [{"photo": str(tmp_path / "red.png"), "box": box["red.png", 1]}]}
    none = {"name": None, "faces": [{"photo": "both.png", "box": box["both.png", 1]}]}
    Path("people.json").write_text(json.dumps([ann, none]), encoding="utf-8")
    arguments = (photos.red, photos.both, *NEAR, "--names", "people.json")
    assert know("cluster", *arguments, "--report", "page.html").code == 0
    page = Path("page.html").read_text(encoding="utf-8")
    assert 'data-id="1" data-known="Ann" aria' in page
    assert 'data-id="2" data-known="" data-nobody aria' in page
    done = know("cluster", *arguments)
    assert (done.code, "--report" in done.err) == (2, True)
    enrolled = know("enroll", "--from", "people.json", "--json", "--min-quality", 0).lines
    assert [(line["name"], line["added"]) for line in enrolled] == [("Ann", 1)]
    Path("people.json").write_text(json.dumps([none]), encoding="utf-8")
    done = know("enroll", "--from", "people.json")
    assert (done.code, "has no named person" in done.err) == (2, True)


@pytest.mark.parametrize("side", ["NaN", "Infinity", "1e308"])
def test_a_box_without_pixels_is_no_face(know: Run, photos: Photos, side: str) -> None:
    """It named the first of several faces."""
    box = ", ".join([side] * 4)
    Path("people.json").write_text(f'[{{"name": "Ann", "faces": [{{"photo": "both.png", "box": [{box}]}}]}}]')
    done = know("enroll", "--from", "people.json")
    assert (done.code, "the sides of a box are numbers of pixels" in done.err) == (2, True)


def test_a_photo_replaced_since_it_was_named_enrolls_nobody(know: Run, photos: Photos) -> None:
    """The red square is named, then the file holds a blue one: only what is still the named photo is enrolled."""
    lines = know("cluster", photos.red, photos.dark_red, *NEAR, "--json").lines
    faces = [
        {
            "photo": line["photo"],
            "box": line["box"],
            "sha256": hashlib.sha256(Path(line["photo"]).read_bytes()).hexdigest(),
        }
        for line in lines
    ]
    Path("people.json").write_text(json.dumps([{"name": "Ann", "faces": faces}]), encoding="utf-8")
    photo(Path(photos.red), (BLUE, 40, 50, 60))
    enrolled = know("enroll", "--from", "people.json", "--json", "--min-quality", 0).line
    assert enrolled["added"] == 1
    assert [(one["photo"], one["status"]) for one in enrolled["skipped"]] == [(photos.red, "unreadable")]
    assert "holds another photo by now" in enrolled["skipped"][0]["message"]
    assert know("identify", photos.red, "--threshold", 0.1, "--json").line["faces"][0]["name"] is None
    for face in faces:
        del face["sha256"]  # as older pages exported: taken as it is
    Path("people.json").write_text(json.dumps([{"name": "Bea", "faces": faces[:1]}]), encoding="utf-8")
    older = know("enroll", "--from", "people.json", "--json", "--min-quality", 0).line
    assert (older["added"], older["skipped"]) == (1, [])


def test_names_of_a_replaced_photo_are_not_shown_again(know: Run, photos: Photos) -> None:
    (line,) = know("cluster", photos.red, *NEAR, "--json").lines
    face = {"photo": photos.red, "box": line["box"], "sha256": "0" * 64}
    Path("people.json").write_text(json.dumps([{"name": "Ann", "faces": [face]}]), encoding="utf-8")
    done = know("cluster", photos.red, *NEAR, "--names", "people.json", "--report", "page.html")
    assert "holds another photo by now" in done.err
    page = Path("page.html").read_text(encoding="utf-8")
    assert 'data-known="Ann"' not in page
    assert f'data-sha256="{hashlib.sha256(Path(photos.red).read_bytes()).hexdigest()}"' in page


def test_poor_faces_can_be_left_alone(know: Run, photos: Photos) -> None:
    """Squares have no features: their quality is low."""
    lines = know("cluster", photos.red, photos.dark_red, *NEAR, "--json").lines
    assert [line["cluster"] for line in lines] == [1, 1]
    assert all(0 <= line["quality"] < 0.5 for line in lines)
    alone = know("cluster", photos.red, photos.dark_red, *NEAR, "--min-quality", 0.5, "--json").lines
    assert [line["cluster"] for line in alone] == [1, 2]


def test_one_wrong_person_in_a_file_does_not_stop_the_rest(know: Run, photos: Photos) -> None:
    whole = {"name": "Ann", "faces": [{"photo": photos.red, "box": [40, 50, 100, 110]}]}
    gone = {"name": "Bea", "faces": [{"photo": photos.missing, "box": [1, 2, 3, 4]}]}
    Path("people.json").write_text(json.dumps([gone, whole]), encoding="utf-8")
    done = know("enroll", "--from", "people.json", "--json", "--min-quality", 0)
    assert [(line["name"], line["status"]) for line in done.lines] == [("Bea", "missing"), ("Ann", "ok")]
    poor = know("enroll", "--from", "people.json", "--json", "--min-quality", 0.5, "--gallery", "other.db")
    assert (poor.code, [line["status"] for line in poor.lines]) == (2, ["missing", "poor_quality"])


@pytest.mark.parametrize(
    "content",
    ["nothing", "{}", "[]", "[1]", '[{"name": "Ann"}]', '[{"name": "Ann", "faces": []}]',
     '[{"name": 1, "faces": [{"photo": "a", "box": [1, 2, 3, 4]}]}]',
     '[{"name": "Ann", "faces": [{"photo": "a", "box": [1, 2, 3]}]}]',
     '[{"name": "Ann", "faces": [{"photo": "a", "box": ["x", 2, 3, 4]}]}]',
     '[{"name": "Ann", "faces": [{"photo": 1, "box": [1, 2, 3, 4]}]}]'],
)  # fmt: skip
def test_a_file_that_names_no_people(know: Run, content: str) -> None:
    Path("people.json").write_text(content, encoding="utf-8")
    done = know("enroll", "--from", "people.json")
    assert done.code == 2
    assert "people.json" in done.err
    assert not Path("faces.db").exists()


def test_remembered_faces_are_the_same(
    know: Run, photos: Photos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is kept unless asked for; what was kept serves again, under the photo's present name."""
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "cache"))
    names = [photos.red, photos.both, photos.empty, photos.broken]
    plain = know("cluster", *names, *NEAR, "--json")
    assert not (tmp_path / "cache").exists()
    kept = know("cluster", *names, *NEAR, "--json", "--remember")
    assert list((tmp_path / "cache" / "embeddings").glob("*.db"))
    assert kept.out == plain.out
    (tmp_path / "red.png").rename(tmp_path / "zed.png")
    renamed = know("cluster", "zed.png", *names[1:], *NEAR, "--json", "--remember")
    assert renamed.out.count("zed.png") == 1
    assert len(renamed.lines) == len(plain.lines)


def test_a_gallery_is_clustered_and_keeps_its_clusters(know: Run, run: Run, photos: Photos, tmp_path: Path) -> None:
    """Ann is enrolled; both.png is indexed, and one of its faces is hers. A later photo joins its cluster.

    The cluster of poor faces comes last.
    """
    know("enroll", "Ann", photos.red, "--json")
    with Gallery("faces.db") as gallery:
        gallery.add_photos([indexed(photos.both, (BLUE, 180, 100, 100), (RED, 20, 30, 50))])
    first = run("cluster", "--gallery", "faces.db", *NEAR, "--json").lines
    assert [list(line) for line in first] == [
        ["cluster", "size", "photo", "captured", "face", "box", "representative", "quality", "template_id", "person"]
    ] * 3
    assert [(line["cluster"], line["photo"], line["template_id"], line["person"]) for line in first] == [
        (2, "both.png", 2, None), (1, str(tmp_path / "red.png"), 1, "Ann"), (1, "both.png", 3, None),
    ]  # fmt: skip
    with Gallery("faces.db") as gallery:
        assert gallery.faces().clusters.tolist() == [1, 2, 1]
        gallery.add_photos([indexed(photos.blue, (BLUE, 10, 20, 64))])
        gallery.add_photos([indexed(photos.empty, ((0, 255, 0), 10, 20, 64))])
    again = run("cluster", "--gallery", "faces.db", *NEAR, "--report", "page.html", "--json").lines
    assert {line["template_id"]: line["cluster"] for line in again} == {1: 1, 2: 2, 3: 1, 4: 2, 5: 3}
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg;base64,") == 5 + 4
    assert 'data-id="1" data-known="Ann" aria' in page
    assert "Ann" in run("cluster", "--gallery", "faces.db", *NEAR).out


def test_either_photos_or_a_gallery(know: Run, run: Run, photos: Photos) -> None:
    assert run("cluster").code == run("cluster", photos.red, "--gallery", "faces.db").code == 2
    done = run("cluster", "--gallery", "nowhere.db", "--json")
    assert (done.code, done.out, done.err.count("\n")) == (3, "", 1)
    know("enroll", "Ann", photos.red)
    (Path("before.jsonl")).write_text("")
    assert run("cluster", "--gallery", "faces.db", *NEAR, "--previous", "before.jsonl").code == 2


def indexed(name: str, *squares: tuple[tuple[int, int, int], int, int, int]) -> IndexedPhoto:
    """What indexing makes of a photo of squares."""
    faces = tuple(
        Template(np.array(color, np.float32), box=np.array([x, y, x + side, y + side], np.float32), quality=0.5)
        for color, x, y, side in squares
    )
    return IndexedPhoto(name, hashlib.sha256(Path(name).read_bytes()).hexdigest(), "ok", faces)
