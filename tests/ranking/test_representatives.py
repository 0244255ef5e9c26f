"""The most characteristic face, and the average of all, of faces made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import visavis
from visavis.errors import NoFaceError
from visavis.ranking import representatives
from visavis.types import Characteristic, Face, Floats, PhotoFaces, Quality

PLACES = np.array([(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8)], np.float32)


def face(left: float, top: float, side: float) -> Face:
    corner = np.array([left, top], np.float32)
    return Face(np.concatenate([corner, corner + np.float32(side)]), 0.9, corner + PLACES * np.float32(side))


def answer(name: str, *faces: tuple[float, float, float]) -> PhotoFaces:
    """A photo with faces of (degrees, side, quality)."""
    turns = np.radians([degrees for degrees, _, _ in faces])
    embeddings = np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32)
    quality = tuple(Quality(score, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0.5) for _, _, score in faces)
    return PhotoFaces(name, "ok", None, tuple(face(0, 0, side) for _, side, _ in faces), quality, embeddings)


def degrees(angle: float) -> float:
    return float(1 - np.cos(np.radians(angle)))


def ranked(*answers: PhotoFaces, model: str = "dlib-resnet") -> list[Characteristic]:
    return representatives.rank_faces(representatives.collect_faces(answers), model=model)


def test_nearest_to_the_mean_first() -> None:
    """The mean of 0, 6 and 12 degrees is 6."""
    found = ranked(answer("a", (0, 50, 1)), answer("b", (6, 50, 1)), answer("c", (12, 50, 1)))
    assert [one.photo for one in found] == ["b", "a", "c"]
    assert [one.distance for one in found] == pytest.approx([0, degrees(6), degrees(6)], abs=1e-6)


def test_better_faces_weigh_more() -> None:
    """Of 0 and 10 degrees, the second three times as good: the mean is near 7.5."""
    found = ranked(answer("a", (0, 50, 0.3)), answer("b", (10, 50, 0.9)))
    assert [one.photo for one in found] == ["b", "a"]
    mean = np.degrees(np.arctan2(0.9 * np.sin(np.radians(10)), 0.3 + 0.9 * np.cos(np.radians(10))))
    assert found[0].distance == pytest.approx(degrees(10 - mean), abs=1e-6)


def test_outliers_come_last_and_take_no_part() -> None:
    """The threshold of a FAR of 1e-3 is .0706: 21.7 degrees."""
    near = [answer(name, (angle, 50, 1)) for name, angle in (("a", 0), ("b", 3), ("c", 6), ("d", 2), ("e", 4))]
    found = ranked(*near, answer("x", (80, 50, 1)))
    assert [one.outlier for one in found] == [False] * 5 + [True]
    assert found[-1].photo == "x"
    assert found[0].photo == "b"
    assert found[0].distance == pytest.approx(0, abs=1e-6)


def test_a_stranger_among_few_is_an_outlier() -> None:
    """Three faces at 0 degrees and one at 25: 19 from the mean of all four, which is within the limit of 21.7."""
    found = ranked(*(answer(name, (0, 50, 1)) for name in "abc"), answer("x", (25, 50, 1)))
    assert [one.outlier for one in found] == [False, False, False, True]
    assert found[-1].distance == pytest.approx(degrees(25), abs=1e-6)


def test_one_photo_is_no_outlier() -> None:
    (alone,) = ranked(answer("a", (0, 50, 1)))
    assert (alone.outlier, alone.distance) == (False, 0)


def test_of_each_photo_the_face_that_fits() -> None:
    """Not the largest of it where that is somebody else."""
    several = answer("c", (90, 80, 1), (3, 40, 1))
    found = ranked(answer("a", (0, 50, 1)), answer("b", (4, 50, 1)), answer("d", (2, 50, 1)), several)
    assert {(one.photo, one.number) for one in found} == {("a", 1), ("b", 1), ("d", 1), ("c", 2)}
    assert not any(one.outlier for one in found)


def test_a_model_without_a_table_knows_no_outliers() -> None:
    found = ranked(answer("a", (0, 50, 1)), answer("b", (80, 50, 1)), model="facenet-casia")
    assert not any(one.outlier for one in found)


def test_no_face() -> None:
    with pytest.raises(NoFaceError):
        ranked(PhotoFaces("a", "no_face"))
    with pytest.raises(NoFaceError):
        representatives.average_face([])


def characteristic(path: Path, where: Face, *, outlier: bool = False, quality: float = 1) -> Characteristic:
    return Characteristic(str(path), 1, where, 0.0, quality, outlier)


def picture(path: Path, where: Face, *, color: tuple[int, int, int]) -> Path:
    """A gray photo with a face: its box of one color, a black spot at each landmark."""
    image = Image.new("RGB", (400, 400), (128, 128, 128))
    x1, y1, x2, y2 = (round(float(side)) for side in where.box)
    image.paste(color, (x1, y1, x2, y2))
    for x, y in where.landmarks.tolist():
        image.paste((0, 0, 0), (round(x) - 4, round(y) - 4, round(x) + 5, round(y) + 5))
    image.save(path)
    return path


def spots(average: Floats) -> Floats:
    """Where the black spots are: the common landmarks."""
    places = representatives.PLACES * 256
    dark = []
    for x, y in places:
        part = 255 - average[round(y) - 24 : round(y) + 25, round(x) - 24 : round(x) + 25].astype(float).mean(axis=2)
        part = np.maximum(part - 150, 0)
        rows, columns = np.mgrid[:49, :49]
        dark.append((x - 24 + (part * columns).sum() / part.sum(), y - 24 + (part * rows).sum() / part.sum()))
    return np.array(dark, np.float32)


def test_faces_lie_over_each_other(tmp_path: Path) -> None:
    """Of any place and size: landmarks on landmarks, colors averaged, outliers left out."""
    small, large = face(40, 60, 120), face(120, 90, 240)
    a = picture(tmp_path / "a.png", small, color=(200, 100, 100))
    b = picture(tmp_path / "b.png", large, color=(100, 200, 100))
    c = picture(tmp_path / "c.png", large, color=(255, 255, 255))
    used = [characteristic(a, small), characteristic(b, large), characteristic(c, large, outlier=True)]
    average = visavis.average_face(used)
    assert average.shape == (256, 256, 3)
    assert np.abs(average[125, 105].astype(int) - [150, 150, 100]).max() <= 3
    found = spots(average)
    assert (
        np.abs(found - found.mean(axis=0) - (PLACES - PLACES.mean(axis=0)) * 226 * np.ptp(found[:, 0]) / 90.4).max() < 3
    )
    weighted = visavis.average_face([characteristic(a, small), characteristic(b, large, quality=0.25)], size=256)
    assert np.abs(weighted[125, 105].astype(int) - [180, 120, 100]).max() <= 3


def test_what_no_photo_reaches_is_white(tmp_path: Path) -> None:
    at_the_edge = face(0, 0, 300)
    one = characteristic(picture(tmp_path / "a.png", at_the_edge, color=(200, 100, 100)), at_the_edge)
    assert visavis.average_face([one])[0, 0].tolist() == [255, 255, 255]


def test_photos_of_one_man(data: Path) -> None:
    """Three of Obama and one of Biden: the latter is the outlier."""
    photos = [str(data / "photos" / "presidents" / f"{name}.jpg") for name in ("obama", "obama2", "biden", "obama3")]
    found = visavis.representative(photos)
    assert [one.outlier for one in found] == [False, False, False, True]
    assert found[-1].photo == photos[2]
