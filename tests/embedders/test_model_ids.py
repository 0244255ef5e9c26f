"""Model ids: a name, or a name and how many views of a crop are summed."""

from __future__ import annotations

import re

import numpy as np
import pytest

from golden import chips
from visavis import embedders, runtime
from visavis.embedders import EMBEDDERS
from visavis.errors import UnknownNameError, UsageError
from visavis.pipeline import Recognizer


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
