"""VGGFace and VGGFace2 from files of the published layout, against keras-vggface's own networks.

The references (``golden/keras_vggface.npz``) were made by ``benchmarks/golden/keras_vggface_outputs.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from golden import networks
from visavis import embedders
from visavis.embedders import vggface
from visavis.embedders.trained import Recipe
from visavis.errors import UsageError, WeightsError
from visavis.nets import resnet50, senet50, vgg16
from visavis.types import Face
from visavis.weights.catalog import classic
from visavis.weights.row import WeightSpec

from .published import GOLDEN, WITHIN, Watched, difference, inside, keras_file

REFERENCE = np.load(GOLDEN / "keras_vggface.npz")


def softmax(logits: np.ndarray) -> np.ndarray:
    grown = np.exp(logits - logits.max(axis=1, keepdims=True))
    return grown / grown.sum(axis=1, keepdims=True)


def stages_of_resnet(net: Watched) -> dict[str, Any]:
    return {
        "pool1": net.of("max_pool")[0],
        **{f"block{number}": end for number, end in enumerate(net.of("relu of add"), 1)},
    }


def stages_of_vgg16(net: Watched) -> dict[str, Any]:
    dense = {f"{name}/relu": end for name in ("fc6", "fc7") for end in net.of("relu of dense", name)}
    return {**{f"pool{number}": end for number, end in enumerate(net.of("max_pool"), 1)}, **dense}


def assert_same_stages(name: str, found: dict[str, np.ndarray], *, count: int) -> None:
    compared = {stage: difference(f"{name}.{stage}", found[stage], REFERENCE[f"{name}.{stage}"]) for stage in found}
    assert len(compared) == count
    assert max(compared.values()) < WITHIN, compared


def assert_same_features(name: str, found: np.ndarray) -> None:
    golden = REFERENCE[f"{name}.features"]
    assert np.abs(golden[0] - golden[1]).max() > golden.std() / 4  # the pictures do differ to the network
    np.testing.assert_allclose(found, golden, atol=WITHIN * golden.std())


@pytest.fixture(scope="module", params=["resnet50", "senet50"])
def residual(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Name of a residual network, and a file of it with the top, of full size."""
    path = tmp_path_factory.mktemp("weights") / f"rcmalli_vggface_tf_{request.param}.h5"
    yield request.param, keras_file(path, networks.resnet50(squeeze=request.param == "senet50"))
    path.unlink()


def test_residual_networks_stage_by_stage(residual: tuple[str, Path]) -> None:
    name, path = residual
    net = {"resnet50": resnet50.resnet50_top, "senet50": senet50.senet50_top}[name]
    found = inside(net, vggface.read(path), side=224, stages=stages_of_resnet)
    features, probabilities = found.pop("0"), softmax(found.pop("1"))
    assert_same_features(name, features)
    assert_same_stages(name, {**found, "classifier": probabilities}, count=18)


@pytest.mark.slow(seconds=11)
def test_residual_embedders(residual: tuple[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """From the file with the top, where the one without is not there: found, converted, run, scaled to length 1."""
    name, path = residual
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path))
    monkeypatch.setenv("VISAVIS_WEIGHTS", str(path.parent))
    monkeypatch.setenv("VISAVIS_OFFLINE", "1")
    crops = networks.pictures(224)
    embedder: Any = embedders.create(f"vggface2-{name}", threads=1)
    assert (embedder.name, embedder.dimension) == (f"vggface2-{name}", 2048)
    assert_same_features(name, embedder.raw(crops))
    golden = REFERENCE[f"{name}.features"]
    unit = golden / np.linalg.norm(golden, axis=1, keepdims=True)
    np.testing.assert_allclose(embedder.embed(crops), unit, atol=1e-6)
    assert embedder.embed(crops[:0]).shape == (0, 2048)
    assert len(list((tmp_path / "onnx").glob("*.onnx"))) == 1
    both: Any = embedders.create(f"vggface2-{name}@2", threads=1)
    assert both.name == f"vggface2-{name}@2"
    np.testing.assert_allclose(both.embed(crops[:, :, ::-1]), both.embed(crops), atol=1e-5)


