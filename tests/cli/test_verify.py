from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from visavis.cli._options import Metric, model_id
from visavis.cli.verify import _format_sentences
from visavis.compare import METRICS, Calibration
from visavis.poor_photos import PoorPhotos
from visavis.types import Verification

from .conftest import Photos, Run
from .fakes import DARK_RED, DETECTOR, MODEL, but_quality

KEYS = [
    "same",
    "distance",
    "metric",
    "threshold",
    "far",
    "probability",
    "model",
    "detector",
    "faces_a",
    "faces_b",
]
NEAR = 1 - DARK_RED[0] / np.linalg.norm(DARK_RED)
"""Cosine distance of red and dark red."""


def test_one_person(know: Run, photos: Photos) -> None:
    done = know("verify", photos.red, photos.dark_red, "--threshold", 0.1, "--json")
    assert (done.code, but_quality(done.err.splitlines())) == (0, [])
    assert list(done.line) == [*KEYS, "notes"]
    assert done.line["same"] is True
    assert done.line["distance"] == pytest.approx(NEAR, abs=1e-6)
    assert (done.line["threshold"], done.line["metric"]) == (0.1, "cosine")
    assert (done.line["model"], done.line["detector"]) == (MODEL, DETECTOR)
    assert (done.line["faces_a"], done.line["faces_b"]) == (1, 1)
    assert done.line["far"] is done.line["probability"] is None  # of a model that was never measured


def test_two_people(know: Run, photos: Photos) -> None:
    done = know("verify", photos.red, photos.blue, "--threshold", 0.1, "--json")
    assert done.code == 1
    assert (done.line["same"], done.line["distance"]) == (False, 1.0)


def test_photos_too_poor_have_no_answer(know: Run, photos: Photos, tmp_path: Path) -> None:
    """A square of one color has no contrast: that is poorer than this table has measured."""
    table = tmp_path / "table.json"
    curve = ((0.3, 0.5), (0.9, 1.0))
    poor = PoorPhotos((0.0, 0.0, 0.0), ((0.0, 1.0),), (("exposure", curve), ("score", curve)))
    measured = Calibration(MODEL, (0.1, 1e-3), (0.5, 0.3), slope=-20, intercept=8, poor=poor)
    table.write_text(json.dumps(measured.table()), encoding="utf-8")
    done = know("verify", photos.red, photos.dark_red, "--calibration", table, "--json")
    assert (done.code, list(done.line)) == (1, [*KEYS, "reason", "notes"])
    assert (done.line["same"], done.line["threshold"], done.line["probability"]) == (False, 0, None)
    assert done.line["reason"].startswith("red.png is too poor to say: without contrast")
    done = know("verify", photos.red, photos.dark_red, "--calibration", table)
    assert (done.code, done.out.splitlines()[0]) == (1, "too poor to say")
    assert "dark.png is too poor to say: " in done.out
    done = know("verify", photos.red, photos.dark_red, photos.blue, "--calibration", table)
    assert done.code == 1
    assert done.out.endswith("2 photos: 0 the same person, 0 different people, 2 too poor to say\n")
    rows = done.out.splitlines()[2:4]
    assert [row.split()[0] for row in rows] == [photos.dark_red, photos.blue]
    assert all("red.png is too poor to say: without contrast" in row for row in rows)  # KNOWN is at fault
    assert know("verify", photos.red, photos.dark_red, "--calibration", table, "--threshold", 0.1).code == 0


def test_metrics_are_one_distance_in_other_units(know: Run, photos: Photos) -> None:
    line = know("verify", photos.red, photos.blue, "--threshold", 1.5, "--metric", "l2", "--json").line
    assert line["distance"] == pytest.approx(np.sqrt(2), abs=1e-5)
    assert (line["threshold"], line["same"]) == (1.5, True)


def test_the_metrics_offered_are_those_there_are() -> None:
    assert [one.value for one in Metric] == list(METRICS)


