"""What makes an answer less certain: poor quality, covered eyes, squeezed pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from visavis import images, quality
from visavis.detectors import DETECTORS
from visavis.doubts import doubts, eyes_are_covered, is_squeezed
from visavis.types import RGB, Face, Floats, Photo, PhotoFaces

POINTS = np.array([(80, 80), (120, 80), (100, 104), (84, 124), (116, 124)], np.float32)
"""Eyes 40 apart and 44 above the mouth: the median of faces from the front."""


def drawn(*, eyes: int, skin: int = 180) -> tuple[RGB, Face]:
    """A gray picture with two ellipses for eyes, and a face in it."""
    picture = np.full((200, 200, 3), skin, np.uint8)
    rows, columns = np.mgrid[:200, :200]
    for x, y in POINTS[:2]:
        picture[((columns - x) / 16) ** 2 + ((rows - y) / 11) ** 2 <= 1] = eyes
    return picture, Face(np.array([60, 40, 140, 150], np.float32), 0.999, POINTS)


def shown(picture: RGB, face: Face) -> PhotoFaces:
    photo = Photo(picture, "ann.jpg", "0" * 64)
    return PhotoFaces("ann.jpg", "ok", photo, (face,), quality.qualities(picture, [face]))


@pytest.mark.parametrize(
    ("eyes", "skin", "covered"),
    [(20, 180, True), (45, 180, True), (46, 180, False), (120, 180, False), (15, 60, True), (40, 60, False)],
)
def test_eyes_are_covered_up_to_a_quarter_of_the_cheeks_brightness(eyes: int, skin: int, covered: bool) -> None:
    assert eyes_are_covered(*drawn(eyes=eyes, skin=skin)) is covered


def test_one_dark_eye_is_no_pair_of_sunglasses() -> None:
    picture, face = drawn(eyes=20)
    picture[:, 100:] = 180
    assert not eyes_are_covered(picture, face)


def test_eyes_outside_the_picture_are_not_judged() -> None:
    picture, face = drawn(eyes=20)
    assert not eyes_are_covered(picture[95:], replace(face, landmarks=POINTS - np.array([0, 95], np.float32)))


@pytest.mark.parametrize(
    ("across", "down", "squeezed"), [(1, 1, False), (0.7, 1, True), (1, 0.7, True), (0.8, 1, False), (1, 0.85, False)]
)
@pytest.mark.parametrize("degrees", [0, 30, 90])
def test_squeezed_by_the_shape_of_the_face(across: float, down: float, squeezed: bool, degrees: int) -> None:
    angle = np.deg2rad(degrees)
    turn = np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
    points = (POINTS * np.array([across, down]) @ turn).astype(np.float32)
    assert is_squeezed(points) is squeezed


def test_a_face_from_the_side_is_not_squeezed() -> None:
    points: Floats = POINTS * np.array([0.6, 1], np.float32)
    points[2, 0] += 10
    assert not is_squeezed(points)


def test_points_of_no_size_are_not_squeezed() -> None:
    assert not is_squeezed(np.zeros((5, 2), np.float32))


def test_doubts_are_sentences_that_name_the_photo() -> None:
    picture, face = drawn(eyes=20)
    squeezed = replace(face, landmarks=POINTS * np.array([1, 0.7], np.float32))
    assert doubts(shown(picture, face), 0)[-1] == (
        "ann.jpg: the eyes seem to be covered: the same person is missed more often."
    )
    assert doubts(shown(picture, squeezed), 0)[-1] == (
        "ann.jpg: the picture seems to be squeezed: strangers pass more often."
    )
    blank = np.full((200, 200, 3), 128, np.uint8)
    (poor,) = doubts(shown(blank, face), 0)
    assert poor.startswith("ann.jpg: poor quality 0.00 (")
    assert poor.endswith("): strangers pass more often.")


def test_without_a_photo_there_is_nothing_to_say() -> None:
    assert doubts(PhotoFaces("gone.jpg", "missing", message="gone."), 0) == ()


def detected(path: Path) -> PhotoFaces:
    photo = images.read(path)
    (faces,) = DETECTORS.create("mtcnn", threads=1).detect([photo.pixels])
    return PhotoFaces(photo.name, "ok", photo, tuple(faces), quality.qualities(photo.pixels, faces))


@pytest.mark.parametrize(
    ("name", "covered"), [("Keanu_Reeves_0006", True), ("Patricia_Clarkson_0004", True), ("Abdullah_Gul_0014", False)]
)
def test_sunglasses_in_photographs(data: Path, name: str, covered: bool) -> None:
    photo = detected(data / "lfw" / "images" / name[:-5] / f"{name}.jpg")
    assert any("eyes seem to be covered" in doubt for doubt in doubts(photo, photo.largest)) is covered
