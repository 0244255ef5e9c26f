"""Micro-batches across requests: the networks run in one thread, which takes all that waits in one call.

A request's thread hands over its pictures and waits. While the networks run, further pictures come together, and go
through them at once. Nothing waits for a batch to fill: an idle server answers a single photo without delay.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from visavis import defaults
from visavis.detectors import Detector, detect_prominent
from visavis.embedders import Embedder
from visavis.errors import BusyError
from visavis.types import RGB, Face, Floats

BATCH_PIXELS = 16_000_000
"""Pixels of the pictures of a call: the first that exceeds them waits for the next one."""
BATCH_CROPS = 64


@dataclass(slots=True)
class _Piece:
    """What one request asks of a network. Pieces of one ``key`` can run in one call."""

    key: tuple[object, ...]
    items: Sequence[Any]
    weight: int
    run: Callable[[Sequence[Any]], Sequence[Any]]
    answer: Future[Sequence[Any]] = field(default_factory=Future)


class InferenceThread:
    """A thread that runs the networks of a worker, for as many requests at a time as wait."""

    def __init__(self, *, seconds: float) -> None:
        """``seconds`` is how long a request waits for its answer before BusyError."""
        self._seconds = seconds
        self._pieces: deque[_Piece] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self.calls = self.pieces = 0  # for the metrics: their quotient is the mean number of requests in a call
        self._thread = threading.Thread(target=self._work, name="inference", daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        """Return the number of pieces that wait."""
        return len(self._pieces)

    def run(
        self,
        key: tuple[object, ...],
        items: Sequence[Any],
        weight: int,
        run: Callable[[Sequence[Any]], Sequence[Any]],
    ) -> Sequence[Any]:
        """Run a function on ``items``, together with those of other requests with this key; return the results.

        ``weight`` counts towards the size of a call. Raises what the function raises, BusyError after the time limit.
        """
        piece = _Piece(key, items, weight, run)
        with self._changed:
            if self._closed:
                raise BusyError("the server is stopping: send the request again.")
            self._pieces.append(piece)
            self._changed.notify()
        try:
            return piece.answer.result(self._seconds)
        except FutureTimeoutError:
            if piece.answer.done():  # a TimeoutError of the function itself
                raise
            piece.answer.cancel()
            raise BusyError(f"the photo was not done within {self._seconds:g} seconds: send it again.") from None

    def close(self) -> None:
        """Finish what waits, and end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while (batch := self._take()) is not None:
            self.calls += 1
            self.pieces += len(batch)
            _run_together(batch)

    def _take(self) -> list[_Piece] | None:
        """Wait for the next piece; return it with those that can run in one call with it. None: closed and done."""
        with self._changed:
            while not self._pieces:
                if self._closed:
                    return None
                self._changed.wait()
            first = self._pieces.popleft()
            batch, weight, others = [first], first.weight, deque[_Piece]()
            while self._pieces:
                piece = self._pieces.popleft()
                if piece.key == first.key and weight + piece.weight <= _most(first.key):
                    batch.append(piece)
                    weight += piece.weight
                else:
                    others.append(piece)
            self._pieces = others
        return [piece for piece in batch if piece.answer.set_running_or_notify_cancel()]


def _most(key: tuple[object, ...]) -> int:
    return BATCH_CROPS if key[0] == "embed" else BATCH_PIXELS


def _run_together(batch: Sequence[_Piece]) -> None:
    """Answer pieces by one call; where it fails, by a call each, so that one photo does not cost others theirs."""
    if not batch:
        return
    try:
        results = batch[0].run([item for piece in batch for item in piece.items])
    except Exception as error:  # noqa: BLE001 - raised in the thread of the request
        if len(batch) == 1:
            batch[0].answer.set_exception(error)
            return
        for piece in batch:
            _run_together([piece])
        return
    start = 0
    for piece in batch:
        piece.answer.set_result(results[start : start + len(piece.items)])
        start += len(piece.items)


class BatchedDetector:
    """A detector whose calls run on the inference thread; see :class:`visavis.detectors.Detector`."""

    def __init__(self, detector: Detector, thread: InferenceThread) -> None:
        self._detector, self._thread = detector, thread
        self.name = detector.name
        self.certain = getattr(detector, "certain", 1.0)

    def detect(self, pictures: Sequence[RGB], *, min_face: float = defaults.MIN_FACE) -> list[list[Face]]:
        """Return the faces of each picture."""
        return self._run("detect", self._detector.detect, pictures, min_face)

    def detect_prominent(self, pictures: Sequence[RGB], *, min_face: float = defaults.MIN_FACE) -> list[list[Face]]:
        """Return the faces of each picture; see :func:`visavis.detectors.detect_prominent`."""
        return self._run("detect prominent", partial(detect_prominent, self._detector), pictures, min_face)

    def _run(
        self, kind: str, detect: Callable[..., list[list[Face]]], pictures: Sequence[RGB], min_face: float
    ) -> list[list[Face]]:
        weight = sum(picture.shape[0] * picture.shape[1] for picture in pictures)
        return list(self._thread.run((kind, self.name, min_face), pictures, weight, partial(detect, min_face=min_face)))


class BatchedEmbedder:
    """An embedder whose network runs on the inference thread; see :class:`visavis.embedders.Embedder`."""

    def __init__(self, embedder: Embedder, thread: InferenceThread) -> None:
        self._embedder, self._thread = embedder, thread
        self.name, self.dimension = embedder.name, embedder.dimension

    def crops(self, picture: RGB, faces: Sequence[Face]) -> RGB:
        """Crop the faces, in the thread of the request."""
        return self._embedder.crops(picture, faces)

    def embed(self, crops: RGB) -> Floats:
        """Embed crops as unit vectors."""
        if not len(crops):
            return np.empty((0, self.dimension), np.float32)

        def run(items: Sequence[RGB]) -> list[Floats]:
            return list(self._embedder.embed(np.stack(items)))

        return np.stack(self._thread.run(("embed", self.name), list(crops), len(crops), run))
