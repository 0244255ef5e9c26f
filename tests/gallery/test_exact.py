"""Exact search against the plainest search there is, distance for distance and tie for tie."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from example_counts import examples
from visavis.errors import UsageError
from visavis.gallery.index import INDEXES, Hit, _blocks, _codes, _few, _finalists
from visavis.gallery.index import exact as module
from visavis.gallery.index.exact import Exact
from visavis.types import Floats

Rows = dict[int, tuple[int, Floats]]

FORMS = pytest.mark.parametrize("place", ["", "int8"])
WAYS = pytest.mark.parametrize("few", [0, _few.FEW_ROWS])
"""By finalists whatever the size, and in one pass where there are few rows."""


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks, tiles and parts so small that a few rows fill several."""
    for where, name, size in (
        (_blocks, "BLOCK_ROWS", 64),
        (_blocks, "FIRST_ROWS", 16),
        (_blocks, "DOUBLED_ROWS", 32),
        (_blocks, "MOVED_ROWS", 5),
        (_codes, "TILE", 32),
        (_codes, "WRITTEN_ROWS", 7),
        (_finalists, "FINAL_ROWS", 3),
        (_finalists, "MANY", 40),
        (module, "SEED_ROWS", 8),
        (module, "SCORES", 200),
        (module, "GATHERED_ROWS", 4),
        (module, "TOGETHER", 6),
    ):
        monkeypatch.setattr(where, name, size)


def brute_force(rows: Rows, probe: Floats, top: int) -> list[Hit]:
    hits: dict[int, Hit] = {}
    for template, (person, embedding) in rows.items():
        similarity = (embedding.astype(np.float64) * probe.astype(np.float64)).sum()
        hit = Hit(person, template, min(max(1 - float(similarity), 0.0), 2.0))
        best = hits.get(person)
        if best is None or (hit.distance, template) < (best.distance, best.template_id):
            hits[person] = hit
    return sorted(hits.values(), key=lambda hit: (hit.distance, hit.person_id))[:top]


def brute_force_templates(rows: Rows, probe: Floats, top: int) -> list[Hit]:
    """Nearest templates: as if each were a person's own."""
    hits = brute_force({template: (template, embedding) for template, (_, embedding) in rows.items()}, probe, top)
    return [hit._replace(person_id=rows[hit.template_id][0]) for hit in hits]


def filled(rows: Rows, dimension: int, place: str = "") -> Exact:
    index = Exact(dimension=dimension, place=place)
    ids = np.array(list(rows), np.int64)
    people = np.array([person for person, _ in rows.values()], np.int64)
    index.add(ids, people, np.array([v for _, v in rows.values()], np.float32).reshape(-1, dimension))
    return index