def test_vgg16_without_the_top(tmp_path: Path) -> None:
    path = keras_file(tmp_path / "notop.h5", networks.vgg16(top=False))
    found = inside(vgg16.vgg16, vggface.read(path), side=224, stages=stages_of_vgg16)
    features = found.pop("0")
    np.testing.assert_allclose(features, found["pool5"].mean(axis=(2, 3)), atol=1e-5)
    assert_same_stages("vgg16", found, count=5)


@pytest.mark.slow
def test_vgg16_to_the_end(tmp_path: Path) -> None:
    path = keras_file(tmp_path / "top.h5", networks.vgg16())
    weights = vggface.read(path)
    path.unlink()
    found = inside(vgg16.vgg16_top, weights, side=224, stages=stages_of_vgg16)
    features, logits = found.pop("0"), found.pop("1")
    assert_same_features("vgg16", features)
    assert_same_stages("vgg16", {**found, "fc8": logits, "fc8/softmax": softmax(logits)}, count=9)


# Preprocessing


@pytest.mark.parametrize(("row", "version"), [(classic.VGG16, 1), (classic.RESNET50, 2), (classic.SENET50, 2)])
def test_preprocessing_is_that_of_the_row(row: WeightSpec, version: int) -> None:
    """keras-vggface takes the means from BGR pictures; rows give both in the order RGB."""
    found = (networks.pictures(224).astype(np.float32) - np.array(row.mean, np.float32)) * row.scale
    golden = REFERENCE[f"preprocess_v{version}"]
    stage = f"preprocess_v{version}"
    np.testing.assert_allclose(networks.summary(stage, found[..., ::-1].transpose(0, 3, 1, 2)), golden, atol=1e-4)
    other = networks.summary(stage, found.transpose(0, 3, 1, 2))
    assert np.abs(other - golden).max() > 10  # RGB would be seen


def test_means_of_the_definitions_are_those_of_the_rows() -> None:
    assert vgg16.MEAN == classic.VGG16.mean == classic.VGG16_NOTOP.mean == (129.1863, 104.7624, 93.5940)
    assert resnet50.MEAN == classic.RESNET50.mean == classic.SENET50.mean == (131.0912, 103.8827, 91.4953)


# Files


def test_names_that_keras_numbered(tmp_path: Path) -> None:
    """A model that was made a second time in one process has layers ``conv1_1_1``."""
    layers = {
        "conv1_1": [("conv1_1_1/kernel:0", np.arange(54.0).reshape(3, 3, 3, 2)), ("conv1_1_1/bias:0", np.ones(2))]
    }
    layers["conv1/7x7_s2/bn"] = [("conv1/7x7_s2_1/bn/moving_variance:0", np.full(2, 3.0))]
    layers["conv3_2_1x1_increase"] = [("conv3_2_1x1_increase_1/kernel:0", np.ones((1, 1, 4, 8)))]
    from weights.hdf5 import write_keras

    found = vggface.read(write_keras(tmp_path / "w.h5", layers))
    assert set(found) == {"conv1_1.kernel", "conv1_1.bias", "conv1.bn.variance", "conv3_2.increase.kernel"}
    assert found["conv1_1.kernel"].shape == (2, 3, 3, 3)
    assert found["conv1_1.kernel"][1, :, 0, 0].tolist() == [5, 3, 1]  # of BGR 1, 3, 5
    assert found["conv3_2.increase.kernel"].shape == (8, 4, 1, 1)


def test_fc6_takes_maps_in_our_order(tmp_path: Path) -> None:
    from weights.hdf5 import write_keras

    kernel = np.arange(7 * 7 * 2 * 3, dtype=np.float32).reshape(98, 3)
    path = write_keras(tmp_path / "w.h5", {"fc6": [("fc6/kernel:0", kernel)]})
    found = vggface.read(path)["fc6.kernel"]
    # row 1, column 2, channel 1 is input (1 * 7 + 2) * 2 + 1 of theirs, and 1 * 49 + 1 * 7 + 2 of ours
    np.testing.assert_array_equal(found[49 + 9], kernel[19])


