"""YuNet and SCRFD on photographs: counted faces, known noses, faces that fill the picture, and large pictures."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from visavis import images
from visavis.detectors import Detector, _single_shot
from visavis.pipeline import Recognizer
from visavis.types import Face

from .drawn import assert_same, overlap
from .published import load
from .test_mtcnn_photos import CHANGED, COUNTS, LARGE, MIXED

NAMES = ["yunet", "scrfd-500m", "scrfd-2.5g"]
BENCH = dict.fromkeys((f"bench_b16_{number:02d}.png" for number in range(16)), (1, 1)) | {
    "bench_single_640x480.png": (1, 1),
    "bench_group_1280x886.png": (6, 6),
    "bench_b16_06.png": (6, 6),
    "bench_b16_11.png": (6, 6),
    "bench_b16_12.png": (2, 2),
    "bench_b16_13.png": (3, 4),
    "bench_b16_05.png": (1, 2),
}
"""Fewest and most faces: some are so hidden that one may see them or not."""

Find = Callable[[str], list[Face]]


@pytest.fixture(scope="module", params=NAMES)
def detector(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Detector:
    return load(request.param, tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def find(data: Path, detector: Detector) -> Find:
    """Faces of a photo, looked for once."""
    known: dict[str, list[Face]] = {}

    def search(name: str) -> list[Face]:
        if name not in known:
            (known[name],) = detector.detect([images.read(data / name).pixels])
        return known[name]

    return search


@pytest.fixture(scope="module")
def find_by_mtcnn(data: Path, mtcnn: Detector) -> Find:
    """Faces of a photo that MTCNN finds, looked for once."""
    return cache(lambda name: mtcnn.detect([images.read(data / name).pixels])[0])


# --- how many, and where


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow if n in LARGE else ()) for n in COUNTS])
def test_faces_of_groups_are_counted_and_each_nose_is_in_one(data: Path, find: Find, name: str) -> None:
    faces = find(f"photos/groups/{name}")
    noses = json.loads((data / "photos" / "groups" / "noses.json").read_text(encoding="utf-8"))[name]
    assert len(faces) == len(noses) == COUNTS[name]
    for x, y in noses:
        (one,) = [face for face in faces if face.box[0] < x < face.box[2] and face.box[1] < y < face.box[3]]
        assert np.hypot(*(one.landmarks[2] - (x, y))) <= 0.25 * one.width


@pytest.mark.parametrize("name", BENCH)
def test_faces_of_the_bench_pictures_are_counted(find: Find, name: str) -> None:
    least, most = BENCH[name]
    assert least <= len(find(f"bench/{name}")) <= most


def test_ivan_and_nobody(find: Find) -> None:
    (face,) = find("photos/groups/ivan.jpg")
    x, y, width, height = 277, 90, 48, 63
    assert overlap(face.box, np.array([x, y, x + width, y + height])) >= 0.75
    published = np.array([(291, 117), (314, 114), (303, 131), (296, 143), (313, 141)])
    assert np.abs(face.landmarks - published).max() <= 4
    assert find("photos/groups/no-faces.jpg") == []


@pytest.mark.parametrize("name", CHANGED)
def test_boxes_and_landmarks_are_about_those_of_mtcnn(find_by_mtcnn: Find, find: Find, name: str) -> None:
    others, faces = find_by_mtcnn(f"photos/{name}"), find(f"photos/{name}")
    assert len(faces) == len(others)
    for other in others:
        twin = max(faces, key=lambda face: overlap(face.box, other.box))
        assert overlap(twin.box, other.box) >= 0.7
        assert np.abs(twin.landmarks - other.landmarks).mean() <= 0.06 * other.height


# --- faces that fill the picture


@pytest.mark.slow(seconds=13)
@pytest.mark.parametrize("part", [1.0, 0.8])
@pytest.mark.parametrize("side", [100, 700, 1500, 3000])
@pytest.mark.parametrize("name", ["presidents/obama.jpg", "tutorial/channing_tatum.jpg"])
def test_a_face_that_fills_the_picture_is_found_once(
    data: Path, find_by_mtcnn: Find, detector: Detector, name: str, side: int, part: float
) -> None:
    face = find_by_mtcnn(f"photos/{name}")[0]
    crop, known = close_up(images.read(data / "photos" / name).pixels, face, side=side, part=part)
    (found,) = detector.detect([crop])[0]
    assert np.abs(found.landmarks - known).max() <= 0.12 * side


def close_up(pixels: np.ndarray, face: Face, *, side: int, part: float) -> tuple[np.ndarray, np.ndarray]:
    """The middle of a face's box as a whole picture of that longer side, and the landmarks in it."""
    center, half = (face.box[:2] + face.box[2:]) / 2, (face.box[2:] - face.box[:2]) / 2 * part
    (x1, y1), (x2, y2) = (center - half).round().astype(int), (center + half).round().astype(int)
    crop = pixels[max(y1, 0) : y2, max(x1, 0) : x2]
    scale = side / max(crop.shape[:2])
    large = cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    return large, (face.landmarks - np.maximum((x1, y1), 0)) * scale


