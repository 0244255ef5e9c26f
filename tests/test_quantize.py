"""Networks in 8 bits: as near to those in float32 as 8 bits allow, and models of their own."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from cli.fakes import BLUE, DETECTOR, RED, photo
from embedders import tiny_models as own
from nets import generated
from visavis import compare, embedders, quantize, runtime
from visavis.embedders import EMBEDDERS, dlib, facenet, onnx_file, recipes, sface, vggface
from visavis.embedders.onnx_file import OnnxFile, crops_of
from visavis.embedders.trained import Recipe, Trained
from visavis.errors import MissingExtraError, UsageError, WeightsError
from visavis.nets.dlib_resnet import dlib_resnet
from visavis.nets.onnx_graph import to_onnx
from visavis.types import Face
from visavis.weights import user_models

WIDTHS = (32, 32, 64, 64, 64)


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "cache"))


def pictures(count: int, *, seed: int = 0) -> np.ndarray:
    """Smooth noise: blobs of color, as photos have and white noise has not."""
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 6, 6, 3), np.uint8)
    return coarse.repeat(25, 1).repeat(25, 2)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """dlib's network, narrower, with made-up weights."""
    path = tmp_path_factory.mktemp("net") / "net.onnx"
    path.write_bytes(to_onnx(dlib_resnet, generated.dlib(WIDTHS), side=150))
    return path


@pytest.fixture(scope="module")
def eight_bits(network: Path) -> bytes:
    return quantize.quantize_network(network, [pictures(4, seed=seed) for seed in range(4)])


def answers(network: Path | bytes, crops: np.ndarray) -> np.ndarray:
    return runtime.Session(network, threads=1).run(crops)[0]


@pytest.mark.parametrize("method", quantize.METHODS)
def test_the_answers_stay_near_on_pictures_that_were_not_measured(method: str, network: Path) -> None:
    made = quantize.quantize_network(network, [pictures(4, seed=seed) for seed in range(3)], method=method)
    crops = pictures(8, seed=99)
    exact, found = (compare.unit(answers(one, crops)) for one in (network, made))
    cosines = (exact * found).sum(axis=1)
    assert cosines.min() > 0.98
    assert np.abs(exact - found).max() > 1e-5  # else nothing was quantized


def test_weights_are_int8_with_a_scale_a_channel_and_activations_uint8(eight_bits: bytes) -> None:
    model = onnx.ModelProto.FromString(eight_bits)
    onnx.checker.check_model(model)
    constants = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    by_output = {node.output[0]: node for node in model.graph.node}
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    assert len(convolutions) == 29 + 4  # four average pools are convolutions too
    for node in convolutions:
        kernel = by_output[node.input[1]]
        assert kernel.op_type == by_output[node.input[0]].op_type == "DequantizeLinear"
        weights, scales, _ = (constants[name] for name in kernel.input)
        assert weights.dtype == np.int8
        assert scales.shape == weights.shape[:1]
        assert constants[by_output[node.input[0]].input[2]].dtype == np.uint8


def test_it_takes_a_quarter_of_the_place(eight_bits: bytes, network: Path) -> None:
    assert 0.24 < len(eight_bits) / network.stat().st_size < 0.4


def test_the_same_crops_give_the_same_file(eight_bits: bytes, network: Path) -> None:
    assert quantize.quantize_network(network, [pictures(4, seed=seed) for seed in range(4)]) == eight_bits


def test_company_does_not_matter_in_8_bits(eight_bits: bytes) -> None:
    crops = pictures(5, seed=7)
    alone = np.concatenate([answers(eight_bits, crops[i : i + 1]) for i in range(5)])
    np.testing.assert_allclose(answers(eight_bits, crops), alone, atol=1e-6)


