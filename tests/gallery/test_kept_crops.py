"""Kept crops: every network crops them as it crops the whole photo."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from example_counts import examples
from visavis import images
from visavis.bulk.embed_stage import EmbedStage
from visavis.bulk.types import Task
from visavis.embedders import dlib, facenet, sface, vggface
from visavis.gallery import Gallery, IndexedPhoto, Template
from visavis.gallery.kept_crops import GRID, LARGEST_FACE, make_crop, open_crop
from visavis.gallery.sql.crops import count_crops
from visavis.pipeline import Recognizer
from visavis.types import RGB, Face, Photo

from .models import BLUE, DARK_RED, DETECTOR, MODEL, RED, photo

CROPS: dict[str, Callable[..., RGB]] = {
    "dlib": dlib.crops,
    "sface": sface.crops,
    "facenet": facenet.crops,
    "vggface": vggface.RESNET50.crops,
    "vggface-vgg16": vggface.VGG16.crops,
}
POINTS = np.array([(-0.22, -0.18), (0.22, -0.18), (0, 0.06), (-0.18, 0.25), (0.18, 0.25)], np.float32)
"""Five landmarks of a face, as parts of its height from its middle."""


def noise(width: int, height: int, seed: int = 0) -> Photo:
    """Coarse noise, without the detail that each interpolation shows in another way."""
    cells = np.random.default_rng(seed).integers(0, 256, (height // 4 + 1, width // 4 + 1, 3), np.uint8)
    pixels = cells.repeat(4, axis=0).repeat(4, axis=1)[:height, :width]
    return Photo(np.ascontiguousarray(pixels), "noise", "0" * 64)


def face(x: float, y: float, height: float, angle: float = 0.0) -> Face:
    """A face of this height about a point, turned by an angle in radians."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    half = np.array([0.4, 0.5]) * height
    middle = np.array([x, y])
    box = np.concatenate([middle - half, middle + half])
    return Face(box.astype(np.float32), 0.9, (POINTS @ turn.T * height + middle).astype(np.float32))


def crop_anew(photo: Photo, of: Face, crops: Callable[..., RGB]) -> tuple[RGB, RGB]:
    kept = make_crop(photo, of)
    assert kept is not None
    picture, inner = open_crop(kept, 1)
    return crops(photo.pixels, [of])[0], crops(picture, [inner])[0]


@pytest.mark.parametrize("name", CROPS)
@settings(max_examples=examples(30), deadline=None)
@given(x=st.floats(0, 640), y=st.floats(0, 480), height=st.floats(20, 400), angle=st.floats(-np.pi, np.pi))
def test_each_network_crops_the_kept_crop_as_the_photo(
    name: str, x: float, y: float, height: float, angle: float
) -> None:
    """Any place, also at the edge, any angle: OpenCV interpolates in steps of 1/32 pixel, and may round to another."""
    whole, kept = crop_anew(noise(640, 480), face(x, y, height, angle), CROPS[name])
    apart = np.abs(whole.astype(int) - kept)
    assert apart.max() <= 2 * 255 / 32
    assert apart.mean() <= 0.05


def test_the_default_network_embeds_the_kept_crop_as_the_photo(sample_photos: Path) -> None:
    recognizer = Recognizer()
    for name in ("obama.jpg", "obama3.jpg", "biden.jpg"):
        (answer,) = recognizer.represent([sample_photos / name])
        assert answer.photo is not None
        assert answer.embeddings is not None
        for face, embedding in zip(answer.faces, answer.embeddings, strict=True):
            kept = make_crop(answer.photo, face)
            assert kept is not None
            picture, inner = open_crop(kept, 1)
            (again,) = recognizer.embedder.embed(recognizer.embedder.crops(picture, [inner]))
            assert 1 - float(again @ embedding) <= 1e-3


@pytest.mark.parametrize("name", CROPS)
def test_a_large_face_is_halved_and_cropped_nearly_alike(name: str) -> None:
    photo = noise(3000, 2400)
    kept = make_crop(photo, face(1500, 1200, 1800, 0.1))
    assert kept is not None
    picture, inner = open_crop(kept, 1)
    assert picture.shape == (1200, 1500, 3)
    assert max(inner.width, inner.height) == pytest.approx(900)
    whole, again = crop_anew(photo, face(1500, 1200, 1800, 0.1), CROPS[name])
    assert np.abs(whole.astype(int) - again).max() <= 8


def test_a_crop_is_the_pixels_of_the_photo() -> None:
    photo = noise(640, 480)
    kept = make_crop(photo, face(320, 240, 100))
    assert kept is not None
    assert kept.picture.startswith(b"\x89PNG\r\n")
    picture, inner = open_crop(kept, 1)
    np.testing.assert_array_equal(picture, photo.pixels[96:384, 192:448])  # 125 pixels about the middle, on the grid
    np.testing.assert_array_equal(inner.box, [280 - 192, 190 - 96, 360 - 192, 290 - 96])
    assert picture.shape[0] % GRID == picture.shape[1] % GRID == 0
    assert LARGEST_FACE > 224


@pytest.mark.parametrize("outside", [(-200.0, 240.0, 60.0), (320.0, 900.0, 60.0), (float("nan"), 0.0, 60.0)])
def test_a_face_outside_the_photo_has_no_crop(outside: tuple[float, float, float]) -> None:
    assert make_crop(noise(640, 480), face(*outside)) is None


def test_all_ways_to_store_a_face_keep_its_crop(path: Path, tmp_path: Path) -> None:
    red = photo(tmp_path / "red.png", (RED, 40, 50, 60))
    both = photo(tmp_path / "both.png", (BLUE, 20, 30, 50), (DARK_RED, 180, 100, 100))
    with Gallery(path, model=MODEL, detector=DETECTOR) as gallery:
        gallery.enroll("Ann", [red])
        gallery.keep_crops(True)
        gallery.enroll("Ben", [both.read_bytes()])
        with gallery.opened.database.read() as conn:
            assert count_crops(conn) == 1
            (row,) = conn.exec_driver_sql("SELECT picture FROM crops").all()
        square = images.read(row.picture)
        assert (square.width, square.height) == (224, 240)  # to the edges of the photo
        assert gallery.keep_crops(False) == 1
        gallery.enroll("Cyd", [photo(tmp_path / "pale.png", ((10, 250, 10), 40, 50, 60))])
        made = make_crop(images.read(red), face(70, 80, 60))  # made while crops were still kept
        gallery.add("Dan", [Template(np.array([1, 1, 1], np.float32), crop=made)])
        with gallery.opened.database.read() as conn:
            assert count_crops(conn) == 0


def test_indexed_faces_have_crops_too(path: Path, tmp_path: Path) -> None:
    data = photo(tmp_path / "both.png", (BLUE, 20, 30, 50), (DARK_RED, 180, 100, 100)).read_bytes()
    recognizer = Recognizer(detector=DETECTOR, embedder=MODEL)
    for keep in (False, True):
        stage = EmbedStage(MODEL, DETECTOR, keep_crops=keep)
        (answer,) = stage.answers(recognizer, [(Task(0, "both.png"), data)])
        assert isinstance(answer.result, IndexedPhoto)
        assert [face.crop is not None for face in answer.result.faces] == [keep, keep]
