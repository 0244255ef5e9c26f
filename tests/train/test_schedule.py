from __future__ import annotations

from itertools import pairwise

import pytest

from visavis.train.schedule import factor


def rates(kind: str, total: int = 10, warm_up: float = 0.0) -> list[float]:
    return [factor(n, total, kind=kind, warm_up=warm_up, drops=(0.5, 0.8), drop=0.1) for n in range(total)]


def test_constant() -> None:
    assert rates("constant") == [1] * 10


def test_warm_up_rises_evenly_to_the_full_rate() -> None:
    assert rates("constant", warm_up=0.4) == pytest.approx([0.25, 0.5, 0.75] + [1] * 7)


def test_steps() -> None:
    assert rates("steps") == pytest.approx([1] * 5 + [0.1] * 3 + [0.01] * 2)


def test_cosine_falls_from_one_towards_zero_with_the_middle_at_half() -> None:
    values = rates("cosine", 11)
    assert values[0] == 1
    assert factor(5, 10, kind="cosine", warm_up=0, drops=(), drop=1) == pytest.approx(0.5)
    assert all(a > b for a, b in pairwise(values))
    assert 0 < values[-1] < 0.03
