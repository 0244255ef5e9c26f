"""dlib's shape predictors: a small one written here and read back, and damaged ones."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from example_counts import examples
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


@pytest.mark.parametrize("anchor", [-1, POINTS])
def test_pixels_tied_to_points_that_there_are_not(path: Path, anchor: int) -> None:
    anchors = ANCHORS.copy()
    anchors[1, 2] = anchor
    with pytest.raises(WeightsError, match="tied to a point that there is not"):
        read(path, files.shape_predictor(INITIAL, FORESTS, anchors, OFFSETS))


@pytest.mark.parametrize("pair", [(-1, 0), (0, -1), (PIXELS, 0), (0, PIXELS)])
def test_trees_that_look_at_pixels_that_there_are_not(path: Path, pair: tuple[int, int]) -> None:
    wrong = files.tree([(0, 1, 0.5), (*pair, 0.5), (0, 1, 0.5)], LEAVES[0, 0])
    with pytest.raises(WeightsError, match="looks at a pixel that there is not"):
        read(path, files.shape_predictor(INITIAL, [[wrong, *FORESTS[0][1:]], FORESTS[1]], ANCHORS, OFFSETS))


def test_trees_that_are_not_full(path: Path) -> None:
    forests = [[files.tree([(0, 1, 0.5)] * 2, LEAVES[0, 0, :3])]] * STAGES
    with pytest.raises(WeightsError, match="trees of shape"):
        read(path, files.shape_predictor(INITIAL, forests, ANCHORS, OFFSETS))


@pytest.mark.parametrize(
    ("anchors", "offsets"), [(ANCHORS[:1], OFFSETS), (ANCHORS, OFFSETS[:1]), (ANCHORS[:, 1:], OFFSETS)]
)
def test_pixels_that_do_not_fit_the_stages(path: Path, anchors: np.ndarray, offsets: np.ndarray) -> None:
    with pytest.raises(WeightsError, match=r"anchors and .* offsets for 2 stages"):
        read(path, files.shape_predictor(INITIAL, FORESTS, anchors, offsets))


@pytest.mark.parametrize("leaf", [LEAVES[0, 0, 0, :4], LEAVES[0, 0, 0, :1], np.zeros(9)])
def test_leaves_that_do_not_fit_the_points(path: Path, leaf: np.ndarray) -> None:
    """Of one tree, or of all: five points have ten numbers."""
    leaves = [leaf, *LEAVES[0, 0, 1:]]
    for forest in ([files.tree([(0, 1, 0.5)] * 3, leaves)], [files.tree([(0, 1, 0.5)] * 3, [leaf] * 4)]):
        with pytest.raises(WeightsError, match="trees of different sizes"):
            read(path, files.shape_predictor(INITIAL, [forest] * STAGES, ANCHORS, OFFSETS))


@pytest.mark.parametrize("count", [10**12, -(10**12), 2**62])
def test_counts_far_beyond_the_file_are_refused_at_once(path: Path, count: int) -> None:
    head = files.integers(1) + files.integers(-count, -1)
    with pytest.raises(WeightsError, match=f"{count} floats are wanted"):
        read(path, head + bytes(100))


@pytest.mark.parametrize("where", ["stages", "trees", "splits", "anchors"])
def test_counts_of_other_things_far_beyond_the_file(path: Path, where: str) -> None:
    head = files.integer(1) + files.matrix(INITIAL.ravel())
    told = {"stages": [10**15], "trees": [1, 10**15], "splits": [1, 1, 10**15], "anchors": [0, 10**15]}[where]
    with pytest.raises(WeightsError, match=r"damaged or not dlib's"):
        read(path, head + files.integers(*told) + bytes(1000))


@pytest.mark.parametrize("number", [1.0, -1.5, 2**-149, -(2**-130), 3e38, 1 / 3, 2**24 - 1, 0.0, 1e-9])
def test_floats_of_any_length_in_a_row(path: Path, number: float) -> None:
    """dlib leaves out the zero bytes of a mantissa: those floats stand between usual ones."""
    short = files.integers(3, -1)  # 1.5, in as few bytes as can be
    values = [number, 1 / 3, 1.5, number, -1 / 7, 1.5]
    written = b"".join(short if value == 1.5 else files.real(float(np.float32(value))) for value in values)
    path.write_bytes(written + b"rest")
    stream = dlib_dat._Stream(path)
    found = stream.decoded(stream.reals(len(values)))
    np.testing.assert_array_equal(found, np.array(values, np.float32))
    assert stream.take(4) == b"rest"


@pytest.mark.parametrize("exponent", [105, 200, 255])
def test_usual_floats_that_float32_has_not(path: Path, exponent: int) -> None:
    path.write_bytes(files.integers(2**24 - 1, exponent))
    stream = dlib_dat._Stream(path)
    with pytest.raises(WeightsError, match="a float that is none"):
        stream.decoded(stream.reals(1))


@settings(max_examples=examples(200), deadline=None)
@given(st.integers(0, len(PREDICTOR) - 1), st.integers(0, 255))
def test_no_changed_byte_gives_another_error(tmp_path_factory: pytest.TempPathFactory, at: int, value: int) -> None:
    data = PREDICTOR[:at] + bytes([value]) + PREDICTOR[at + 1 :]
    with suppress(WeightsError):
        found = read(tmp_path_factory.getbasetemp() / "changed.dat", data)
        stages, trees, splits = found.limits.shape
        assert found.leaves.shape[:3] == (stages, trees, splits + 1)
        assert found.first.shape == found.second.shape == found.limits.shape
