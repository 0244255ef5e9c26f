"""Constants of ONNX files: by hand, as the onnx package and ONNX Runtime compute them, and in damaged files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from example_counts import examples
from visavis.errors import WeightsError
from visavis.weights import store
from visavis.weights.catalog import modern
from visavis.weights.readers import onnx_arrays


def write(path: Path, nodes: Sequence[onnx.NodeProto], tensors: Sequence[onnx.TensorProto], *outputs: str) -> Path:
    results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    graph = helper.make_graph(nodes, "g", [], results, tensors)
    opsets = [helper.make_opsetid("", 21)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), str(path))
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "some.onnx"


def test_blocks_by_hand(file: Path) -> None:
    """Two blocks of two and a rest of one a row: (q - zero) * scale."""
    values = np.array([[1, 2, 3, 4, 5], [-128, 127, 0, 1, -1]], np.int8)
    scales = np.array([[1, 10, 100], [0.5, 2, 4]], np.float32)
    zeros = np.array([[1, 0, 5], [0, 1, 0]], np.int8)
    tensors = [numpy_helper.from_array(each, name) for each, name in ((values, "q"), (scales, "s"), (zeros, "z"))]
    tensors.append(numpy_helper.from_array(np.array([5, -1]), "shape"))
    nodes = [
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["w"], axis=1, block_size=2),
        helper.make_node("Reshape", ["w", "shape"], ["v"]),
    ]
    arrays = onnx_arrays.read(write(file, nodes, tensors, "v"))
    expected = [[0, 1, 30, 40, 0], [-64, 63.5, -2, 0, -4]]
    np.testing.assert_array_equal(arrays["w"], expected)
    np.testing.assert_array_equal(arrays["v"], np.reshape(expected, (5, 2)))
    assert arrays["v"].dtype == np.float32
    np.testing.assert_array_equal(arrays["q"], values)


@settings(max_examples=examples(40), deadline=None)
@given(st.data())
def test_dequantized_as_onnx_runtime_does(data: st.DataObject) -> None:
    shape = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    kind = data.draw(st.sampled_from([np.int8, np.uint8]))
    values = rng.integers(np.iinfo(kind).min, np.iinfo(kind).max, shape, kind, endpoint=True)
    block = data.draw(st.sampled_from([0, 0, 1, 2, 4]))
    scales = [-(-side // (block or 1)) if place == axis % len(shape) else side for place, side in enumerate(shape)]
    sizes = scales if block else data.draw(st.sampled_from([(), (shape[axis],)]))
    if block and np.prod(sizes) == 1:
        return  # ONNX Runtime takes one scale for one of the whole tensor
    scale, zero = rng.uniform(0.1, 2, sizes).astype(np.float32), rng.integers(0, 9, sizes).astype(kind)
    attributes = {"axis": axis} | ({"block_size": block} if block else {})
    node = helper.make_node("DequantizeLinear", ["q", "s", "z"], ["w"], **attributes)
    inputs = {"q": values, "s": scale, "z": zero}
    told = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(each.dtype), each.shape)
        for name, each in inputs.items()
    ]
    graph = helper.make_graph([node], "g", told, [helper.make_tensor_value_info("w", TensorProto.FLOAT, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (expected,) = session.run(None, inputs)
    found = onnx_arrays.dequantized(values, scale, zero, axis=axis, block=block)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", ["f4", "f8", "f2", "i1", "u1", "i4", "i8"])
@pytest.mark.parametrize("raw", [True, False])
def test_types_raw_and_one_by_one(file: Path, kind: str, raw: bool) -> None:
    values = np.array([[0, 1, 2], [3, 100, 7]]).astype(kind)
    tensor = numpy_helper.from_array(values, "c")
    if not raw:
        tensor = helper.make_tensor("c", tensor.data_type, values.shape, values.ravel().tolist())
        assert not tensor.raw_data
    (array,) = onnx_arrays.read(write(file, [], [tensor])).values()
    np.testing.assert_array_equal(array, values)
    assert array.dtype == values.dtype


def test_types_that_are_no_numbers_are_passed_over(file: Path) -> None:
    words = helper.make_tensor("words", TensorProto.STRING, [1], [b"a"])
    assert list(onnx_arrays.read(write(file, [], [words, numpy_helper.from_array(np.ones(1), "one")]))) == ["one"]


def test_nodes_that_need_more_than_constants_are_left(file: Path) -> None:
    nodes = [helper.make_node("Reshape", ["x", "shape"], ["y"]), helper.make_node("Relu", ["shape"], ["z"])]
    assert list(onnx_arrays.read(write(file, nodes, [numpy_helper.from_array(np.array([1]), "shape")]))) == ["shape"]


@pytest.mark.parametrize(
    ("scales", "attributes"),
    [((2, 2), {"block_size": 2}), ((2, 3), {"block_size": -2}), ((3,), {"axis": 1}), ((5,), {"axis": 2})],
)
def test_scales_that_do_not_fit_are_refused(file: Path, scales: tuple[int, ...], attributes: dict[str, int]) -> None:
    tensors = [
        numpy_helper.from_array(np.ones((2, 5), np.int8), "q"),
        numpy_helper.from_array(np.ones(scales, np.float32), "s"),
    ]
    write(file, [helper.make_node("DequantizeLinear", ["q", "s"], ["w"], **attributes)], tensors)
    with pytest.raises(WeightsError, match="a DequantizeLinear that does not fit its weights"):
        onnx_arrays.read(file)


def test_a_shape_that_does_not_fit_is_refused(file: Path) -> None:
    tensors = [numpy_helper.from_array(np.ones(6), "w"), numpy_helper.from_array(np.array([4, 2]), "shape")]
    write(file, [helper.make_node("Reshape", ["w", "shape"], ["v"])], tensors)
    with pytest.raises(WeightsError, match="a Reshape that does not fit its weights"):
        onnx_arrays.read(file)


def test_weights_in_another_file_are_refused(file: Path) -> None:
    tensor = numpy_helper.from_array(np.ones(6), "w")
    onnx.external_data_helper.set_external_data(tensor, "weights.bin")
    (file.parent / "weights.bin").write_bytes(tensor.raw_data)
    write(file, [], [tensor])
    with pytest.raises(WeightsError, match="'w' lies in another file"):
        onnx_arrays.read(file)


def test_blocks_that_unfold_to_far_more_than_the_file_are_refused(file: Path) -> None:
    """Each node doubles nothing, but a thousand of them would fill the memory."""
    tensors = [
        numpy_helper.from_array(np.ones((100, 1000), np.int8), "q"),
        numpy_helper.from_array(np.ones(1, "f4"), "s"),
    ]
    nodes = [helper.make_node("DequantizeLinear", ["q", "s"], [f"w{i}"]) for i in range(1000)]
    with pytest.raises(WeightsError, match="would take more than the file's"):
        onnx_arrays.read(write(file, nodes, tensors))


@settings(max_examples=examples(60), deadline=None)
@given(st.data())
def test_a_damaged_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("damaged") / "some.onnx"
    tensors = [
        numpy_helper.from_array(np.ones((2, 4), np.int8), "q"),
        numpy_helper.from_array(np.ones((2, 2), "f4"), "s"),
    ]
    node = helper.make_node("DequantizeLinear", ["q", "s"], ["w"], axis=1, block_size=2)
    content = bytearray(write(path, [node], tensors, "w").read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        arrays = onnx_arrays.read(path)
    except WeightsError:
        return
    assert all(isinstance(array, np.ndarray) for array in arrays.values())


def test_the_published_file_holds_what_the_onnx_package_reads() -> None:
    path = store.find(modern.SFACE)
    arrays = onnx_arrays.read(path)
    for tensor in onnx.load(str(path)).graph.initializer:
        np.testing.assert_array_equal(arrays[tensor.name], numpy_helper.to_array(tensor), err_msg=tensor.name)
    row, first = arrays["pre_fc1_weight_dequantized"][5, :64], slice(0, 64)
    scale, zero = arrays["pre_fc1_weight_scales"][5, 0], arrays["pre_fc1_weight_zero_point"][5, 0]
    quantized = arrays["pre_fc1_weight_quantized"][5, first].astype(float)
    np.testing.assert_allclose(row, (quantized - zero) * scale, atol=1e-9)
