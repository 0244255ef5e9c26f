"""dlib's shape predictors: a small one written here and read back, and damaged ones."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visavis.errors import WeightsError
from visavis.weights.readers import dlib_dat

from . import files

RNG = np.random.default_rng(12)
STAGES, TREES, SPLITS, POINTS, PIXELS = 2, 3, 3, 5, 7

INITIAL = RNG.normal(size=(POINTS, 2)).astype(np.float32)
ANCHORS = RNG.integers(0, POINTS, (STAGES, PIXELS))
OFFSETS = RNG.normal(size=(STAGES, PIXELS, 2)).astype(np.float32)
FIRST, SECOND = RNG.integers(0, PIXELS, (2, STAGES, TREES, SPLITS))
LIMITS = RNG.normal(0, 30, (STAGES, TREES, SPLITS)).astype(np.float32)
LEAVES = RNG.normal(size=(STAGES, TREES, SPLITS + 1, POINTS, 2)).astype(np.float32)
FORESTS = [
    [
        files.tree(list(zip(FIRST[s, t].tolist(), SECOND[s, t].tolist(), LIMITS[s, t], strict=True)), LEAVES[s, t])
        for t in range(TREES)
    ]
    for s in range(STAGES)
]
PREDICTOR = files.shape_predictor(INITIAL, FORESTS, ANCHORS, OFFSETS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shape.dat"


def read(path: Path, data: bytes) -> dlib_dat.ShapePredictor:
    path.write_bytes(data)
    return dlib_dat.read_shape_predictor(path)


def test_a_small_predictor_comes_back(path: Path) -> None:
    found = read(path, PREDICTOR)
    expected = {
        "initial": INITIAL,
        "anchors": ANCHORS,
        "offsets": OFFSETS,
        "first": FIRST,
        "second": SECOND,
        "limits": LIMITS,
        "leaves": LEAVES,
    }
    for name, values in expected.items():
        np.testing.assert_array_equal(getattr(found, name), values, err_msg=name)
    assert found.leaves.dtype == np.float32
    assert found.anchors.dtype == np.int32


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_floats_come_back(tmp_path_factory: pytest.TempPathFactory, number: float) -> None:
    path = tmp_path_factory.getbasetemp() / "real.dat"
    path.write_bytes(files.real(number) + b"rest")
    stream = dlib_dat._Stream(path)
    assert stream.real() == number
    assert stream.take(4) == b"rest"


@pytest.mark.parametrize("exponent", [32000, 32001, 32002, -5000, 2**40, 1000, 66])
def test_floats_that_no_weight_has(path: Path, exponent: int) -> None:
    path.write_bytes(files.integers(2**63, exponent))
    with pytest.raises(WeightsError, match=r"shape\.dat is damaged or not dlib's: a float"):
        dlib_dat._Stream(path).real()


@pytest.mark.parametrize("cut", range(0, len(PREDICTOR), 61))
def test_a_file_that_ends_early(path: Path, cut: int) -> None:
    with pytest.raises(WeightsError, match=r"shape\.dat is damaged or not dlib's"):
        read(path, PREDICTOR[:cut])


def test_another_version(path: Path) -> None:
    with pytest.raises(WeightsError, match="another version of the format than 1"):
        read(path, files.shape_predictor(INITIAL, FORESTS, ANCHORS, OFFSETS, version=2))


def test_leaves_that_do_not_fit_the_splits(path: Path) -> None:
    nodes = [(0, 1, 0.5)] * SPLITS
    wrong = [FORESTS[0], [files.tree(nodes, LEAVES[0, 0], count=SPLITS), *FORESTS[1][1:]]]
    with pytest.raises(WeightsError, match="a tree whose leaves do not fit its splits"):
        read(path, files.shape_predictor(INITIAL, wrong, ANCHORS, OFFSETS))


def test_trees_of_different_depth(path: Path) -> None:
    shallow = files.tree([(0, 1, 0.5)], LEAVES[0, 0, :2])
    with pytest.raises(WeightsError, match="trees of different sizes"):
        read(path, files.shape_predictor(INITIAL, [[shallow, *FORESTS[0][1:]], FORESTS[1]], ANCHORS, OFFSETS))


def test_stages_of_different_width(path: Path) -> None:
    with pytest.raises(WeightsError, match="trees of different sizes"):
        read(path, files.shape_predictor(INITIAL, [FORESTS[0], FORESTS[1][:2]], ANCHORS, OFFSETS))


@pytest.mark.parametrize("anchor", [2**31, 2**63, -(2**40)])
def test_numbers_of_points_that_no_shape_has(path: Path, anchor: int) -> None:
    anchors = ANCHORS.astype(object)
    anchors[1, 2] = anchor
    with pytest.raises(WeightsError):
        read(path, files.shape_predictor(INITIAL, FORESTS, anchors, OFFSETS))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(PREDICTOR) - 1), st.integers(0, 255))
def test_no_changed_byte_gives_another_error(tmp_path_factory: pytest.TempPathFactory, at: int, value: int) -> None:
    data = PREDICTOR[:at] + bytes([value]) + PREDICTOR[at + 1 :]
    with suppress(WeightsError):
        found = read(tmp_path_factory.getbasetemp() / "changed.dat", data)
        stages, trees, splits = found.limits.shape
        assert found.leaves.shape[:3] == (stages, trees, splits + 1)
        assert found.first.shape == found.second.shape == found.limits.shape
