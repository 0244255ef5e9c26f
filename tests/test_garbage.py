"""The garbage collector is paused, and goes on after it."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from visavis.garbage import pause_collection


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = gc.isenabled()
    yield
    (gc.enable if before else gc.disable)()


def test_nothing_is_collected_in_the_block() -> None:
    gc.enable()
    with pause_collection():
        assert not gc.isenabled()
        with pause_collection():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_collection_goes_on_after_a_failure() -> None:
    gc.enable()
    with pytest.raises(ValueError, match="wrong"), pause_collection():
        raise ValueError("wrong")
    assert gc.isenabled()


def test_what_was_switched_off_stays_off() -> None:
    gc.disable()
    with pause_collection():
        assert not gc.isenabled()
    assert not gc.isenabled()
