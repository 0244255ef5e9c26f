"""similar, representative: faces ranked."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visavis.gallery import Gallery, Template

from .conftest import Photos, Run
from .fakes import BLUE, DARK_RED, DETECTOR, RED, photo

PURPLE = (160, 0, 160)


def distance(a: tuple[int, int, int], b: tuple[int, int, int]) -> float:
    return float(1 - np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b))


def test_look_alikes_are_ranked(know: Run, photos: Photos, tmp_path: Path) -> None:
    """The nearest face of each photo; the photo itself, under whatever name, is passed over."""
    photo(tmp_path / "purple.png", (PURPLE, 40, 50, 60))
    shutil.copy(photos.red, tmp_path / "copy.png")
    names = [photos.blue, "purple.png", photos.dark_red, photos.both, "copy.png", photos.red, photos.empty]
    done = know("similar", photos.red, *names, "--json")
    assert done.code == 0
    ranked = [line for line in done.lines if "rank" in line]
    assert [list(line) for line in ranked] == [
        ["rank", "photo", "captured", "face", "box", "distance", "probability", "quality"]
    ] * 4
    assert [(line["photo"], line["face"]) for line in ranked] == [
        ("both.png", 2), ("dark.png", 1), ("purple.png", 1), ("blue.png", 1),
    ]  # fmt: skip
    expected = [0, distance(RED, DARK_RED), distance(RED, PURPLE), 1]
    assert [line["distance"] for line in ranked] == pytest.approx(expected, abs=1e-6)
    assert ranked[1]["box"] == [140, 90, 220, 170]
    assert done.lines[-1]["status"] == "no_face"


def test_top_and_strip(know: Run, photos: Photos, tmp_path: Path) -> None:
    done = know("similar", photos.red, photos.blue, photos.dark_red, "--top", 1, "--out", "strip.png", "--json")
    assert [line["photo"] for line in done.lines] == ["dark.png"]
    with Image.open(tmp_path / "strip.png") as strip:
        assert strip.width == 400
        assert [strip.getpixel((x, 75)) for x in (100, 300)] == [RED, DARK_RED]


def test_look_alikes_in_a_gallery(know: Run, photos: Photos, tmp_path: Path) -> None:
    """By the gallery's model; the photo itself, which is enrolled too, is passed over."""
    know("enroll", "Ann", photos.red, photos.dark_red)
    know("enroll", "Bea", photos.blue)
    words = ("--gallery", "faces.db", "--detector", DETECTOR, "--json")
    done = know("similar", photos.red, *words, "--out", "strip.png")
    assert done.code == 0
    assert [list(line) for line in done.lines] == [
        ["rank", "photo", "captured", "box", "distance", "probability", "quality", "template_id", "person_id", "name"]
    ] * 2
    assert [(line["photo"], line["name"], line["template_id"]) for line in done.lines] == [
        (str(tmp_path / "dark.png"), "Ann", 2), (str(tmp_path / "blue.png"), "Bea", 3),
    ]  # fmt: skip
    assert [line["distance"] for line in done.lines] == pytest.approx([distance(RED, DARK_RED), 1], abs=1e-6)
    with Image.open(tmp_path / "strip.png") as strip:
        assert strip.width == 600
    assert [line["rank"] for line in know("similar", photos.red, *words, "--top", 1).lines] == [1]
    assert know("similar", photos.red).code == 2


def test_a_template_without_box_and_quality_has_none_in_the_answer(know: Run, photos: Photos) -> None:
    know("enroll", "Ann", photos.dark_red)
    with Gallery("faces.db") as gallery:
        gallery.add("Bea", [Template(np.array(BLUE, np.float32), photo=photos.blue)])
    words = ("--gallery", "faces.db", "--detector", DETECTOR, "--out", "strip.png")
    done = know("similar", photos.red, *words, "--json")
    assert [line["name"] for line in done.lines] == ["Ann", "Bea"]
    assert (done.lines[1]["box"], done.lines[1]["quality"]) == (None, None)
    assert f"{photos.blue}: the place of the face was not stored: it is left out of the strip" in done.err
    assert "-" in know("similar", photos.red, *words[:4]).out.splitlines()[-1].split()


@pytest.mark.parametrize("options", [["--model", "sface"], ["--views", 2]])
def test_a_model_that_is_not_the_gallerys_is_refused(
    run: Run, know: Run, photos: Photos, options: list[object]
) -> None:
    know("enroll", "Ann", photos.red)
    words = ("--gallery", "faces.db", *options)
    assert know("identify", photos.red, "--threshold", 0.1).code == 0  # the gallery's own model
    said = run("identify", photos.red, "--detector", DETECTOR, *words)
    assert (said.code, said.out) == (3, "")
    for command in (["similar", photos.red, "--detector", DETECTOR], ["cluster"]):
        done = run(*command, *words)
        assert (done.code, done.out, done.err) == (3, "", said.err)
    assert know("similar", photos.dark_red, "--gallery", "faces.db").code == 0
    assert know("cluster", "--gallery", "faces.db", "--threshold", 0.1).code == 0


def test_a_probe_without_a_face(know: Run, photos: Photos) -> None:
    done = know("similar", photos.empty, photos.red)
    assert (done.code, done.err) == (1, "visavis: no face was found in 'empty.png'.\n")
    assert know("similar", photos.missing, photos.red).code == 2
    assert know("similar", photos.red, photos.broken).code == 2
    assert know("similar", photos.red, photos.empty).code == 1


@pytest.fixture
def person(tmp_path: Path) -> str:
    """Three photos of one person, one of which shows another one larger, and a stranger's."""
    photo(tmp_path / "ann" / "1.png", (RED, 40, 50, 60))
    photo(tmp_path / "ann" / "2.png", (DARK_RED, 60, 40, 80))
    photo(tmp_path / "ann" / "3.png", (RED, 20, 30, 50), (BLUE, 180, 100, 100))
    photo(tmp_path / "ann" / "empty.png")
    return "ann"


def test_the_most_characteristic_face(know: Run, person: str) -> None:
    """The mean of two red faces and a blue one is reddish: of the third photo the red one counts, though smaller."""
    done = know("representative", person, "--json")
    assert done.code == 0
    ranked, skipped = done.lines[:-1], done.lines[-1]
    assert [list(line) for line in ranked] == [["rank", "photo", "face", "box", "distance", "quality", "outlier"]] * 3
    assert {(line["photo"], line["face"]) for line in ranked} == {("ann/1.png", 1), ("ann/2.png", 1), ("ann/3.png", 2)}
    assert [line["distance"] for line in ranked] == sorted(line["distance"] for line in ranked)
    assert ranked[-1]["photo"] == "ann/2.png"
    assert (skipped["photo"], skipped["status"]) == ("ann/empty.png", "no_face")


def test_the_average_face(know: Run, person: str, tmp_path: Path) -> None:
    done = know("representative", person, "--average-face", "average.png")
    assert done.code == 0
    with Image.open(tmp_path / "average.png") as average:
        assert average.size == (256, 256)
        red, green, blue = average.convert("RGB").getpixel((128, 140))
    assert red > 220
    assert (green, blue) < (20, 20)


def test_nobody_at_all(know: Run, photos: Photos) -> None:
    done = know("representative", photos.empty)
    assert (done.code, done.err) == (1, "visavis: no face was found in any of the photos.\n")
    assert know("representative", photos.empty, photos.broken).code == 1
    assert know("representative", photos.missing, photos.broken).code == 2  # not one photo could be read
