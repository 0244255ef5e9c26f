"""Faces in turned pictures, found where they are and once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import visavis
from visavis import images
from visavis.cli import app
from visavis.detectors import DETECTORS, Detector, oriented_name
from visavis.detectors._any_orientation import AnyOrientation, turn_back
from visavis.errors import UnknownNameError, UsageError
from visavis.types import Face

from .drawn import box, landmarks, overlap, picture
from .published import load

DRAWN = (100, 70, 120)


@pytest.fixture(scope="module")
def anyhow(mtcnn: Detector) -> AnyOrientation:
    return AnyOrientation(mtcnn, "mtcnn@any-orientation")


def test_a_point_of_a_turned_picture_is_found_in_the_picture() -> None:
    """The pixel in column 3, row 1 of a picture 5 wide and 4 high, by its color, however the picture is turned."""
    pixels = np.zeros((4, 5, 3), np.uint8)
    pixels[1, 3] = 255
    for quarters in range(4):
        ((row, column),) = np.argwhere(np.rot90(pixels, quarters)[..., 0])
        corners = np.array([column, row, column + 1, row + 1], np.float32)
        face = turn_back(Face(corners, 0.9, np.full((5, 2), (column + 0.5, row + 0.5), np.float32)), quarters, 5, 4)
        np.testing.assert_array_equal(face.box, [3, 1, 4, 2])
        np.testing.assert_array_equal(face.landmarks, np.full((5, 2), (3.5, 1.5)))


@pytest.mark.parametrize("quarters", range(4))
def test_a_drawn_face_is_found_once_however_it_is_turned(anyhow: Detector, quarters: int) -> None:
    pixels = np.ascontiguousarray(np.rot90(picture(320, 260, DRAWN), quarters))
    (faces,) = anyhow.detect([pixels])
    assert len(faces) == 1
    # three quarters back are one quarter on
    height, width = pixels.shape[:2]
    expected = Face(box(*DRAWN).astype(np.float32), 1, landmarks(*DRAWN).astype(np.float32))
    where = turn_back(expected, -quarters % 4, width, height)
    assert overlap(faces[0].box, where.box) >= 0.8
    assert np.abs(faces[0].landmarks - where.landmarks).max() <= 0.06 * DRAWN[2]


def test_a_picture_without_faces_and_none_at_all(anyhow: Detector) -> None:
    assert anyhow.detect([picture(200, 120)]) == [[]]
    assert anyhow.detect([]) == []


# --- the name


def test_the_name_makes_it() -> None:
    assert DETECTORS.create("mtcnn@any-orientation", threads=1).name == "mtcnn@any-orientation"
    assert oriented_name("yunet", any_orientation=True) == "yunet@any-orientation"
    assert oriented_name("yunet@any-orientation", any_orientation=True) == "yunet@any-orientation"
    assert oriented_name("yunet", any_orientation=False) == "yunet"


def test_an_unknown_name_is_refused_at_once() -> None:
    with pytest.raises(UnknownNameError, match="no detector is called 'mtcn'; did you mean mtcnn"):
        visavis.Recognizer(detector="mtcn@any-orientation")


def test_the_option_of_python_is_the_name(mtcnn: Detector) -> None:
    assert visavis.Recognizer(any_orientation=True).detector_name == "mtcnn@any-orientation"
    with pytest.raises(UsageError, match="given by name"):
        visavis.Recognizer(detector=mtcnn, any_orientation=True)
    pixels = np.ascontiguousarray(np.rot90(picture(320, 260, DRAWN)))
    assert visavis.detect(pixels) == []
    assert len(visavis.detect(pixels, any_orientation=True)) == 1


def test_the_option_of_the_command_line(tmp_path: Path) -> None:
    from PIL import Image

    photo = tmp_path / "turned.png"
    Image.fromarray(np.ascontiguousarray(np.rot90(picture(320, 260, DRAWN)))).save(photo)
    assert CliRunner().invoke(app, ["detect", str(photo), "--json"]).exit_code == 1
    done = CliRunner().invoke(app, ["detect", str(photo), "--json", "--any-orientation"])
    assert done.exit_code == 0
    assert done.stdout.count('"landmarks"') == 1


def test_rates_measured_with_the_detector_hold_for_turned_photos(tmp_path: Path) -> None:
    from PIL import Image

    photo = tmp_path / "upright.png"
    Image.fromarray(picture(320, 260, DRAWN)).save(photo)
    answer = visavis.verify(photo, photo, detector="mtcnn@any-orientation")
    assert answer.detector == "mtcnn@any-orientation"
    assert not [note for note in answer.notes if "error rates" in note]


# --- photographs


@pytest.mark.parametrize("name", ["mtcnn", "yunet", "scrfd-500m"])
def test_men_upside_down_have_their_eyes_in_place(data: Path, tmp_path: Path, name: str) -> None:
    """Eyes below the mouth, and the eye that is left in the upright face at the right."""
    detector = load(f"{name}@any-orientation", tmp_path)
    for file in ("upside_a.jpg", "upside_b.jpg"):
        pixels = images.read(data / "faults" / file).pixels
        ((upright, *_),) = detector.detect([np.ascontiguousarray(pixels[::-1, ::-1])])
        ((face, *_),) = detector.detect([pixels])
        assert face.landmarks[:2, 1].min() > face.landmarks[3:, 1].max()
        assert face.landmarks[0, 0] > face.landmarks[1, 0]
        expected = turn_back(upright, 2, pixels.shape[1], pixels.shape[0])
        assert np.abs(face.landmarks - expected.landmarks).max() <= 0.02 * face.width