def columns(rows: Rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    people, embeddings = zip(*rows.values(), strict=True)
    return np.array(list(rows), np.int64), np.array(people, np.int64), np.array(embeddings, np.float32)


def unit(rows: Floats) -> Floats:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@st.composite
def on_a_grid(draw: st.DrawFn) -> tuple[Rows, Floats]:
    """Few directions for many templates: exact ties everywhere."""
    dimension = draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    count = draw(st.integers(0, 120))
    steps = rng.integers(-1, 2, size=(count + 3, dimension))
    steps[~steps.any(axis=1)] = 1
    embeddings = unit(steps.astype(np.float32))
    people = rng.integers(1, draw(st.integers(2, 40)), size=count)
    ids = rng.permutation(np.arange(1, count + 1))
    return {int(i): (int(p), v) for i, p, v in zip(ids, people, embeddings, strict=False)}, embeddings[-3:]


@FORMS
@given(on_a_grid(), st.integers(1, 9), st.integers(0, 2**32))
@settings(max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.usefixtures("small_blocks")
def test_ties_are_resolved_as_by_brute_force_also_after_changes(
    place: str, case: tuple[Rows, Floats], top: int, seed: int
) -> None:
    rows, probes = case
    index = filled(rows, probes.shape[1], place)
    assert index.search(probes, top) == [brute_force(rows, probe, top) for probe in probes]
    assert index.nearest(probes, top) == [brute_force_templates(rows, probe, top) for probe in probes]

    chance = {i: np.random.default_rng([seed, i]).random() for i in rows}
    gone = [i for i in rows if chance[i] < 0.3]
    index.remove(np.array([*gone, 10_000], np.int64))  # one that was never there
    changed = {i: (person + 1, probes[i % 3]) for i, (person, _) in rows.items() if chance[i] > 0.8}
    changed[20_000] = (1, probes[0])  # new
    index.add(*columns(changed))
    left = {i: row for i, row in rows.items() if i not in gone} | changed
    assert index.search(probes, top) == [brute_force(left, probe, top) for probe in probes]
    assert index.nearest(probes, top) == [brute_force_templates(left, probe, top) for probe in probes]
    ids, people = index.entries()
    assert dict(zip(ids, people, strict=True)) == {i: person for i, (person, _) in left.items()}


@FORMS
@WAYS
@pytest.mark.parametrize("dimension", [1, 2, 128, 513])
def test_equals_brute_force_for_real_sizes(
    dimension: int, few: int, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_few, "FEW_ROWS", few)
    rng = np.random.default_rng(dimension)
    embeddings = unit(rng.normal(size=(3000, dimension)).astype(np.float32))
    people = rng.integers(1, 300, size=3000)
    rows = {i + 1: (int(people[i]), embeddings[i]) for i in range(3000)}
    probes = unit(rng.normal(size=(6, dimension)).astype(np.float32))
    index = filled(rows, dimension, place)
    for some in (probes[:1], probes):  # one takes another way than six
        assert index.search(some, 7) == [brute_force(rows, probe, 7) for probe in some]
        assert index.nearest(some, 7) == [brute_force_templates(rows, probe, 7) for probe in some]


@WAYS
@given(on_a_grid(), st.integers(1, 9), st.sampled_from([1, 3, 500]), st.booleans())
@settings(max_examples=examples(150), deadline=None)
def test_ties_in_one_block(few: int, case: tuple[Rows, Floats], top: int, most: int, some: bool) -> None:
    """Also where more rows tie than are computed, and where only some people are asked for."""
    rows, probes = case
    index = filled(rows, probes.shape[1])
    among = np.array([1, 2, 5, 7, 99], np.int64) if some else None
    left = {i: row for i, row in rows.items() if among is None or row[0] in among}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_few, "FEW_ROWS", few)
        patch.setattr(_few, "EXACT_ROWS", most)
        patch.setattr(_few, "BEST", 1)
        patch.setattr(_few, "MORE", 2)
        assert index.search(probes, top, among=among) == [brute_force(left, probe, top) for probe in probes]
        assert index.nearest(probes, top, among=among) == [brute_force_templates(left, p, top) for p in probes]


@pytest.mark.parametrize("kind", ["nearer to each other than a step", "opposite", "axes", "a large common part"])
@pytest.mark.parametrize("dimension", [3, 96])
def test_few_rows_that_are_much_alike(kind: str, dimension: int) -> None:
    """Nearer to each other than float32 tells: what the margin leaves is decided in float64."""
    rng = np.random.default_rng(dimension)
    embeddings = awkward(kind, rng, 900, dimension)
    rows = {i + 1: (i // 3 + 1, embeddings[i]) for i in range(900)}
    probes = np.concatenate(
        [embeddings[:5], -embeddings[5:7], unit(rng.normal(size=(2, dimension)).astype(np.float32))]
    )
    index = filled(rows, dimension)
    for alone in probes:
        assert index.search(alone[None], 4) == [brute_force(rows, alone, 4)]
    assert index.nearest(probes, 4) == [brute_force_templates(rows, probe, 4) for probe in probes]


def awkward(kind: str, rng: np.random.Generator, count: int, dimension: int) -> Floats:
    """Unit embeddings that 8 bits do badly."""
    noise = rng.normal(size=(count, dimension))
    if kind == "nearer to each other than a step":
        rows = rng.normal(size=(1, dimension)) + 1e-5 * noise
    elif kind == "one component far above the others":
        rows = 0.01 * noise
        rows[np.arange(count), rng.integers(0, dimension, count)] = 1
    elif kind == "one huge component in few":
        rows = noise
        rows[::50, 0] = 1e4
    elif kind == "mostly zeros":
        rows = noise * (rng.random((count, dimension)) < 0.05)
        rows[:, 0] += 1e-3
    elif kind == "a large common part":
        rows = 20 * rng.normal(size=(1, dimension)) + noise
    elif kind == "opposite":
        rows = rng.normal(size=(1, dimension)) * rng.choice([-1, 1], (count, 1)) + 1e-4 * noise
    else:
        rows = np.eye(dimension)[rng.integers(0, dimension, count)]
    return unit(rows.astype(np.float32))


KINDS = (
    "nearer to each other than a step",
    "one component far above the others",
    "one huge component in few",
    "mostly zeros",
    "a large common part",
    "opposite",
    "axes",
)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("kind", KINDS)
def test_what_8_bits_do_badly_is_found_all_the_same(kind: str) -> None:
    rng = np.random.default_rng(len(kind))
    embeddings = awkward(kind, rng, 700, 96)
    rows = {i + 1: (i // 2, embeddings[i]) for i in range(2, 700)}
    index = filled({}, 96, "int8")
    for some in np.array_split(np.array(list(rows)), 9):
        index.add(*columns({int(i): rows[int(i)] for i in some}))
        index.search(embeddings[:1], 1)  # what there is now is coded
    probes = np.concatenate([embeddings[:8], unit(rng.normal(size=(3, 96)).astype(np.float32))])
    assert index.search(probes, 5) == [brute_force(rows, probe, 5) for probe in probes]
    assert index.nearest(probes, 5) == [brute_force_templates(rows, probe, 5) for probe in probes]


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("kind", KINDS)
def test_the_bound_of_8_bits_holds_for_every_row(kind: str) -> None:
    """Of each row, also of those that came after the step was chosen and lie elsewhere."""
    rng = np.random.default_rng(3)
    embeddings = np.concatenate([awkward(kind, rng, 40, 64), unit(rng.normal(size=(24, 64)).astype(np.float32))])
    codes = _codes.Codes(embeddings, 40)
    codes.extend(embeddings, 64)
    probes = np.concatenate([embeddings[::7], unit(rng.normal(size=(5, 64)).astype(np.float32))])
    scratch = np.empty(len(probes) * 64, np.int32)
    found = list(codes.near(_codes.Probes(probes), np.full(len(probes), -np.inf), scratch))
    probe, row, similarity, slack = (np.concatenate(column) for column in zip(*found, strict=True))
    assert len(set(zip(probe.tolist(), row.tolist(), strict=True))) == len(probes) * 64
    true = (embeddings[row].astype(np.float64) * probes[probe]).sum(axis=1)
    assert (np.abs(true - similarity) <= slack).all()


@pytest.mark.parametrize("probes", [1, 5])
@pytest.mark.parametrize("sign", [-1, 1])
def test_the_greatest_codes_do_not_overflow(probes: int, sign: int) -> None:
    """With two unsigned bytes of 255 some processors would cut the sum of two products off at 32767."""
    rows = np.full((probes, 512), _codes.SHIFT + _codes.MOST_PROBE, np.uint8)
    codes = np.full((2, 512, 40), sign * _codes.MOST, np.int8)
    out = np.empty((2, probes, 40), np.int32)
    _codes._make_product().run({"probes": rows, "codes": codes}, out)
    assert (out == sign * 127 * 127 * 512).all()


def test_few_rows_are_computed_again_after_8_bits() -> None:
    """The bound is of use: of 20,000 embeddings only some hundred are looked at in float."""
    rng = np.random.default_rng(2)
    embeddings = unit(rng.normal(size=(20_000, 512)).astype(np.float32))
    codes = _codes.Codes(embeddings, 8192)
    probe = embeddings[:1]
    scores = embeddings[:8192].astype(np.float64) @ probe[0].astype(np.float64)
    bar = np.array([np.sort(scores)[-10]])
    (found,) = codes.near(_codes.Probes(probe), bar, np.empty(1 << 16, np.int32))
    assert set(np.flatnonzero(scores >= bar)) <= set(found.row.tolist())
    assert len(found.row) < 100


@pytest.mark.parametrize("place", ["int4", "INT8", " "])
def test_other_forms_are_refused(place: str) -> None:
    with pytest.raises(UsageError, match=r"has no form .* there are: exact, exact:int8"):
        INDEXES.create("exact", dimension=3, place=place)


@FORMS
def test_nearly_equal_templates_are_ranked_by_their_true_distance(place: str) -> None:
    """One float32 rounding apart: the product in float32 cannot rank these, the finalists' distances can."""
    rng = np.random.default_rng(5)
    base = unit(rng.normal(size=(1, 256)).astype(np.float32))
    jitter = rng.integers(-1, 2, size=(2000, 256)).astype(np.float32) * np.float32(6e-8)
    embeddings = (base + jitter).astype(np.float32)
    rows = {i + 1: (i + 1, embeddings[i]) for i in range(2000)}
    probe = unit(rng.normal(size=(1, 256)).astype(np.float32))
    assert filled(rows, 256, place).search(probe, 5) == [brute_force(rows, probe[0], 5)]


@FORMS
def test_answers_do_not_depend_on_batch_or_blocks(place: str, request: pytest.FixtureRequest) -> None:
    rng = np.random.default_rng(3)
    embeddings = unit(rng.normal(size=(500, 64)).astype(np.float32))
    rows = {i + 1: (i // 5 + 1, embeddings[i]) for i in range(500)}
    probes = unit(rng.normal(size=(20, 64)).astype(np.float32))
    index = filled(rows, 64, place)
    together = index.search(probes, 3)
    assert [index.search(probe[None], 3)[0] for probe in probes] == together
    request.getfixturevalue("small_blocks")
    assert filled(rows, 64, place).search(probes, 3) == together


@FORMS
@pytest.mark.usefixtures("small_blocks")
def test_blocks_are_filled_and_freed(place: str) -> None:
    rng = np.random.default_rng(4)
    embeddings = unit(rng.normal(size=(300, 8)).astype(np.float32))
    index = Exact(dimension=8, place=place)
    index.add(np.arange(300) + 1, np.arange(300) + 1, embeddings)
    index.search(embeddings[:1], 1)
    blocks = index._blocks
    assert [block.count for block in blocks] == [64, 64, 64, 64, 44]
    index.remove(np.arange(1, 101))
    assert [block.count for block in blocks] == [64, 64, 64, 8]
    last = blocks.all[-1]
    assert not last.embeddings[last.count : 44].any()  # of who left nothing stays
    hits = index.search(embeddings, 1)
    assert [some[0].template_id for some in hits[100:]] == list(range(101, 301))
    index.remove(np.arange(1, 301))
    assert (len(blocks), blocks.all) == (0, [])


def test_codes_of_who_left_become_zeros() -> None:
    rng = np.random.default_rng(4)
    index = Exact(dimension=8, place="int8")
    index.add(np.arange(50), np.arange(50) + 1, unit(rng.normal(size=(50, 8)).astype(np.float32)))
    index.search(np.eye(8, dtype=np.float32), 1)
    index.remove(np.arange(20))
    (tile,) = index._blocks.all[0].codes()._tiles
    assert np.abs(tile[:, :30]).max(axis=0).all()
    assert not tile[:, 30:].any()


GROWTH = """
import sys
from pathlib import Path
import numpy as np
from visavis.gallery.index import INDEXES, _few

_few.FEW_ROWS = 0  # what the first search loads counts before

def peak():
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return 1024 * int(line.split()[1])

def fill(index, count, part=5000):
    rng = np.random.default_rng(0)
    for start in range(0, count, part):
        rows = rng.standard_normal((part, 256), dtype=np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        index.add(np.arange(start, start + part), np.arange(start, start + part) + 1, rows)
    return index.search(rows[:1], 5)

fill(INDEXES.create("exact", dimension=256, place=sys.argv[1]), 5000)
before = peak()
fill(INDEXES.create("exact", dimension=256, place=sys.argv[1]), 300_000)
print((peak() - before) / (300_000 * 256 * 4))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the highest memory where Linux tells it")
@pytest.mark.parametrize(("place", "bound"), [("", 1.1), ("int8", 1.36)])
def test_memory_while_it_grows_and_after(place: str, bound: float) -> None:
    """The highest that it was, by what the embeddings alone take (300 MB)."""
    done = subprocess.run([sys.executable, "-c", GROWTH, place], capture_output=True, text=True, check=True)
    assert 1 <= float(done.stdout) < bound


@FORMS
def test_a_person_with_many_near_templates_comes_once_and_hides_nobody(place: str) -> None:
    probe = np.array([[1, 0]], np.float32)
    angles = np.linspace(0.001, 0.01, 400)
    rows: Rows = {i + 1: (7, np.array([np.cos(a), np.sin(a)], np.float32)) for i, a in enumerate(angles)}
    rows[900] = (3, np.array([0, 1], np.float32))
    rows[901] = (4, np.array([-1, 0], np.float32))
    (hits,) = filled(rows, 2, place).search(probe, 3)
    assert [(hit.person_id, hit.template_id) for hit in hits] == [(7, 1), (3, 900), (4, 901)]
    assert [round(hit.distance, 6) for hit in hits[1:]] == [1.0, 2.0]


@FORMS
def test_grows_past_its_first_size_and_keeps_every_row(place: str) -> None:
    rng = np.random.default_rng(8)
    embeddings = unit(rng.normal(size=(5000, 8)).astype(np.float32))
    index = Exact(dimension=8, place=place)
    for start in range(0, 5000, 7):
        ids = np.arange(start, min(start + 7, 5000)) + 1
        index.add(ids, ids, embeddings[start : start + 7])
    found = index.search(embeddings, 1)
    assert [hits[0].template_id for hits in found] == list(range(1, 5001))
    assert max(hits[0].distance for hits in found) < 1e-6


def test_an_empty_index_finds_nobody() -> None:
    index = INDEXES.create("exact", dimension=3)
    assert index.search(np.eye(3, dtype=np.float32), 2) == [[], [], []]
    index.add(np.array([1]), np.array([1]), np.eye(3, dtype=np.float32)[:1])
    index.remove(np.array([1]))
    assert index.search(np.eye(3, dtype=np.float32)[:1], 2) == [[]]
