"""Time that embedders take per face: measured in turn, so that other load on the machine affects all alike."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from visavis.embedders import EMBEDDERS, Embedder
from visavis.errors import UsageError
from visavis.types import RGB, Face
from visavis.weights import user_models
from visavis.weights.spec import all_specs
from visavis.weights.store import locate

ROUNDS = 7


@dataclass(frozen=True, slots=True)
class EmbeddingSpeed:
    """Milliseconds per face in batches of ``batch``: the median of the rounds, and the best."""

    batch: int
    median: float
    best: float


def list_present_models() -> list[str]:
    """Return the names of the embedders with files on this machine."""
    here = {row.name for row in all_specs() if row.task == "embed" and locate(row)}
    return [name for name in EMBEDDERS.names() if user_models.has(name) or name in here]


def measure_speeds(
    models: Sequence[Embedder], batches: Sequence[int], *, rounds: int = ROUNDS
) -> list[list[EmbeddingSpeed]]:
    """Measure each model with each size of batch, on crops of noise; a first round warms up and does not count.

    Crops are made beforehand: the time is that of :meth:`Embedder.embed` with all the model's views.
    """
    if rounds < 1 or any(batch < 1 for batch in batches):
        raise UsageError("rounds and batches are numbers from 1 up.")
    times: dict[tuple[int, int], list[float]] = {}
    crops = [_make_crops(model, max(batches, default=1)) for model in models]
    for number in range(rounds + 1):
        for batch in batches:
            for place, model in enumerate(models):
                start = time.perf_counter()
                model.embed(crops[place][:batch])
                took = 1000 * (time.perf_counter() - start) / batch
                if number:
                    times.setdefault((place, batch), []).append(took)
    return [
        [EmbeddingSpeed(batch, median(times[place, batch]), min(times[place, batch])) for batch in batches]
        for place in range(len(models))
    ]


def _make_crops(model: Embedder, count: int) -> RGB:
    picture = np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)
    landmarks = np.array([[120, 120], [180, 120], [150, 150], [130, 185], [170, 185]], np.float32)
    return model.crops(picture, [Face(np.array([75, 60, 225, 240], np.float32), 1.0, landmarks)] * count)
