"""Train a network in the folder of a run: prepare, train, keep checkpoints and a log, write the model."""

from __future__ import annotations

import copy
import csv
import io
import json
import math
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import torch

from visavis import atomic
from visavis.errors import UsageError
from visavis.train import checkpoints, health
from visavis.train.architectures import architecture, count_parameters, first_weights
from visavis.train.config import Settings, parse
from visavis.train.crops import Crops
from visavis.train.export import write_model
from visavis.train.health import Epoch, Illness
from visavis.train.loop import Trainer
from visavis.train.validation_split import split
from visavis.types import Floats
from visavis.weights.model_row import ModelRow

SETTINGS, LOG = "settings.json", "log.csv"
TIMED = 3
"""Steps that are timed before a run begins."""
LONGEST = 10_000
"""Most epochs of a run that is limited by minutes."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run will do: pictures and people to learn from, steps, numbers in the network, and what it takes.

    ``seconds`` is the expected time on this machine, ``memory`` the peak of the process in bytes while timing.
    """

    pictures: int
    people: int
    held_out: int
    epochs: int
    steps: int
    parameters: int
    seconds: float
    memory: int


@dataclass(frozen=True, slots=True)
class NetworkRun:
    """A finished or interrupted run: its folder, its epochs, what ailed it, and its model (None: interrupted)."""

    folder: Path
    plan: Plan
    epochs: tuple[Epoch, ...]
    illness: Illness | None
    interrupted: bool
    row: ModelRow | None


class Watcher:
    """Hears of a run: override what you want to know."""

    def planned(self, plan: Plan) -> None:
        """Before the first step."""

    def trained(self, epoch: Epoch) -> None:
        """After each epoch."""


def train_network(
    data: Crops,
    out: str | os.PathLike[str],
    settings: Settings,
    *,
    resume: bool = False,
    weights: Mapping[str, Floats] | None = None,
    license: str = "",
    watcher: Watcher | None = None,
    interrupted: Callable[[], bool] = lambda: False,
) -> NetworkRun:
    """Train a network on crops, in the new folder ``out``, and write it there as a model.

    ``resume`` goes on with the run in that folder, with the settings that it began with. ``weights`` are the arrays to
    begin with, by name; those that are missing or of another shape begin at random. ``interrupted`` is asked after
    each step: the run then ends with a checkpoint. UsageError for a folder that holds another run.
    """
    folder, watcher = Path(out), watcher or Watcher()
    settings = _open_folder(folder, settings, data, resume=resume)
    parts = split(data.labels, settings.validation, seed=settings.seed)
    first = first_weights(
        architecture(settings.architecture).definition(settings.dimension), side=data.size, seed=settings.seed
    )
    trainer = Trainer(data, parts, settings, first | _fitting(weights or {}, first))
    state = checkpoints.load(folder) if resume else None
    if state is not None:
        trainer.restore(state)
    plan = make_plan(trainer)
    trainer.total_epochs = plan.epochs
    watcher.planned(plan)
    illness, stopped = _train(trainer, folder, watcher, interrupted)
    usable = not stopped and (illness is None or not illness.fatal)
    row = _finish(folder, trainer, data, license) if usable else None
    return NetworkRun(folder, plan, tuple(trainer.epochs), illness, stopped, row)


def _train(
    trainer: Trainer, folder: Path, watcher: Watcher, interrupted: Callable[[], bool]
) -> tuple[Illness | None, bool]:
    """Train to the last epoch, or until something ails the run; return that, and whether it was interrupted before."""
    settings = trainer.settings
    while trainer.epoch < trainer.total_epochs and not _is_patience_over(trainer.epochs, settings.stop.patience):
        epoch, illness = trainer.train_epoch(interrupted), None
        if epoch is not None:
            watcher.trained(epoch)
            _write_log(folder, trainer.epochs)
            illness = health.diagnose(trainer.epochs, settings) if settings.stop.ails else None
        if illness is None or not illness.fatal:
            checkpoints.save(folder, trainer.state())
        if illness is not None:
            return illness, False
        if epoch is None or (interrupted() and trainer.epoch < trainer.total_epochs):
            return None, True
    return None, False


def make_plan(trainer: Trainer) -> Plan:
    """Time three steps, and take them back; a run that is limited by minutes gets its number of epochs here."""
    state = copy.deepcopy(trainer.state())
    batches = trainer.batches(trainer.epoch)
    seconds = []
    for number in range(min(TIMED, len(batches))):
        begun = time.perf_counter()
        trainer.network.train()
        trainer.step(trainer.pictures(batches[number], trainer.epoch, number), batches[number], 0)
        seconds.append(time.perf_counter() - begun)
    trainer.restore(state)
    an_epoch = min(seconds) * len(batches)
    epochs = trainer.total_epochs
    if trainer.settings.minutes and not trainer.epoch:
        epochs = min(max(int(trainer.settings.minutes * 60 / an_epoch), 1), LONGEST)
    return Plan(
        pictures=len(trainer.parts.train),
        people=len(trainer.people),
        held_out=len(trainer.parts.held_out),
        epochs=epochs,
        steps=epochs * len(batches),
        parameters=count_parameters(trainer.network.weights()),
        seconds=an_epoch * (epochs - trainer.epoch),
        memory=_peak_memory(),
    )


def _open_folder(folder: Path, settings: Settings, data: Crops, *, resume: bool) -> Settings:
    """Make the folder of a new run, with its settings, or return the settings of the run that is resumed."""
    path = folder / SETTINGS
    if resume:
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UsageError(f"{folder} holds no run to go on with.") from error
        if stored["data"] != data.digest():
            raise UsageError(f"the pictures are not those that {folder} was trained on: begin a new run.")
        return parse(stored["settings"], Settings())
    if path.exists():
        raise UsageError(f"{folder} holds a run already: go on with it by --resume, or name another folder.")
    content = {
        "settings": settings.table(),
        "data": data.digest(),
        "people": list(data.people),
        "photos": list(data.photos),
        "visavis": metadata.version("visavis"),
        "torch": torch.__version__,
        "numpy": metadata.version("numpy"),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        atomic.write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    except OSError as error:
        raise UsageError(f"{folder} cannot be written to: {error.strerror or error}.") from error
    return settings


def _fitting(weights: Mapping[str, Floats], first: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return the arrays that the network has in the same shape."""
    return {name: array for name, array in weights.items() if name in first and array.shape == first[name].shape}


def _is_patience_over(epochs: Sequence[Epoch], patience: int) -> bool:
    """Return whether the best epoch, by what was held out, lies ``patience`` epochs back."""
    scores = [epoch.tar if epoch.accuracy is None else epoch.accuracy for epoch in epochs]
    measured = [-math.inf if score is None else score for score in scores]
    return bool(patience and measured) and len(measured) - 1 - measured.index(max(measured)) >= patience


def _write_log(folder: Path, epochs: Sequence[Epoch]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(epochs[0].row()), lineterminator="\n")
    writer.writeheader()
    writer.writerows(epoch.row() for epoch in epochs)
    atomic.write_text(folder / LOG, text.getvalue())


def _finish(folder: Path, trainer: Trainer, data: Crops, license: str) -> ModelRow:
    settings = trainer.settings
    return write_model(
        folder,
        trainer.definition,
        trainer.network.weights(),
        size=data.size,
        dimension=settings.dimension,
        trained_on=f"{len(trainer.parts.train)} pictures of {len(trainer.people)} people, {settings.loss}",
        license=license,
    )


def _peak_memory() -> int:
    """Return the peak of this process's memory in bytes; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
