"""identify: names of people in photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visavis.gallery import Gallery
from visavis.pipeline import Recognizer

from .conftest import Photos, Run
from .fakes import DARK_RED, DETECTOR, MODEL, RED, photo

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
    assert done.err == "visavis: the gallery has no people yet: visavis enroll NAME PHOTO... adds a person.\n"


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