def test_of_several_faces_the_largest_is_used_and_it_is_said(know: Run, photos: Photos) -> None:
    done = know("verify", photos.both, photos.blue, "--threshold", 0.1, "--json")
    assert done.code == 0  # the blue face is the larger one
    assert list(done.line) == [*KEYS, "notes"]
    assert (done.line["faces_a"], done.line["faces_b"]) == (2, 1)
    assert but_quality(done.line["notes"]) == ["both.png shows 2 faces: the largest was used."]
    assert done.err.splitlines() == [f"visavis: {note}" for note in done.line["notes"]]


def test_a_poor_photo_is_said(know: Run, photos: Photos) -> None:
    notes = know("verify", photos.red, photos.blue, "--threshold", 0.1, "--json").line["notes"]
    assert [note.partition(":")[0] for note in notes] == ["red.png", "blue.png"]
    assert all(note.endswith(": strangers pass more often.") for note in notes)


@pytest.mark.parametrize("bad", ["broken", "missing"])
@pytest.mark.parametrize("first", [True, False])
def test_a_photo_that_cannot_be_read_is_one_line_and_exit_2(
    know: Run, photos: Photos, bad: str, *, first: bool
) -> None:
    pair = [getattr(photos, bad), photos.red]
    done = know("verify", *(pair if first else pair[::-1]), "--threshold", 0.1, "--json")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("visavis: ")
    assert getattr(photos, bad) in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("first", [True, False])
def test_a_photo_without_a_face_does_not_show_the_person(know: Run, photos: Photos, *, first: bool) -> None:
    pair = [photos.empty, photos.red] if first else [photos.red, photos.empty]
    done = know("verify", *pair, "--threshold", 0.1, "--json")
    assert (done.code, list(done.line)) == (1, [*KEYS, "reason"])
    assert (done.line["same"], done.line["reason"]) == (False, "no face was found in empty.png.")
    assert done.line["distance"] is done.line["threshold"] is done.line["far"] is done.line["probability"] is None
    assert (done.line["faces_a"], done.line["faces_b"]) == ((0, None) if first else (1, 0))
    assert (done.line["model"], done.line["detector"], done.line["metric"]) == (MODEL, DETECTOR, "cosine")
    done = know("verify", *pair, "--threshold", 0.1)
    assert (done.code, done.out, done.err) == (1, "no face was found in empty.png.\n", "")


def test_a_threshold_of_ones_own_has_no_rate_on_photos_too_poor(know: Run, photos: Photos, tmp_path: Path) -> None:
    table = tmp_path / "table.json"
    poor = PoorPhotos((0.0, 0.0, 0.0), ((0.0, 1.0),), (("exposure", ((0.3, 0.5), (0.9, 1.0))),))
    measured = Calibration(MODEL, (0.1, 1e-3), (0.5, 0.3), slope=-20, intercept=8, poor=poor)
    table.write_text(json.dumps(measured.table()), encoding="utf-8")
    words = ("verify", photos.red, photos.dark_red, "--calibration", table, "--threshold", 0.4)
    done = know(*words, "--json")
    assert (done.code, list(done.line)) == (0, [*KEYS, "notes"])
    assert (done.line["same"], done.line["threshold"]) == (True, 0.4)
    assert done.line["far"] is done.line["probability"] is None
    said = "red.png is too poor to say: without contrast"
    assert done.line["notes"][0].startswith(said)
    done = know(*words)
    assert done.out.splitlines()[1].endswith(" <= threshold 0.4000 (no rate was measured)")
    assert said in done.err
    assert "probability" not in done.out


