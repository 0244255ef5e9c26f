"""dlib's points, 5 and 68, against dlib's own: of a drawn face, and of 50 photographs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from golden import chips
from visavis import images
from visavis.errors import UsageError, WeightsError
from visavis.landmarks import BATCH, FARTHEST, PLACES, Predictor, dlib_boxes, load_predictor
from visavis.types import RGB, Face, Floats
from visavis.weights import spec, store
from visavis.weights.readers import dlib_dat

GOLDEN = Path(__file__).parent / "golden"
PHOTOS = json.loads((GOLDEN / "dlib_landmarks.json").read_text(encoding="utf-8"))["photos"]

with np.load(GOLDEN / "dlib_landmarks.npz") as drawn:
    BOXES = drawn["rects"].astype(np.float32)
    DRAWN = {5: drawn["points_5"], 68: drawn["points_68"]}

BOTH = pytest.mark.parametrize("points", [5, 68])


@pytest.fixture(autouse=True)
def accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the license of the 68 points had been accepted; nothing is written to the user's cache."""
    monkeypatch.setattr(store, "_is_accepted", lambda row: True)


def whole(points: Floats) -> np.ndarray:
    """dlib answers in whole pixels."""
    return np.floor(points + 0.5).astype(int)


@BOTH
def test_points_of_a_drawn_face_are_dlibs(points: int) -> None:
    found = load_predictor(points=points).predict(chips.scene(), BOXES)
    assert found.shape == (6, points, 2)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(whole(found), DRAWN[points])


@BOTH
@pytest.mark.parametrize("name", PHOTOS)
def test_points_of_photographs_are_dlibs(data: Path, name: str, points: int) -> None:
    if not (data / name).is_file():
        pytest.skip(f"the test photographs have no {name}")
    faces: list[dict[str, Any]] = PHOTOS[name]
    boxes = np.array([face["rect"] for face in faces], np.float32).reshape(-1, 4)
    expected = np.array([face[str(points)] for face in faces]).reshape(-1, points, 2)
    found = load_predictor(points=points).predict(images.read(data / name).pixels, boxes)
    np.testing.assert_array_equal(whole(found), expected)


def test_fifty_photographs_are_compared() -> None:
    assert len(PHOTOS) == 50
    assert sum(len(faces) for faces in PHOTOS.values()) > 60


@BOTH
def test_faces_do_not_influence_each_other(points: int) -> None:
    """Also where there are more of them than go through the stages together."""
    model = load_predictor(points=points)
    many = np.concatenate([BOXES + shift for shift in (0, 3, -5, 8)])
    assert len(many) > 2 * BATCH
    together = model.predict(chips.scene(), many)
    np.testing.assert_array_equal(together, np.concatenate([model.predict(chips.scene(), box[None]) for box in many]))
    np.testing.assert_array_equal(model.predict(chips.scene(), many[::-1]), together[::-1])


@BOTH
def test_points_move_with_the_picture(points: int) -> None:
    model = load_predictor(points=points)
    picture = np.pad(chips.scene(), ((32, 32), (64, 64), (0, 0)))
    moved = model.predict(picture, BOXES + np.array([64, 32, 64, 32], np.float32))
    still = model.predict(chips.scene(), BOXES)
    np.testing.assert_allclose(moved - np.array([64, 32]), still, atol=1e-3)


@BOTH
def test_points_grow_with_the_picture(points: int) -> None:
    """Each pixel becomes nine; the middle one of them is where the pixel was."""
    model = load_predictor(points=points)
    large = chips.scene().repeat(3, axis=0).repeat(3, axis=1)
    grown = model.predict(large, BOXES[:1] * 3 + 1)[0]
    np.testing.assert_allclose((grown - 1) / 3, model.predict(chips.scene(), BOXES[:1])[0], atol=0.02)


