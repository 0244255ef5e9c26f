"""Constructors that are quicker than the classes make the same objects."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, dataclass, replace
from datetime import UTC, datetime

import pytest

from visavis.attendance.constructors import compile_constructor
from visavis.attendance.types import Punch

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
make_punch = compile_constructor(Punch)


def test_objects_are_those_of_the_class() -> None:
    made = make_punch("p1", "7", AT, "UTC", "in", "door", "face", 0.25, probability=0.9)
    assert type(made) is Punch
    assert made == Punch("p1", "7", AT, "UTC", "in", "door", "face", 0.25, probability=0.9)
    assert hash(made) == hash(Punch("p1", "7", AT, "UTC", "in", "door", "face", 0.25, probability=0.9))
    assert replace(made, device="gate") == Punch("p1", "7", AT, "UTC", "in", "gate", "face", 0.25, 0.9)
    assert pickle.loads(pickle.dumps(made)) == made
    assert repr(made) == repr(Punch("p1", "7", AT, "UTC", "in", "door", "face", 0.25, 0.9))


def test_objects_are_frozen() -> None:
    made = make_punch("p1", "7", AT, "UTC")
    with pytest.raises(FrozenInstanceError):
        made.device = "gate"  # type: ignore[misc]
    assert not hasattr(made, "__dict__")


def test_defaults_are_those_of_the_class() -> None:
    assert make_punch("p1", "7", AT, "UTC") == Punch("p1", "7", AT, "UTC")
    with pytest.raises(TypeError, match="zone"):
        make_punch("p1", "7", AT)  # type: ignore[call-arg]


def test_a_class_of_another_layout_is_refused() -> None:
    @dataclass(frozen=True)
    class WithoutSlots:
        number: int

    with pytest.raises(TypeError, match="layout"):
        compile_constructor(WithoutSlots)(1)
