"""The protocol of engines, which compute on processes of this machine or on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Protocol

from visavis.bulk.embed_stage import EmbedStage
from visavis.bulk.types import Answer, Task

Admit = Callable[[Sequence[tuple[Task, str]]], set[int]]
"""Takes tasks with the SHA-256 of their photos; returns the numbers of the tasks to compute. The others are done."""


class Engine(Protocol):
    """Runs the work, on processes of this machine or on a cluster."""

    def run(self, tasks: Iterable[Task], stage: EmbedStage, admit: Admit) -> Generator[Sequence[Answer], None, None]:
        """Process ``tasks``; yield answers as they come, and now and then an empty list while there are none.

        Each task is either refused by ``admit``, which is called in the caller's thread, or answered once. A photo that
        ends its process is tried once more, alone, before it is answered as "crashed". Closing the iterator ends all
        processes. Raises EngineError, and the errors of loading the networks.
        """
        ...