def test_standard_input_against_a_file(know: Run, photos: Photos) -> None:
    done = know("verify", "-", photos.red, "--threshold", 0.1, "--json", stdin=Path(photos.red).read_bytes())
    assert (done.code, done.line["distance"]) == (0, 0.0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "uncalibrated"),
        (["--far", 0.01], "uncalibrated"),
        (["--far", 0.01, "--threshold", 0.1], "--far and --threshold exclude each other"),
        (["--threshold", 0.1, "--metric", "taxi"], "taxi"),
        (["--threshold", "near"], "--threshold"),
    ],
)
def test_wrong_use_is_exit_2_and_says_what(know: Run, photos: Photos, options: list[object], said: str) -> None:
    done = know("verify", photos.red, photos.blue, *options)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_an_unknown_model_names_those_there_are(run: Run, photos: Photos) -> None:
    done = run("verify", photos.red, photos.blue, "--model", "dlib-resnett", "--detector", DETECTOR)
    assert done.code == 2
    assert "did you mean dlib-resnet" in done.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--views", 4, "--model", "dlib-resnet@2"], "--model dlib-resnet@2 names its number of views already"),
        (["--views", 0], "sface has no 0 views"),
        (["--views", -1], "'sface@-1' is no model"),
        (["--views", "many"], "--views"),
        (["--model", "dlib-resnet@x"], "'dlib-resnet@x' is no model"),
        (["--model", f"{MODEL}@2"], f"{MODEL} offers no choice of views"),
        (["--model", MODEL, "--views", 2], f"{MODEL} offers no choice of views"),
    ],
)
def test_views_that_there_are_not_are_exit_2(run: Run, photos: Photos, options: list[object], said: str) -> None:
    done = run("verify", photos.red, photos.blue, "--detector", DETECTOR, "--threshold", 0.1, *options)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


@pytest.mark.parametrize(
    ("model", "views", "expected"),
    [
        ("dlib-resnet", None, "dlib-resnet"),
        ("dlib-resnet", 2, "dlib-resnet"),
        ("dlib-resnet@2", None, "dlib-resnet"),
        ("dlib-resnet", 4, "dlib-resnet@4"),
        ("dlib-resnet@4", None, "dlib-resnet@4"),
        ("nobody", None, "nobody"),  # refused where it is loaded
    ],
)
def test_one_model_has_one_id_however_it_is_asked_for(model: str, views: int | None, expected: str) -> None:
    assert model_id(model, views=views) == expected


@pytest.mark.parametrize(
    ("options", "model"),
    [
        ([], "sface"),
        (["--views", 2], "sface@2"),
        (["--model", "dlib-resnet@2"], "dlib-resnet"),
        (["--views", 1], "sface"),
        (["--model", "dlib-resnet@1"], "dlib-resnet@1"),
        (["--views", 4], "sface@4"),
    ],
)
def test_the_answer_names_the_model_by_its_views(run: Run, photos: Photos, options: list[object], model: str) -> None:
    arguments = [photos.red, photos.dark_red, "--detector", DETECTOR, "--threshold", 1.0, "--json"]
    assert run("verify", *arguments, *options).line["model"] == model


def test_in_words(know: Run, photos: Photos) -> None:
    done = know("verify", photos.red, photos.blue, "--threshold", 0.1)
    assert done.out == (
        "different people\n"
        "cosine distance 1.0000 > threshold 0.1000 (uncalibrated)\n"
        f"model {MODEL}, detector {DETECTOR}\n"
    )


@pytest.mark.parametrize(
    ("same", "probability", "shown"),
    [
        (False, 0.55, "55.0% (the answer goes by the threshold)"),
        (True, 0.02, "2.0% (the answer goes by the threshold)"),
        (True, 0.55, "55.0%"),
        (False, 0.02, "2.0%"),
    ],
)
def test_a_probability_beside_an_answer_that_it_seems_to_contradict(same: bool, probability: float, shown: str) -> None:
    answer = Verification(
        same=same, distance=0.05, metric="cosine", threshold=0.04, far=0.001, probability=probability,
        model=MODEL, detector=DETECTOR, faces_a=1, faces_b=1,
    )  # fmt: skip
    assert _format_sentences(answer).splitlines()[2] == f"probability of one person, at even odds: {shown}"