@pytest.mark.parametrize(("drop", "said"), [("fc7", "it has no fc7.kernel"), (None, "is \\(98, 3\\), where")])
def test_a_file_of_another_network_is_told(tmp_path: Path, drop: str | None, said: str) -> None:
    layers = {
        layer: [(name, np.zeros(shape, np.float32)) for name, shape in weights.items()]
        for layer, weights in networks.vgg16(width=3, classes=2).items()
        if layer != drop
    }
    if drop is None:
        layers["fc6"] = [("fc6/kernel:0", np.zeros((98, 3), np.float32)), ("fc6/bias:0", np.zeros(3, np.float32))]
    from weights.hdf5 import write_keras

    path = write_keras(tmp_path / "w.h5", layers)
    with pytest.raises(WeightsError, match=r"is not a file of vggface-vgg16"):
        vggface.VGG16.build(path)


# Crops


def face(x1: float, y1: float, x2: float, y2: float) -> Face:
    return Face(np.array([x1, y1, x2, y2], np.float32), 0.9, np.zeros((5, 2), np.float32))


def ramp(width: int, height: int) -> np.ndarray:
    """A picture whose red tells the column and whose green the row, in twos."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([columns // 2, rows // 2, np.full_like(rows, 9)], axis=-1).astype(np.uint8)


def test_vggface2_takes_the_middle_of_a_larger_box() -> None:
    """A box of 160 x 200: its shorter side of 208 is brought to 256, so the middle 224 are 182 pixels of the photo."""
    picture = ramp(400, 400)
    (crop,) = vggface.central_crops(picture, [face(120, 80, 280, 280)])
    side = 1.3 * 160 * 224 / 256
    assert side == pytest.approx(182)
    assert crop.shape == (224, 224, 3)
    left, right = (200 - side / 2) / 2, (200 + side / 2) / 2
    top, bottom = (180 - side / 2) / 2, (180 + side / 2) / 2
    assert crop[112, 0, 0] == pytest.approx(left, abs=1)
    assert crop[112, -1, 0] == pytest.approx(right, abs=1)
    assert crop[0, 112, 1] == pytest.approx(top, abs=1)
    assert crop[-1, 112, 1] == pytest.approx(bottom, abs=1)


def test_vgg16_takes_the_box_stretched() -> None:
    (crop,) = vggface.stretched_crops(ramp(400, 400), [face(120.7, 80.2, 280.9, 280.4)])
    assert crop[112, 0, 0] == pytest.approx(60, abs=1)
    assert crop[112, -1, 0] == pytest.approx(140, abs=1)
    assert crop[0, 112, 1] == pytest.approx(40, abs=1)
    assert crop[-1, 112, 1] == pytest.approx(140, abs=1)


@pytest.mark.parametrize("crops", [vggface.central_crops, vggface.stretched_crops])
def test_faces_at_the_edge_and_beyond(crops: Callable[..., np.ndarray]) -> None:
    picture = ramp(100, 80) + 1
    boxes = [face(-30, -20, 40, 60), face(90, 70, 160, 130), face(99.5, 79.5, 99.9, 79.9), face(200, 200, 220, 230)]
    found = crops(picture, boxes)
    assert found.shape == (4, 224, 224, 3)
    assert crops(picture, []).shape == (0, 224, 224, 3)


# Refusals


@pytest.mark.parametrize("recipe", [vggface.VGG16, vggface.RESNET50, vggface.SENET50], ids=lambda recipe: recipe.name)
def test_options_are_refused_before_anything_is_looked_for(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "none"))
    monkeypatch.setenv("VISAVIS_OFFLINE", "1")
    with pytest.raises(UsageError, match="threads must be at least 1"):
        embedders.create(recipe.name, threads=0)
    with pytest.raises(UsageError, match="has no 3 views"):
        embedders.create(f"{recipe.name}@3")


def test_a_missing_file_is_told_with_its_address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "none"))
    monkeypatch.setenv("VISAVIS_OFFLINE", "1")
    monkeypatch.delenv("VISAVIS_WEIGHTS", raising=False)
    with pytest.raises(WeightsError) as caught:
        embedders.create("vggface2-resnet50")
    said = str(caught.value)
    assert said.startswith("rcmalli_vggface_tf_notop_resnet50.h5 is missing (")
    assert "https://github.com/rcmalli/keras-vggface/releases/download/v2.0/" in said


def test_the_license_of_vggface_has_to_be_accepted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "none"))
    monkeypatch.delenv("VISAVIS_ACCEPT_LICENSE", raising=False)
    with pytest.raises(WeightsError, match=r"non-commercial research \(VGG-Face\)"):
        embedders.create("vggface-vgg16")
