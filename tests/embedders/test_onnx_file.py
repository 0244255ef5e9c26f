"""Embedders in ONNX files: fed, cut and named as their rows say, and refused where they are not what these say."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from detectors import drawn
from visavis import align, embedders, runtime
from visavis.embedders import EMBEDDERS, dlib, onnx_file
from visavis.embedders.onnx_file import OnnxFile
from visavis.errors import UnknownNameError, UsageError, VisavisError, WeightsError
from visavis.pipeline import Recognizer
from visavis.types import Face
from visavis.weights.model_row import ModelRow, arcface_points

from . import tiny_models as own

SIZE = own.SIZE
DRAWN = ((20, 30, 60), (150, 100, 200))
PICTURE = drawn.picture(640, 480, *DRAWN)
FACES = [Face(drawn.box(*each).astype(np.float32), 0.9, drawn.landmarks(*each).astype(np.float32)) for each in DRAWN]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "cache"))


def take_in(path: Path) -> ModelRow:
    return onnx_file.import_model(path, reserved=EMBEDDERS.built_in())


def uniform(*colors: tuple[int, int, int]) -> np.ndarray:
    return np.array(colors, np.uint8)[:, None, None].repeat(SIZE, 1).repeat(SIZE, 2)


def test_it_is_known_by_its_name_once_imported(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError):
        embedders.create("own")
    take_in(own.write(tmp_path))
    assert "own" in EMBEDDERS.names()
    assert "own" not in EMBEDDERS.built_in()
    assert embedders.create("own").name == Recognizer(embedder="own").model == "own"
    assert Recognizer(embedder="own").embedder.dimension == 3


def test_views_are_of_each_number_and_the_rows_own_goes_without_saying(tmp_path: Path) -> None:
    take_in(own.write(tmp_path, output_views=2))
    ids = {"own": "own", "own@2": "own", "own@1": "own@1", "own@4": "own@4"}
    assert {asked: embedders.model_id(asked) for asked in ids} == ids
    assert {asked: embedders.create(asked).name for asked in ids} == ids
    with pytest.raises(UsageError, match="own has no 3 views"):
        embedders.create("own@3")


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("channels", ["RGB", "BGR"])
def test_the_network_sees_what_the_row_says(layout: str, channels: str, tmp_path: Path) -> None:
    """By the means of channels, which for crops of one color can be told by hand."""
    model = own.network()
    if layout == "NHWC":
        model = own.network((("GlobalAveragePool", ["t"], "m"), ("Flatten", ["m"], "y")), layout=layout)
        model.graph.node.insert(0, onnx.helper.make_node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]))
    mean = [10, 20, 30]
    take_in(own.write(tmp_path, model, input_layout=layout, input_channels=channels, input_mean=mean, input_scale=0.5))
    embedder = embedders.create("own")
    assert isinstance(embedder, OnnxFile)
    found = embedder.raw(uniform((100, 150, 200), (10, 20, 30)))
    expected = [[45, 65, 85], [0, 0, 0]] if channels == "RGB" else [[95, 65, 35], [10, 0, -10]]
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_whole_numbers_are_fed_as_they_are(tmp_path: Path) -> None:
    nodes = (("Cast", ["x"], "f"), ("GlobalAveragePool", ["f"], "m"), ("Flatten", ["m"], "y"))
    model = own.network(nodes, kind=TensorProto.UINT8)
    model.graph.node[0].attribute.append(onnx.helper.make_attribute("to", TensorProto.FLOAT))
    take_in(own.write(tmp_path, model, input_mean=[0, 0, 0], input_scale=1))
    embedder = embedders.create("own")
    assert isinstance(embedder, OnnxFile)
    np.testing.assert_allclose(embedder.raw(uniform((1, 2, 255))), [[1, 2, 255]], atol=1e-4)


@pytest.mark.parametrize("batch", [1, "n"])
def test_batches_of_any_size_whatever_the_network_takes(batch: int | str, tmp_path: Path) -> None:
    take_in(own.write(tmp_path, own.network(batch=batch)))
    embedder = embedders.create("own")
    crops = np.random.default_rng(0).integers(0, 256, (70, SIZE, SIZE, 3), np.uint8)
    expected = (crops.mean(axis=(1, 2)) - 127.5) / 128
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(embedder.embed(crops), expected, atol=1e-4)
    assert embedder.embed(crops[:0]).shape == (0, 3)


TWO: tuple[own.Node, ...] = (*own.MEANS, ("Neg", ["y"], "z"))


@pytest.mark.parametrize(("output", "sign"), [({"index": 0}, 1), ({"index": 1}, -1), ({"name": "z"}, -1), ({}, 1)])
def test_the_output_is_the_one_that_is_named(output: dict[str, object], sign: int, tmp_path: Path) -> None:
    changed = {f"output_{key}": value for key, value in output.items()}
    take_in(own.write(tmp_path, own.network(TWO, outputs=("y", "z")), **changed))
    embedder = embedders.create("own")
    assert isinstance(embedder, OnnxFile)
    np.testing.assert_allclose(embedder.raw(uniform((255, 255, 255))), sign * np.full((1, 3), 0.99609), atol=1e-4)


def test_faces_are_cut_by_five_points_as_dlibs_are(tmp_path: Path) -> None:
    """The same points in the same size give the same pixels."""
    points = [[float(x), float(y)] for x, y in dlib.TEMPLATE]
    take_in(own.write(tmp_path, own.network(size=150), face_crop=None, face_points=points, input_size=150))
    expected = dlib.crops(PICTURE, FACES)
    np.testing.assert_array_equal(embedders.create("own").crops(PICTURE, FACES), expected)


def test_the_template_puts_the_landmarks_where_arcface_does(tmp_path: Path) -> None:
    take_in(own.write(tmp_path, own.network(size=112), face_crop=None, face_template="arcface-112", input_size=112))
    one = Face(np.array([0, 0, 112, 112], np.float32), 0.9, np.array(arcface_points(112), np.float32) * 2 + 7)
    picture = np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)
    expected = align.warp(picture, np.array([[[0.5, 0, -3.5], [0, 0.5, -3.5]]], np.float32), size=112)
    found = embedders.create("own").crops(picture, [one])
    assert np.abs(found.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("margin", [0, 0.4])
def test_a_box_is_cut_with_its_margin(margin: float, tmp_path: Path) -> None:
    take_in(own.write(tmp_path, face_margin=margin))
    expected = align.square_crops(PICTURE, FACES, size=SIZE, margin=margin)
    np.testing.assert_array_equal(embedders.create("own").crops(PICTURE, FACES), expected)


REFUSED: dict[str, tuple[onnx.ModelProto, dict[str, object], str]] = {
    "three figures": (own.network(), {"output_dimension": 4}, "own makes 3 x 3 figures of 3 faces, where its row"),
    "size": (own.network(), {"input_size": 32}, "pictures of 3 x 16 x 16, where its row says 3 x 32 x 32 (NCHW)"),
    "layout": (own.network(), {"input_layout": "NHWC"}, "pictures of 3 x 16 x 16, where its row says 16 x 16 x 3"),
    "batch": (own.network(batch=8), {}, "own takes 8 faces at a time"),
    "inputs": (own.network(inputs=("x", "z"), nodes=(*own.MEANS, ("Neg", ["z"], "w"))), {}, "has 2 inputs"),
    "output": (own.network(), {"output_index": 1}, "own has no output 1; there are: y."),
    "output name": (own.network(), {"output_name": "z"}, "own has no output 'z'; there are: y."),
    "bytes": (
        own.network((("Cast", ["x"], "y"),), kind=TensorProto.INT64), {}, "is no network that can be run"
    ),
    "not finite": (
        own.network((("GlobalAveragePool", ["x"], "m"), ("Flatten", ["m"], "f"), ("Log", ["f"], "y"))),
        {"input_mean": [300, 300, 300]},
        "own.onnx computes numbers that are not finite",
    ),
    "constant": (
        own.network((*own.MEANS[:1], ("Flatten", ["mean"], "f"), ("Mul", ["f", "zero"], "y")),
                    constants={"zero": np.zeros(3, np.float32)}),
        {}, "own answers the same to every picture",
    ),
    "company": (
        own.network((("GlobalAveragePool", ["x"], "m"), ("Flatten", ["m"], "f"), ("Softmax", ["f"], "y"))),
        {}, "own answers to a face with other figures when other faces are in its batch",
    ),
}  # fmt: skip
REFUSED["company"][0].graph.node[2].attribute.append(onnx.helper.make_attribute("axis", 0))
REFUSED["bytes"][0].graph.node[0].attribute.append(onnx.helper.make_attribute("to", 999))


@pytest.mark.parametrize("case", REFUSED)
def test_a_network_that_is_not_what_its_row_says_is_refused(case: str, tmp_path: Path) -> None:
    model, changed, said = REFUSED[case]
    with pytest.raises(VisavisError, match=re.escape(said)) as caught:
        take_in(own.write(tmp_path, model, **changed))
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)
    assert "own" not in EMBEDDERS.names()


@pytest.mark.parametrize("data", [b"", b"no network", b"\x08\x08\x3a\x00" + b"\xff" * 50])
def test_what_is_no_onnx_file_is_refused(data: bytes, tmp_path: Path) -> None:
    path = own.write(tmp_path)
    (tmp_path / "own.onnx").write_bytes(data)
    with pytest.raises(WeightsError, match=r"own\.onnx") as caught:
        take_in(path)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_a_network_that_breaks_off_tells_in_one_sentence(tmp_path: Path) -> None:
    onnx.save(own.network(), tmp_path / "own.onnx")
    session = runtime.Session(tmp_path / "own.onnx")
    with pytest.raises(WeightsError, match=r"own\.onnx broke off: .*\.$"):
        session.run(np.zeros((1, 3, 5, 5), np.float32))


@pytest.mark.parametrize("name", ["dlib-resnet"])
def test_the_names_of_visavis_are_not_to_be_had(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="dlib-resnet is the name of a model of visavis: change the name in"):
        take_in(own.write(tmp_path, name=name))


def test_views_of_an_imported_model_reach_it(tmp_path: Path) -> None:
    """One view of a crop that is brighter at the left and its mirror image have the same mean."""
    take_in(own.write(tmp_path))
    crops = np.random.default_rng(3).integers(0, 256, (4, SIZE, SIZE, 3), np.uint8)
    one, two, four = (embedders.create(f"own@{count}").embed(crops) for count in (1, 2, 4))
    np.testing.assert_allclose(one, two, atol=1e-5)
    assert np.abs(one - four).max() > 1e-4
