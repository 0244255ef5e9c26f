"""The messages of an ONNX file, read back by the onnx package."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from visavis.nets import onnx_bytes as onnx_file


@given(
    st.sampled_from(["Conv", "Ünïcode"]),
    st.lists(st.text(max_size=200), max_size=4),
    st.dictionaries(
        st.text(st.characters(categories=["Ll"]), min_size=1, max_size=9),
        st.one_of(st.integers(0, 2**40), st.lists(st.integers(0, 2**40), min_size=1, max_size=5)),
        max_size=3,
    ),
)
def test_a_node_comes_back(kind: str, inputs: list[str], attributes: dict[str, int | list[int]]) -> None:
    found = onnx.NodeProto.FromString(onnx_file.node(kind, inputs, "out", attributes))
    assert (found.op_type, list(found.input), list(found.output)) == (kind, inputs, ["out"])
    assert {each.name: helper.get_attribute_value(each) for each in found.attribute} == attributes
    kinds = {True: onnx.AttributeProto.INTS, False: onnx.AttributeProto.INT}
    assert all(each.type == kinds[isinstance(attributes[each.name], list)] for each in found.attribute)


@pytest.mark.parametrize("shape", [(), (1,), (3, 4), (2, 1, 5, 3), (0, 2), (300,)])
@pytest.mark.parametrize("kind", [np.float32, np.int64])
def test_a_tensor_comes_back(shape: tuple[int, ...], kind: type) -> None:
    values = np.random.default_rng(0).normal(0, 100, shape).astype(kind)
    found = onnx.TensorProto.FromString(onnx_file.tensor("weights", values))
    assert found.name == "weights"
    back = numpy_helper.to_array(found)
    np.testing.assert_array_equal(back, values)
    assert back.dtype == kind


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_tensor_comes_back_however_it_lies_in_memory(order: str) -> None:
    values = np.array(np.arange(24).reshape(4, 6), np.float32, order=order)[::-1, ::2]
    back = numpy_helper.to_array(onnx.TensorProto.FromString(onnx_file.tensor("w", values)))
    np.testing.assert_array_equal(back, values)


def test_a_value_has_fixed_and_open_sizes() -> None:
    found = onnx.ValueInfoProto.FromString(onnx_file.value("x", onnx_file.UINT8, ("n", 48, "w", 3)))
    kind = found.type.tensor_type
    assert (found.name, kind.elem_type) == ("x", onnx.TensorProto.UINT8)
    assert [each.dim_param or each.dim_value for each in kind.shape.dim] == ["n", 48, "w", 3]


def test_a_model_states_its_versions() -> None:
    value = onnx_file.value("x", onnx_file.FLOAT, ("n",))
    nodes = [onnx_file.node("Relu", ["x"], "y", {})]
    found = onnx.ModelProto.FromString(
        onnx_file.model(nodes, [], [value], [onnx_file.value("y", onnx_file.FLOAT, ("n",))])
    )
    onnx.checker.check_model(found, full_check=True)
    assert [(each.domain, each.version) for each in found.opset_import] == [("", 17)]
    assert (found.ir_version, found.producer_name, found.graph.name) == (8, "visavis", "visavis")
