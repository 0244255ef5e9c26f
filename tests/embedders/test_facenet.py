"""FaceNet from files of the published layouts, against facenet-pytorch's own network.

The references (``golden/facenet_pytorch.npz``) were made by ``benchmarks/golden/facenet_pytorch_outputs.py``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from golden import networks
from visavis import embedders
from visavis.embedders import facenet
from visavis.errors import UsageError, WeightsError
from visavis.nets import inception_resnet_v1 as definition
from visavis.types import Face
from visavis.weights.catalog import classic
from weights.hdf5 import write_keras

from .published import GOLDEN, WITHIN, Watched, difference, frozen_graph, inside, keras_facenet, torch_file

REFERENCE = np.load(GOLDEN / "facenet_pytorch.npz")
LAYERS = networks.inception_resnet_v1()


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The state dict, of full size, with the logits of 8,631 people."""
    path = tmp_path_factory.mktemp("weights") / classic.FACENET_VGGFACE2.file
    yield torch_file(path, LAYERS)
    path.unlink()


def stages(net: Watched) -> dict[str, Any]:
    ends, (mixed_6a, mixed_7a) = net.of("relu of add"), net.of("reduction")
    units = ("conv2d_1a", "conv2d_2b", "conv2d_4a", "conv2d_4b")
    return {
        **{name: net.of("relu of norm", name)[0] for name in units},
        "maxpool_3a": net.of("max_pool")[0],
        "repeat_1.0": ends[0],
        "repeat_1": ends[4],
        "mixed_6a": mixed_6a,
        "repeat_2.0": ends[5],
        "repeat_2": ends[14],
        "mixed_7a": mixed_7a,
        "repeat_3.0": ends[15],
        "repeat_3": ends[19],
        "block8": net.of("add")[20],
    }


def test_stage_by_stage(published: Path) -> None:
    found = inside(definition.inception_resnet_v1_top, facenet.read(published), side=160, stages=stages)
    found["last_bn"], found["logits"] = found.pop("0"), found.pop("1")
    compared = {stage: difference(stage, values, REFERENCE[stage]) for stage, values in found.items()}
    assert len(compared) == 16
    assert max(compared.values()) < WITHIN, compared


def test_embedder(published: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path))
    monkeypatch.setenv("VISAVIS_WEIGHTS", str(published.parent))
    monkeypatch.setenv("VISAVIS_OFFLINE", "1")
    crops, golden = networks.pictures(160), REFERENCE["features"]
    embedder = embedders.create("facenet-vggface2", threads=1)
    assert (embedder.name, embedder.dimension) == ("facenet-vggface2", 512)
    np.testing.assert_allclose(embedder.embed(crops), golden, atol=1e-6)
    assert np.abs(golden[0] - golden[1]).max() > 0.01  # the pictures do differ to the network
    assert embedder.embed(crops[:0]).shape == (0, 512)
    both = embedders.create("facenet-vggface2@2", threads=1)
    np.testing.assert_allclose(both.embed(crops[:, :, ::-1]), both.embed(crops), atol=1e-5)


# Preprocessing


def test_preprocessing_is_the_fixed_standardisation() -> None:
    row = classic.FACENET_VGGFACE2
    pixels = networks.pictures(160).astype(np.float32)
    found = ((pixels - np.array(row.mean, np.float32)) * np.float32(row.scale)).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(networks.summary("fixed", found), REFERENCE["fixed"], atol=1e-6)
    assert (row.mean, row.scale) == (definition.MEAN, definition.SCALE)


def test_prewhitening_is_something_else() -> None:
    """What models before 2018 want: each picture by its own mean and deviation. Kept to show that it is not ours."""
    pixels = networks.pictures(160).transpose(0, 3, 1, 2).astype(np.float64)
    whitened = [(one - one.mean()) / max(one.std(ddof=1), 1 / math.sqrt(one.size)) for one in pixels]
    summed = networks.summary("prewhiten", np.stack(whitened))
    np.testing.assert_allclose(summed, REFERENCE["prewhiten"], atol=1e-5)
    assert np.abs(REFERENCE["prewhiten"][:, :2] - REFERENCE["fixed"][:, :2]).max() > 0.1


