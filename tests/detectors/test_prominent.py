"""Faces beside a certain, large one are left out to save time; the largest face is that of a whole search."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import visavis
from visavis import images
from visavis.detectors import DETECTORS, Detector, detect_prominent
from visavis.types import RGB, Face

from .drawn import assert_same

SIDE = 1200


class CountsPixels:
    """A session of the first network that counts the pixels it is given."""

    def __init__(self, session: object) -> None:
        self.session, self.pixels = session, 0

    def run(self, batch: RGB) -> Sequence[RGB]:
        self.pixels += batch.shape[1] * batch.shape[2]
        return self.session.run(batch)  # type: ignore[attr-defined, no-any-return]


@pytest.fixture(scope="module")
def both(sample_photos: Path) -> RGB:
    """A canvas with a face of 300 pixels and one of 28."""
    return put_on_canvas(sample_photos, (300, (100, 100)), (28, (900, 900)))


def put_on_canvas(photos: Path, *faces: tuple[int, tuple[int, int]]) -> RGB:
    """Return a gray canvas with copies of a photo, each at a place (x, y), its face of 268 pixels scaled to a width."""
    canvas = Image.new("RGB", (SIDE, SIDE), (120, 120, 120))
    with Image.open(photos / "obama.jpg") as photo:
        for width, place in faces:
            scale = width / 268
            canvas.paste(photo.resize((round(photo.width * scale), round(photo.height * scale))), place)
    return np.array(canvas)


def largest(faces: Sequence[Face]) -> Face:
    return max(faces, key=lambda face: face.area)


def test_a_small_face_beside_a_large_one_is_left_out_and_the_large_one_does_not_change(
    mtcnn: Detector, both: RGB
) -> None:
    (every,) = mtcnn.detect([both])
    (prominent,) = detect_prominent(mtcnn, [both], min_face=20)
    assert (len(every), len(prominent)) == (2, 1)
    assert_same(prominent, [largest(every)])


@pytest.mark.parametrize("width", [88, 92, 100, 110, 125, 150])
def test_at_the_limit_too_the_largest_face_does_not_change(mtcnn: Detector, sample_photos: Path, width: int) -> None:
    """Small faces are left out beside one of 1.5 times 60 pixels and more."""
    canvas = put_on_canvas(sample_photos, (width, (100, 100)), (28, (900, 900)))
    (every,) = mtcnn.detect([canvas])
    (prominent,) = detect_prominent(mtcnn, [canvas], min_face=20)
    assert_identical(largest(prominent), largest(every))


def assert_identical(face: Face, other: Face) -> None:
    np.testing.assert_array_equal(face.box, other.box)
    np.testing.assert_array_equal(face.landmarks, other.landmarks)
    assert face.score == other.score


@pytest.mark.parametrize("width", [25, 40, 60, 80])
def test_small_faces_alone_are_all_returned(mtcnn: Detector, sample_photos: Path, width: int) -> None:
    """A twentieth of the side is 60 pixels: smaller ones are looked for in a second search."""
    canvas = put_on_canvas(sample_photos, (width, (100, 100)), (width - 3, (700, 700)))
    (every,) = mtcnn.detect([canvas])
    (prominent,) = detect_prominent(mtcnn, [canvas], min_face=20)
    assert len(every) == 2
    assert_same(prominent, every)


def test_faces_of_a_twentieth_of_the_side_and_more_are_returned(mtcnn: Detector, sample_photos: Path) -> None:
    canvas = put_on_canvas(sample_photos, (300, (100, 100)), (80, (850, 850)))
    (every,) = mtcnn.detect([canvas])
    (prominent,) = detect_prominent(mtcnn, [canvas], min_face=20)
    assert len(prominent) == len(every) == 2
    assert_same([largest(prominent)], [largest(every)])


def test_the_first_network_sees_a_tenth_of_the_pixels(
    mtcnn: Detector, both: RGB, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = []
    for detect in (mtcnn.detect, lambda pictures, **options: detect_prominent(mtcnn, pictures, **options)):
        counter = CountsPixels(mtcnn._pnet)  # type: ignore[attr-defined]
        with monkeypatch.context() as patch:
            patch.setattr(mtcnn, "_pnet", counter)
            detect([both], min_face=20)
        counts.append(counter.pixels)
    assert counts[1] < 0.15 * counts[0]


@pytest.mark.slow
def test_the_largest_face_of_each_photo_is_that_of_a_whole_search(mtcnn: Detector, data: Path) -> None:
    paths = sorted(path for path in (data / "photos").rglob("*.jpg") if path.stat().st_size < 3_000_000)
    pictures = [images.read(path).pixels for path in paths]
    together = detect_prominent(mtcnn, pictures, min_face=20)
    for path, every, prominent in zip(paths, mtcnn.detect(pictures), together, strict=True):
        assert bool(every) == bool(prominent), path.name
        if every:
            assert_identical(largest(prominent), largest(every))


def test_the_side_of_the_smallest_face_is_kept(mtcnn: Detector, sample_photos: Path) -> None:
    canvas = put_on_canvas(sample_photos, (60, (100, 100)))
    assert detect_prominent(mtcnn, [canvas], min_face=300) == [[]]
    assert detect_prominent(mtcnn, [np.zeros((9, 9, 3), np.uint8), canvas[:0]], min_face=20) == [[], []]


def test_other_detectors_find_all_faces(both: RGB) -> None:
    yunet = DETECTORS.create("yunet")
    assert_same(detect_prominent(yunet, [both], min_face=20)[0], yunet.detect([both], min_face=20)[0])


def test_a_verification_counts_prominent_faces_unless_any_face_may_be_the_person(
    both: RGB, sample_photos: Path
) -> None:
    reference = sample_photos / "obama2.jpg"
    answer, any_face = (visavis.verify(reference, both, any_face=any_face) for any_face in (False, True))
    assert (answer.faces_b, any_face.faces_b) == (1, 2)
    known = visavis.Recognizer()
    first, second = known.represent([reference, both])
    assert first.embeddings is not None
    assert second.embeddings is not None
    nearness = float(first.embeddings[first.largest] @ second.embeddings[second.largest])
    assert answer.distance == pytest.approx(1 - nearness, abs=1e-6)
