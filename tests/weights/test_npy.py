"""Arrays as numpy saves them, arrays of texts, arrays that lie, and pickles in the guise of arrays."""

from __future__ import annotations

import io
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from example_counts import examples
from visavis.errors import WeightsError
from visavis.weights.readers import npy

from . import files, hostile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some.npy"


def saved(values: np.ndarray, version: tuple[int, int] = (1, 0)) -> bytes:
    made = io.BytesIO()
    np.lib.format.write_array(made, values, version)
    return made.getvalue()


def read(path: Path, data: bytes) -> np.ndarray:
    path.write_bytes(data)
    return npy.read(path)


def described(header: str, data: bytes = b"", *, version: int = 1) -> bytes:
    size = len(header).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + size + header.encode("latin-1") + data


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
@pytest.mark.parametrize(
    "values",
    [
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(24, dtype=np.float32).reshape(2, 3, 4)),
        np.array([[1, -2], [3, 2**14]], ">i2"),
        np.array([1.5, -2.25], ">f2"),
        np.array([2**64 - 1], np.uint64),
        np.zeros((0, 3), np.float32),
        np.array(7, np.int8),
        np.array([True, False, True]),
        np.array(["née", "", "a longer one"]),
        np.array([["ab"], ["c"]], ">U2"),
    ],
    ids=lambda each: f"{each.dtype.str}{each.shape}" if isinstance(each, np.ndarray) else "",
)
def test_arrays_come_back(path: Path, values: np.ndarray, version: tuple[int, int]) -> None:
    found = read(path, saved(values, version))
    np.testing.assert_array_equal(found, values)
    assert (found.shape, found.dtype) == (values.shape, values.dtype.newbyteorder("="))
    assert found.flags.c_contiguous


def test_bytes_become_text(path: Path) -> None:
    found = read(path, saved(np.array(["Zoë".encode(), b"Al"]).reshape(2, 1)))
    assert found.dtype.kind == "U"
    assert found.tolist() == [["Zoë"], ["Al"]]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_objects_that_are_texts(path: Path, protocol: int) -> None:
    values = np.array([["Ann", "Zoë"], [b"Bo", ""]], object)
    header = "{'descr': '|O', 'fortran_order': False, 'shape': (2, 2), }\n"
    found = read(path, described(header, pickle.dumps(values, protocol)))
    assert found.dtype.kind == "U"
    assert found.tolist() == [["Ann", "Zoë"], ["Bo", ""]]


def test_objects_as_numpy_saves_them(path: Path) -> None:
    assert read(path, saved(np.array(["Ann", "Bo"], object))).tolist() == ["Ann", "Bo"]


def test_the_published_names(data: Path) -> None:
    labels = data.parent / "weights" / "rcmalli_vggface_labels_v2.npy"
    if not labels.is_file():
        pytest.skip(f"the labels of VGGFace2 are not there: {labels}")
    found = npy.read(labels)
    assert (found.shape, found.dtype.kind) == ((8631,), "U")
    assert found[:3].tolist() == [" A_Fine_Frenzy", " A._A._Gill", " A._J._Buckley"]
    assert len(set(found.tolist())) > 8600


# --- hostile files


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (18446744073709551615, 2), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 99999999999999999999), }",
        f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({'9' * 5000},), }}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (5,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-4,), }",
        f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({'1,' * 40}), }}",
        "{'descr': '<U999999', 'fortran_order': False, 'shape': (4,), }",
        "{'descr': '<U0', 'fortran_order': False, 'shape': (4,), }",
        "{'descr': '<f16', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '<m8[s]', 'fortran_order': False, 'shape': (2,), }",
        "{'descr': '|V16', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (4,), }",
        "{'descr': '<f4', 'descr': '<f4', 'shape': (4,), }",
        "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '<f4', 'fortran_order': 'x', 'shape': True}",
        "__import__('os').system('true')",
        "{" * 9000,
        "-" * 9000 + "1",
        "{" + " " * 9000,
        "(" * 9999,
        "",
    ],
    ids=lambda header: header[:60],
)
def test_headers_that_lie(path: Path, header: str) -> None:
    for version in (1, 3):
        data = described(header, bytes(16), version=version)
        assert isinstance(hostile.survived(npy.read, path, data, room=2**20), WeightsError)


def test_a_header_of_billions(path: Path) -> None:
    with pytest.raises(WeightsError, match=r"some\.npy .*4294967295 bytes"):
        read(path, b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}")


def test_another_version(path: Path) -> None:
    with pytest.raises(WeightsError, match="version 1 to 3"):
        read(path, b"\x93NUMPY\x04\x00" + bytes(100))


@pytest.mark.parametrize("values", [np.arange(40.0), np.array(["Ann", "Bo"], object), np.array(["Ann", "Bo"])])
def test_a_file_that_ends_early(path: Path, values: np.ndarray) -> None:
    data = saved(values)
    for cut in range(len(data)):
        with pytest.raises(WeightsError, match=r"some\.npy"):
            read(path, data[:cut])


