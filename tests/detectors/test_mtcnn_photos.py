"""MTCNN on photographs: published boxes, counted faces, known noses, and the faces that facenet-pytorch finds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visavis import images
from visavis.detectors import Detector
from visavis.types import Face

from .drawn import assert_same, overlap

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "facenet_pytorch_faces.json").read_text(encoding="utf-8"))
SURE = 0.95
"""Score of facenet-pytorch's from which a face has to be found."""
NO_FACE = ("photos/groups/003_A.jpg", 6213)
"""Photo and left edge of a sure face of theirs that shows none."""

COUNTS = {
    "000_5.jpg": 5,
    "001_A.jpg": 1,
    "003_A.jpg": 1,
    "007_B.jpg": 1,
    "010_2.jpg": 2,
    "012_4.jpg": 4,
    "014_5.jpg": 5,
    "016_8.jpg": 8,
    "017_0.jpg": 0,
}
LARGE = ("001_A.jpg", "003_A.jpg")
"""Of 36 megapixels: seconds each."""

Find = Callable[..., list[Face]]
Size = tuple[int, int]


@pytest.fixture(scope="module")
def find(data: Path, mtcnn: Detector) -> Find:
    """Faces of a photo, looked for once."""
    known: dict[tuple[str, float], list[Face]] = {}

    def search(name: str, *, min_face: float = 20) -> list[Face]:
        if (name, min_face) not in known:
            (known[name, min_face],) = mtcnn.detect([images.read(data / name).pixels], min_face=min_face)
        return known[name, min_face]

    return search


def test_ivan(find: Find) -> None:
    (face,) = find("photos/groups/ivan.jpg")
    x, y, width, height = 277, 90, 48, 63
    assert overlap(face.box, np.array([x, y, x + width, y + height])) >= 0.85
    published = np.array([(291, 117), (314, 114), (303, 131), (296, 143), (313, 141)])
    assert np.abs(face.landmarks - published).max() <= 2.5
    assert face.score >= 0.99


def test_a_photo_without_faces(find: Find) -> None:
    assert find("photos/groups/no-faces.jpg") == []


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow if n in LARGE else ()) for n in COUNTS])
def test_faces_of_groups_are_counted_and_each_nose_is_in_one(data: Path, find: Find, name: str) -> None:
    faces = find(f"photos/groups/{name}")
    noses = json.loads((data / "photos" / "groups" / "noses.json").read_text(encoding="utf-8"))[name]
    assert len(faces) == len(noses) == COUNTS[name]
    for x, y in noses:
        (one,) = [face for face in faces if face.box[0] < x < face.box[2] and face.box[1] < y < face.box[3]]
        assert np.hypot(*(one.landmarks[2] - (x, y))) <= 0.25 * one.width


@pytest.mark.parametrize("min_face", [7.5, 24, 48, 60])
def test_a_face_of_known_size_is_found_whatever_smaller_one_is_asked_for(find: Find, min_face: float) -> None:
    (face,) = find("photos/groups/ivan.jpg", min_face=min_face)  # 68 pixels high
    assert overlap(face.box, find("photos/groups/ivan.jpg")[0].box) >= 0.85


@pytest.mark.parametrize("min_face", [140, 250])
def test_a_face_of_known_size_is_not_found_when_much_larger_ones_are_asked_for(find: Find, min_face: float) -> None:
    assert find("photos/groups/ivan.jpg", min_face=min_face) == []


MIXED = ["groups/ivan.jpg", "groups/no-faces.jpg", "groups/014_5.jpg", "presidents/obama2.jpg", "keras_vggface/ajb.jpg"]


def test_photos_of_mixed_sizes_at_once_are_as_one_by_one(data: Path, mtcnn: Detector, find: Find) -> None:
    together = mtcnn.detect([images.read(data / "photos" / name).pixels for name in MIXED])
    assert [len(faces) for faces in together] == [1, 0, 5, 1, 1]
    for name, faces in zip(MIXED, together, strict=True):
        assert_same(faces, find(f"photos/{name}"))


CHANGED = ["groups/000_5.jpg", "presidents/biden.jpg", "tutorial/sharon_stone1.jpg"]


