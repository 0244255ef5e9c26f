"""dlib's networks: a small one written here and read back, the published one, and damaged ones."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visavis.errors import WeightsError
from visavis.weights import spec, store
from visavis.weights.readers import dlib_dat

from . import files

RNG = np.random.default_rng(8)


def some(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


KERNELS = [some(4, 3, 5, 5), some(6, 4, 3, 3), some(2, 6, 1, 3)]
BIASES = [some(len(kernel)) for kernel in KERNELS]
GAMMAS = [some(len(kernel)) for kernel in KERNELS]
BETAS = [some(len(kernel)) for kernel in KERNELS]
MATRIX = some(2, 7)
LAYERS = b"".join(
    files.convolution(kernel, bias) + b"\x01\x05relu_" + files.affine(gamma, beta)
    for kernel, bias, gamma, beta in zip(KERNELS, BIASES, GAMMAS, BETAS, strict=True)
)
NETWORK = b"\x01\x03abc" + LAYERS + files.dense(MATRIX) + b"the end"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "net.dat"


def read(path: Path, data: bytes) -> tuple[list[dlib_dat.Convolution], np.ndarray]:
    path.write_bytes(data)
    return dlib_dat.read_network(path)


def test_a_small_network_comes_back(path: Path) -> None:
    layers, matrix = read(path, NETWORK)
    np.testing.assert_array_equal(matrix, MATRIX)
    assert len(layers) == 3
    for layer, *parts in zip(layers, KERNELS, BIASES, GAMMAS, BETAS, strict=True):
        for name, expected in zip(("kernel", "bias", "gamma", "beta"), parts, strict=True):
            np.testing.assert_array_equal(getattr(layer, name), expected)


def test_the_published_network() -> None:
    layers, matrix = dlib_dat.read_network(store.find(spec.DLIB_RESNET))
    assert matrix.shape == (256, 128)
    assert layers[0].kernel.shape == (32, 3, 7, 7)
    assert [layer.kernel.shape[0] for layer in layers] == [32] * 7 + [64] * 8 + [128] * 6 + [256] * 8
    assert all(layer.kernel.shape[2:] == (3, 3) for layer in layers[1:])
    assert all(np.isfinite(layer.kernel).all() for layer in layers)


# --- integers


@given(st.integers(-(2**64) + 1, 2**64 - 1))
def test_packed_integers(tmp_path_factory: pytest.TempPathFactory, number: int) -> None:
    path = tmp_path_factory.getbasetemp() / "integer.dat"
    path.write_bytes(files.integer(number) + b"rest")
    stream = dlib_dat._Stream(path)
    assert stream.integer() == number
    assert stream.take(4) == b"rest"


@pytest.mark.parametrize(
    ("data", "number"),
    [
        (b"\x01\x00", 0),
        (b"\x01\x7f", 127),
        (b"\x01\xff", 255),
        (b"\x02\x00\x01", 256),
        (b"\x81\x01", -1),
        (b"\x82\x39\x30", -12345),
        (b"\x04\x78\x56\x34\x12", 0x12345678),
        (b"\x08" + b"\xff" * 8, 2**64 - 1),
    ],
)
def test_integers_as_dlib_writes_them(path: Path, data: bytes, number: int) -> None:
    path.write_bytes(data)
    assert dlib_dat._Stream(path).integer() == number


@pytest.mark.parametrize("data", [b"", b"\x01", b"\x04abc", b"\x09" + bytes(9), b"\x8f" + bytes(20)])
def test_integers_that_are_none(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with pytest.raises(WeightsError, match=r"net\.dat is damaged or not dlib's: .* at byte \d+\."):
        dlib_dat._Stream(path).integer()


# --- damage


@pytest.mark.parametrize("cut", range(0, len(NETWORK) - 8, 37))
def test_a_file_that_ends_early(path: Path, cut: int) -> None:
    with pytest.raises(WeightsError, match=r"net\.dat is damaged or not dlib's"):
        read(path, NETWORK[:cut])


@pytest.mark.parametrize("layer", [0, 2])
@pytest.mark.parametrize("filters", [1, 3, 5, 2**40, -4])
def test_a_number_of_filters_that_lies(path: Path, filters: int, layer: int) -> None:
    true, lie = (files.convolution(KERNELS[layer], BIASES[layer], filters=n) for n in (None, filters))
    with pytest.raises(WeightsError, match="do not fill the tensor"):
        read(path, NETWORK.replace(true, lie))


@pytest.mark.parametrize(
    "shape", [(4, 1, 1, 2**60), (2**62, 2**62, 1, 1), (-1, -1, 304, 1), (0, 1, 1, 1), (305, 1, 1, 1)]
)
def test_a_tensor_that_lies(path: Path, shape: tuple[int, ...]) -> None:
    values = np.concatenate([KERNELS[0].ravel(), BIASES[0]])
    lying = NETWORK.replace(files.tensor(values), files.tensor(values, shape=shape))
    assert lying != NETWORK
    with pytest.raises(WeightsError):
        read(path, lying)


def test_a_tensor_of_another_version(path: Path) -> None:
    with pytest.raises(WeightsError, match="version 3"):
        read(path, NETWORK.replace(files.tensor(MATRIX), files.tensor(MATRIX, version=3)))


@pytest.mark.parametrize("width", [1, 3, 5, 0])
def test_an_affine_layer_of_another_width(path: Path, width: int) -> None:
    other = files.affine(some(width), some(width))
    with pytest.raises(WeightsError, match="affine layer of another width"):
        read(path, NETWORK.replace(files.affine(GAMMAS[0], BETAS[0]), other))


def test_an_affine_layer_of_an_odd_number_of_values(path: Path) -> None:
    other = files.affine(GAMMAS[0], BETAS[0][:-1])
    with pytest.raises(WeightsError, match="affine layer of another width"):
        read(path, NETWORK.replace(files.affine(GAMMAS[0], BETAS[0]), other))


def test_no_affine_layer_behind_a_convolution(path: Path) -> None:
    with pytest.raises(WeightsError, match="without its affine layer"):
        read(path, files.convolution(KERNELS[0], BIASES[0]) + files.dense(MATRIX))


@pytest.mark.parametrize("data", [b"", b"abc" * 40, files.dense(MATRIX), LAYERS])
def test_no_network(path: Path, data: bytes) -> None:
    with pytest.raises(WeightsError, match="no convolutions, or no final layer"):
        read(path, data)


@pytest.mark.parametrize("sizes", [(7, 3), (2, 6), (-2, -7), (2**40, 2**40)])
def test_a_final_matrix_of_another_size(path: Path, sizes: tuple[int, int]) -> None:
    with pytest.raises(WeightsError, match="final matrix has another size"):
        read(path, NETWORK.replace(files.dense(MATRIX), files.dense(MATRIX, sizes=sizes)))


@given(st.integers(0, len(NETWORK) - 1), st.integers(0, 255))
def test_no_changed_byte_gives_another_error(tmp_path_factory: pytest.TempPathFactory, at: int, value: int) -> None:
    data = NETWORK[:at] + bytes([value]) + NETWORK[at + 1 :]
    with suppress(WeightsError):
        layers, matrix = read(tmp_path_factory.getbasetemp() / "changed.dat", data)
        assert len(layers) <= 3
        assert matrix.shape[0] * matrix.shape[1] == matrix.size
