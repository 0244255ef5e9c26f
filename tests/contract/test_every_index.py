"""What every registered index keeps to, whoever wrote it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from visavis.gallery.index import UNASSIGNED, Hit, Ids, Index
from visavis.types import Floats

from .engines import SPECS, Places

DIMENSION, COUNT, PER_PERSON = 24, 1500, 3

Answer = list[list[tuple[int, int]]]


def unit(rows: np.ndarray) -> Floats:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


RNG = np.random.default_rng(7)
EMBEDDINGS = unit(RNG.normal(size=(COUNT, DIMENSION)))
PROBES = unit(RNG.normal(size=(6, DIMENSION)))
IDS: Ids = RNG.permutation(COUNT) + 10
PEOPLE: Ids = (IDS - 10) // PER_PERSON + 1


@pytest.fixture(params=SPECS)
def make(request: pytest.FixtureRequest, places: Places) -> Callable[[], Index]:
    return lambda: places.make(request.param, dimension=DIMENSION)


@pytest.fixture
def index(make: Callable[[], Index]) -> Index:
    """A filled index, to be changed."""
    return fill(make())


@pytest.fixture(scope="module", params=SPECS)
def unchanged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """A filled index for all tests that only search: graphs take seconds to fill."""
    places = Places(tmp_path_factory.mktemp("unchanged"), request)
    yield fill(places.make(request.param, dimension=DIMENSION))
    places.close()


def fill(empty: Index) -> Index:
    """Fill an index in three parts, past any first size."""
    for some in np.array_split(np.arange(COUNT), 3):
        empty.add(IDS[some], PEOPLE[some], EMBEDDINGS[some])
    return empty


def expected(keep: np.ndarray, top: int) -> Answer:
    """Person and template of the nearest people by the definition, in float64."""
    distances = 1 - PROBES.astype(np.float64) @ EMBEDDINGS[keep].astype(np.float64).T
    answers = []
    for row in distances:
        best: dict[int, tuple[float, int, int]] = {}
        for distance, template, person in sorted(zip(row, IDS[keep].tolist(), PEOPLE[keep].tolist(), strict=True)):
            best.setdefault(person, (distance, person, template))
        answers.append([(person, template) for _, person, template in sorted(best.values())[:top]])
    return answers


def expected_templates(people: np.ndarray, keep: np.ndarray, top: int) -> Answer:
    """Owner and template of the nearest templates, whoever's they are."""
    distances = 1 - PROBES.astype(np.float64) @ EMBEDDINGS[keep].astype(np.float64).T
    rows = [sorted(zip(row, IDS[keep].tolist(), people[keep].tolist(), strict=True))[:top] for row in distances]
    return [[(person, template) for _, template, person in row] for row in rows]


def told(answers: list[list[Hit]]) -> Answer:
    return [[(hit.person_id, hit.template_id) for hit in hits] for hits in answers]


def found(index: Index, top: int, probes: Floats = PROBES) -> Answer:
    return told(index.search(probes, top))


ALL = np.ones(COUNT, bool)


@pytest.mark.parametrize("top", [1, 5, 40])
def test_it_finds_the_nearest_people_each_once(unchanged: Index, top: int) -> None:
    assert found(unchanged, top) == expected(ALL, top)


def test_distances_are_cosine_distances(unchanged: Index) -> None:
    embedding = dict(zip(IDS.tolist(), EMBEDDINGS.astype(np.float64), strict=True))
    for probe, hits in zip(PROBES.astype(np.float64), unchanged.search(PROBES, 10), strict=True):
        distances = [hit.distance for hit in hits]
        np.testing.assert_allclose(distances, [1 - embedding[hit.template_id] @ probe for hit in hits], atol=1e-6)
        assert distances == sorted(distances)


def test_a_template_is_at_no_distance_from_itself(unchanged: Index) -> None:
    (hit,) = unchanged.search(EMBEDDINGS[:1], 1)[0]
    assert (hit.person_id, hit.template_id) == (PEOPLE[0], IDS[0])
    assert 0 <= hit.distance < 1e-6


def test_what_is_removed_is_found_no_more(index: Index) -> None:
    gone = np.random.default_rng(8).random(COUNT) < 0.4
    index.remove(IDS[gone])
    assert found(index, 8) == expected(~gone, 8)
    ids, people = index.entries()
    assert dict(zip(ids.tolist(), people.tolist(), strict=True)) == dict(
        zip(IDS[~gone].tolist(), PEOPLE[~gone].tolist(), strict=True)
    )


def test_what_is_removed_can_come_back(index: Index) -> None:
    index.remove(IDS[:100])
    index.add(IDS[:100], PEOPLE[:100], EMBEDDINGS[:100])
    assert found(index, 8) == expected(ALL, 8)


def test_ids_that_are_not_there_are_passed_over(index: Index) -> None:
    index.remove(np.array([1, 2, 10**12], np.int64))
    assert found(index, 3) == expected(ALL, 3)


