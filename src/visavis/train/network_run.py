"""Train a network on crops, in the folder of a run: plan, train, keep checkpoints and a log, write the model."""

from __future__ import annotations

import copy
import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import NoneType

import numpy as np

from visavis import atomic
from visavis.compare import Calibration
from visavis.errors import UsageError
from visavis.evaluate.calibrate import of_people
from visavis.evaluate.data.templates import Templates
from visavis.pytorch import torch
from visavis.train import checkpoints, health, run_folder
from visavis.train.architectures import architecture, count_parameters, first_weights
from visavis.train.config import Settings
from visavis.train.crops import Crops
from visavis.train.export import write_model
from visavis.train.health import Epoch, Illness
from visavis.train.initial_weights import UNREADABLE, InitialWeights, check_architecture, check_not_learned
from visavis.train.loop import EMBED, TrainingLoop
from visavis.train.network_page import page
from visavis.train.run_folder import Provenance
from visavis.train.validation_split import TrainingSplit, split
from visavis.types import Floats
from visavis.weights.model_row import ModelRow
from visavis.weights.user_models import CALIBRATION

TIMED, TIMED_S = 3, 2.0
"""Steps, and seconds, that are timed at least before a run begins: other work of the machine comes in bursts."""
LONGEST = 10_000
"""Most epochs of a run that is limited by minutes."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run will do: pictures and people to learn from, steps, numbers in the network, and what it takes.

    ``seconds`` is the expected time on this machine, ``memory`` the peak of the process in bytes while timing.
    ``notes`` are sentences about the data.
    """

    pictures: int
    people: int
    held_out: int
    epochs: int
    steps: int
    parameters: int
    seconds: float
    memory: int
    notes: tuple[str, ...] = ()


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


def train_on_crops(  # noqa: PLR0913 - options, all by name
    data: Crops,
    out: str | os.PathLike[str],
    settings: Settings,
    *,
    resume: bool = False,
    initial: InitialWeights | None = None,
    license: str = "",
    planned: Callable[[Plan], object] = lambda plan: None,
    trained: Callable[[Epoch], object] = lambda epoch: None,
    interrupted: Callable[[], bool] = lambda: False,
) -> NetworkRun:
    """Train a network on crops, in the new folder ``out``, and write it there as a model.

    ``resume`` goes on with the run in that folder, with the settings and the provenance that it began with. Of
    ``initial`` weights those that fit are used: UsageError where one of the photos that they have learned would be held
    out, as its rates would look too good. ``license`` is that of the photos. ``planned`` is called before the first
    step, ``trained`` after each epoch. ``interrupted`` is asked after each step: the run then ends with a checkpoint.
    UsageError for a folder that holds another run.
    """
    folder = Path(out)
    if resume:
        run_folder.check_same_data(folder, data)
        settings, provenance = run_folder.settings_of(folder), run_folder.provenance_of(folder)
    else:
        run_folder.check_new(folder)
        provenance = _note_provenance(initial, license)
    parts = split(data, settings.validation, seed=settings.seed, ails=settings.stop.ails)
    trainer = TrainingLoop(data, parts, settings, _first_arrays(data, settings, parts, initial))
    if resume:
        _restore(trainer, folder)
    else:  # last: what cannot be trained leaves no folder behind
        run_folder.write_settings(folder, settings, data, parts, provenance, torch.__version__)
    plan = make_plan(trainer)
    trainer.total_epochs = plan.epochs
    planned(plan)
    illness, stopped = _train(trainer, folder, trained, interrupted)
    usable = not stopped and (illness is None or not illness.fatal)
    row = _finish(folder, trainer, provenance) if usable else None
    calibration = None if row is None else _calibrate(folder, trainer, data, row)
    if trainer.epochs:
        facts = _list_facts(plan, settings, row, calibration)
        report = page(trainer.epochs, settings, name=folder.name, illness=illness, facts=facts)
        report.write(folder / run_folder.REPORT)
    return NetworkRun(folder, plan, tuple(trainer.epochs), illness, stopped, row, calibration)


def _note_provenance(initial: InitialWeights | None, license: str) -> Provenance:
    if initial is None:
        return Provenance(license)
    return Provenance(license, initial.origin, initial.learned)


def _first_arrays(
    data: Crops, settings: Settings, parts: TrainingSplit, initial: InitialWeights | None
) -> dict[str, Floats]:
    definition = architecture(settings.architecture).definition(settings.dimension)
    first = first_weights(definition, side=data.size, seed=settings.seed)
    if initial is None:
        return first
    check_architecture(initial, settings)
    check_not_learned(data, parts, initial.learned)
    return initial.fit(first, settings.seed)


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
            run_folder.write_log(folder, trainer.epochs)
            illness = health.diagnose(trainer.epochs, settings) if settings.stop.ails else None
        if illness is None or not illness.fatal:
            checkpoints.save(folder, trainer.state())
        if illness is not None:
            return illness, False
        if epoch is None or (interrupted() and trainer.epoch < trainer.total_epochs):
            return None, True
    return None, False


def make_plan(trainer: TrainingLoop) -> Plan:
    """Time three steps or more, and take them back; a run that is limited by minutes gets its number of epochs here."""
    state = copy.deepcopy(trainer.state())
    batches = trainer.batches(trainer.epoch)
    seconds = list[float]()
    for number in range(len(batches)):
        if number >= TIMED and sum(seconds) >= TIMED_S:
            break
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
        notes=trainer.data.notes,
    )


def _time_validation(trainer: TrainingLoop) -> float:
    """Return the expected seconds to embed what an epoch is judged by."""
    rows, begun = trainer.validated_rows(), time.perf_counter()
    timed = rows[:EMBED]
    trainer.embed(timed)
    return (time.perf_counter() - begun) * len(rows) / max(len(timed), 1)


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
    except UNREADABLE as error:
        raise UsageError(
            f"{folder / checkpoints.NEWEST} does not fit to this run, or was altered: name a new folder."
        ) from error


def _check_numbers(values: Iterable[object], kinds: type | tuple[type, ...]) -> None:
    """Raise TypeError unless all values are of these kinds."""
    if wrong := [value for value in values if not isinstance(value, kinds)]:
        raise TypeError(f"{wrong[0]!r} is no number")


def _is_patience_over(epochs: Sequence[Epoch], patience: int) -> bool:
    """Return whether the best epoch, by what was held out, lies ``patience`` epochs back."""
    scores = [epoch.tar if epoch.accuracy is None else epoch.accuracy for epoch in epochs]
    measured = [-math.inf if score is None else score for score in scores]
    return bool(patience and measured) and len(measured) - 1 - measured.index(max(measured)) >= patience


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


def _finish(folder: Path, trainer: TrainingLoop, provenance: Provenance) -> ModelRow:
    settings, data = trainer.settings, trainer.data
    trained_on = f"{len(trainer.parts.train)} pictures of {len(trainer.people)} people, {settings.loss}"
    if provenance.initial:
        trained_on += f"; begun with {provenance.initial}"
    return write_model(
        folder,
        trainer.definition,
        trainer.network.weights(),
        size=data.size,
        points=architecture(settings.architecture).face_points(data.size),
        dimension=settings.dimension,
        trained_on=trained_on,
        license=provenance.terms,
    )


def _peak_memory() -> int:
    """Return the peak of this process's memory in bytes; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