@BOTH
def test_a_box_is_only_where_the_search_starts(points: int) -> None:
    model = load_predictor(points=points)
    side = BOXES[0, 2] - BOXES[0, 0]
    shifts = np.array([(0, 0), (0.04, 0), (-0.04, 0), (0, 0.04), (0, -0.04)], np.float32) * side
    found = model.predict(chips.scene(), BOXES[0] + np.tile(shifts, 2))
    apart = np.linalg.norm(found[1:] - found[0], axis=2).mean(axis=1)
    assert (apart < 0.5 * 0.04 * side).all()


@BOTH
def test_a_mirrored_view_is_read_as_its_copy_is(points: int) -> None:
    model = load_predictor(points=points)
    view = chips.scene()[:, ::-1]
    np.testing.assert_array_equal(model.predict(view, BOXES), model.predict(view.copy(), BOXES))


@BOTH
def test_a_box_outside_the_picture_gives_points_all_the_same(points: int) -> None:
    away = np.array([[1000, 1000, 1100, 1100], [-400, -400, -300, -300]], np.float32)
    found = load_predictor(points=points).predict(chips.scene(), away)
    np.testing.assert_allclose(found[0] - 1000, found[1] + 400, atol=1e-3)
    assert (np.abs(found[0] - 1050) < 100).all()


@BOTH
def test_no_box_no_points(points: int) -> None:
    assert load_predictor(points=points).predict(chips.scene(), np.empty((0, 4), np.float32)).shape == (0, points, 2)


@pytest.mark.parametrize(
    "boxes", [[1, 2, 3, 4], [[1, 2, 3]], [[1, 2, 3, np.nan]], [[1, 2, np.inf, 4]], [[1, 2, 3, 2 * FARTHEST]]]
)
def test_boxes_that_are_none(boxes: list[Any]) -> None:
    with pytest.raises(UsageError, match=r"boxes must be \(n, 4\) and within 1,000,000 pixels, got \["):
        load_predictor(points=5).predict(chips.scene(), np.array(boxes, np.float32))


def test_numbers_of_points_that_there_are_not() -> None:
    with pytest.raises(UsageError, match="of 68 points and of 5, not of 81"):
        load_predictor(points=81)


