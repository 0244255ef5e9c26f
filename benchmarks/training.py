"""Speed of train network: its loop beside a bare loop of PyTorch on the same tensors in memory.

    python benchmarks/training.py [--rounds 5] [--steps 6] [--arch small_cnn] [--size 64]

Both have the same network, loss, optimizer and batches. The loops take turns, round by round; a ratio is the median of
those within a round. "in the step" is the part of a loop's time that the network's step takes; the rest is waiting for
pictures and bookkeeping.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from visavis.train.architectures import architecture, first_weights
from visavis.train.augment import NONE, Augmentation
from visavis.train.config import Settings, parse
from visavis.train.crops import Crops
from visavis.train.loop import TrainingLoop
from visavis.train.validation_split import split

AUGMENTED = Augmentation(flip=True, shift=0.05, scale=0.1, color=0.2, blur=1.0, jpeg=40, cutout=0.3)
BARE, PLAIN, CHANGED = "bare loop of PyTorch", "train network", "train network, all augmentation"


class Timed:
    """A training loop that measures the time in its steps."""

    def __init__(self, data: Crops, settings: Settings) -> None:
        parts = split(data, settings.validation, seed=0)
        definition = architecture(settings.architecture).definition(settings.dimension)
        self.loop = TrainingLoop(data, parts, settings, first_weights(definition, side=data.size, seed=0))
        self.in_step = 0.0
        self._step, self.loop.step = self.loop.step, self._timed  # type: ignore[method-assign]

    def _timed(self, *arguments: Any) -> Any:
        begun = time.perf_counter()
        answer = self._step(*arguments)
        self.in_step += time.perf_counter() - begun
        return answer

    def run(self) -> tuple[float, float]:
        """Train an epoch; return pictures a second and the part of the time in the step."""
        self.in_step, begun = 0.0, time.perf_counter()
        epoch = self.loop.train_epoch()
        assert epoch is not None
        return epoch.pictures_a_second, self.in_step / (time.perf_counter() - begun)


def bare(data: Crops, settings: Settings) -> Callable[[], tuple[float, float]]:
    """Return a bare loop over the batches of an epoch, as tensors in memory."""
    loop = Timed(data, settings).loop
    rows = loop.batches(0)
    tensors = [
        (torch.from_numpy(np.ascontiguousarray(data.pixels[row])), torch.from_numpy(loop.labels[row])) for row in rows
    ]

    def run() -> tuple[float, float]:
        begun, trained = time.perf_counter(), 0
        loop.network.train()
        for pixels, labels in tensors:
            (outputs,) = loop.network(pixels)
            answer = loop.criterion(outputs, labels, torch.Generator().manual_seed(0))
            loop.optimizer.zero_grad(set_to_none=True)
            answer.loss.backward()
            torch.nn.utils.clip_grad_norm_(loop.parameters, settings.optimizer.clip)
            loop.optimizer.step()
            trained += len(pixels)
        return trained / (time.perf_counter() - begun), 1.0

    return run


def made_up(folder: Path, pictures: int, size: int) -> Crops:
    """Return noise in a mapped file, ten pictures a person."""
    np.save(folder / "pixels.npy", np.random.default_rng(0).integers(0, 256, (pictures, size, size, 3), np.uint8))
    labels = np.arange(pictures) // 10
    names = tuple(map(str, range(pictures)))
    return Crops(np.load(folder / "pixels.npy", mmap_mode="r"), labels, names[: labels[-1] + 1], names)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("rounds", 5), ("steps", 6), ("size", 64), ("threads", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--arch", default="small_cnn")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    settings = parse(
        {"architecture": options.arch, "size": options.size, "people": 8, "validation": {"people": 0.0}}, Settings()
    )
    with tempfile.TemporaryDirectory() as folder:
        data = made_up(Path(folder), options.steps * settings.people * settings.pictures, options.size)
        runs = {
            BARE: bare(data, settings),
            PLAIN: Timed(data, replace(settings, augment=NONE)).run,
            CHANGED: Timed(data, replace(settings, augment=AUGMENTED)).run,
        }
        rounds = [{name: run() for name, run in runs.items()} for _ in range(options.rounds + 1)][1:]
    table = Table("", "pictures/s", "to the bare loop", "in the step")
    for name in runs:
        speed, ratio, part = (
            median(values)
            for values in zip(*((r[name][0], r[name][0] / r[BARE][0], r[name][1]) for r in rounds), strict=True)
        )
        table.add_row(name, f"{speed:.1f}", f"{ratio:.3f}", f"{part:.1%}")
    Console().print(table)
    print(
        f"{options.arch}, {options.size} pixels, batches of 32, {options.threads} threads, PyTorch {torch.__version__}"
    )


if __name__ == "__main__":
    main()
