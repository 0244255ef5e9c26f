"""What the result types compute and refuse."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from faultless import FAULTLESS
from visavis import types
from visavis.errors import UsageError
from visavis.types import Candidate, Face, Identification, Photo, PhotoFaces, Verification

POINTS = np.arange(10, dtype=np.float32).reshape(5, 2)


def face(*box: float) -> Face:
    return Face(np.array(box, np.float32), 0.9, POINTS)


def test_a_photo_knows_width_and_height() -> None:
    photo = Photo(np.zeros((30, 70, 3), np.uint8), "a.png", "0" * 64)
    assert (photo.width, photo.height) == (70, 30)
    assert isinstance(photo.width, int)


def test_a_face_knows_its_sides_and_area() -> None:
    one = face(-5, 10, 15.5, 50)
    assert (one.width, one.height, one.area) == (20.5, 40, 820)
    assert isinstance(one.area, float)


@pytest.mark.parametrize(
    ("box", "points"), [((3,), (5, 2)), ((1, 4), (5, 2)), ((4,), (2, 5)), ((4,), (10,)), ((4,), (68, 2))]
)
def test_a_face_of_other_shapes_is_refused_with_both_shapes(box: tuple[int, ...], points: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"box must be \(4,\)") as caught:
        Face(np.zeros(box, np.float32), 0.5, np.zeros(points, np.float32))
    assert str(caught.value).endswith(f"got {box} and {points}")


def test_values_are_frozen_and_have_no_other_attributes() -> None:
    one = face(0, 0, 1, 1)
    with pytest.raises(FrozenInstanceError):
        one.score = 1.0  # type: ignore[misc]
    with pytest.raises((AttributeError, TypeError)):
        one.scorre = 1.0  # type: ignore[attr-defined]
    assert replace(one, score=0.25).score == 0.25


def test_the_largest_face_is_that_of_the_largest_area() -> None:
    wide, tall, small = face(0, 0, 30, 10), face(5, 5, 25, 25), face(0, 0, 10, 10)
    assert PhotoFaces("a", "ok", faces=(wide, tall, small)).largest == 1
    assert PhotoFaces("a", "ok", faces=(small, wide)).largest == 1
    assert PhotoFaces("a", "ok", faces=(tall, tall)).largest == 0


def test_a_face_is_selected_with_its_quality_and_embedding() -> None:
    faces, embeddings = (face(0, 0, 1, 1), face(0, 0, 3, 3)), np.eye(2, dtype=np.float32)
    photo = PhotoFaces("a", "ok", None, faces, (FAULTLESS, FAULTLESS), embeddings)
    selected = photo.select(2)
    assert (len(selected.faces), len(selected.quality)) == (1, 1)
    assert selected.faces[0].box.tolist() == [0, 0, 3, 3]
    assert selected.embeddings is not None
    assert selected.embeddings.tolist() == [[0, 1]]
    assert replace(photo, embeddings=None).select(1).embeddings is None
    for number in (0, 3, -1):
        with pytest.raises(UsageError, match=f"a has no face {number}: it shows 2"):
            photo.select(number)


def test_there_is_no_largest_of_none() -> None:
    with pytest.raises(ValueError, match="empty"):
        _ = PhotoFaces("a", "no_face").largest


def test_an_identification_is_known_where_it_names_a_person() -> None:
    some = (Candidate(7, "Ada", 0.1),)
    assert Identification("Ada", 7, 0.1, 0.2, None, some).known
    assert Identification("Zero", 0, 0.1, 0.2, None, some).known
    assert not Identification(None, None, 0.3, 0.2, None, some).known


def test_answers_of_plain_values_compare_by_value() -> None:
    assert Candidate(7, "Ada", 0.1) == Candidate(7, "Ada", 0.1) != Candidate(8, "Ada", 0.1)
    one = Verification(True, 0.1, "cosine", 0.2, 1e-3, 0.9, "m", "d", 1, 1)
    assert one == replace(one) != replace(one, same=False)


# --- truth values


@pytest.mark.parametrize("same", [True, False])
def test_a_verification_is_true_where_it_is_one_person(same: bool) -> None:
    answer = types.Verification(same, 0.1, "cosine", 0.2, None, None, "m", "d", 1, 1)
    assert bool(answer) is same


def test_an_identification_is_true_where_somebody_was_named() -> None:
    assert types.Identification("Ann", 3, 0.1, 0.2, None)
    assert not types.Identification(None, None, 0.3, 0.2, None)


def test_faces_of_a_photo_are_true_where_there_are_any() -> None:
    face = types.Face(np.zeros(4, np.float32), 1.0, np.zeros((5, 2), np.float32))
    assert types.PhotoFaces("a.jpg", "ok", faces=(face,))
    assert not types.PhotoFaces("a.jpg", "no_face")


PHOTO = types.Photo(np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3), "a", "")  # 6 wide, 4 high


def boxed(*box: float) -> types.Face:
    return types.Face(np.array(box, np.float32), 1.0, np.full((5, 2), -7, np.float32))


@pytest.mark.parametrize(
    ("box", "clipped", "rows", "columns"),
    [
        ((1, 1, 3, 2), (1, 1, 3, 2), (1, 2), (1, 3)),
        ((-2, -5, 3, 2), (0, 0, 3, 2), (0, 2), (0, 3)),
        ((4, 2, 90, 90), (4, 2, 6, 4), (2, 4), (4, 6)),
        ((-9, -9, 99, 99), (0, 0, 6, 4), (0, 4), (0, 6)),
        ((1.2, 0.9, 2.1, 1.1), (1.2, 0.9, 2.1, 1.1), (0, 2), (1, 3)),
        ((5.9, 3.9, 8, 8), (5.9, 3.9, 6, 4), (3, 4), (5, 6)),
    ],
)
def test_a_face_is_cut_out_as_far_as_it_lies_in_the_picture(
    box: tuple[float, ...], clipped: tuple[float, ...], rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    face = boxed(*box)
    inside = face.clipped(PHOTO.width, PHOTO.height)
    np.testing.assert_allclose(inside.box, np.float32(clipped))
    np.testing.assert_array_equal(inside.landmarks, face.landmarks)
    crop = PHOTO.crop(face)
    np.testing.assert_array_equal(crop, PHOTO.pixels[slice(*rows), slice(*columns)])
    np.testing.assert_array_equal(PHOTO.crop(inside), crop)
    assert not np.shares_memory(crop, PHOTO.pixels)


def test_a_crop_is_extended_by_a_part_of_the_sides() -> None:
    np.testing.assert_array_equal(PHOTO.crop(boxed(2, 1, 4, 3), margin=1.0), PHOTO.pixels[0:4, 1:5])
    np.testing.assert_array_equal(PHOTO.crop(boxed(2, 1, 4, 3), margin=50), PHOTO.pixels)


@pytest.mark.parametrize("box", [(-9, 1, -2, 3), (6, 1, 8, 3), (1, -5, 2, 0), (1, 4, 2, 9), (-9, -9, -5, -5)])
def test_a_face_outside_the_picture_has_no_pixels(box: tuple[float, ...]) -> None:
    with pytest.raises(UsageError, match=r"this face lies outside the picture: its box is .*6 x 4 pixels"):
        PHOTO.crop(boxed(*box))
    inside = boxed(*box).clipped(6, 4)
    assert inside.area == 0
    assert (inside.box >= 0).all()
    assert (inside.box <= [6, 4, 6, 4]).all()


@pytest.mark.parametrize("margin", [-0.1, float("nan"), float("inf")])
def test_a_margin_that_means_nothing_is_refused(margin: float) -> None:
    with pytest.raises(UsageError, match="margin"):
        PHOTO.crop(boxed(1, 1, 3, 2), margin=margin)


def test_a_picture_without_pixels_clips_nothing() -> None:
    with pytest.raises(UsageError, match="at least one pixel"):
        boxed(1, 1, 3, 2).clipped(0, 4)