def test_without_the_smaller_levels_such_a_face_is_missed(
    data: Path, find_by_mtcnn: Find, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which is why there are such levels."""
    name = "photos/presidents/obama.jpg"
    crop, _ = close_up(images.read(data / name).pixels, find_by_mtcnn(name)[0], side=1500, part=0.8)
    scrfd = load("scrfd-500m", tmp_path)
    whole = scrfd.detect([crop])[0]
    every = _single_shot.views
    monkeypatch.setattr(
        _single_shot, "views", lambda *a, **k: [view for view in every(*a, **k) if view.scale.max() == 1]
    )
    assert len(whole) == 1
    assert all(overlap(face.box, whole[0].box) < 0.5 for face in scrfd.detect([crop])[0])


# --- pictures changed in a known way


def test_photos_of_mixed_sizes_at_once_are_as_one_by_one(data: Path, detector: Detector, find: Find) -> None:
    together = detector.detect([images.read(data / "photos" / name).pixels for name in MIXED])
    assert [len(faces) for faces in together] == [1, 0, 5, 1, 1]
    for name, faces in zip(MIXED, together, strict=True):
        assert_same(faces, find(f"photos/{name}"), within=0.01)


@pytest.mark.parametrize("name", CHANGED)
def test_a_mirrored_photo_has_mirrored_faces(data: Path, detector: Detector, find: Find, name: str) -> None:
    pixels = images.read(data / "photos" / name).pixels
    width = pixels.shape[1]
    (mirrored,), straight = detector.detect([pixels[:, ::-1]]), find(f"photos/{name}")
    assert len(mirrored) == len(straight)
    for face in straight:
        expected = np.array([width - face.box[2], face.box[1], width - face.box[0], face.box[3]])
        twin = max(mirrored, key=lambda other: overlap(other.box, expected))
        assert overlap(twin.box, expected) >= 0.8
        points = (face.landmarks * [-1, 1] + [width, 0])[[1, 0, 2, 4, 3]]
        assert np.abs(twin.landmarks - points).max() <= 0.08 * face.height


@pytest.mark.parametrize("name", ["groups/000_5.jpg", "groups/016_8.jpg"])
def test_faces_at_the_seams_of_tiles_are_found_once(data: Path, detector: Detector, find: Find, name: str) -> None:
    """The photo in a larger, empty picture, so that tiles cut through its faces at many places."""
    pixels = images.read(data / "photos" / name).pixels
    straight = find(f"photos/{name}")
    for x, y in ((400, 0), (530, 300), (650, 600)):
        large = np.full((1300, 1600, 3), 128, np.uint8)
        large[y : y + pixels.shape[0], x : x + pixels.shape[1]] = pixels
        (moved,) = detector.detect([large])
        assert len(moved) == len(straight)
        for face in straight:
            assert max(overlap(other.box - np.tile((x, y), 2), face.box) for other in moved) >= 0.7


@pytest.mark.parametrize("min_face", [140, 250])
def test_a_face_is_not_found_when_much_larger_ones_are_asked_for(
    data: Path, detector: Detector, min_face: float
) -> None:
    pixels = images.read(data / "photos" / "groups" / "ivan.jpg").pixels  # a face of 68 pixels
    assert detector.detect([pixels], min_face=min_face) == [[]]


@pytest.mark.parametrize("min_face", [10, 24, 48, 60])
def test_a_face_is_found_whatever_smaller_one_is_asked_for(
    data: Path, detector: Detector, find: Find, min_face: float
) -> None:
    pixels = images.read(data / "photos" / "groups" / "ivan.jpg").pixels
    (faces,) = detector.detect([pixels], min_face=min_face)
    assert max(overlap(face.box, find("photos/groups/ivan.jpg")[0].box) for face in faces) >= 0.75


def test_good_faces_are_not_doubted_for_the_scale_of_yunet(data: Path) -> None:
    """Of every tenth person of LFW view 1: as many faces are doubted as with MTCNN, and the quality is as good."""
    names = [line.split()[0] for line in (data / "lfw" / "peopleDevTest.txt").read_text("utf-8").splitlines()[1:]]
    photos = [str(data / "lfw" / "images" / name / f"{name}_0001.jpg") for name in names[::10]]
    found = {}
    for name in ("mtcnn", "yunet"):
        answers = [one for one in Recognizer(detector=name).detect(photos) if one.faces]
        assert len(answers) > 80
        found[name] = np.array(
            [[one.quality[one.largest].detection, one.quality[one.largest].score] for one in answers]
        )
    assert np.median(found["yunet"][:, 0]) > 0.999
    assert (found["yunet"][:, 0] < 0.9).mean() <= (found["mtcnn"][:, 0] < 0.9).mean() + 0.02
    assert np.median(found["yunet"][:, 1]) == pytest.approx(np.median(found["mtcnn"][:, 1]), abs=0.02)
