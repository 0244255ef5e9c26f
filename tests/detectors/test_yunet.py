"""YuNet: what its outputs mean, and that OpenCV's own detector reads them alike."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest

from visavis import images, runtime
from visavis.boxes import suppress
from visavis.detectors import DETECTORS
from visavis.detectors._onnx_parts import open_sizes, unfold_weights
from visavis.detectors._single_shot import RawFaces, pad
from visavis.detectors.yunet import MIN_SCORE, OVERLAP, decode, prepare
from visavis.errors import UsageError
from visavis.weights import spec

from .drawn import picture
from .published import find, load

LEAST = 0.6
PHOTOS = [
    "bench/bench_group_1280x886.png",
    "bench/bench_b16_09.png",
    "photos/groups/000_5.jpg",
    "photos/groups/016_8.jpg",
    "photos/groups/017_0.jpg",
    "photos/groups/ivan.jpg",
    "photos/keras_vggface/ajb.jpg",
    "photos/presidents/obama.jpg",
    "photos/tutorial/sharon_stone2.jpg",
]


@pytest.fixture(scope="module")
def file() -> Path:
    return find(spec.YUNET_FLOAT)


@pytest.fixture(scope="module")
def session(file: Path) -> runtime.Session:
    return runtime.Session(open_sizes(file.read_bytes()), threads=1)


def ours(session: runtime.Session, pixels: np.ndarray) -> np.ndarray:
    """Rows as OpenCV has them: x, y, width, height, ten of landmarks, score."""
    canvas = pad(pixels)
    found = decode(session.run(prepare(canvas)), *canvas.shape[:2], LEAST)
    found = found[suppress(found.boxes, found.scores, limit=OVERLAP)]
    sides = found.boxes[:, 2:] - found.boxes[:, :2]
    return np.concatenate([found.boxes[:, :2], sides, found.points.reshape(-1, 10), found.scores[:, None]], axis=1)


def theirs(file: Path, pixels: np.ndarray) -> np.ndarray:
    size = (pixels.shape[1], pixels.shape[0])
    detector = cv2.FaceDetectorYN.create(str(file), "", size, LEAST, OVERLAP)
    _, rows = detector.detect(np.ascontiguousarray(pixels[..., ::-1]))
    return np.empty((0, 15), np.float32) if rows is None else rows[np.argsort(-rows[:, -1], kind="stable")]


def assert_alike(mine: np.ndarray, others: np.ndarray) -> None:
    assert mine.shape == others.shape
    np.testing.assert_allclose(mine[:, -1], others[:, -1], atol=1e-4)
    for row in others:
        nearest = mine[np.abs(mine[:, :4] - row[:4]).max(axis=1).argmin()]
        np.testing.assert_allclose(nearest[:14], row[:14], atol=2e-3)
        assert abs(nearest[14] - row[14]) <= 1e-4


@pytest.mark.parametrize("name", PHOTOS)
def test_boxes_landmarks_and_scores_are_those_of_opencv(
    data: Path, file: Path, session: runtime.Session, name: str
) -> None:
    pixels = images.read(data / name).pixels
    others = theirs(file, pixels)
    assert len(others) >= (0 if "017_0" in name else 1)
    assert_alike(ours(session, pixels), others)


@pytest.mark.parametrize("size", [(320, 240), (333, 251), (96, 64)])
def test_drawn_faces_of_any_size_are_those_of_opencv(
    file: Path, session: runtime.Session, size: tuple[int, int]
) -> None:
    pixels = picture(*size, (20, 0, 60))
    others = theirs(file, pixels)
    assert len(others) == 1
    assert_alike(ours(session, pixels), others)


# --- what the outputs mean, by hand


def outputs(cells: dict[int, dict[int, tuple[float, float, list[float], list[float]]]]) -> list[np.ndarray]:
    """Outputs for 64x32 pixels: by stride, by number of cell: class score, objectness, box, landmarks."""
    parts: list[list[np.ndarray]] = [[], [], [], []]
    for stride in (8, 16, 32):
        count = (64 // stride) * (32 // stride)
        arrays = [np.zeros((1, count, width), np.float32) for width in (1, 1, 4, 10)]
        for cell, values in cells.get(stride, {}).items():
            for array, value in zip(arrays, values, strict=True):
                array[0, cell] = value
        for part, array in zip(parts, arrays, strict=True):
            part.append(array)
    return [array for part in parts for array in part]


def decoded(cells: dict[int, dict[int, tuple[float, float, list[float], list[float]]]]) -> RawFaces:
    return decode(outputs(cells), 32, 64, 0.5)


def test_a_box_is_a_center_and_logarithms_of_its_sides() -> None:
    """Cell 6 of 4 x 2 cells of 16 pixels is column 2, row 1."""
    points = [0, 0, 1, 0, 0.5, 0.5, 0, 1, 1, 1.25]
    found = decoded({16: {6: (0.81, 1.0, [0.5, 0.25, 0.0, float(np.log(2))], points)}})
    np.testing.assert_allclose(found.boxes, [[40 - 8, 20 - 16, 40 + 8, 20 + 16]], atol=1e-5)
    np.testing.assert_allclose(found.scores, [0.9], atol=1e-6)
    np.testing.assert_allclose(found.points, [[(32, 16), (48, 16), (40, 24), (32, 32), (48, 36)]], atol=1e-5)


def test_a_score_is_the_root_of_two_that_are_cut_off_at_0_and_1() -> None:
    empty = ([0.0] * 4, [0.0] * 10)
    found = decoded({8: {0: (1.2, 0.64, *empty), 1: (-1, -1, *empty), 2: (0.3, 0.8, *empty), 31: (0.5, 0.5, *empty)}})
    np.testing.assert_allclose(found.scores, [0.8, 0.5], atol=1e-6)
    np.testing.assert_allclose(found.boxes[:, :2], [(-4, -4), (56 - 4, 24 - 4)])


def test_every_stride_has_its_own_cells() -> None:
    one = (1.0, 1.0, [0.0] * 4, [0.0] * 10)
    found = decoded({8: {9: one}, 16: {5: one}, 32: {1: one}})
    centers = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
    np.testing.assert_allclose(centers, [(8, 8), (16, 16), (32, 0)])
    np.testing.assert_allclose(found.boxes[:, 2] - found.boxes[:, 0], [8, 16, 32])


def test_the_network_sees_bgr_as_it_is() -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    batch = prepare(pixels)
    assert batch.dtype == np.float32
    assert batch.flags.c_contiguous
    np.testing.assert_array_equal(batch, pixels[None, :, :, ::-1].transpose(0, 3, 1, 2))


# --- options


@pytest.mark.parametrize("score", [0, 1, -0.5, float("nan")])
def test_a_least_score_beyond_0_and_1_is_refused(tmp_path: Path, score: float) -> None:
    find(spec.YUNET_FLOAT)
    with pytest.raises(UsageError, match="min_score is a score above 0 and below 1"):
        load("yunet", tmp_path, min_score=score)


def test_a_lower_least_score_adds_faces_and_moves_none_of_the_scores(data: Path, tmp_path: Path) -> None:
    pixels = images.read(data / "photos" / "groups" / "016_8.jpg").pixels
    (usual,), (more,) = (load("yunet", tmp_path, **o).detect([pixels]) for o in ({}, {"min_score": 0.3}))
    assert len(usual) == 8
    assert len(more) > 8
    assert [face.score for face in more[:8]] == [face.score for face in usual]


def test_it_is_refused_without_threads_even_where_its_file_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_WEIGHTS", "")
    monkeypatch.setenv("VISAVIS_OFFLINE", "1")
    with pytest.raises(UsageError, match="threads must be at least 1"):
        DETECTORS.create("yunet", threads=0)


# --- the file with weights of 8 bits, which a package carries

WIDE = [28.677, 6.257, 41.005, 51.199, 39.015, 26.963, 58.657, 26.777, 49.352, 37.839, 42.583, 43.472, 58.342, 45.345]
NARROW = [30.025, 5.793, 40.876, 52.26, 40.769, 27.541, 60.135, 27.434, 50.475, 38.213, 43.162, 43.748, 58.904, 46.309]
DRAWN_ROWS = {
    **dict.fromkeys([(320, 240), (333, 251)], np.array([*WIDE, 0.909])),
    (96, 64): np.array([*NARROW, 0.914]),
}
"""What OpenCV gives for the drawn face of ``(20, 0, 60)``, with the file of float32."""
QUANTIZED_PHOTOS = [name for name in PHOTOS if "017_0" not in name]


@pytest.fixture(scope="module")
def packaged() -> runtime.Session:
    return runtime.Session(open_sizes(unfold_weights(find(spec.YUNET))), threads=1)


@pytest.mark.parametrize("size", [(320, 240), (333, 251), (96, 64)])
def test_both_files_see_a_drawn_face_alike(packaged: runtime.Session, size: tuple[int, int]) -> None:
    """Against the published network of float32, whose rows are written down here as OpenCV gave them."""
    (row,) = ours(packaged, picture(*size, (20, 0, 60)))
    expected = DRAWN_ROWS[size]
    assert np.abs(row[:14] - expected[:14]).max() < 0.025 * expected[3]
    assert abs(row[14] - expected[14]) < 0.01


@pytest.mark.parametrize("name", QUANTIZED_PHOTOS)
def test_both_files_find_the_same_faces(
    data: Path, packaged: runtime.Session, session: runtime.Session, name: str
) -> None:
    pixels = images.read(data / name).pixels
    theirs, mine = ours(session, pixels), ours(packaged, pixels)
    certain = 0.8
    assert (theirs[:, 14] >= certain).sum() == (mine[:, 14] >= certain).sum() >= 1
    for row in theirs[theirs[:, 14] >= certain]:
        nearest = mine[np.abs(mine[:, :4] - row[:4]).max(axis=1).argmin()]
        assert np.abs(nearest[:14] - row[:14]).max() < 0.025 * row[2:4].max()
        assert abs(nearest[14] - row[14]) < 0.01


def test_what_is_in_float32_already_is_left_as_it_is(file: Path) -> None:
    batch = {"input": np.random.default_rng(1).uniform(0, 255, (1, 3, 640, 640)).astype(np.float32)}
    one, other = (
        onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, batch)
        for model in (file.read_bytes(), unfold_weights(file))
    )
    for mine, theirs in zip(one, other, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_it_works_from_the_package_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in (("VISAVIS_WEIGHTS", ""), ("VISAVIS_OFFLINE", "1"), ("VISAVIS_CACHE", str(tmp_path))):
        monkeypatch.setenv(name, value)
    ((face,),) = DETECTORS.create("yunet", threads=1).detect([picture(320, 240, (20, 0, 60))])
    expected = DRAWN_ROWS[(320, 240)]
    assert abs(face.box[0] - expected[0]) < 2
    assert face.score > MIN_SCORE
