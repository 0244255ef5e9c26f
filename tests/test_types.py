"""What the result types compute and refuse."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from visavis.types import Candidate, Face, Faces, Identification, Photo, PhotoFaces, Verification

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


def test_faces_have_as_many_rows_everywhere() -> None:
    def faces(**changed: object) -> Faces:
        rows = {
            "photos": ("a", "b"),
            "numbers": np.ones(2, np.int64),
            "boxes": np.zeros((2, 4), np.float32),
            "vectors": np.zeros((2, 3), np.float32),
            "quality": np.ones(2, np.float32),
            "clusters": np.full(2, -1),
        }
        return Faces(**{**rows, **changed})

    assert len(faces()) == 2
    for name, wrong in (("boxes", np.zeros((2, 3))), ("quality", np.ones(3)), ("clusters", np.ones((2, 1)))):
        with pytest.raises(ValueError, match=f"2 faces have arrays of as many rows, got .*{name}"):
            faces(**{name: wrong})
    with pytest.raises(ValueError, match="2 faces"):
        faces(vectors=np.zeros((3, 3)))