# The other files of the same weights


def expected() -> dict[str, np.ndarray]:
    """What the state dict gives, without the gammas."""
    arrays = dict(networks.arrays(networks.inception_resnet_v1(classes=None)))
    kept = {name: array for name, array in arrays.items() if not name.endswith("num_batches_tracked")}
    parts = {"bias": "beta", "running_mean": "mean", "running_var": "variance"}
    named = {}
    for name, array in kept.items():
        layer, _, part = name.rpartition(".")
        if layer.endswith("bn"):
            if part != "weight":
                named[f"{layer}.{parts[part]}"] = array
        else:
            plain = "kernel" if part == "weight" else "bias"
            named[f"{layer.removesuffix('.conv')}.{plain}"] = array.T if array.ndim == 2 else array
    return named


def assert_same_arrays(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> None:
    assert set(found) == set(wanted)
    for name, array in wanted.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


def test_the_frozen_graph_holds_the_same(tmp_path: Path) -> None:
    path = frozen_graph(tmp_path / classic.FACENET_VGGFACE2_GRAPH.file)
    assert_same_arrays(facenet.read(path), expected())


def test_keras_facenets_weights_hold_the_same(tmp_path: Path) -> None:
    layers = keras_facenet()
    assert "Block35_1_Branch_2_Conv2d_0c_3x3_BatchNorm" in layers
    assert "Block8_6_Conv2d_1x1" in layers
    path = write_keras(tmp_path / classic.FACENET_VGGFACE2_KERAS.file, layers)
    assert_same_arrays(facenet.read(path), expected())


def test_a_branch_that_the_network_has_not_is_passed_over(tmp_path: Path) -> None:
    layers = ("Bottleneck", "Mixed_6a_Branch_2_Conv2d_0a_1x1")
    path = write_keras(tmp_path / "w.h5", {one: [(f"{one}/kernel:0", np.ones((2, 2)))] for one in layers})
    assert [*facenet.read(path)] == ["last_linear.kernel"]


def test_a_file_of_another_network_is_told(tmp_path: Path) -> None:
    short = {"": {name: shape for name, shape in LAYERS[""].items() if not name.startswith("mixed_6a")}}
    path = torch_file(tmp_path / "short.pt", short)
    with pytest.raises(WeightsError, match=r"is not a file of facenet-vggface2: it has no mixed_6a\.branch0\.kernel"):
        facenet.VGGFACE2.build(path)


# Crops


def test_crops_are_the_boxes_in_whole_pixels() -> None:
    """facenet-pytorch at margin 0: the box cut off at the edges and at whole pixels, then stretched."""
    rows, columns = np.mgrid[:200, :300]
    picture = np.stack([columns * 2 // 3, rows, np.zeros_like(rows)], axis=-1).astype(np.uint8)
    box = np.array([-10.5, 20.9, 80.9, 180.7], np.float32)
    (crop,) = facenet.crops(picture, [Face(box, 0.9, np.zeros((5, 2), np.float32))])
    assert crop.shape == (160, 160, 3)
    assert crop[80, 0, 0] == pytest.approx(0, abs=1)
    assert crop[80, -1, 0] == pytest.approx(79.5 * 2 / 3, abs=1)
    assert crop[0, 80, 1] == pytest.approx(20, abs=1)
    assert crop[-1, 80, 1] == pytest.approx(179, abs=1)
    np.testing.assert_allclose(crop[80, :, 0], (np.arange(160) + 0.5) / 2 * 2 / 3, atol=1.5)


@pytest.mark.parametrize("name", ["facenet-vggface2", "facenet-casia"])
def test_options_are_refused_before_anything_is_looked_for(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "none"))
    monkeypatch.setenv("VISAVIS_OFFLINE", "1")
    with pytest.raises(UsageError, match="threads must be at least 1"):
        embedders.create(name, threads=0)
    with pytest.raises(UsageError, match="has no 8 views"):
        embedders.create(f"{name}@8")
