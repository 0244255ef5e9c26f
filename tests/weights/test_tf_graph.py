"""Frozen graphs by TensorFlow, by hand, and by liars."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from example_counts import examples
from golden import weight_values
from visavis.errors import WeightsError
from visavis.weights.readers import _file_bytes, tf_graph

from . import files, hostile

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "frozen.pb"
MADE = GOLDEN.read_bytes()
FLOAT, DOUBLE, INT32, UINT8, INT16, INT8, STRING, INT64, BOOL, BFLOAT16, HALF = 1, 2, 3, 4, 5, 6, 7, 9, 10, 14, 19
UINT16, UINT32, UINT64 = 17, 22, 23
KERNEL = np.arange(24, dtype=np.float32).reshape(2, 3, 4) / 8


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some.pb"


def read(path: Path, *nodes: bytes) -> dict[str, np.ndarray]:
    path.write_bytes(b"".join(nodes))
    return tf_graph.read(path)


def only(path: Path, tensor: bytes) -> np.ndarray:
    return read(path, files.constant("c", tensor))["c"]


def test_what_tensorflow_wrote() -> None:
    found, expected = tf_graph.read(GOLDEN), weight_values.graph()
    assert found.keys() - expected.keys() == {"scale"}  # the constant that its batch norm made for itself
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)
        assert (found[name].shape, found[name].dtype) == (values.shape, values.dtype), name
        assert found[name].flags.c_contiguous, name


def test_the_nodes_that_tensorflow_wrote() -> None:
    nodes = {node.name: node for node in tf_graph.read_graph(GOLDEN)[0]}
    layer = "InceptionResnetV1/Conv2d_1a_3x3"
    assert nodes["conv"].op == "Conv2D"
    assert nodes["conv"].inputs == ("input", f"{layer}/weights")
    assert nodes["conv"].attributes["strides"] == (1, 2, 2, 1)
    assert nodes["conv"].attributes["padding"] == "VALID"
    norm = nodes["bn"]
    assert norm.op == "FusedBatchNormV3"
    assert norm.inputs == (
        "conv", "scale", *(f"{layer}/BatchNorm/{name}" for name in ("beta", "moving_mean", "moving_variance")),
    )  # fmt: skip
    assert norm.attributes["epsilon"] == np.float32(0.001)
    assert norm.attributes["is_training"] == 0
    assert nodes["words"].op == "Const"


def test_tensorflow_itself(path: Path) -> None:
    tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed; a golden file stands for it")
    graph = tf.Graph()
    with graph.as_default():
        tf.constant(KERNEL, name="a/b")
    path.write_bytes(graph.as_graph_def().SerializeToString())
    np.testing.assert_array_equal(tf_graph.read(path)["a/b"], KERNEL)


def test_raw_bytes(path: Path) -> None:
    found = read(
        path,
        files.graph_node("input", "Placeholder", dtype=files.field(6, FLOAT)),
        files.constant("a/kernel", files.graph_tensor(FLOAT, (2, 3, 4), files.field(4, KERNEL.tobytes()))),
        files.graph_node("a", "Conv2D", "input", "a/kernel"),
        files.constant("b", files.graph_tensor(DOUBLE, (), files.field(4, struct.pack("<d", 2.5)))),
    )
    assert list(found) == ["a/kernel", "b"]
    np.testing.assert_array_equal(found["a/kernel"], KERNEL)
    assert (found["b"].shape, found["b"].dtype, float(found["b"])) == ((), np.float64, 2.5)


def packed(*numbers: int) -> bytes:
    return b"".join(map(files.varint, numbers))


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        (FLOAT, files.field(5, struct.pack("<3f", 1, -2, 0.5)), np.float32([1, -2, 0.5])),
        (FLOAT, files.field(5, 1.5) + files.field(5, -2.0), np.float32([1.5, -2, -2])),  # not packed; the last again
        (FLOAT, b"", np.float32([0, 0, 0])),
        (DOUBLE, files.field(6, struct.pack("<2d", 1, -2)), np.float64([1, -2, -2])),
        (HALF, files.field(13, packed(0x3E00, 0xC000, 0)), np.float16([1.5, -2, 0])),
        (BFLOAT16, files.field(13, packed(0x3FC0, 0xC000)), np.float32([1.5, -2, -2])),
        (INT32, files.field(7, packed(1, -2, -(2**31))), np.int32([1, -2, -(2**31)])),
        (INT32, files.field(7, 4) + files.field(7, 5), np.int32([4, 5, 5])),
        (INT16, files.field(7, packed(-1)), np.int16([-1, -1, -1])),
        (INT8, files.field(7, packed(-1, 127)), np.int8([-1, 127, 127])),
        (UINT8, files.field(7, packed(255, 0)), np.uint8([255, 0, 0])),
        (UINT16, files.field(7, packed(65535, 0)), np.uint16([65535, 0, 0])),
        (INT64, files.field(10, packed(-(2**63), 2**63 - 1)), np.int64([-(2**63), 2**63 - 1, 2**63 - 1])),
        (UINT32, files.field(16, packed(2**32 - 1)), np.uint32([2**32 - 1] * 3)),
        (UINT64, files.field(17, packed(2**64 - 1)), np.uint64([2**64 - 1] * 3)),
        (BOOL, files.field(11, packed(1, 0)), np.array([True, False, False])),
        (BOOL, files.field(4, b"\x01\x00\x07"), np.array([True, False, True])),
    ],
)
def test_values_one_by_one(path: Path, kind: int, values: bytes, expected: np.ndarray) -> None:
    found = only(path, files.graph_tensor(kind, (3,), values))
    assert found.dtype == expected.dtype
    assert found.tolist() == expected.tolist()


def test_fields_of_a_later_day_are_passed_over(path: Path) -> None:
    later = (
        files.field(900, 5) + files.field(901, b"xyz") + files.field(902, 1.0) + files.varint(903 << 3 | 1) + bytes(8)
    )
    tensor = files.graph_tensor(FLOAT, (2, 3, 4), later, files.field(4, KERNEL.tobytes()))
    found = read(path, later, files.constant("c", tensor), files.field(4, files.field(1, 27)))
    np.testing.assert_array_equal(found["c"], KERNEL)


# --- hostile files


@pytest.mark.parametrize(
    "tensor",
    [
        files.graph_tensor(FLOAT, (10**6, 10**6), files.field(5, 1.0)),
        files.graph_tensor(FLOAT, (10**12,)),
        files.graph_tensor(FLOAT, (10**12,), files.field(4, bytes(16))),
        files.graph_tensor(HALF, (2**40,), files.field(13, 1)),
        files.graph_tensor(BOOL, (2**40,), files.field(11, 1)),
        files.graph_tensor(FLOAT, (2**62, 2**62)),
        files.graph_tensor(FLOAT, (0, 2**62)),
        files.graph_tensor(FLOAT, (-1,)),
        files.graph_tensor(FLOAT, (2**64 - 1,)),
        files.graph_tensor(FLOAT, (1,) * 33, files.field(5, 1.0)),
        files.graph_tensor(FLOAT, (1,) * 100_000),
        files.graph_tensor(FLOAT, (4,), files.field(4, bytes(12))),
        files.graph_tensor(FLOAT, (4,), files.field(4, bytes(20))),
        files.graph_tensor(FLOAT, (2,), files.field(5, bytes(12))),
        files.graph_tensor(FLOAT, (2,), files.field(5, bytes(7))),
        files.graph_tensor(INT8, (1,), files.field(7, 128)),
        files.graph_tensor(UINT8, (1,), files.field(7, -1)),
        files.graph_tensor(INT32, (1,), files.field(7, 2**40)),
        files.graph_tensor(INT32, (1,), files.field(7, b"\xff" * 9)),
        files.graph_tensor(INT32, (1,), files.field(7, b"\xff" * 11)),
        files.field(1, FLOAT) + files.field(2, files.field(3, 1)) + files.field(5, 1.0),  # of unknown rank
        files.field(1, FLOAT) + files.field(2, b"\x0a"),
        files.field(1, FLOAT) + b"\x22\xff\xff\xff\xff\x7f",
        files.field(1, FLOAT) + b"\x23",  # a group, as no file has had for long
        files.field(1, FLOAT) + b"\x0f",
    ],
    ids=lambda tensor: repr(tensor[:40]),
)
def test_tensors_that_lie(path: Path, tensor: bytes) -> None:
    data = files.constant("c", tensor)
    assert isinstance(hostile.survived(tf_graph.read, path, data, room=2**24 + 40 * len(data)), WeightsError)


@pytest.mark.parametrize(
    "nodes",
    [
        b"",
        files.graph_node("a", "Placeholder"),
        files.constant("c", files.graph_tensor(STRING, (), files.field(8, "words"))),
        files.graph_node("c", "Const"),
        files.graph_node("c", "Const", value=files.field(3, 5)),
        files.constant("", files.graph_tensor(FLOAT, (), files.field(5, 1.0))),
        files.constant("c" * 5000, files.graph_tensor(FLOAT, (), files.field(5, 1.0))),
        files.graph_node("c", ""),
        files.graph_node("c", "Const", epsilon=files.varint(4 << 3 | 1) + bytes(8)),  # a float of eight bytes
        files.constant("c", files.graph_tensor(FLOAT, (), files.field(5, 1.0))) * 2,
        files.field(1, b"\x0a\x02\xff\xfe"),
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\x80" * 500,
        b"# a graph in text\nnode { name: 'c' op: 'Const' }",
    ],
    ids=lambda nodes: repr(nodes[:40]),
)
def test_graphs_without_constants_or_sense(path: Path, nodes: bytes) -> None:
    with pytest.raises(WeightsError, match=r"some\.pb is damaged or not a frozen graph of TensorFlow: .*\."):
        read(path, nodes)


def test_a_message_within_itself_a_million_times(path: Path) -> None:
    """Levels that no graph has are never looked into."""
    deep = b""
    for _ in range(3000):
        deep = files.field(10, files.field(2, deep))  # AttrValue.func, NameAttrList.attr ...
    nodes = files.graph_node("f", "Call", body=deep) + files.constant(
        "c", files.graph_tensor(FLOAT, (), files.field(5, 1.0))
    )
    found = hostile.survived(tf_graph.read, path, nodes, room=2**20)
    assert not isinstance(found, WeightsError)
    assert found["c"] == 1


@pytest.mark.parametrize("piece", [b"\x0a\x00", b"\x08\x01", files.field(1, files.field(1, "a"))])
def test_more_pieces_than_graphs_have(path: Path, piece: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _file_bytes.MAX_STEPS == 2**19
    monkeypatch.setattr(_file_bytes, "MAX_STEPS", 2**15)  # else this takes half a minute
    found = hostile.survived(tf_graph.read, path, piece * 2**20, room=2**24)
    assert "more structures than any weights do" in str(found)


def test_many_large_constants_of_few_bytes(path: Path) -> None:
    """Each of the thousand is a megabyte of one number."""
    tensor = files.graph_tensor(FLOAT, (2**18,), files.field(5, 1.0))
    data = b"".join(files.constant(f"c{index}", tensor) for index in range(1000))
    error = hostile.survived(tf_graph.read, path, data, room=2**23)
    assert "its arrays would take more than the file's" in str(error)


def test_a_file_that_ends_early(path: Path) -> None:
    """A row of whole nodes is a whole file too: what is left then is what was before the cut."""
    whole = tf_graph.read(GOLDEN)
    refused = 0
    for cut in hostile.cuts(MADE, 7):
        found = hostile.survived(tf_graph.read, path, MADE[:cut], room=2**22)
        if isinstance(found, WeightsError):
            refused += 1
            continue
        assert found.keys() <= whole.keys()
        for name, values in found.items():
            np.testing.assert_array_equal(values, whole[name])
    assert refused > 300


@settings(max_examples=examples(200), deadline=None)
@given(st.one_of(hostile.changed(MADE), st.binary(max_size=100)))
def test_no_change_gives_another_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    found = hostile.survived(tf_graph.read, tmp_path_factory.getbasetemp() / "changed.pb", data, room=2**22)
    if not isinstance(found, WeightsError):
        assert all(values.flags.c_contiguous and values.dtype.isnative for values in found.values())
