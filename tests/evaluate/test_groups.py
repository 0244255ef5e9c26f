"""Error rates of groups: counted by hand, drawn anew the slow way, and on people of known rates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pytest
from scipy.special import betainc

from visavis.errors import UsageError
from visavis.evaluate.data.group_table import GroupTable
from visavis.evaluate.data.templates import Templates
from visavis.evaluate.groups import FEWEST_PEOPLE, FEWEST_SOURCES, GroupRate, GroupsResult, measure_groups
from visavis.types import Floats

AXES = 200


@dataclass
class People:
    """Photos: on which axis each lies (None: no face was found), and whose it is."""

    axes: list[int | None]
    names: list[str]
    table: GroupTable

    def measured(self, *, order: Sequence[int] | None = None, **options: float) -> GroupsResult:
        rows = range(len(self.axes)) if order is None else order
        embeddings = np.zeros((len(self.axes), AXES), np.float32)
        for row, n in enumerate(rows):
            if (axis := self.axes[n]) is not None:
                embeddings[row, axis] = 1
        names = [self.names[n] for n in rows]
        options = {"threshold": 0.5, **options}
        return measure_groups(templates(embeddings), names, self.table, **options)  # type: ignore[arg-type]


def templates(embeddings: Floats) -> Templates:
    n = len(embeddings)
    found = np.abs(embeddings).sum(axis=1) > 0
    status = tuple("ok" if one else "no_face" for one in found)
    photos = tuple(f"{row}.jpg" for row in range(n))
    boxes, ones = np.zeros((n, 4), np.float32), np.ones(n, np.float32)
    return Templates("m", "d", photos, status, embeddings, boxes, ones, found.astype(np.intp))


@pytest.fixture
def people() -> People:
    """Groups x and y of twelve with two photos each.

    Of x, two at a time share the axis of their first photos; the second photo of the first six lies elsewhere, that of
    the others on the first. Of y, nobody is near anybody, one photo shows no face, and one person is in no group.
    """
    axes: list[int | None] = []
    for n in range(12):
        axes += [n // 2, 50 + n if n < 6 else n // 2]
    for n in range(12):
        axes += [100 + n, 100 + n if n else None]
    names = [f"{group}{n:02}" for group in "xy" for n in range(12) for _ in range(2)]
    rows = {name: ("y" if name[0] == "y" else "x",) for name in names if name != "y11"}
    return People(axes, names, GroupTable("person", ("letter",), {**rows, "nobody": ("x",)}))


def test_counts_by_hand(people: People) -> None:
    """Three pairs of people share one pair of photos, three share four: 15 of 24 * 23 / 2 - 12 = 264."""
    result = people.measured()
    (grouping,) = result.groupings
    x, y = grouping.groups
    assert (x.name, x.people, x.photos, y.name, y.people, y.photos) == ("x", 12, 24, "y", 11, 22)
    assert (x.fmr.errors, x.fmr.whole, x.fmr.rate) == (15, 264, 15 / 264)
    assert (x.fnmr.errors, x.fnmr.whole, x.fnmr.rate) == (6, 12, 0.5)
    assert (x.failures.errors, x.failures.whole) == (0, 24)
    # Of y one photo is not comparable: 21 * 20 / 2 less the ten pairs of one person; its own pair is a non-match.
    assert (y.fmr.errors, y.fmr.whole) == (0, 210 - 10)
    assert (y.fnmr.errors, y.fnmr.whole) == (1, 11)
    assert (y.failures.errors, y.failures.whole) == (1, 22)
    everybody = result.everybody
    assert (everybody.name, everybody.people, everybody.photos) == ("all", 24, 48)
    assert (everybody.fmr.errors, everybody.fmr.whole) == (15, 47 * 46 // 2 - 23)
    assert (everybody.fnmr.errors, everybody.fnmr.whole) == (7, 24)
    assert result.far == 15 / (47 * 46 // 2 - 23)


def test_who_is_missing_on_either_side_is_reported(people: People) -> None:
    result = people.measured()
    assert (result.unlisted, result.unknown) == (("y11",), ("nobody",))
    assert result.groupings[0].ungrouped == 2  # photos


def test_too_few_errors_are_not_a_rate_of_zero(people: People) -> None:
    grouping = people.measured().groupings[0]
    y = grouping.groups[1]
    assert y.fmr == GroupRate(0, 200, None, None, "errors of 0 pairs of people, it takes 5")
    assert y.fnmr == GroupRate(1, 11, None, None, "errors of 1 people, it takes 5")
    for ratio in (grouping.fmr_ratio, grouping.fnmr_ratio):
        assert (ratio.value, ratio.interval, ratio.left_out) == (None, None, ("y",))
        assert ratio.reason == "1 groups have a rate, it takes 2"


def test_many_errors_of_one_person_are_still_few(people: People) -> None:
    """Seven further photos of one: 8 pairs * 3 of the others' are errors, all of one person."""
    people.axes += [60 + n for n in range(7)]
    people.names += ["y00"] * 7
    y = people.measured().groupings[0].groups[1]
    assert (y.fnmr.errors, y.fnmr.whole) == (36, 46)  # nine photos, no two alike; ten others
    assert (y.fnmr.rate, y.fnmr.reason) == (None, "errors of 1 people, it takes 5")