def test_an_id_that_is_there_is_replaced(index: Index) -> None:
    """Another person, another embedding, or both; known and new ids in one call."""
    index.remove(IDS[:50])
    other = PEOPLE.copy()
    other[20:80] += 1000
    index.add(IDS[20:80], other[20:80], EMBEDDINGS[::-1][20:80])  # for a moment with embeddings of others
    index.add(IDS[:80], other[:80], EMBEDDINGS[:80])
    ids, people = index.entries()
    assert dict(zip(ids.tolist(), people.tolist(), strict=True)) == dict(zip(IDS.tolist(), other.tolist(), strict=True))
    assert len(ids) == COUNT
    assert told(index.nearest(PROBES, 60)) == expected_templates(other, ALL, 60)


def test_of_an_id_given_twice_the_last_counts(make: Callable[[], Index]) -> None:
    index = make()
    index.add(np.array([5, 6, 5]), np.array([1, 2, 3]), EMBEDDINGS[:3])
    assert sorted(zip(*(column.tolist() for column in index.entries()), strict=True)) == [(5, 3), (6, 2)]
    assert told(index.nearest(EMBEDDINGS[2:3], 1)) == [[(3, 5)]]


def test_faces_of_nobody_are_no_people(index: Index) -> None:
    people = np.where(np.random.default_rng(9).random(COUNT) < 0.9, UNASSIGNED, PEOPLE)
    index.add(IDS, people, EMBEDDINGS)
    assert found(index, 8) == expected(people != UNASSIGNED, 8)
    assert told(index.nearest(PROBES, 8)) == expected_templates(people, ALL, 8)
    index.add(IDS, np.zeros(COUNT, np.int64), EMBEDDINGS)
    assert found(index, 8) == [[]] * len(PROBES)


def test_among_some_people(index: Index) -> None:
    """Of one filled index for all shares of the people: graphs take seconds to fill."""
    rng = np.random.default_rng(11)
    people = np.where(rng.random(COUNT) < 0.3, UNASSIGNED, PEOPLE)
    index.add(IDS, people, EMBEDDINGS)
    for share in (0.01, 0.05, 0.5, 0.95):
        some = np.unique(people[rng.random(COUNT) < share])
        there = np.isin(people, some)
        among = np.append(some, 10**9)  # and one who is not there
        assert told(index.search(PROBES, 7, among=among)) == expected(there & (people != UNASSIGNED), 7), share
        assert told(index.nearest(PROBES, 7, among=among)) == expected_templates(people, there, 7), share
    unassigned = expected_templates(people, people == UNASSIGNED, 7)
    assert told(index.nearest(PROBES, 7, among=np.array([UNASSIGNED]))) == unassigned
    assert told(index.search(PROBES, 7, among=np.array([], np.int64))) == [[]] * len(PROBES)


@pytest.mark.parametrize("top", [1, 6, COUNT, 2 * COUNT])
def test_it_finds_the_nearest_templates(unchanged: Index, top: int) -> None:
    assert told(unchanged.nearest(PROBES, top)) == expected_templates(PEOPLE, ALL, top)


def test_equal_templates_are_ordered_by_id(make: Callable[[], Index]) -> None:
    index = make()
    index.add(np.array([9, 3, 7, 5]), np.array([2, 8, 0, 1]), np.repeat(EMBEDDINGS[:1], 4, axis=0))
    assert told(index.nearest(EMBEDDINGS[:1], 3)) == [[(8, 3), (1, 5), (0, 7)]]


def test_equal_distances_are_ordered_by_person_then_template(make: Callable[[], Index]) -> None:
    index = make()
    same = np.repeat(EMBEDDINGS[:1], 5, axis=0)
    index.add(np.array([9, 3, 7, 5, 4]), np.array([2, 2, 1, 8, 1]), same)
    assert found(index, 9, EMBEDDINGS[:1]) == [[(1, 4), (2, 3), (8, 5)]]
    assert found(index, 2, EMBEDDINGS[:1]) == [[(1, 4), (2, 3)]]


def test_probes_do_not_influence_each_other(unchanged: Index) -> None:
    assert [found(unchanged, 5, PROBES[i : i + 1])[0] for i in range(len(PROBES))] == found(unchanged, 5)
    assert found(unchanged, 5, PROBES[::-1]) == found(unchanged, 5)[::-1]


def test_an_empty_index_finds_nobody(make: Callable[[], Index]) -> None:
    index = make()
    assert index.search(PROBES, 3) == index.nearest(PROBES, 3) == [[]] * len(PROBES)
    index.remove(IDS[:2])
    assert [len(column) for column in index.entries()] == [0, 0]
    index.add(IDS[:1], PEOPLE[:1], EMBEDDINGS[:1])
    index.remove(IDS[:1])
    assert index.search(PROBES, 3) == [[]] * len(PROBES)


def test_no_probes_no_answers(unchanged: Index) -> None:
    assert unchanged.search(PROBES[:0], 3) == unchanged.nearest(PROBES[:0], 3) == []


def test_it_keeps_no_hold_of_what_it_was_given(make: Callable[[], Index]) -> None:
    index = make()
    ids, people, embeddings = IDS.copy(), PEOPLE.copy(), EMBEDDINGS.copy()
    index.add(ids, people, embeddings)
    ids[:], people[:], embeddings[:] = -1, -1, 0
    assert found(index, 5) == expected(ALL, 5)
