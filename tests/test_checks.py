"""Options of a wrong type or range: one sentence of a UsageError, whichever public function they are given to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import visavis
from visavis import compare
from visavis._checks import check_number, check_whole
from visavis.classify import check_options
from visavis.clustering import cluster_faces
from visavis.clustering.faces import join_faces
from visavis.errors import UsageError
from visavis.gallery import Gallery

PICTURE = np.full((40, 40, 3), 128, np.uint8)
WORDS: Any = "x"
NOTHING: Any = None
NAN = float("nan")


def table() -> compare.Calibration:
    return compare.Calibration("m", (0.1, 0.001), (0.5, 0.2), -10, 3)


CALLS: dict[str, Callable[[Any], object]] = {
    "detect(min_face)": lambda value: visavis.detect(PICTURE, min_face=value),
    "embed(min_face)": lambda value: visavis.embed(PICTURE, min_face=value),
    "extract(min_face)": lambda value: visavis.extract(PICTURE, min_face=value),
    "verify(min_face)": lambda value: visavis.verify(PICTURE, PICTURE, min_face=value),
    "similar(min_face)": lambda value: visavis.similar(PICTURE, [PICTURE], min_face=value),
    "cluster(min_face)": lambda value: visavis.cluster([PICTURE], min_face=value),
    "representative(min_face)": lambda value: visavis.representative([PICTURE], min_face=value),
    "verify(far)": lambda value: visavis.verify(PICTURE, PICTURE, far=value),
    "verify(metric)": lambda value: visavis.verify(PICTURE, PICTURE, metric=value),
    "similar(top)": lambda value: visavis.similar(PICTURE, [PICTURE], top=value),
    "read(max_pixels)": lambda value: visavis.read(PICTURE, max_pixels=value),
    "Recognizer(detector)": lambda value: visavis.Recognizer(detector=value),
    "Recognizer(embedder)": lambda value: visavis.Recognizer(embedder=value),
    "Calibration.threshold": lambda value: table().threshold(value),
    "search_threshold(fpir)": lambda value: table().search_threshold(value, 5),
    "search_threshold(people)": lambda value: table().search_threshold(0.1, value),
    "to_cosine": lambda value: compare.to_cosine(value, "cosine"),
    "classify(top)": lambda value: check_options(value, 0.5),
    "cluster(min_quality)": lambda value: cluster_faces(join_faces(), threshold=0.1, min_quality=value),
    "cluster(seed)": lambda value: cluster_faces(join_faces(), threshold=0.1, seed=value),
}


@pytest.mark.parametrize("value", [WORDS, NOTHING, NAN, -5, [1]], ids=repr)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_wrong_option_is_one_sentence(call: Callable[[Any], object], value: object) -> None:
    with pytest.raises(UsageError) as raised:
        call(value)
    message = str(raised.value)
    assert message.endswith(".")
    assert "\n" not in message


@pytest.mark.parametrize("value", [WORDS, NAN, -5, [1]], ids=repr)
def test_a_wrong_probability_is_one_sentence(value: Any) -> None:
    """None is the rule of the classifier itself."""
    check_options(5, None)
    with pytest.raises(UsageError, match=r"^.* from 0 to 1, got .*\.$"):
        check_options(5, value)


@pytest.mark.parametrize("value", [WORDS, NAN, -5, [1]], ids=repr)
def test_a_wrong_threshold_is_one_sentence(value: Any) -> None:
    for call in (
        lambda: visavis.verify(PICTURE, PICTURE, threshold=value),
        lambda: cluster_faces(join_faces(), threshold=value),
    ):
        with pytest.raises(UsageError, match="a distance in cosine is from 0 to 2, got"):
            call()


@pytest.mark.parametrize("value", [WORDS, NOTHING, 0, 1.5])
def test_a_wrong_number_of_candidates(value: Any, tmp_path: Path) -> None:
    with Gallery(f"sqlite:///{tmp_path / 'a.db'}") as gallery:
        for search in (gallery.search, gallery.lookalikes, gallery.identify_embeddings):
            with pytest.raises(UsageError, match="top is a whole number of 1 or more, got"):
                search(np.ones((1, 3)), top=value)
        with pytest.raises(UsageError, match="min_quality is a number from 0 to 1, got"):
            gallery.enroll("Ann", [PICTURE], min_quality=WORDS)


def test_numbers_of_numpy_are_numbers() -> None:
    assert check_number(np.float32(0.5), "a share", least=0, most=1) == 0.5
    assert check_whole(np.int64(3), "a count", least=1) == 3
    with pytest.raises(UsageError, match=r"^a count of 1 or more, got True\.$"):
        check_whole(True, "a count", least=1)
    assert check_whole(9, "a count", least=1, most=9) == 9
    with pytest.raises(UsageError, match=r"^a count from 1 to 9, got 10\.$"):
        check_whole(10, "a count", least=1, most=9)
    with pytest.raises(UsageError, match=r"^a share from 0 to 1, got 1\.5\.$"):
        check_number(1.5, "a share", least=0, most=1)
