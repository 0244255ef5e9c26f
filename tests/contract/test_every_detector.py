"""What every registered detector keeps to, whoever wrote it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from inspect import Parameter, signature
from pathlib import Path

import numpy as np
import pytest

from detectors.drawn import assert_same, picture
from detectors.published import load
from visavis.defaults import DETECTOR
from visavis.detectors import DETECTORS, Detector, oriented_name
from visavis.errors import UsageError
from visavis.types import Face

NAMES = [name for name in DETECTORS.names() if not name.startswith("test-")]  # those of other tests

PICTURES = [
    picture(320, 240, (30, 20, 60), (150, 100, 80)),
    picture(101, 77),
    picture(90, 133, (10, 30, 70)),
    np.zeros((1, 1, 3), np.uint8),
    picture(320, 240, (200, 90, 50)),
]
COUNTS = [2, 0, 1, 0, 1]


OWN = {"mtcnn"}
"""Those whose weights come with the installation; the others' may be absent, and some need a license accepted."""


@pytest.fixture(scope="module", params=NAMES)
def detector(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Detector:
    if request.param in OWN:
        return DETECTORS.create(request.param)
    return load(request.param, tmp_path_factory.mktemp("cache"))


def test_the_default_is_there() -> None:
    assert DETECTOR in NAMES


def test_it_goes_by_the_name_it_is_registered_under(request: pytest.FixtureRequest, detector: Detector) -> None:
    assert detector.name == request.node.callspec.params["detector"]


def test_one_thread_finds_the_same(detector: Detector, tmp_path: Path) -> None:
    alone = load(detector.name, tmp_path, threads=1)
    for faces, same in zip(detector.detect(PICTURES), alone.detect(PICTURES), strict=True):
        assert_same(faces, same)


@pytest.mark.parametrize("name", NAMES)
def test_it_declares_the_options_of_its_factory(name: str) -> None:
    for each in (name, oriented_name(name, any_orientation=True)):
        parameters = signature(DETECTORS.factory(each)).parameters.values()
        assert {one.name: one.default for one in parameters} == {"threads": None, **DETECTORS.options(each)}
        assert {one.kind for one in parameters} == {Parameter.KEYWORD_ONLY}


@pytest.mark.parametrize("name", NAMES)
def test_it_takes_a_number_of_threads_and_refuses_none(name: str) -> None:
    with pytest.raises(UsageError, match="threads must be at least 1"):
        DETECTORS.create(name, threads=0)


def test_drawn_faces_are_found(detector: Detector) -> None:
    assert [len(faces) for faces in detector.detect(PICTURES)] == COUNTS


def test_faces_are_faces(detector: Detector) -> None:
    for faces, one in zip(detector.detect(PICTURES), PICTURES, strict=True):
        height, width = one.shape[:2]
        assert [face.score for face in faces] == sorted((face.score for face in faces), reverse=True)
        for face in faces:
            assert isinstance(face, Face)
            assert face.box.dtype == face.landmarks.dtype == np.float32
            assert type(face.score) is float
            assert 0 <= face.score <= 1
            assert 0 < face.width < width
            assert 0 < face.height < height
            assert np.isfinite(face.landmarks).all()


def test_nothing_in_nothing_out(detector: Detector) -> None:
    assert detector.detect([]) == []


def test_answers_are_the_same_each_time(detector: Detector) -> None:
    for one, other in zip(detector.detect(PICTURES), detector.detect(PICTURES), strict=True):
        assert_same(one, other, within=0)


def test_pictures_do_not_influence_each_other(detector: Detector) -> None:
    for faces, one in zip(detector.detect(PICTURES), PICTURES, strict=True):
        assert_same(faces, detector.detect([one])[0])


def test_threads_share_it(detector: Detector) -> None:
    expected = [detector.detect([one])[0] for one in PICTURES]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda one: detector.detect([one])[0], PICTURES * 3))
    for one, other in zip(found, expected * 3, strict=True):
        assert_same(one, other, within=0)


def test_pictures_are_only_read(detector: Detector) -> None:
    frozen = [one.copy() for one in PICTURES]
    for one in frozen:
        one.setflags(write=False)
    assert [len(faces) for faces in detector.detect(frozen)] == COUNTS
    for one, other in zip(frozen, PICTURES, strict=True):
        np.testing.assert_array_equal(one, other)


def test_larger_faces_only(detector: Detector) -> None:
    assert [len(faces) for faces in detector.detect(PICTURES, min_face=200)] == [0] * len(PICTURES)
