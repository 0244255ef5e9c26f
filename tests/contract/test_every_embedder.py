"""What every registered embedder keeps to, whoever wrote it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from detectors import drawn
from visavis.embedders import EMBEDDERS, Embedder
from visavis.errors import UsageError
from visavis.types import Face

NAMES = [name for name in EMBEDDERS.names() if not name.startswith("test-")]  # those of other tests

DRAWN = ((20, 30, 60), (150, 100, 200), (400, 40, 120))
PICTURE = drawn.picture(640, 480, *DRAWN)
FACES = [Face(drawn.box(*each).astype(np.float32), 0.99, drawn.landmarks(*each).astype(np.float32)) for each in DRAWN]
TOLERANCE = 1e-5


@pytest.fixture(scope="module", params=NAMES)
def embedder(request: pytest.FixtureRequest) -> Embedder:
    return EMBEDDERS.create(request.param)


@pytest.fixture(scope="module")
def crops(embedder: Embedder) -> np.ndarray:
    noise = np.random.default_rng(0).integers(0, 256, PICTURE.shape, np.uint8)
    return np.concatenate([embedder.crops(PICTURE, FACES), embedder.crops(noise, FACES)])


def test_the_default_is_there() -> None:
    assert "dlib-resnet" in NAMES


def test_it_goes_by_the_name_it_is_registered_under(embedder: Embedder) -> None:
    assert EMBEDDERS.create(embedder.name, threads=1).name == embedder.name


@pytest.mark.parametrize("name", NAMES)
def test_it_takes_a_number_of_threads_and_refuses_none(name: str) -> None:
    with pytest.raises(UsageError, match="threads must be at least 1"):
        EMBEDDERS.create(name, threads=0)


def test_crops_are_squares_of_one_size(embedder: Embedder) -> None:
    found = embedder.crops(PICTURE, FACES)
    assert found.dtype == np.uint8
    assert found.shape == (3, found.shape[1], found.shape[1], 3)
    assert embedder.crops(PICTURE, []).shape == (0, *found.shape[1:])


def test_crops_show_the_face(embedder: Embedder) -> None:
    # The drawings differ in size only, so their crops look alike.
    one, other, third = embedder.crops(PICTURE, FACES).astype(float)
    assert np.abs(one - other).mean() < 12
    assert np.abs(third - other).mean() < 12
    assert one.std() > 20


def test_vectors_are_unit_rows(embedder: Embedder, crops: np.ndarray) -> None:
    vectors = embedder.embed(crops)
    assert vectors.dtype == np.float32
    assert vectors.shape == (6, embedder.dimension)
    np.testing.assert_allclose(np.linalg.norm(vectors.astype(float), axis=1), 1, atol=1e-5)


def test_no_crops_no_vectors(embedder: Embedder, crops: np.ndarray) -> None:
    vectors = embedder.embed(crops[:0])
    assert vectors.shape == (0, embedder.dimension)
    assert vectors.dtype == np.float32


def test_vectors_are_the_same_each_time(embedder: Embedder, crops: np.ndarray) -> None:
    np.testing.assert_array_equal(embedder.embed(crops), embedder.embed(crops))


def test_crops_do_not_influence_each_other(embedder: Embedder, crops: np.ndarray) -> None:
    together = embedder.embed(crops)
    alone = np.concatenate([embedder.embed(crops[i : i + 1]) for i in range(len(crops))])
    np.testing.assert_allclose(together, alone, atol=TOLERANCE)
    np.testing.assert_allclose(embedder.embed(crops[::-1]), together[::-1], atol=TOLERANCE)


def test_one_drawing_in_several_sizes_is_nearer_to_itself_than_to_noise(embedder: Embedder, crops: np.ndarray) -> None:
    vectors = embedder.embed(crops)
    distances = 1 - vectors @ vectors.T
    assert distances[:3, :3].max() < distances[:3, 3:].min()


def test_threads_share_it(embedder: Embedder, crops: np.ndarray) -> None:
    expected = [embedder.embed(crops[i : i + 2]) for i in range(5)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda i: embedder.embed(crops[i : i + 2]), list(range(5)) * 3))
    for one, other in zip(found, expected * 3, strict=True):
        np.testing.assert_array_equal(one, other)


def test_crops_and_pictures_are_only_read(embedder: Embedder, crops: np.ndarray) -> None:
    frozen = crops.copy()
    frozen.setflags(write=False)
    embedder.embed(frozen)
    still = PICTURE.copy()
    still.setflags(write=False)
    embedder.crops(still, FACES)
    np.testing.assert_array_equal(still, PICTURE)