def test_too_few_people_are_no_group(people: People) -> None:
    small = {name: ("few" if name in {f"x{n:02}" for n in range(9)} else "rest",) for name in people.names}
    people.table = GroupTable("person", ("size",), small)
    few = people.measured().groupings[0].groups[0]
    assert (few.name, few.people, FEWEST_PEOPLE, FEWEST_SOURCES) == ("few", 9, 10, 5)
    assert (few.fnmr.errors, few.fnmr.rate) == (6, None)
    assert few.fnmr.reason == few.fmr.reason == "9 people to measure on, it takes 10"


def test_of_pairs_across_groups_none_counts(people: People) -> None:
    """Each of the pairs who look alike is split."""
    split = {name: ("even" if int(name[1:]) % 2 == 0 else "odd",) for name in people.names}
    people.table = GroupTable("person", ("parity",), split)
    result = people.measured()
    assert [one.fmr.errors for one in result.groupings[0].groups] == [0, 0]
    assert [one.fnmr.errors for one in result.groupings[0].groups] == [3 + 1, 3]
    assert result.everybody.fmr.errors == 15


def test_groups_of_photos(people: People) -> None:
    """First photos against first photos: the pairs of one person are between the groups."""
    cells = {f"{row}.jpg": ("first" if row % 2 == 0 else "second",) for row in range(48)}
    people.table = GroupTable("photo", ("which",), cells)
    first, second = people.measured().groupings[0].groups
    assert (first.fmr.errors, first.fmr.whole, first.fnmr.whole) == (6, 24 * 23 // 2, 0)
    assert (second.fmr.errors, second.fmr.whole, second.failures.errors) == (3, 23 * 22 // 2, 1)
    assert (first.people, second.people) == (24, 24)
    assert first.fnmr == GroupRate(0, 0, None, None, "0 people to measure on, it takes 10")


def test_the_order_of_photos_changes_nothing(people: People) -> None:
    order = np.random.default_rng(5).permutation(len(people.axes)).tolist()
    assert people.measured(order=order) == people.measured()


def test_the_same_seed_gives_the_same_interval(people: People) -> None:
    one, same, other = (people.measured(seed=seed).everybody.fnmr.interval for seed in (1, 1, 2))
    assert one == same != other


def test_drawing_people_the_slow_way_gives_the_same_intervals(people: People) -> None:
    """Each pair of photos weighed by how often its people were drawn, one by one."""
    draws, seed = 60, 3
    numbers = np.unique(people.names, return_inverse=True)[1]
    often = np.random.default_rng(seed).multinomial(24, np.full(24, 1 / 24), size=draws)
    inside = [row for row, name in enumerate(people.names) if name[0] == "x"]
    fmr, fnmr = [], []
    for drawn in often:
        sums = np.zeros(4)
        for i, j in combinations(inside, 2):
            same, near = people.names[i] == people.names[j], people.axes[i] == people.axes[j]
            if same:
                sums[:2] += np.array([not near, 1]) * drawn[numbers[i]]
            else:
                sums[2:] += np.array([near, 1]) * drawn[numbers[i]] * drawn[numbers[j]]
        fnmr.append(sums[0] / sums[1])
        fmr.append(sums[2] / sums[3])
    x = people.measured(draws=draws, seed=seed).groupings[0].groups[0]
    for rate, slow in ((x.fmr, fmr), (x.fnmr, fnmr)):
        # of 60 values, sorted, the 2nd and the 59th: 2.5 % of 60 is 1.5
        assert rate.interval == pytest.approx((sorted(slow)[1], sorted(slow)[58]))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"threshold": 1.5}, "takes a tenth of all pairs of strangers, or more"),
        ({"threshold": -0.1}, "a threshold is a cosine distance in 0..2"),
        ({"threshold": float("nan")}, "a threshold is a cosine distance"),
        ({"threshold": None, "far": 1e-3}, "a FAR of 0.001 cannot be measured on 1058 pairs of strangers"),
        ({"threshold": None, "far": 0}, "far is a rate between 0 and 1"),
        ({"threshold": None, "far": 1}, "far is a rate between 0 and 1"),
        ({"threshold": None, "far": float("nan")}, "far is a rate between 0 and 1"),
    ],
)
def test_what_cannot_be_told_is_refused(people: People, options: dict[str, float], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        people.measured(**options)


# -------------------------------------------------------------------------------------- people of known rates

LIMIT = 0.5


def sphere(rng: np.random.Generator, count: int, *, first: int, dimension: int, apart: float) -> Floats:
    """Two photos each of people anywhere on a sphere; a part ``apart`` of the second photos is not like the first."""
    one, other = rng.standard_normal((2, count, dimension))
    one /= np.linalg.norm(one, axis=1, keepdims=True)
    other -= (other * one).sum(axis=1, keepdims=True) * one
    other /= np.linalg.norm(other, axis=1, keepdims=True)
    cosine = np.where(rng.random((count, 1)) < apart, 0.1, 0.9)
    embeddings = np.zeros((2 * count, 24), np.float32)
    embeddings[::2, first : first + dimension] = one
    embeddings[1::2, first : first + dimension] = cosine * one + np.sqrt(1 - cosine**2) * other
    return embeddings


def true_fmr(dimension: int) -> float:
    """How often two directions drawn at random are within the limit: the area of a cap of the sphere."""
    return 0.5 * float(betainc((dimension - 1) / 2, 0.5, 1 - (1 - LIMIT) ** 2))


def simulated(seed: int, dimensions: tuple[int, int], apart: tuple[float, float], *, count: int = 120) -> GroupsResult:
    rng = np.random.default_rng(seed)
    parts = [
        sphere(rng, count, first=12 * n, dimension=dimensions[n], apart=apart[n]) for n in range(2)
    ]  # two spheres in spaces at right angles: nobody of one is like anybody of the other
    names = [f"{group}{n}" for group in "ab" for n in range(count) for _ in range(2)]
    table = GroupTable("person", ("group",), {name: (name[0],) for name in names})
    return measure_groups(templates(np.concatenate(parts)), names, table, threshold=LIMIT, draws=400, seed=seed)


def holds(interval: tuple[float, float] | None, value: float) -> bool:
    return interval is not None and interval[0] <= value <= interval[1]


def test_a_group_that_is_worse_by_a_known_factor() -> None:
    factor = true_fmr(8) / true_fmr(12)
    assert factor == pytest.approx(2.082, abs=0.001)
    right = np.zeros(4)
    for seed in range(20):
        (grouping,) = simulated(seed, (8, 12), (0.4, 0.1)).groupings
        a, b = grouping.groups
        fmr, fnmr = grouping.fmr_ratio, grouping.fnmr_ratio
        assert (fmr.worst, fmr.best, fnmr.worst, fnmr.best) == ("a", "b", "a", "b")
        assert fmr.interval is not None
        assert fmr.interval[0] > 1
        assert fnmr.interval is not None
        assert fnmr.interval[0] > 1
        right += [
            holds(fmr.interval, factor),
            holds(fnmr.interval, 4),
            holds(a.fmr.interval, true_fmr(8)),
            holds(b.fnmr.interval, 0.1),
        ]
    assert right.min() >= 16  # of 20; 19 are expected, and fewer than 16 once in four hundred


def test_equal_groups_are_not_called_unequal() -> None:
    held = np.zeros(2)
    for seed in range(20):
        (grouping,) = simulated(100 + seed, (10, 10), (0.2, 0.2)).groupings
        held += [holds(grouping.fmr_ratio.interval, 1), holds(grouping.fnmr_ratio.interval, 1)]
        assert grouping.fmr_ratio.value is not None
        assert grouping.fmr_ratio.value >= 1
    assert held.min() >= 16


def test_many_equal_groups_are_not_called_unequal_for_the_worst_being_picked() -> None:
    """Ten groups at random: without the wider interval the extremes would differ most of the time."""
    unequal = 0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        embeddings = sphere(rng, 400, first=0, dimension=12, apart=0.5)
        names = [f"p{n}" for n in range(400) for _ in range(2)]
        table = GroupTable("person", ("deal",), {f"p{n}": (str(n % 10),) for n in range(400)})
        (grouping,) = measure_groups(templates(embeddings), names, table, far=1e-2, draws=500, seed=seed).groupings
        assert len(grouping.groups) == 10
        assert grouping.fnmr_ratio.value is not None
        unequal += not holds(grouping.fnmr_ratio.interval, 1)
    assert unequal <= 1


def test_the_threshold_is_that_of_the_far_over_all() -> None:
    rng = np.random.default_rng(0)
    embeddings = sphere(rng, 200, first=0, dimension=8, apart=0.2)
    names = [f"p{n}" for n in range(200) for _ in range(2)]
    table = GroupTable("person", ("half",), {f"p{n}": ("12"[n % 2],) for n in range(200)})
    result = measure_groups(templates(embeddings), names, table, far=0.01, draws=100)
    impostors = 400 * 399 // 2 - 200
    assert result.everybody.fmr.whole == impostors
    assert result.everybody.fmr.errors == pytest.approx(0.01 * impostors, abs=2)
    assert result.everybody.fmr.errors <= 0.01 * impostors
    distances = 1 - embeddings.astype(np.float64) @ embeddings.T
    near = [distances[i, j] <= result.threshold for i, j in combinations(range(400), 2) if names[i] != names[j]]
    assert sum(near) == pytest.approx(result.everybody.fmr.errors, abs=1)
