"""Files as joblib writes them, files that lie, and files that would run code."""

from __future__ import annotations

import pickle
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from example_counts import examples
from visavis.errors import WeightsError
from visavis.weights import spec, store
from visavis.weights.readers import joblib_lz4

from . import files

RNG = np.random.default_rng(5)
KERNEL = RNG.normal(size=(3, 3, 2, 4)).astype(np.float32)
BIAS = RNG.normal(size=4).astype(np.float32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "net.lz4"


def read(path: Path, pickled: bytes) -> list[np.ndarray]:
    path.write_bytes(files.packed(pickled))
    return joblib_lz4.read(path)


@pytest.mark.parametrize("align", [16, None])
@pytest.mark.parametrize("padding", [0, 1, 15])
def test_arrays_come_back(path: Path, padding: int, align: int | None) -> None:
    arrays = [KERNEL, BIAS, np.empty((0, 3), np.float32), np.float32([[7]])]
    found = read(path, files.listed(*(files.array(each, padding=padding, align=align) for each in arrays)))
    assert len(found) == 4
    for one, other in zip(found, arrays, strict=True):
        assert one.dtype == np.float32
        np.testing.assert_array_equal(one, other)
        assert one.shape == other.shape


def test_columns_first(path: Path) -> None:
    found = read(path, files.listed(files.array(np.asfortranarray(KERNEL))))
    np.testing.assert_array_equal(found[0], KERNEL)


def test_an_empty_list(path: Path) -> None:
    assert read(path, files.listed()) == []


@pytest.mark.parametrize(
    ("row", "shapes"),
    [
        (spec.PNET, [(3, 3, 3, 10), (10,), (1, 1, 10), (3, 3, 10, 16), (16,), (1, 1, 16), (3, 3, 16, 32)]),
        (spec.RNET, [(3, 3, 3, 28), (28,), (1, 1, 28), (3, 3, 28, 48), (48,), (1, 1, 48), (2, 2, 48, 64)]),
        (spec.ONET, [(3, 3, 3, 32), (32,), (1, 1, 32), (3, 3, 32, 64), (64,), (1, 1, 64), (3, 3, 64, 64)]),
    ],
    ids=lambda each: each.name if isinstance(each, spec.WeightSpec) else "",
)
def test_the_published_files(row: spec.WeightSpec, shapes: list[tuple[int, ...]]) -> None:
    found = joblib_lz4.read(store.find(row))
    assert [each.shape for each in found[:7]] == shapes
    assert all(np.isfinite(each).all() and each.std() > 0 for each in found)


# --- hostile files


class Command:
    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os

        return os.system, (f"touch {self.trace}",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_file_that_would_run_a_command_is_refused(path: Path, tmp_path: Path, protocol: int) -> None:
    trace = tmp_path / "trace"
    with pytest.raises(WeightsError, match=r"net\.lz4 is refused: it asks for (posix|nt)\.system\."):
        read(path, pickle.dumps([Command(trace)], protocol))
    assert not trace.exists()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("builtins", "eval"),
        ("builtins", "getattr"),
        ("numpy", "load"),
        ("numpy", "frombuffer"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("joblib.numpy_pickle", "load"),
        ("numpy", "dtype.mro"),
        ("visavis.weights.readers.joblib_lz4", "_Wrapper"),
    ],
)
@pytest.mark.parametrize("how", ["called", "named"])
def test_other_names_are_refused(path: Path, module: str, name: str, how: str) -> None:
    call = files.several(files.text("1")) + b"R" if how == "called" else b""
    with pytest.raises(WeightsError, match=f"it asks for {module}.{name}"):
        read(path, files.listed(files.text(module) + files.text(name) + b"\x93" + call))


def test_an_array_is_never_made_of_what_lies_in_memory(path: Path) -> None:
    blank = files.named("numpy", "ndarray") + files.several(files.several(files.whole(1000)), files.dtype()) + b"R"
    with pytest.raises(WeightsError):
        read(path, files.listed(blank))


@pytest.mark.parametrize(
    "pickled",
    [
        files.listed(files.text("words")),
        files.listed(files.array(BIAS), b"N"),
        b"\x80\x04" + files.array(BIAS) + b".",
        b"\x80\x04N.",
    ],
)
def test_other_things_than_a_list_of_arrays(path: Path, pickled: bytes) -> None:
    with pytest.raises(WeightsError, match=r"does not hold a list of arrays\."):
        read(path, pickled)


@pytest.mark.parametrize(("kind", "order", "size"), [("f8", "<", 8), ("i4", "<", 4), ("f2", "<", 2), ("u1", "|", 1)])
def test_other_numbers_than_float32(path: Path, kind: str, order: str, size: int) -> None:
    with pytest.raises(WeightsError, match="other things than little-endian float32"):
        read(path, files.listed(files.wrapper([2], kind=files.dtype(kind, order)) + bytes(1 + 2 * size)))


def test_numbers_of_the_other_byte_order(path: Path) -> None:
    with pytest.raises(WeightsError, match="other things than little-endian float32"):
        read(path, files.listed(files.wrapper([2], kind=files.dtype("f4", ">")) + b"\0" * 9))


@pytest.mark.parametrize("state", [b"N", files.whole(3), files.several(), files.several(b"N", b"N"), b"]"])
def test_a_state_that_numpy_could_not_survive(path: Path, state: bytes) -> None:
    kind = files.named("numpy", "dtype") + files.several(files.text("f4"), b"\x89", b"\x88") + b"R" + state + b"b"
    with pytest.raises(WeightsError, match=r"net\.lz4"):
        read(path, files.listed(files.wrapper([2], kind=kind) + bytes(9)))


def test_arrays_of_objects(path: Path) -> None:
    with pytest.raises(WeightsError, match="other things than little-endian float32"):
        read(path, files.listed(files.wrapper([2], kind=files.dtype("O8", "|", flags=63)) + b"\0" * 17))


@pytest.mark.parametrize(
    "shape", [(9,), (2**20,), (2**40, 2**40), (2**62,), (2**70,), (-4,), (-2, -2), (0, -1), (3, 1)]
)
def test_a_shape_that_lies(path: Path, shape: tuple[int, ...]) -> None:
    lying = files.wrapper(shape) + b"\0" + BIAS.tobytes()
    with pytest.raises(WeightsError, match=r"net\.lz4"):
        read(path, files.listed(lying))


@pytest.mark.parametrize("opcode", [b"\x8e", b"\x96", b"\x8d", b"\x95"])  # bytes, bytearray, text, frame
@pytest.mark.parametrize("length", [2**31, 2**45, 2**62, 2**64 - 1])
def test_a_length_that_no_file_has(path: Path, opcode: bytes, length: int) -> None:
    with pytest.raises(WeightsError):
        read(path, b"\x80\x05" + opcode + length.to_bytes(8, "little") + b"abc.")


@pytest.mark.parametrize("sixteenth", range(16))
@pytest.mark.parametrize("where", ["frame", "pickle"])
def test_a_file_that_ends_early(path: Path, sixteenth: int, where: str) -> None:
    pickled = files.listed(files.array(KERNEL), files.array(BIAS))
    if where == "pickle":
        data = files.packed(pickled[: len(pickled) * sixteenth // 16])
    else:
        whole = files.packed(pickled)
        data = whole[: len(whole) * sixteenth // 16]
    path.write_bytes(data)
    with pytest.raises(WeightsError, match=r"net\.lz4"):
        joblib_lz4.read(path)


@pytest.mark.parametrize("cut", range(1, 17))
def test_the_published_file_cut_short(path: Path, cut: int) -> None:
    data = store.find(spec.PNET).read_bytes()
    path.write_bytes(data[: len(data) * (cut - 1) // 16])
    with pytest.raises(WeightsError):
        joblib_lz4.read(path)


def test_something_else_than_lz4(path: Path) -> None:
    path.write_bytes(b"PK\x03\x04" + bytes(500))
    with pytest.raises(WeightsError, match=r"net\.lz4 is not a readable joblib file"):
        joblib_lz4.read(path)


def test_no_file_at_all(path: Path) -> None:
    with pytest.raises(WeightsError, match="not a readable joblib file"):
        joblib_lz4.read(path)


def test_a_file_that_unpacks_to_more_than_any_weights(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joblib_lz4, "MAX_BYTES", 2**20)
    bomb = files.packed(bytes(2**26))
    assert len(bomb) < 2**20
    path.write_bytes(bomb)
    with pytest.raises(WeightsError, match=r"net\.lz4 .* unpacks to more than 1 MB\."):
        joblib_lz4.read(path)


@settings(max_examples=examples(150), deadline=None)
@given(st.data())
def test_no_change_of_bytes_gives_another_error(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    pickled = bytearray(files.listed(files.array(BIAS), files.array(np.float32([[1, 2], [3, 4]]))))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(pickled) - 1))
        pickled[at] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "changed.lz4"
    with suppress(WeightsError):
        assert all(each.dtype == np.float32 for each in read(path, bytes(pickled)))