@pytest.mark.parametrize("point", [0x110000, 0xD800, 0xFFFFFFFF])
def test_characters_that_are_none(path: Path, point: int) -> None:
    data = saved(np.array(["abc"]))[:-4] + point.to_bytes(4, "little")
    with pytest.raises(WeightsError, match="characters that are none"):
        read(path, data)


def test_bytes_that_are_no_text(path: Path) -> None:
    with pytest.raises(WeightsError, match="not UTF-8"):
        read(path, saved(np.array([b"\xff\xfe"])))


class Command:
    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os

        return os.system, (f"touch {self.trace}",)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("where", ["alone", "element"])
def test_a_pickle_that_would_run_a_command(path: Path, tmp_path: Path, protocol: int, where: str) -> None:
    trace = tmp_path / "trace"
    value = Command(trace) if where == "alone" else np.array([Command(trace)], object)
    data = described("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", pickle.dumps(value, protocol))
    with pytest.raises(WeightsError, match=r"some\.npy is refused: it asks for (posix|nt)\.system\."):
        read(path, data)
    assert not trace.exists()


@pytest.mark.parametrize("protocol", [0, 1])
def test_a_pickle_of_an_older_protocol(path: Path, tmp_path: Path, protocol: int) -> None:
    trace = tmp_path / "trace"
    header = "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}"
    with pytest.raises(WeightsError, match="no pickle of protocol 2 to 5"):
        read(path, described(header, pickle.dumps(Command(trace), protocol)))
    assert not trace.exists()


@pytest.mark.parametrize(
    "value",
    [3, "Ann", ["Ann"], {"a": 1}, np.array([1, 2], object), np.array([None], object), np.array([["a"], "b"], object)],
    ids=repr,
)
def test_objects_that_are_no_texts(path: Path, value: object) -> None:
    header = "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}"
    with pytest.raises(WeightsError, match=r"some\.npy"):
        read(path, described(header, pickle.dumps(value, 4)))


def test_a_number_of_objects_that_lies(path: Path) -> None:
    header = "{'descr': '|O', 'fortran_order': False, 'shape': (3,)}"
    with pytest.raises(WeightsError, match="objects of another number"):
        read(path, described(header, pickle.dumps(np.array(["a", "b"], object))))


def test_arrays_of_objects_in_states_that_make_no_sense(path: Path) -> None:
    header = "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}"
    made = files.named("numpy._core.multiarray", "_reconstruct") + b")R"
    kind = files.named("numpy", "dtype") + files.several(files.text("O8")) + b"R"
    state = files.several(b"N", b"N", kind, b"N", b"](" + files.text("Ann") + b"e")
    assert read(path, described(header, b"\x80\x04" + made + state + b"b.")).tolist() == ["Ann"]
    for states, why in (
        (b"Nb", "an array without elements"),
        (files.several(b"N") + b"b", "an array without elements"),
        (state + b"b" + state + b"b", "fills an array twice"),
        (files.several(b"N", b"N", kind, b"N", b"](C\x01\xffe") + b"b", "what makes no sense"),
        (files.text("id") + b"Q", "points to what lies outside"),
    ):
        with pytest.raises(WeightsError, match=why):
            read(path, described(header, b"\x80\x04" + made + states + b"."))


def test_more_texts_than_are_read(path: Path) -> None:
    data = described("{'descr': '|S1', 'fortran_order': False, 'shape': (1048577,)}", b"x" * (2**20 + 1))
    with pytest.raises(WeightsError, match="1048577 texts"):
        read(path, data)


def test_one_long_text_among_many_short_ones(path: Path) -> None:
    """Each element of an array is as wide as the widest: 10,000 of 100,000 characters would take 4 GB."""
    data = saved(np.array(["x" * 100_000, *["y"] * 10_000], object))
    error = hostile.survived(npy.read, path, data, room=2**22)
    assert "its arrays would take more" in str(error)


def test_bytes_written_in_a_roundabout_way_again_and_again(path: Path) -> None:
    """Each call makes new bytes of a text that is in the file once."""
    long = b"X" + (2**20).to_bytes(4, "little") + b"x" * 2**20
    calls = (b"h\0" + b"h\1" + files.text("latin1") + b"\x86R0") * 20_000
    pickled = b"\x80\x02" + files.named("_codecs", "encode") + b"q\0" + b"0" + long + b"q\1" + b"0" + calls + b"N."
    header = "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}"
    assert isinstance(hostile.survived(npy.read, path, described(header, pickled), room=2**23), WeightsError)


@settings(max_examples=examples(150), deadline=None)
@given(hostile.changed(saved(np.array(["Ann", "Bo"], object))))
def test_no_change_of_objects_gives_another_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    found = hostile.survived(npy.read, tmp_path_factory.getbasetemp() / "changed.npy", data, room=2**23)
    assert isinstance(found, WeightsError) or (found.size == 2 and found.dtype.kind == "U")


@settings(max_examples=examples(100), deadline=None)
@given(st.one_of(hostile.changed(saved(np.arange(6, dtype=np.float32))), st.binary(max_size=200)))
def test_no_change_of_numbers_gives_another_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    found = hostile.survived(npy.read, tmp_path_factory.getbasetemp() / "changed.npy", data, room=2**23)
    assert isinstance(found, WeightsError) or found.nbytes <= 4 * len(data)
