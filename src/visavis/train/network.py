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
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import NoneType
from typing import Any

import numpy as np

from visavis import atomic
from visavis.compare import Calibration
from visavis.errors import UsageError
from visavis.evaluate.calibrate import of_people
from visavis.evaluate.data.templates import Templates
from visavis.pytorch import torch
from visavis.train import checkpoints, health
from visavis.train.architectures import architecture, count_parameters, first_weights
from visavis.train.config import Settings, parse
from visavis.train.crops import Crops
from visavis.train.export import write_model
from visavis.train.health import Epoch, Illness
from visavis.train.loop import EMBED, TrainingLoop
from visavis.train.network_page import page
from visavis.train.validation_split import TrainingSplit, split
from visavis.types import Floats
from visavis.weights.model_row import ModelRow
from visavis.weights.user_models import CALIBRATION

SETTINGS, LOG, REPORT = "settings.json", "log.csv", "report.html"
TIMED = 3
"""Steps that are timed before a run begins."""
UNFIT = (RuntimeError, KeyError, TypeError, ValueError, AttributeError, IndexError)
"""What is raised for a state of another form."""
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
    """A finished or interrupted run: its folder, its epochs, what ailed it, and its model (None: interrupted).

    ``calibration`` are the model's thresholds, measured on the people held out; None where they are too few.
    """

    folder: Path
    plan: Plan
    epochs: tuple[Epoch, ...]
    illness: Illness | None
    interrupted: bool
    row: ModelRow | None
    calibration: Calibration | None


def train_network(  # noqa: PLR0913 - options, all by name
    data: Crops,
    out: str | os.PathLike[str],
    settings: Settings,
    *,
    resume: bool = False,
    weights: Mapping[str, Floats] | None = None,
    learned: Collection[str] = (),
    license: str = "",
    planned: Callable[[Plan], object] = lambda plan: None,
    trained: Callable[[Epoch], object] = lambda epoch: None,
    interrupted: Callable[[], bool] = lambda: False,
) -> NetworkRun:
    """Train a network on crops, in the new folder ``out``, and write it there as a model.

    ``resume`` goes on with the run in that folder, with the settings that it began with. ``weights`` are the arrays to
    begin with, by name; those that are missing or of another shape begin at random. ``learned`` are the photos that
    they were trained on: UsageError where one of them would be held out, as its rates would look too good. ``planned``
    is called before the first step, ``trained`` after each epoch. ``interrupted`` is asked after each step: the run
    then ends with a checkpoint. UsageError for a folder that holds another run.
    """
    folder = Path(out)
    settings = _resume(folder, data) if resume else _check_new(folder, settings)
    parts = split(data, settings.validation, seed=settings.seed, ails=settings.stop.ails)
    _check_not_learned(data, parts, learned)
    first = first_weights(
        architecture(settings.architecture).definition(settings.dimension), side=data.size, seed=settings.seed
    )
    trainer = TrainingLoop(data, parts, settings, first | _fitting(weights or {}, first))
    if resume:
        _restore(trainer, folder)
    else:
        _make_folder(folder, trainer)  # last: what cannot be trained leaves no folder behind
    plan = make_plan(trainer)
    trainer.total_epochs = plan.epochs
    planned(plan)
    illness, stopped = _train(trainer, folder, trained, interrupted)
    usable = not stopped and (illness is None or not illness.fatal)
    row = _finish(folder, trainer, data, license) if usable else None
    calibration = None if row is None else _calibrate(folder, trainer, data, row)
    if trainer.epochs:
        facts = _list_facts(plan, settings, row, calibration)
        page(trainer.epochs, settings, name=folder.name, illness=illness, facts=facts).write(folder / REPORT)
    return NetworkRun(folder, plan, tuple(trainer.epochs), illness, stopped, row, calibration)


