from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cli.conftest import Run
from cli.fakes import DETECTOR, GRAY, MODEL

KEYS = [
    "data", "model", "detector", "seed", "photos", "rule", "people", "templates", "known", "known_people", "unknown",
    "unknown_people", "failures", "ranks", "searches",
]  # fmt: skip
COMMAND = ("evaluate", "identification", "faces", "--detector", DETECTOR, "--model", MODEL, "--fresh")


def person(folder: Path, name: str, *colors: tuple[int, int, int]) -> None:
    """Photos of squares of these colors; gray is a photo without a face."""
    for number, color in enumerate(colors, 1):
        picture = Image.new("RGB", (48, 40), GRAY)
        picture.paste(color, (8, 8, 36, 36))
        (folder / "faces" / name).mkdir(parents=True, exist_ok=True)
        picture.save(folder / "faces" / name / f"{number}.png")


def distance(a: tuple[int, int, int], b: tuple[int, int, int]) -> float:
    return 1 - float(np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b))


RED, REDDISH, BLUE = (250, 0, 0), (250, 20, 0), (0, 0, 250)


def test_who_is_found_by_hand(run: Run, tmp_path: Path) -> None:
    """ann is found once, missed once for a photo without a face; bob's probe is nearer to ann."""
    person(tmp_path, "ann", RED, REDDISH, GRAY)
    person(tmp_path, "bob", BLUE, (250, 0, 20))
    person(tmp_path, "cid", (0, 250, 0))
    done = run(*COMMAND, "--known", 1, "--json")
    assert (done.code, done.err) == (0, "")
    line = done.line
    assert list(line) == KEYS
    assert (line["data"], line["model"], line["detector"]) == ("faces", MODEL, DETECTOR)
    assert (line["photos"], line["people"], line["templates"], line["known"], line["unknown"]) == (6, 2, 2, 3, 1)
    assert line["failures"] == {"templates": 0, "people": 0, "known": 1, "orphans": 0, "unknown": 0}
    (first,) = line["ranks"]  # there are no five people
    assert (first["rank"], first["hits"], first["rate"]) == (1, 1, pytest.approx(1 / 3, abs=1e-5))
    assert [one["fpir"] for one in line["searches"]] == [0.1, 0.03, 0.01, 0.003, 0.001]
    assert {one["threshold"] for one in line["searches"]} == {None}  # one stranger cannot tell
    assert {one["calibrated"] for one in line["searches"]} == {None}  # of a model that was never measured


def test_a_hundred_strangers_tell_the_threshold_of_a_tenth(run: Run, tmp_path: Path) -> None:
    """Ten of them are accepted; both probes of ann are hers, and the second is farther than the tenth stranger."""
    strangers = [(250, 30 + n, 0) for n in range(100)]
    person(tmp_path, "ann", RED, REDDISH, (250, 60, 0))
    for number, color in enumerate(strangers):
        person(tmp_path, f"x{number}", color)
    (one, *_) = run(*COMMAND, "--known", 1, "--json").line["searches"]
    assert one["threshold"] == pytest.approx(distance(RED, strangers[9]), abs=1e-6)
    assert (one["false_positives"], one["fnir"]) == (10, 0.5)
    low, high = one["threshold_interval"]
    assert distance(RED, strangers[2]) < low < one["threshold"] < high < distance(RED, strangers[25])


def test_the_table_shows_the_same(run: Run, tmp_path: Path) -> None:
    person(tmp_path, "ann", RED, REDDISH, GRAY)
    person(tmp_path, "bob", BLUE, (250, 0, 20))
    done = run(*COMMAND, "--known", 1)
    rows = [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in done.out.splitlines()]
    assert [MODEL, "95 % interval", "threshold"] in rows
    assert ["people enrolled", "2"] in rows
    assert ["known probes", "3 (1 without a face)"] in rows
    assert ["unknown probes", "0"] in rows
    assert next(row for row in rows if row[0] == "rank 1")[1] == "0.3333"
    assert ["FNIR at FPIR 0.1", "- (too few unknown probes)", "-", "-"] in rows


def test_templates_share_and_seed_choose_who_is_enrolled(run: Run, tmp_path: Path) -> None:
    for number in range(8):
        angle = math.radians(11 * number)
        color = (round(250 * math.cos(angle)), 0, round(250 * math.sin(angle)))
        person(tmp_path, f"p{number}", *[color] * 3)
    line = run(*COMMAND, "--templates", 2, "--known", 0.25, "--json").line
    assert (line["people"], line["templates"], line["known"], line["unknown"]) == (2, 4, 2, 18)
    assert line["ranks"][0]["rate"] == 1
    assert line["seed"] == 0
    mean = run(*COMMAND, "--templates", 2, "--known", 0.25, "--rule", "mean", "--seed", 5, "--json").line
    assert (mean["rule"], mean["seed"], mean["people"]) == ("mean", 5, 2)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--templates", 2), "no person has more than 2 photos"),
        (("--known", 1.5), "the share of known people must be above 0 and up to 1, got 1.5"),
        (("--model", "nothing"), "nothing"),
    ],
)
def test_what_cannot_be_done_is_one_line(run: Run, tmp_path: Path, options: tuple[object, ...], sentence: str) -> None:
    person(tmp_path, "ann", RED, REDDISH)
    person(tmp_path, "bob", BLUE)
    done = run(*COMMAND, *options)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("visavis: ")
    assert sentence in done.err
    assert done.err.count("\n") == 1


def test_photos_without_any_face_enroll_nobody(run: Run, tmp_path: Path) -> None:
    person(tmp_path, "ann", GRAY, GRAY)
    person(tmp_path, "bob", GRAY, GRAY)
    done = run(*COMMAND)
    assert (done.code, done.out) == (2, "")
    assert "no person could be enrolled" in done.err
