"""What every registered embedder keeps to, whoever wrote it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from inspect import Parameter, signature

import numpy as np
import pytest

from detectors import drawn
from visavis import embedders
from visavis.defaults import EMBEDDER
from visavis.embedders import EMBEDDERS, Embedder
from visavis.embedders._views import COUNTS
from visavis.errors import UsageError, WeightsError
from visavis.types import Face

NAMES = [name for name in EMBEDDERS.names() if not name.startswith("test-")]  # those of other tests
VIEWED = [name for name in NAMES if "views" in EMBEDDERS.options(name)]
OTHERS = [f"{name}@{count}" for name in VIEWED for count in (COUNTS[0], COUNTS[-1])]
IDS = [*NAMES, *(model for model in OTHERS if embedders.model_id(model) == model)]  # @1 is the default of some

DRAWN = ((20, 30, 60), (150, 100, 200), (400, 40, 120))
PICTURE = drawn.picture(640, 480, *DRAWN)
FACES = [Face(drawn.box(*each).astype(np.float32), 0.99, drawn.landmarks(*each).astype(np.float32)) for each in DRAWN]
TOLERANCE = 1e-5


def load(model: str) -> Embedder:
    """The embedder; where its weights are not on this machine, the test is skipped and says which."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VISAVIS_OFFLINE", "1")
        try:
            return embedders.create(model)
        except WeightsError as error:
            pytest.skip(str(error))


@pytest.fixture(scope="module", params=IDS)
def embedder(request: pytest.FixtureRequest) -> Embedder:
    return load(request.param)


@pytest.fixture(scope="module")
def crops(embedder: Embedder) -> np.ndarray:
    noise = np.random.default_rng(0).integers(0, 256, PICTURE.shape, np.uint8)
    return np.concatenate([embedder.crops(PICTURE, FACES), embedder.crops(noise, FACES)])


def test_the_default_is_there() -> None:
    assert EMBEDDER in NAMES


def test_it_goes_by_the_id_that_makes_it_again(embedder: Embedder, crops: np.ndarray) -> None:
    again = load(embedder.name)
    assert again.name == embedder.name == embedders.model_id(embedder.name)
    np.testing.assert_allclose(again.embed(crops), embedder.embed(crops), atol=TOLERANCE)


@pytest.mark.parametrize("model", IDS)
def test_its_id_is_the_one_it_was_asked_for_by(model: str) -> None:
    assert load(model).name == model


@pytest.mark.parametrize("name", VIEWED)
def test_each_number_of_views_is_a_model_of_its_own(name: str) -> None:
    ids = [embedders.model_id(f"{name}@{count}") for count in COUNTS]
    assert len(set(ids)) == len(COUNTS)
    assert name in ids  # the default
    assert all(one in {name, f"{name}@{count}"} for one, count in zip(ids, COUNTS, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_a_number_of_views_that_it_has_not_is_refused(name: str) -> None:
    for count in (0, COUNTS[-1] + 1):
        said = f"has no {count} views: choose from" if name in VIEWED else "offers no choice of views"
        with pytest.raises(UsageError, match=said):
            embedders.create(f"{name}@{count}")


@pytest.mark.parametrize("name", VIEWED)
def test_of_an_even_number_of_views_a_mirrored_crop_has_the_same_embedding(name: str) -> None:
    crops = load(name).crops(PICTURE, FACES)
    for count in (count for count in COUNTS if count % 2 == 0):
        viewed = load(f"{name}@{count}")
        np.testing.assert_allclose(viewed.embed(crops[:, :, ::-1]), viewed.embed(crops), atol=TOLERANCE)


@pytest.mark.parametrize("name", NAMES)
def test_it_declares_the_options_of_its_factory(name: str) -> None:
    parameters = signature(EMBEDDERS.factory(name)).parameters.values()
    assert {each.name: each.default for each in parameters} == {"threads": None, **EMBEDDERS.options(name)}
    assert {each.kind for each in parameters} == {Parameter.KEYWORD_ONLY}


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


def test_embeddings_are_unit_rows(embedder: Embedder, crops: np.ndarray) -> None:
    embeddings = embedder.embed(crops)
    assert embeddings.dtype == np.float32
    assert embeddings.shape == (6, embedder.dimension)
    np.testing.assert_allclose(np.linalg.norm(embeddings.astype(float), axis=1), 1, atol=1e-5)


def test_no_crops_no_embeddings(embedder: Embedder, crops: np.ndarray) -> None:
    embeddings = embedder.embed(crops[:0])
    assert embeddings.shape == (0, embedder.dimension)
    assert embeddings.dtype == np.float32


def test_embeddings_are_the_same_each_time(embedder: Embedder, crops: np.ndarray) -> None:
    np.testing.assert_array_equal(embedder.embed(crops), embedder.embed(crops))


def test_crops_do_not_influence_each_other(embedder: Embedder, crops: np.ndarray) -> None:
    together = embedder.embed(crops)
    alone = np.concatenate([embedder.embed(crops[i : i + 1]) for i in range(len(crops))])
    np.testing.assert_allclose(together, alone, atol=TOLERANCE)
    np.testing.assert_allclose(embedder.embed(crops[::-1]), together[::-1], atol=TOLERANCE)


def test_one_drawing_in_several_sizes_is_nearer_to_itself_than_to_noise(embedder: Embedder, crops: np.ndarray) -> None:
    embeddings = embedder.embed(crops)
    distances = 1 - embeddings @ embeddings.T
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