def _train(
    trainer: TrainingLoop,
    folder: Path,
    trained: Callable[[Epoch], object],
    interrupted: Callable[[], bool],
) -> tuple[Illness | None, bool]:
    """Train to the last epoch, or until something ails the run; return that, and whether it was interrupted before."""
    settings = trainer.settings
    while trainer.epoch < trainer.total_epochs and not _is_patience_over(trainer.epochs, settings.stop.patience):
        epoch, illness = trainer.train_epoch(interrupted), None
        if epoch is not None:
            trained(epoch)
            _write_log(folder, trainer.epochs)
            illness = health.diagnose(trainer.epochs, settings) if settings.stop.ails else None
        if illness is None or not illness.fatal:
            checkpoints.save(folder, trainer.state())
        if illness is not None:
            return illness, False
        if epoch is None or (interrupted() and trainer.epoch < trainer.total_epochs):
            return None, True
    return None, False


def make_plan(trainer: TrainingLoop) -> Plan:
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
    an_epoch = min(seconds) * len(batches) + _time_validation(trainer)
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


def _time_validation(trainer: TrainingLoop) -> float:
    """Return the expected seconds to embed what an epoch is judged by."""
    rows, begun = trainer.validated_rows(), time.perf_counter()
    timed = rows[:EMBED]
    trainer.embed(timed)
    return (time.perf_counter() - begun) * len(rows) / max(len(timed), 1)


def crop_size(settings: Settings) -> int:
    """Return the side of the crops; UsageError where the architecture takes another size alone."""
    network = architecture(settings.architecture)
    if network.fixed and settings.size not in (0, network.side):
        raise UsageError(f"{network.name} takes crops of {network.side} pixels: leave out the size.")
    return settings.size or network.side


def settings_of(folder: Path) -> Settings:
    """Return the settings that a run began with; UsageError where the folder holds none."""
    try:
        return parse(_read_settings(folder)["settings"], Settings())
    except (TypeError, AttributeError) as error:
        raise UsageError(f"{folder / SETTINGS} is not the file that a run writes.") from error


def read_weights(folder: Path) -> dict[str, Floats]:
    """Return the arrays of a run's newest checkpoint, by name; UsageError where there is none."""
    state = checkpoints.load(folder)
    if state is None:
        raise UsageError(f"{folder} holds no checkpoint of a run to begin with.")
    try:
        return {name: value.numpy() for name, value in state["network"].items()}
    except UNFIT as error:
        raise UsageError(f"{folder / checkpoints.NEWEST} does not hold a network, or was altered.") from error


def read_learned(folder: Path) -> frozenset[str]:
    """Return the photos that a run has learned from; UsageError where the folder holds no run."""
    stored = _read_settings(folder)
    photos, held_out = stored.get("photos"), stored.get("held_out")
    if not isinstance(photos, list) or not isinstance(held_out, list):
        raise UsageError(f"{folder / SETTINGS} does not say which photos were held out: train that run again.")
    return frozenset(map(str, photos)) - frozenset(map(str, held_out))


def _check_not_learned(data: Crops, parts: TrainingSplit, learned: Collection[str]) -> None:
    both = [data.photos[row] for row in parts.held_out if data.photos[row] in learned]
    if both:
        raise UsageError(
            f"{len(both):,} of the photos held out were learned by the run to begin with, the first {both[0]}: their "
            "rates would look too good. Hold out the same people in both runs, by the same seed, or by --test."
        )


def _read_settings(folder: Path) -> dict[str, Any]:
    try:
        content = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{folder} holds no run to go on with.") from error
    if not isinstance(content, dict) or not {"settings", "data"} <= content.keys():
        raise UsageError(f"{folder / SETTINGS} is not the file that a run writes.")
    return content


def _resume(folder: Path, data: Crops) -> Settings:
    """Return the settings of a run to go on with."""
    stored = _read_settings(folder)
    if stored["data"] != data.digest():
        raise UsageError(f"the pictures are not those that {folder} was trained on: begin a new run.")
    return settings_of(folder)


def _check_new(folder: Path, settings: Settings) -> Settings:
    """Return the settings of a new run; UsageError for a folder that holds a run, or other files."""
    if (folder / SETTINGS).exists():
        raise UsageError(f"{folder} holds a run already: go on with it by --resume, or name another folder.")
    if folder.is_dir() and any(folder.iterdir()):
        raise UsageError(f"{folder} holds other files: name a new folder.")
    return settings


