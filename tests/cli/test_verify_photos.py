"""verify KNOWN PHOTO...: several photos against one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .conftest import Photos, Run
from .fakes import BLUE, DARK_RED, MODEL, RED, but_quality, photo
from .test_verify import KEYS, NEAR

LIMIT = ("--threshold", 0.1)


def test_a_line_a_photo_in_order(know: Run, photos: Photos) -> None:
    done = know("verify", photos.red, photos.dark_red, photos.blue, photos.red, *LIMIT, "--json")
    assert done.code == 1  # one of them is somebody else
    assert [line["photo"] for line in done.lines] == [photos.dark_red, photos.blue, photos.red]
    assert [line["same"] for line in done.lines] == [True, False, True]
    assert [line["distance"] for line in done.lines] == pytest.approx([NEAR, 1, 0], abs=1e-6)
    assert list(done.lines[0]) == ["photo", "status", *KEYS, "notes", "box"]
    assert done.lines[0]["box"] == [140, 90, 220, 170]
    assert done.lines[0]["model"] == MODEL


def test_exit_0_where_all_show_the_person(know: Run, photos: Photos) -> None:
    assert know("verify", photos.red, photos.dark_red, photos.red, *LIMIT).code == 0


def test_a_bad_photo_stops_nothing_and_is_no_yes(know: Run, photos: Photos) -> None:
    sources = [photos.dark_red, photos.missing, photos.broken, photos.empty, photos.red]
    done = know("verify", photos.red, *sources, *LIMIT, "--json")
    assert done.code == 1
    assert [line["status"] for line in done.lines] == ["ok", "missing", "unreadable", "no_face", "ok"]
    assert [line["same"] for line in done.lines] == [True, None, None, False, True]
    assert list(done.lines[1]) == ["photo", "status", "same", "message"]
    assert done.lines[3]["message"] == "no face was found."


def test_exit_2_where_not_one_photo_could_be_read(know: Run, photos: Photos) -> None:
    done = know("verify", photos.red, photos.missing, photos.broken, *LIMIT, "--json")
    assert (done.code, len(done.lines)) == (2, 2)


@pytest.mark.parametrize("bad", ["missing", "broken"])
def test_a_known_photo_that_cannot_be_read_is_exit_2(know: Run, photos: Photos, bad: str) -> None:
    done = know("verify", getattr(photos, bad), photos.red, photos.blue, *LIMIT)
    assert (done.code, done.out) == (2, "")
    assert getattr(photos, bad) in done.err


def test_a_known_photo_without_a_face_is_shown_by_none(know: Run, photos: Photos) -> None:
    done = know("verify", photos.empty, photos.red, photos.blue, *LIMIT, "--json")
    assert done.code == 1
    assert [line["photo"] for line in done.lines] == [photos.red, photos.blue]
    assert all((line["same"], line["status"]) == (False, "no_face") for line in done.lines)
    assert all(line["message"] == "no face was found in empty.png." for line in done.lines)
    done = know("verify", photos.empty, photos.red, photos.blue, *LIMIT)
    assert (done.code, done.err) == (1, "")
    assert done.out.count("no face was found in empty.png.") == 2
    assert done.out.endswith("2 photos: 0 the same person, 0 different people, 2 no face\n")


def test_a_known_photo_of_several_faces_is_said_once(know: Run, photos: Photos) -> None:
    done = know("verify", photos.both, photos.red, photos.blue, *LIMIT)
    assert done.err.count("both.png shows 2 faces: the largest was used.") == 1


def test_a_table_and_a_summary(know: Run, photos: Photos) -> None:
    done = know("verify", photos.red, photos.dark_red, photos.blue, photos.empty, *LIMIT)
    rows = [line.split() for line in done.out.splitlines()]
    assert rows[2][:4] == [photos.dark_red, "the", "same", "person"]
    assert rows[3][:3] == [photos.blue, "different", "people"]
    assert rows[4] == [photos.empty, "no", "face", "was", "found."]
    assert done.out.splitlines()[-1] == "3 photos: 1 the same person, 1 different people, 1 no face"


def test_a_folder_is_its_photos(know: Run, photos: Photos, tmp_path: Path) -> None:
    photo(tmp_path / "album" / "a.png", (BLUE, 10, 10, 50))
    photo(tmp_path / "album" / "more" / "b.png", (RED, 10, 10, 50))
    done = know("verify", photos.red, "album", *LIMIT, "--json")
    assert [(line["photo"], line["same"]) for line in done.lines] == [
        ("album/a.png", False),
        ("album/more/b.png", True),
    ]


def test_a_folder_of_one_photo_answers_as_a_folder(know: Run, photos: Photos, tmp_path: Path) -> None:
    photo(tmp_path / "album" / "b.png", (RED, 10, 10, 50))
    assert know("verify", photos.red, "album", *LIMIT, "--json").line["photo"] == "album/b.png"


def test_any_face_finds_the_person_in_a_group(know: Run, photos: Photos) -> None:
    largest = know("verify", photos.red, photos.both, photos.blue, *LIMIT, "--json")
    every = know("verify", photos.red, photos.both, photos.blue, *LIMIT, "--any-face", "--json")
    assert [line["same"] for line in largest.lines] == [False, False]  # the blue face is the larger one
    assert [line["same"] for line in every.lines] == [True, False]
    assert every.lines[0]["box"] == [20, 30, 70, 80]
    assert but_quality(every.lines[0]["notes"]) == ["both.png shows 2 faces: face 2 is the nearest."]
    assert know("verify", photos.red, photos.both, *LIMIT, "--any-face").code == 0


def test_the_compared_faces_are_written_side_by_side(know: Run, photos: Photos, tmp_path: Path) -> None:
    done = know("verify", photos.red, photos.dark_red, photos.blue, photos.empty, *LIMIT, "--out", "pairs", "--json")
    files = [line.get("file") for line in done.lines]
    assert files == ["pairs/dark-vs-red.jpg", "pairs/blue-vs-red.jpg", None]
    for name, right, frame in (("dark", DARK_RED, (0, 114, 178)), ("blue", BLUE, (230, 159, 0))):
        picture = np.asarray(Image.open(tmp_path / "pairs" / f"{name}-vs-red.jpg")).astype(int)
        assert picture.shape[1] == 2 * 320 + 2 * 8
        for column, color in ((168, RED), (488, right)):
            np.testing.assert_allclose(picture[168, column], color, atol=12)
        np.testing.assert_allclose(picture[3, 300], frame, atol=40)  # blue: the same person, orange: different people
        assert (picture[340:] < 80).all(axis=2).sum() > 200  # names and answer


def test_out_works_for_a_single_photo_too(know: Run, photos: Photos, tmp_path: Path) -> None:
    done = know("verify", photos.red, photos.dark_red, *LIMIT, "--out", "pairs")
    assert done.code == 0
    assert done.out.startswith("the same person\n")
    assert [path.name for path in (tmp_path / "pairs").iterdir()] == ["dark-vs-red.jpg"]


def test_standard_input_is_the_known_photo(know: Run, photos: Photos) -> None:
    known = Path(photos.red).read_bytes()
    done = know("verify", "-", photos.dark_red, photos.blue, *LIMIT, "--json", stdin=known)
    assert [line["same"] for line in done.lines] == [True, False]
    assert know("verify", "-", photos.blue, "-", *LIMIT, stdin=known).code == 2
