"""The memory of decoded pictures: the requests of a worker take a bounded part of it together, and wait for it in turn.

A photo of a few kilobytes may have a hundred megapixels, each below the limit of one picture: without a bound for all,
as many requests as a worker takes would fill the memory of the machine.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from visavis import images
from visavis.errors import BusyError
from visavis.pipeline import BATCH_PIXELS

PIXEL = 3
"""Bytes of a pixel that is decoded."""


def estimate_memory(files: Sequence[bytes]) -> int:
    """Return the bytes that the photos of a request take at a time while they are read and their faces are found.

    They are decoded one after the other, and held in batches, of which there are two at a time at most. Those that are
    refused before they are decoded take none.
    """
    costs = [cost for cost in map(images.decoding_cost, files) if _is_decoded(cost)]
    pictures = [PIXEL * cost.width * cost.height for cost in costs]
    beside = max((max(cost.memory - picture, 0) for cost, picture in zip(costs, pictures, strict=True)), default=0)
    batches = 2 * (PIXEL * BATCH_PIXELS + max(pictures, default=0))
    return min(sum(pictures), batches) + beside


def _is_decoded(cost: images.Cost) -> bool:
    return not cost.excess and cost.width * cost.height <= images.MAX_PIXELS


class PictureMemory:
    """``most`` bytes of a worker, taken in the order of the requests; its methods are called in the event loop."""

    def __init__(self, most: int) -> None:
        self._most, self._taken = most, 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def hold(self, size: int, *, seconds: float) -> AsyncIterator[None]:
        """Have ``size`` bytes within the block, or all where that is more; wait up to ``seconds`` for them.

        Raises BusyError where others have them for longer.
        """
        size = min(size, self._most)
        await self._wait_for(size, seconds)
        try:
            yield
        finally:
            self._give_back(size)

    async def _wait_for(self, size: int, seconds: float) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        self._let_in()
        try:
            async with asyncio.timeout(seconds):  # wait_for of Python 3.11 may swallow that the task is canceled
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self._give_back(size)
            else:
                self._let_in()  # those behind
            if isinstance(error, TimeoutError):
                raise BusyError("the photos of other requests take all memory for pictures: try again.") from None
            raise

    def _give_back(self, size: int) -> None:
        self._taken -= size
        self._let_in()

    def _let_in(self) -> None:
        """Let the first of those that wait go on, as long as there is room."""
        while self._waiting:
            size, turn = self._waiting[0]
            if not turn.done() and self._taken + size > self._most:
                return
            self._waiting.popleft()
            if not turn.done():  # else it waits no more
                self._taken += size
                turn.set_result(None)