def _restore(trainer: TrainingLoop, folder: Path) -> None:
    """Go on from the newest checkpoint, if the run has any; UsageError for one of another network, or altered."""
    state = checkpoints.load(folder)
    if state is None:
        if any((folder / name).exists() for name in (checkpoints.NEWEST, checkpoints.PREVIOUS)):
            raise UsageError(f"no checkpoint of {folder} is whole: begin a new run, in a new folder.")
        return
    try:
        trainer.restore(state)
        _check_numbers([trainer.epoch, trainer.total_epochs], int)
        for epoch in trainer.epochs:
            _check_numbers(epoch.row().values(), (int, float, NoneType))
    except UNFIT as error:
        raise UsageError(
            f"{folder / checkpoints.NEWEST} does not fit to this run, or was altered: name a new folder."
        ) from error


def _check_numbers(values: Iterable[object], kinds: type | tuple[type, ...]) -> None:
    """Raise TypeError unless all values are of these kinds."""
    if wrong := [value for value in values if not isinstance(value, kinds)]:
        raise TypeError(f"{wrong[0]!r} is no number")


def _make_folder(folder: Path, trainer: TrainingLoop) -> None:
    """Make the folder of a new run, with its settings, its data and what of that is held out."""
    path, data, parts = folder / SETTINGS, trainer.data, trainer.parts
    content = {
        "settings": trainer.settings.table(),
        "data": data.digest(),
        "people": list(data.people),
        "photos": list(data.photos),
        "held_out": [data.photos[row] for row in parts.held_out],
        "visavis": metadata.version("visavis"),
        "torch": torch.__version__,
        "numpy": metadata.version("numpy"),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        atomic.write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    except OSError as error:
        raise UsageError(f"{folder} cannot be written to: {error.strerror or error}.") from error


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


def _calibrate(folder: Path, trainer: TrainingLoop, data: Crops, row: ModelRow) -> Calibration | None:
    """Measure the thresholds of a model on the people held out, and write them beside it; None where they are few."""
    rows = trainer.parts.held_out
    if not trainer.parts.people or not len(rows):
        return None
    templates = Templates(
        model=row.name,
        detector=data.detector,
        photos=tuple(data.photos[number] for number in rows),
        status=("ok",) * len(rows),
        embeddings=trainer.embed(rows),
        boxes=np.zeros((len(rows), 4), np.float32),
        quality=np.ones(len(rows), np.float32),
        faces=np.ones(len(rows), np.intp),
    )
    names = [data.people[label] for label in data.labels[rows]]
    try:
        measured = of_people(templates, names, data=f"{len(set(names))} people that {row.name} was not trained on")
    except UsageError:  # too few pairs
        return None
    atomic.write_text(folder / CALIBRATION, measured.text())
    return measured.calibration


def _list_facts(
    plan: Plan, settings: Settings, row: ModelRow | None, calibration: Calibration | None
) -> list[tuple[str, str]]:
    """Return what a run was, as names and values for its report."""
    return [
        ("architecture", f"{settings.architecture}, {plan.parameters:,} parameters"),
        ("loss", f"{settings.loss}, {settings.miner}" if settings.loss == "triplet" else settings.loss),
        ("photos", f"{plan.pictures:,} of {plan.people:,} people; {plan.held_out:,} held out"),
        ("steps", f"{plan.steps:,} in {plan.epochs:,} epochs"),
        ("optimizer", f"{settings.optimizer.name}, {settings.optimizer.rate:g}, {settings.schedule.name}"),
        ("seed", f"{settings.seed}"),
        ("model", "none" if row is None else row.name),
        ("lowest FAR with a threshold", "not measured" if calibration is None else f"{calibration.lowest_far:g}"),
    ]


def _finish(folder: Path, trainer: TrainingLoop, data: Crops, license: str) -> ModelRow:
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