def by_the_paper(cascade: dlib_dat.ShapePredictor, picture: RGB, box: list[float]) -> Floats:
    """The cascade run tree by tree and node by node, in plain Python."""
    corner, size = np.array(box[:2]), np.array(box[2:]) - box[:2]
    shape = cascade.initial.copy()
    for stage in range(len(cascade.limits)):
        a, b = (p - p.mean(axis=0) for p in (cascade.initial.astype(float), shape.astype(float)))
        u, s, v = np.linalg.svd(b.T @ a)
        turn = (u @ v * s.sum() / (a**2).sum()).astype(np.float32)
        grays = []
        for anchor, offset in zip(cascade.anchors[stage], cascade.offsets[stage], strict=True):
            x, y = np.floor((shape[anchor] + turn @ offset) * size + corner + 0.5).astype(int)
            inside = 0 <= x < picture.shape[1] and 0 <= y < picture.shape[0]
            grays.append(int(picture[y, x].sum(dtype=int)) // 3 if inside else 0)
        for tree in range(cascade.limits.shape[1]):
            node, splits = 0, cascade.limits.shape[2]
            while node < splits:
                first, second = (part[stage, tree, node] for part in (cascade.first, cascade.second))
                node = 2 * node + (1 if grays[first] - grays[second] > cascade.limits[stage, tree, node] else 2)
            shape = shape + cascade.leaves[stage, tree, node - splits]
    return shape * size + corner


def small_cascade(seed: int) -> dlib_dat.ShapePredictor:
    """One of 7 points, 3 stages of 5 trees of 3 nodes and 11 pixels, at random."""
    rng = np.random.default_rng(seed)
    return dlib_dat.ShapePredictor(
        initial=rng.uniform(0, 1, (7, 2)).astype(np.float32),
        anchors=rng.integers(0, 7, (3, 11)).astype(np.int32),
        offsets=rng.normal(0, 0.2, (3, 11, 2)).astype(np.float32),
        first=rng.integers(0, 11, (3, 5, 3)).astype(np.int32),
        second=rng.integers(0, 11, (3, 5, 3)).astype(np.int32),
        limits=rng.normal(0, 40, (3, 5, 3)).astype(np.float32),
        leaves=rng.normal(0, 0.05, (3, 5, 4, 7, 2)).astype(np.float32),
    )


@pytest.mark.parametrize("seed", range(20))
def test_a_cascade_does_what_the_paper_says(seed: int) -> None:
    cascade = small_cascade(seed)
    picture = chips.noise(60, seed=seed).astype(np.uint8)
    boxes = np.array([[5, 8, 45, 52], [-20, 10, 30, 55], [40, 40, 90, 90]], np.float32)
    expected = [by_the_paper(cascade, picture, box) for box in boxes.tolist()]
    np.testing.assert_allclose(Predictor(cascade).predict(picture, boxes), np.array(expected), atol=1e-4)


def test_equal_grays_are_not_higher() -> None:
    """A limit that is a whole number is reached, not passed, by an equal difference."""
    cascade = small_cascade(0)
    cascade.limits[:] = 0
    flat = np.full((60, 60, 3), 77, np.uint8)
    expected = by_the_paper(cascade, flat, [5, 8, 45, 52])
    found = Predictor(cascade).predict(flat, np.array([[5, 8, 45, 52]], np.float32))
    np.testing.assert_allclose(found[0], expected, atol=1e-4)


def face(landmarks: Floats) -> Face:
    return Face(np.array([0, 0, 1, 1], np.float32), 1.0, landmarks.astype(np.float32))


def test_the_box_of_landmarks_at_their_usual_places() -> None:
    boxes = dlib_boxes([face(PLACES * 200 + [30, 40]), face(PLACES * 50 - [7, 3])])
    np.testing.assert_allclose(boxes, [[30, 40, 230, 240], [-7, -3, 43, 47]], atol=1e-3)
    assert dlib_boxes([]).shape == (0, 4)


def test_the_box_of_a_leaning_face_is_as_large_and_upright() -> None:
    """A quarter turn about the box's middle leaves the box where it is."""
    turned = (PLACES - 0.5) @ np.array([[0, 1], [-1, 0]]) + 0.5
    np.testing.assert_allclose(dlib_boxes([face(turned * 100)]), [[0, 0, 100, 100]], atol=1e-3)


def test_boxes_from_our_own_detector_give_dlibs_points(data: Path) -> None:
    """In the middle as near as dlib comes to itself when its box is moved by a twenty-fifth of its side."""
    from visavis.detectors import DETECTORS

    finder, errors = DETECTORS.create("mtcnn"), []
    for name in [name for name, faces in PHOTOS.items() if len(faces) == 1]:
        picture = images.read(data / name).pixels
        rect, expected = (np.array(PHOTOS[name][0][key], float) for key in ("rect", "68"))
        middle, side = (rect[:2] + rect[2:]) / 2, rect[2] - rect[0]
        faces = [
            one for one in finder.detect([picture])[0] if np.abs(one.landmarks.mean(0) - middle).max() < 0.3 * side
        ]
        for points in load_predictor(points=68).predict(picture, dlib_boxes(faces[:1])):
            eyes = np.linalg.norm(expected[36:42].mean(0) - expected[42:48].mean(0))
            errors.append(np.linalg.norm(points - expected, axis=1).mean() / eyes)
    assert len(errors) >= 30
    assert np.median(errors) < 0.02


@pytest.mark.parametrize("sixteenths", range(16))
def test_a_file_cut_short_is_refused(tmp_path: Path, sixteenths: int) -> None:
    whole_file = store.find(spec.DLIB_5_POINTS).read_bytes()[:200_000]
    path = tmp_path / "cut.dat"
    path.write_bytes(whole_file[: len(whole_file) * sixteenths // 16])
    with pytest.raises(WeightsError, match=r"cut\.dat is damaged or not dlib's"):
        dlib_dat.read_shape_predictor(path)
