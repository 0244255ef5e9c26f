"""The memory of decoded pictures: requests take a bounded part of it together, wait in turn, and give it back."""

from __future__ import annotations

import asyncio
import inspect
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image

from visavis.errors import BusyError
from visavis.server import compat
from visavis.server.picture_memory import PictureMemory, estimate_memory
from visavis.server.resources import routers

from .running_server import RunningServer, Start

SIDE = 5000
"""Of a picture with 75 MB of pixels, whose decoding takes 100 MB beside."""


def make_photo(side: int = SIDE, kind: str = "JPEG", **options: object) -> bytes:
    file = BytesIO()
    Image.linear_gradient("L").resize((side, side)).convert("RGB").save(file, kind, **options)
    return file.getvalue()


def run(work: Callable[[PictureMemory], Awaitable[None]], *, most: int = 10) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(work(PictureMemory(most)), 120)

    asyncio.run(bounded())


class Request:
    """A request that holds memory until it is told to end."""

    def __init__(self, memory: PictureMemory, size: int, *, seconds: float = 60) -> None:
        self._memory, self._size, self._seconds = memory, size, seconds
        self.end, self.runs = asyncio.Event(), False
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async with self._memory.hold(self._size, seconds=self._seconds):
            self.runs = True
            await self.end.wait()
            self.runs = False


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_requests_wait_in_turn_for_room() -> None:
    """A small one does not pass a large one: under load that would never have room."""

    async def work(memory: PictureMemory) -> None:
        requests = [Request(memory, size) for size in (6, 4, 7, 1, 99, 2)]
        await settle()
        assert [request.runs for request in requests] == [True, True, False, False, False, False]
        requests[0].end.set()
        await settle()
        assert [request.runs for request in requests] == [False, True, False, False, False, False]
        requests[1].end.set()
        await settle()
        assert [request.runs for request in requests] == [False, False, True, True, False, False]
        requests[2].end.set()
        requests[3].end.set()
        await settle()
        assert [request.runs for request in requests] == [False] * 4 + [True, False]  # what is larger than all has all
        requests[4].end.set()
        await settle()
        assert requests[5].runs
        requests[5].end.set()
        await asyncio.gather(*(request.task for request in requests))

    run(work)


def test_one_that_waits_too_long_is_answered_busy_and_lets_those_behind_go_on() -> None:
    async def work(memory: PictureMemory) -> None:
        first, large, small = Request(memory, 6), Request(memory, 5, seconds=0.05), Request(memory, 4)
        with pytest.raises(BusyError, match="take all memory for pictures"):
            await large.task
        await settle()
        assert (first.runs, small.runs) == (True, True)
        last = Request(memory, 10, seconds=-1)  # its time was over when the photo had arrived
        with pytest.raises(BusyError):
            await last.task

    run(work)


def test_memory_is_given_back_by_errors_and_by_requests_that_are_canceled() -> None:
    async def work(memory: PictureMemory) -> None:
        started = asyncio.get_running_loop().time()
        with pytest.raises(KeyError):
            async with memory.hold(10, seconds=1):
                raise KeyError
        holding, waiting = Request(memory, 10), Request(memory, 10)
        await settle()
        for request in (waiting, holding):
            request.task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await request.task
        async with memory.hold(10, seconds=1):
            let_in = Request(memory, 10)
            await settle()
        let_in.task.cancel()  # while its turn has come, and it does not know yet
        with pytest.raises(asyncio.CancelledError):
            await let_in.task
        assert asyncio.get_running_loop().time() - started < 60  # else it was canceled by the end of the test
        async with memory.hold(10, seconds=1):
            pass

    run(work)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([], 0),
        ([b"no photo", b""], 0),
        ([make_photo(100)], 30_000 + 40_000),
        ([make_photo(100), make_photo(200)], 30_000 + 120_000 + 160_000),
        ([make_photo(100, "PNG")], 30_000 + 40_000),
        ([b"P4 100 100\n" + bytes(1300)], 30_000 + 40_000),
        ([make_photo(4000)] * 9, 2 * (3 * 16_000_000 + 48_000_000) + 64_000_000),
    ],
    ids=["none", "no photos", "JPEG", "two", "PNG", "PBM", "more than two batches"],
)
def test_the_memory_of_photos_is_estimated_by_their_headers(files: list[bytes], expected: int) -> None:
    tracemalloc.start()
    try:
        assert estimate_memory(files) == expected
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def peak_of(server: RunningServer) -> psutil.Process:
    """The process of the server that has the most memory: its worker."""
    return max(psutil.Process(server.process.pid).children(), key=lambda child: child.memory_info().rss)


def read_peak(process: psutil.Process) -> float:
    """Return the most megabytes that a process has had."""
    text = Path(f"/proc/{process.pid}/status").read_text()
    return int(text.partition("VmHWM:")[2].split()[0]) / 1000


@pytest.mark.slow(seconds=5)
def test_large_pictures_that_come_together_do_not_fill_the_memory(start: Start, tmp_path: Path) -> None:
    """Eight of 25 megapixels take as much as one does, 75 MB and 100 MB to decode it; all are answered."""
    (tmp_path / "server.toml").write_text("[limits]\npictures_mb = 200\nseconds = 60\n")
    server = start("--config", "server.toml")
    photo = make_photo(quality=50)

    def send(_: int) -> int:
        return server.post("/v1/detect?min_face=2000", files={"photo": photo}).status_code

    assert server.post("/v1/detect", files={"photo": make_photo(64)}).status_code == 200
    worker = peak_of(server)
    before = read_peak(worker)
    with ThreadPoolExecutor(8) as pool:
        assert [*pool.map(send, range(8))] == [200] * 8
    assert read_peak(worker) - before < 500  # 1,180 without a bound


def test_pictures_that_are_refused_take_none() -> None:
    header = make_photo(8, "PNG")
    bomb = header[:16] + (60_000).to_bytes(4, "big") * 2 + header[24:]
    assert estimate_memory([bomb]) == 0
    assert estimate_memory([bomb, make_photo(100)]) == estimate_memory([make_photo(100)]) > 0


def test_memory_is_given_back_before_the_answer_is_sent() -> None:
    """A client that takes its answer slowly, or not at all, would keep others from theirs."""
    modules = (import_module(f"visavis.server.compat.{name}") for name in compat.NAMES)
    found = [
        dependant
        for router in [*routers(), *(module.router for module in modules)]
        for route in router.routes
        for dependant in walk(route.dependant)
        if inspect.isasyncgenfunction(dependant.call)
    ]
    assert len(found) > 10
    assert {dependant.scope for dependant in found} == {"function"}


def walk(dependant: Any) -> Iterator[Any]:
    yield dependant
    for other in dependant.dependencies:
        yield from walk(other)
