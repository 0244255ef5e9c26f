"""SCRFD: what its outputs mean, and that a plain reading of the published file gives the same faces."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from visavis import images, runtime
from visavis.detectors import DETECTORS
from visavis.detectors._onnx_parts import open_sizes
from visavis.detectors._single_shot import RawFaces
from visavis.detectors.scrfd import decode, prepare
from visavis.errors import UsageError, WeightsError
from visavis.weights import spec

from .published import find, load

ROWS = pytest.mark.parametrize("row", [spec.SCRFD_500M, spec.SCRFD_2500M], ids=lambda row: row.name)


# --- against a plain reading, cell by cell, of what the file as published gives at its own size


def plain(path: Path, pixels: np.ndarray, least: float) -> list[tuple[float, list[float], list[float]]]:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    batch = ((pixels.astype(np.float64) - 127.5) / 128).transpose(2, 0, 1)[None].astype(np.float32)
    maps = session.run(None, {"images": batch})
    faces = []
    for number, stride in enumerate((8, 16, 32)):
        across = 640 // stride
        for anchor in np.flatnonzero(maps[number][0, :, 0] >= least).tolist():
            row, column = divmod(anchor // 2, across)
            x, y = column * stride, row * stride
            left, top, right, bottom = (maps[number + 3][0, anchor] * stride).tolist()
            offsets = (maps[number + 6][0, anchor] * stride).tolist()
            points = [offset + (x, y)[place % 2] for place, offset in enumerate(offsets)]
            faces.append((float(maps[number][0, anchor, 0]), [x - left, y - top, x + right, y + bottom], points))
    return faces


@ROWS
def test_faces_are_those_of_a_plain_reading(data: Path, row: spec.WeightSpec) -> None:
    pixels = np.zeros((640, 640, 3), np.uint8)
    photo = images.read(data / "photos" / "groups" / "000_5.jpg").pixels[:640, :640]
    pixels[: photo.shape[0]] = photo
    expected = plain(find(row), pixels, 0.3)
    assert len(expected) > 8
    session = runtime.Session(open_sizes(find(row).read_bytes()), threads=1)
    found = decode(session.run(prepare(pixels)), 640, 640, 0.3)
    np.testing.assert_allclose(found.scores, [score for score, _, _ in expected], atol=1e-5)
    np.testing.assert_allclose(found.boxes, [box for _, box, _ in expected], atol=1e-2)
    np.testing.assert_allclose(found.points.reshape(-1, 10), [points for _, _, points in expected], atol=1e-2)


@ROWS
def test_eyes_and_mouth_are_where_they_are_seen(data: Path, tmp_path: Path, row: spec.WeightSpec) -> None:
    (face,) = load(row.name, tmp_path).detect([images.read(data / "photos" / "groups" / "ivan.jpg").pixels])[0]
    published = np.array([(291, 117), (314, 114), (303, 131), (296, 143), (313, 141)])
    assert np.abs(face.landmarks - published).max() <= 4


# --- what the outputs mean, by hand


def decoded(cells: dict[int, dict[int, tuple[float, list[float], list[float]]]], least: float = 0.5) -> RawFaces:
    """Faces in 64x32 pixels; by stride, by number of anchor: score, distances, landmarks."""
    parts: list[list[np.ndarray]] = [[], [], []]
    for stride in (8, 16, 32):
        count = 2 * (64 // stride) * (32 // stride)
        arrays = [np.zeros((1, count, width), np.float32) for width in (1, 4, 10)]
        for anchor, values in cells.get(stride, {}).items():
            for array, value in zip(arrays, values, strict=True):
                array[0, anchor] = value
        for part, array in zip(parts, arrays, strict=True):
            part.append(array)
    return decode([array for part in parts for array in part], 32, 64, least)


def test_a_box_is_distances_from_the_corner_of_the_cell() -> None:
    """Anchors 12 and 13 of 4 x 2 cells of 16 pixels are of column 2, row 1."""
    points = [0, 0, 1, 0, 0.5, 0.5, 0, 1, 1, 1.25]
    found = decoded({16: {12: (0.9, [0.5, 0.25, 1, 2], points), 13: (0.6, [0, 0, 1, 1], points)}})
    np.testing.assert_allclose(found.boxes, [(24, 12, 48, 48), (32, 16, 48, 32)])
    np.testing.assert_allclose(found.scores, [0.9, 0.6])
    np.testing.assert_allclose(found.points[0], [(32, 16), (48, 16), (40, 24), (32, 32), (48, 36)])


def test_every_stride_has_its_own_cells() -> None:
    one = (1.0, [1.0] * 4, [0.0] * 10)
    found = decoded({8: {18: one}, 16: {10: one}, 32: {3: one}})
    np.testing.assert_allclose(found.points[:, 0], [(8, 8), (16, 16), (32, 0)])
    np.testing.assert_allclose(found.boxes[:, 2] - found.boxes[:, 0], [16, 32, 64])


def test_what_scores_less_is_left_out() -> None:
    nothing = ([0.0] * 4, [0.0] * 10)
    found = decoded({8: {0: (0.4, *nothing), 1: (0.6, *nothing), 2: (0.5, *nothing)}}, least=0.5)
    np.testing.assert_allclose(found.scores, [0.6, 0.5])


def test_the_network_sees_rgb_about_zero() -> None:
    pixels = np.array([[(0, 51, 255)]], np.uint8)
    np.testing.assert_allclose(prepare(pixels)[0, :, 0, 0], [-0.99609375, -0.59765625, 0.99609375])


# --- options


@pytest.mark.parametrize("name", ["scrfd-500m", "scrfd-2.5g"])
def test_threads_are_checked_even_where_the_file_is_absent(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("VISAVIS_WEIGHTS", "")
    monkeypatch.setenv("VISAVIS_OFFLINE", "1")
    with pytest.raises(UsageError, match="threads must be at least 1"):
        DETECTORS.create(name, threads=-1)


def test_the_license_has_to_be_accepted_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_WEIGHTS", str(find(spec.SCRFD_500M).parent))
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path))
    monkeypatch.setenv("VISAVIS_ACCEPT_LICENSE", "")
    with pytest.raises(WeightsError, match="non-commercial"):
        DETECTORS.create("scrfd-500m")