def test_what_onnx_runtime_runs_is_whole_numbers(eight_bits: bytes, tmp_path: Path) -> None:
    """Its own operators for 8 bits take the place of every convolution: nothing falls back to float32."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    options.log_severity_level = 3
    ort.InferenceSession(eight_bits, options, providers=["CPUExecutionProvider"])
    kinds = [node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node]
    assert kinds.count("QLinearConv") == 33
    assert kinds.count("QLinearAdd") == 14
    assert not {"Conv", "FusedConv", "Add", "Relu"} & {*kinds}


def test_an_older_network_with_normalization_of_batches(tmp_path: Path) -> None:
    """Of opset 11, where scales of channels were not yet known: normalization folded, answers near."""
    rng = np.random.default_rng(0)
    constants = {
        "k": rng.normal(0, 0.3, (8, 3, 3, 3)).astype(np.float32),
        **{name: rng.uniform(0.5, 1.5, 8).astype(np.float32) for name in ("gamma", "beta", "mean", "variance")},
    }
    nodes = (
        ("Conv", ["x", "k"], "c"),
        ("BatchNormalization", ["c", "gamma", "beta", "mean", "variance"], "b"),
        ("Relu", ["b"], "r"),
        ("GlobalAveragePool", ["r"], "p"),
        ("Flatten", ["p"], "y"),
    )
    model = own.network(nodes, constants=constants)
    model.opset_import[0].version = 11
    onnx.save(model, tmp_path / "old.onnx")
    batches = [rng.normal(0, 1, (8, 3, own.SIZE, own.SIZE)).astype(np.float32) for _ in range(5)]
    made = quantize.quantize_network(tmp_path / "old.onnx", batches[:4])
    kinds = [node.op_type for node in onnx.ModelProto.FromString(made).graph.node]
    assert "BatchNormalization" not in kinds
    exact, found = (answers(one, batches[4]) for one in (tmp_path / "old.onnx", made))
    assert np.abs(exact - found).max() < 0.02 * np.ptp(exact)


def test_an_unknown_way_to_measure(network: Path) -> None:
    with pytest.raises(UsageError, match="no way to measure ranges is called 'luck'; there are: minmax, percentile"):
        quantize.quantize_network(network, [pictures(1)], method="luck")


# Models


CONVOLVED = (
    ("Conv", ["x", "k"], "c"),
    ("Relu", ["c"], "r"),
    ("GlobalAveragePool", ["r"], "p"),
    ("Flatten", ["p"], "y"),
)


def take_in_a_network(folder: Path, **changed: object) -> None:
    kernel = np.random.default_rng(0).normal(0, 0.3, (6, 3, 3, 3)).astype(np.float32)
    path = own.write(folder, own.network(CONVOLVED, constants={"k": kernel}), output_dimension=6, **changed)
    onnx_file.import_model(path, reserved=EMBEDDERS.built_in())


def photos(folder: Path, count: int = 10) -> list[Path]:
    colors = (RED, BLUE)
    return [photo(folder / f"{n:02}.png", (colors[n % 2], 20 + n, 30, 60 + n)) for n in range(count)]


@pytest.mark.usefixtures("own_cache")
def test_a_model_in_8_bits_is_a_model_of_its_own(tmp_path: Path) -> None:
    take_in_a_network(tmp_path, output_views=2)
    row = quantize.quantize("own", photos(tmp_path / "photos"), detector=DETECTOR)
    assert (row.name, row.precision, row.quantized_from, row.license) == ("own-int8", "int8", "own", "MIT")
    assert [name for name in EMBEDDERS.names() if name.startswith("own")] == ["own", "own-int8"]
    assert embedders.create("own-int8@4").name == "own-int8@4"
    exact, found = embedders.create("own"), embedders.create("own-int8")
    crops = np.random.default_rng(1).integers(0, 256, (5, own.SIZE, own.SIZE, 3), np.uint8)
    near = (exact.embed(crops) * found.embed(crops)).sum(axis=1)
    assert 0.98 < near.min() < 1
    faces = [Face(np.array([3, 4, 50, 60], np.float32), 0.9, np.zeros((5, 2), np.float32))]
    picture = np.random.default_rng(2).integers(0, 256, (90, 90, 3), np.uint8)
    np.testing.assert_array_equal(found.crops(picture, faces), exact.crops(picture, faces))


@pytest.mark.usefixtures("own_cache")
def test_it_takes_enough_faces(tmp_path: Path) -> None:
    take_in_a_network(tmp_path)
    bare = [photo(tmp_path / "photos" / f"bare{n}.png") for n in range(9)]
    with pytest.raises(UsageError, match="ranges are measured on 8 faces or more, and 12 photos show 3"):
        quantize.quantize("own", [*photos(tmp_path / "photos", 3), *bare], detector=DETECTOR)
    assert not user_models.has("own-int8")


@pytest.mark.usefixtures("own_cache")
def test_it_asks_for_the_package_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    take_in_a_network(tmp_path)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=re.escape("pip install 'visavis[quantize]'.")):
        quantize.quantize("own", photos(tmp_path / "photos"), detector=DETECTOR)


@pytest.mark.usefixtures("own_cache")
def test_what_cannot_be_quantized_is_told_in_one_sentence(tmp_path: Path) -> None:
    take_in_a_network(tmp_path)
    some = photos(tmp_path / "photos")
    quantize.quantize("own", some, detector=DETECTOR)
    with pytest.raises(UsageError, match="own-int8 is int8 already: quantize own"):
        quantize.quantize("own-int8", some, detector=DETECTOR)
    with pytest.raises(UsageError, match="leave out the views: own is one network"):
        quantize.quantize("own@2", some, detector=DETECTOR)
    with pytest.raises(UsageError, match="test-colors is not one network in a file"):
        quantize.quantize("test-colors", some, detector=DETECTOR)
    with pytest.raises(UsageError, match="another model is called own-int8 already"):
        quantize.quantize("own", photos(tmp_path / "photos", 9)[1::2] * 2, detector=DETECTOR)  # blue ones only
    assert quantize.quantize("own", some, detector=DETECTOR, called="own-other").name == "own-other"


@pytest.mark.usefixtures("own_cache")
def test_a_damaged_original_is_not_quantized(tmp_path: Path) -> None:
    take_in_a_network(tmp_path)
    user_models.network(user_models.row("own")).write_bytes(b"other bytes")
    with pytest.raises(WeightsError, match="is not the file that was imported"):
        quantize.quantize("own", photos(tmp_path / "photos"), detector=DETECTOR)


# Models of visavis as rows


def test_dlibs_network_as_a_row_is_dlibs_network() -> None:
    row, network = recipes.source("dlib-resnet")
    plain = embedders.create("dlib-resnet")
    assert isinstance(plain, Trained)
    as_row = OnnxFile(row, runtime.Session(network))
    picture = np.random.default_rng(0).integers(0, 256, (200, 240, 3), np.uint8)
    landmarks = np.array([[80, 80], [130, 84], [104, 110], [84, 140], [125, 142]], np.float32)
    faces = [Face(np.array([60, 40, 150, 170], np.float32), 0.9, landmarks)]
    crops = plain.crops(picture, faces)
    assert np.abs(as_row.crops(picture, faces).astype(int) - crops).max() <= 1
    np.testing.assert_array_equal(as_row.embed(crops), plain.embed(crops))
    assert as_row.name == "dlib-resnet"


@pytest.mark.parametrize(
    "recipe", [one for one in recipes.RECIPES.values() if one is not dlib.DLIB_RESNET], ids=lambda one: one.name
)
def test_the_classic_networks_cut_faces_as_their_rows_say(recipe: Recipe) -> None:
    row = replace(recipes.row_of(recipe), dimension=4, views=1)
    picture = np.random.default_rng(0).integers(0, 256, (200, 240, 3), np.uint8)
    boxes = ([60.2, 40.7, 150.1, 170.9], [-20, 100, 90, 230], [200, 5, 260, 40])
    faces = [Face(np.array(box, np.float32), 0.9, landmarks_in(box)) for box in boxes]
    np.testing.assert_array_equal(crops_of(row, picture, faces), recipe.crops(picture, faces))


def landmarks_in(box: Sequence[float]) -> np.ndarray:
    """Five points inside a box, as a face has them."""
    parts = np.array([(0.32, 0.39), (0.68, 0.39), (0.5, 0.6), (0.36, 0.78), (0.64, 0.78)])
    return (np.array(box[:2]) + parts * np.subtract(box[2:], box[:2])).astype(np.float32)


def test_every_recipe_has_its_row() -> None:
    """A network that is added to the classic ones has to be able to run in 8 bits too."""
    modules = (vggface, facenet, sface, dlib)
    made = [one for module in modules for one in vars(module).values() if isinstance(one, Recipe)]
    assert set(recipes.RECIPES) == {one.name for one in made} & set(EMBEDDERS.names())


def test_sface_in_8_bits_stays_near(own_cache: None, tmp_path: Path) -> None:
    """Its published weights, ranges measured on blurred noise: each embedding is nearest to that of float32."""
    row, network = recipes.source("sface")
    coarse = np.random.default_rng(1).integers(0, 256, (12, 7, 7, 3), np.uint8)
    crops = np.stack([cv2.resize(each, (112, 112), interpolation=cv2.INTER_LINEAR) for each in coarse])
    path = tmp_path / "sface-int8.onnx"
    path.write_bytes(quantize.quantize_network(network, [crops[:4], crops[4:8]]))
    plain = embedders.create("sface")
    narrow = OnnxFile(row, runtime.Session(path))
    expected, found = plain.embed(crops), narrow.embed(crops)
    assert row.points is not None
    similarities = found @ expected.T
    np.testing.assert_array_equal(similarities.argmax(axis=1), np.arange(len(crops)))
    assert similarities.diagonal().min() > 0.75  # these are no faces: of faces, .96 was the least of 64
    assert path.stat().st_size < 11_000_000