@pytest.mark.parametrize("name", CHANGED)
def test_a_mirrored_photo_has_mirrored_faces(data: Path, mtcnn: Detector, find: Find, name: str) -> None:
    pixels = images.read(data / "photos" / name).pixels
    width = pixels.shape[1]
    (mirrored,), straight = mtcnn.detect([pixels[:, ::-1]]), find(f"photos/{name}")
    assert len(mirrored) == len(straight)
    for face in straight:
        expected = np.array([width - face.box[2], face.box[1], width - face.box[0], face.box[3]])
        twin = max(mirrored, key=lambda other: overlap(other.box, expected))
        assert overlap(twin.box, expected) >= 0.85
        points = (face.landmarks * [-1, 1] + [width, 0])[[1, 0, 2, 4, 3]]
        assert np.abs(twin.landmarks - points).max() <= 0.06 * face.height


@pytest.mark.parametrize("name", CHANGED)
def test_a_cut_photo_has_moved_faces(data: Path, mtcnn: Detector, find: Find, name: str) -> None:
    pixels = images.read(data / "photos" / name).pixels
    straight = find(f"photos/{name}")
    margin = int(min(face.box[:2].min() for face in straight)) // 2
    (moved,) = mtcnn.detect([pixels[margin:, margin:]])
    assert len(moved) == len(straight)
    for face in straight:
        assert max(overlap(other.box, face.box - margin) for other in moved) >= 0.85


# --- agreement with facenet-pytorch, on every photo


def ours(find: Find, name: str) -> list[Face]:
    return find(name, min_face=GOLDEN[name]["min_face"])


@pytest.fixture(scope="module")
def best(find: Find, size_of: Callable[[str], Size]) -> dict[tuple[str, float], float]:
    """For each face that they are sure of, by photo and left edge: the overlap of the best of ours."""
    return {
        (name, theirs[0]): best_overlap(find, name, theirs[:4])
        for name, entry in GOLDEN.items()
        for theirs in entry["faces"]
        if theirs[4] >= SURE and (name, round(theirs[0])) != NO_FACE and not reaches_out(size_of(name), theirs[:4])
    }


@pytest.fixture(scope="module")
def size_of(data: Path) -> Callable[[str], Size]:
    """Width and height of an upright photo, by its header."""

    def measure(name: str) -> Size:
        with Image.open(data / name) as image:
            turned = image.getexif().get(0x0112, 1) >= 5
            return image.size[::-1] if turned else image.size

    return measure


def best_overlap(find: Find, name: str, box: list[float]) -> float:
    return max((overlap(face.box, np.array(box)) for face in ours(find, name)), default=0.0)


def reaches_out(size: Size, box: list[float]) -> bool:
    """Say whether a box of theirs ends at the edge of the picture (width, height) or beyond.

    There they stretch what is left of a crop, so their boxes are no measure.
    """
    return min(box[:2]) <= 0 or box[2] >= size[0] or box[3] >= size[1]


def test_sure_faces_at_the_edge_are_found_too(find: Find, size_of: Callable[[str], Size]) -> None:
    """By their parts within the picture, half of which any box of the face shares."""
    missed, seen = [], 0
    for name, entry in GOLDEN.items():
        limits = np.tile(size_of(name), 2)
        faces = [np.clip(face.box, 0, limits) for face in ours(find, name)]
        for theirs in entry["faces"]:
            if theirs[4] >= SURE and reaches_out(size_of(name), theirs[:4]):
                seen += 1
                inside = np.clip(theirs[:4], 0, limits)
                if max((overlap(box, inside) for box in faces), default=0.0) < 0.5:
                    missed.append((name, round(theirs[0])))
    assert seen >= 3
    assert missed == []


def test_every_face_that_they_are_sure_of_is_found(best: dict[tuple[str, float], float]) -> None:
    assert len(best) > 100
    assert {where: round(value, 2) for where, value in best.items() if value < 0.5} == {}


def test_nine_boxes_in_ten_are_theirs(best: dict[tuple[str, float], float]) -> None:
    assert np.mean([value >= 0.85 for value in best.values()]) >= 0.9


@pytest.mark.slow(seconds=7)
def test_hardly_any_face_is_ours_alone(find: Find, size_of: Callable[[str], Size]) -> None:
    alone = []
    for name, entry in GOLDEN.items():
        limits = np.tile(size_of(name), 2)
        others = [np.clip(theirs[:4], 0, limits) for theirs in entry["faces"]]
        for face in ours(find, name):
            if max((overlap(np.clip(face.box, 0, limits), box) for box in others), default=0.0) < 0.5:
                alone.append((name, face.box.round().tolist()))
    assert len(alone) <= 2, alone
