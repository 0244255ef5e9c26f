"""Published networks at other sizes than they state."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from visavis import runtime
from visavis.detectors._onnx_parts import open_sizes
from visavis.errors import WeightsError
from visavis.weights import spec

from .published import find

ALL = pytest.mark.parametrize("row", [spec.YUNET_FLOAT, spec.SCRFD_500M, spec.SCRFD_2500M], ids=lambda row: row.name)
FIXED = (640, 640)


@ALL
def test_at_its_own_size_nothing_changes(row: spec.WeightSpec) -> None:
    path = find(row)
    original = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (entry,) = original.get_inputs()
    assert tuple(entry.shape[2:]) == FIXED
    batch = np.random.default_rng(1).uniform(-1, 1, (1, 3, *FIXED)).astype(np.float32)
    opened = onnxruntime.InferenceSession(open_sizes(path.read_bytes()), providers=["CPUExecutionProvider"])
    assert [o.name for o in opened.get_outputs()] == [o.name for o in original.get_outputs()]
    for one, other in zip(opened.run(None, {entry.name: batch}), original.run(None, {entry.name: batch}), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@ALL
@pytest.mark.parametrize("size", [(32, 32), (96, 160), (416, 352)])
def test_any_multiple_of_32_gives_a_row_a_cell(row: spec.WeightSpec, size: tuple[int, int]) -> None:
    session = runtime.Session(open_sizes(find(row).read_bytes()), threads=1)
    outputs = session.run(np.zeros((1, 3, *size), np.float32))
    anchors = 1 if row is spec.YUNET_FLOAT else 2
    cells = [anchors * size[0] * size[1] // stride**2 for stride in (8, 16, 32)]
    assert [output.shape[1] for output in outputs] == cells * (len(outputs) // 3)


@ALL
def test_the_file_itself_refuses_other_sizes(row: spec.WeightSpec) -> None:
    """Else there would be nothing to do here."""
    session = runtime.Session(find(row), threads=1)
    with pytest.raises(WeightsError, match="dimension"):
        session.run(np.zeros((1, 3, 96, 160), np.float32))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x08\x06",
        b"\x3a",
        b"\x3a\x05abc",
        b"\x3a\xff\xff\xff",
        b"\xff" * 20,
        b"\x0b\x00",
        b"not a network at all",
    ],
)
def test_what_is_no_network_is_refused(data: bytes) -> None:
    with pytest.raises(WeightsError, match="ONNX file"):
        open_sizes(data)


def test_half_a_network_is_refused() -> None:
    data = find(spec.YUNET_FLOAT).read_bytes()
    with pytest.raises(WeightsError, match="not the whole of one"):
        open_sizes(data[: len(data) // 2])
