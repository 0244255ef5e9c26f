"""Model ids: a name, or a name and how many views of a crop are summed."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from golden import chips
from visavis import embedders, runtime
from visavis.embedders import EMBEDDERS, onnx_file
from visavis.errors import UnknownNameError, UsageError, WeightsError
from visavis.pipeline import Recognizer

from . import tiny_models as own


class Plain:
    """An embedder that knows of no views."""

    name = "test-plain"
    dimension = 2


@EMBEDDERS.register("test-plain")
def plain(*, threads: int | None = None) -> Plain:
    runtime.thread_count(threads)
    return Plain()


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("dlib-resnet", "dlib-resnet"),
        ("dlib-resnet@2", "dlib-resnet"),
        ("dlib-resnet@02", "dlib-resnet"),
        ("dlib-resnet@1", "dlib-resnet@1"),
        ("dlib-resnet@4", "dlib-resnet@4"),
    ],
)
def test_an_embedder_goes_by_its_id(model: str, name: str) -> None:
    assert embedders.create(model, threads=1).name == name
    assert embedders.model_id(model) == name
    assert Recognizer(embedder=model, threads=1).embedder.name == name


def test_one_view_is_the_network_alone_and_two_are_the_default() -> None:
    drawn = chips.chips()[:4]
    one, two, default = (embedders.create(f"dlib-resnet{end}") for end in ("@1", "@2", ""))
    raw = default.raw(drawn).astype(float)
    np.testing.assert_allclose(one.embed(drawn), raw / np.linalg.norm(raw, axis=1, keepdims=True), atol=1e-6)
    np.testing.assert_array_equal(two.embed(drawn), default.embed(drawn))
    assert np.abs(one.embed(drawn) - two.embed(drawn)).max() > 1e-3


WRONG = [
    ("dlib-resnet@0", "dlib-resnet has no 0 views: choose from 1, 2, "),
    ("dlib-resnet@3", "dlib-resnet has no 3 views: choose from 1, 2, "),
    ("dlib-resnet@1000000000000000000000", "dlib-resnet has no 1000000000000000000000 views"),
    ("dlib-resnet@x", "'dlib-resnet@x' is no model: after the @ stands a number of views, as in dlib-resnet@2."),
    ("dlib-resnet@-1", "'dlib-resnet@-1' is no model"),
    ("dlib-resnet@²", "'dlib-resnet@²' is no model"),
    ("dlib-resnet@", "'dlib-resnet@' is no model"),
    ("dlib-resnet@2@4", "'dlib-resnet@2@4' is no model"),
    ("test-plain@1", "test-plain offers no choice of views: leave out @1."),
]


@pytest.mark.parametrize(("model", "said"), WRONG)
@pytest.mark.parametrize("ask", [embedders.create, embedders.model_id])
def test_what_is_no_id_is_refused_in_one_sentence(model: str, said: str, ask: object) -> None:
    assert callable(ask)
    with pytest.raises(UsageError, match="^" + re.escape(said)) as caught:
        ask(model)
    assert not isinstance(caught.value, UnknownNameError)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("ask", [embedders.create, embedders.model_id])
@pytest.mark.parametrize("model", ["dlib-resnett@4", "dlib-resnett"])
def test_an_unknown_name_is_unknown_with_and_without_views(model: str, ask: object) -> None:
    assert callable(ask)
    with pytest.raises(UnknownNameError, match=r"did you mean dlib-resnet\?$"):
        ask(model)


def test_a_plain_name_needs_no_views() -> None:
    assert embedders.create("test-plain").name == embedders.model_id("test-plain") == "test-plain"


@pytest.mark.parametrize("model", ["dlib-resnet", "dlib-resnet@4"])
def test_threads_reach_the_factory(model: str) -> None:
    with pytest.raises(UsageError, match="threads must be at least 1"):
        embedders.create(model, threads=0)


# Precisions


@pytest.fixture(scope="session")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with the model ``own``, three that name what they are made of, and one of 8 bits from the beginning."""
    folder, cache = tmp_path_factory.mktemp("models"), tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VISAVIS_CACHE", str(cache))
        rows = {"own": None, "own-int8": "own", "dlib-resnet-int8": "dlib-resnet", "test-plain-int8": "own"}
        for name, original in rows.items():
            more = {"precision": "int8", "quantized_from": original} if original else {}
            onnx_file.import_model(own.write(folder / name, name=name, **more), reserved=[])
        onnx_file.import_model(own.write(folder / "quick", name="quick", precision="int8"), reserved=[])
    return cache


@pytest.fixture
def both(imported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache with the imported models, which no test changes."""
    monkeypatch.setenv("VISAVIS_CACHE", str(imported))


@pytest.mark.usefixtures("both")
@pytest.mark.parametrize(
    ("model", "precision", "expected"),
    [
        ("own", "int8", "own-int8"),
        ("own", "float32", "own"),
        ("own@4", "int8", "own-int8@4"),
        ("own@4", "float32", "own@4"),
        ("own-int8", "int8", "own-int8"),
        ("own-int8@2", "int8", "own-int8@2"),
        ("quick", "int8", "quick"),
        ("dlib-resnet", "int8", "dlib-resnet-int8"),
        ("dlib-resnet@1", "float32", "dlib-resnet@1"),
    ],
)
def test_a_model_in_a_precision(model: str, precision: str, expected: str) -> None:
    assert embedders.in_precision(model, precision) == expected
    assert embedders.precision_of(expected) == precision


@pytest.mark.usefixtures("both")
@pytest.mark.parametrize(
    ("model", "precision", "kind", "said"),
    [
        ("own-int8", "float32", UsageError, "own-int8 is in int8: in float32 it is own."),
        ("quick@2", "float32", UsageError, "quick is in int8: in float32 it is not here."),
        ("facenet-casia@2", "int8", WeightsError, "by visavis models quantize facenet-casia --calibrate DIR."),
        ("test-plain", "int8", WeightsError, "test-plain is not here in int8"),  # what has the name is of another
        ("dlib-resnett", "int8", UnknownNameError, "dlib-resnet"),
    ],
)
def test_precisions_that_there_are_not(model: str, precision: str, kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=re.escape(said)):
        embedders.in_precision(model, precision)
