"""Signals while results are waited for, while one is reported, and a second signal."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator

import pytest

from visavis.cli._signals import Stopped, catch_signals

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


def results(*, ends_at: int = 99) -> Generator[int, None, None]:
    """Yield numbers, and after an interrupt three that were stored by then; a signal comes before ``ends_at``."""
    try:
        for number in range(5):
            if number == ends_at:
                signal.raise_signal(signal.SIGTERM)
            yield number
    except KeyboardInterrupt:
        yield from (100, 101, 102)
        raise


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("waits", [True, False])
def test_what_is_stored_is_reported_before_the_signal_is_raised(number: signal.Signals, waits: bool) -> None:
    reported = []
    with pytest.raises(Stopped) as caught, catch_signals() as interrupts:  # noqa: PT012 - the loop raises
        for result in interrupts.each(results(ends_at=2 if waits else 99)):
            if result == 1 and not waits:
                signal.raise_signal(number)
            reported.append(result)
    assert reported == [0, 1, 100, 101, 102]
    assert caught.value.exit_code == 128 + (signal.SIGTERM if waits else number)
    assert isinstance(caught.value, KeyboardInterrupt)


def test_a_second_signal_is_raised_at_once() -> None:
    reported = []
    with pytest.raises(Stopped), catch_signals() as interrupts:  # noqa: PT012 - the loop raises
        for result in interrupts.each(results()):
            if result in {1, 101}:
                signal.raise_signal(signal.SIGINT)
            reported.append(result)
    assert reported == [0, 1, 100]


def test_a_signal_after_the_last_result_is_raised_when_the_outputs_are_complete() -> None:
    steps = []
    with pytest.raises(Stopped) as caught, catch_signals() as interrupts:  # noqa: PT012 - the end of the block raises
        steps += list(interrupts.each(results()))
        signal.raise_signal(signal.SIGTERM)
        steps.append("complete")
    assert steps == [0, 1, 2, 3, 4, "complete"]
    assert caught.value.exit_code == 143


def test_a_second_signal_while_the_outputs_are_completed_is_raised_at_once() -> None:
    steps = []
    with pytest.raises(Stopped), catch_signals() as interrupts:  # noqa: PT012 - the second signal raises
        steps += list(interrupts.each(results()))
        for _ in range(2):
            signal.raise_signal(signal.SIGINT)
            steps.append("goes on")
    assert steps == [0, 1, 2, 3, 4, "goes on"]


def test_handlers_are_restored() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with catch_signals() as interrupts:
        assert list(interrupts.each(results())) == [0, 1, 2, 3, 4]
        assert signal.getsignal(signal.SIGTERM) == interrupts.handle
    assert signal.getsignal(signal.SIGTERM) == before
