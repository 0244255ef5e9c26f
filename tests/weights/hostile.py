"""Reading what was made to harm: whatever it says, an error or an answer, in little memory and little time."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
from hypothesis import strategies as st

from visavis.errors import WeightsError

SECONDS = 5.0
Answer = TypeVar("Answer")


def survived(read: Callable[[Path], Answer], path: Path, data: bytes, *, room: int) -> Answer | WeightsError:
    """What a file of these bytes gives: no other error, no more than ``room`` bytes of memory or 5 seconds."""
    path.write_bytes(data)
    answer, seconds, peak = _traced(read, path)
    if peak > room:  # with modules that the first file imports
        del answer
        answer, _, peak = _traced(read, path)
    assert peak <= room, f"{peak} bytes for a file of {len(data)}"
    if seconds >= SECONDS:  # up to four times as long as without tracing
        begin = time.process_time()
        _answer(read, path)
        assert time.process_time() - begin < SECONDS
    if isinstance(answer, WeightsError):
        assert path.name in str(answer)
        assert str(answer).endswith(".")
        assert len(str(answer)) < 1000
    return answer


def _traced(read: Callable[[Path], Answer], path: Path) -> tuple[Answer | WeightsError, float, int]:
    """What reading the file gives, the seconds of this process that it takes, and the most bytes at a time."""
    tracemalloc.start()
    begin = time.process_time()
    answer = _answer(read, path)
    seconds = time.process_time() - begin
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return answer, seconds, peak


def _answer(read: Callable[[Path], Answer], path: Path) -> Answer | WeightsError:
    try:
        return read(path)
    except WeightsError as error:
        return error.with_traceback(None)


def cuts(data: bytes, step: int) -> Iterator[int]:
    """Lengths at which to cut a file: every so many bytes, and each of the first and last."""
    yield from sorted({*range(0, len(data), step), *range(min(40, len(data))), *range(len(data) - 9, len(data))})


def changed(data: bytes) -> st.SearchStrategy[bytes]:
    """The file with some of its bytes, or numbers of eight bytes, replaced; where it is not empty more often."""
    marked = np.flatnonzero(np.frombuffer(data, np.uint8)).tolist()
    place = st.one_of(st.sampled_from(marked), st.integers(0, len(data) - 1))
    sizes = st.sampled_from([2**64 - 1, 2**63, 2**40, 2**31, 10**12, len(data), len(data) - 1, 0])
    number = st.one_of(sizes, st.integers(0, len(data))).map(lambda n: n.to_bytes(8, "little"))
    change = st.tuples(place, st.one_of(st.binary(min_size=1, max_size=1), number))

    def apply(changes: list[tuple[int, bytes]]) -> bytes:
        made = bytearray(data)
        for at, new in changes:
            made[at : at + len(new)] = new
        return bytes(made[: len(data)])

    return st.lists(change, min_size=1, max_size=4).map(apply)
