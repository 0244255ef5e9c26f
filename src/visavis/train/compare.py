"""Compare architectures: each learns from the same photos for the same time, and is judged by the same held-out ones.

>>> compared = compare_networks("stars/", "compared/", ["small_cnn", "resnet18"], Settings(minutes=5))  # doctest: +SKIP
>>> [(network.architecture, network.accuracy) for network in compared.networks]                         # doctest: +SKIP

Beside them stands a classifier on the embeddings of the default embedder, which needs seconds.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from visavis import atomic, input_files
from visavis.compare import unit
from visavis.defaults import DETECTOR
from visavis.errors import UsageError, WeightsError
from visavis.evaluate.data.templates import ShowProgress
from visavis.printable import dump_json
from visavis.runtime import Session
from visavis.structured_text import parse_json
from visavis.train.architectures import architecture, crop_size
from visavis.train.classifier import ClassifierOptions, train_classifier
from visavis.train.classifier_file import FILE
from visavis.train.compare_page import page
from visavis.train.compare_report import ComparedClassifier, ComparedNetwork, NetworkComparison, WrongAnswer
from visavis.train.config import Settings, Validation
from visavis.train.crops import Crops, prepare
from visavis.train.health import Epoch
from visavis.train.labeled_photos import read_labeled_photos
from visavis.train.network_run import NetworkRun, Plan, train_on_crops
from visavis.train.run_folder import is_run, settings_of
from visavis.train.sampler import Rows
from visavis.train.splits import EVERY
from visavis.train.validation import nearest_mean
from visavis.train.validation_split import TrainingSplit, split
from visavis.types import RGB, Floats

RESULT, REPORT, CLASSIFIER = "result.json", "report.html", "classifier"
BATCH = 64
"""Photos embedded together."""


def compare_networks(  # noqa: PLR0913 - options, all by name
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    architectures: Sequence[str],
    settings: Settings,
    *,
    aligned: bool = False,
    detector: str = DETECTOR,
    exclude: Sequence[str] = (),
    progress: ShowProgress | None = None,
    planned: Callable[[str, Plan], object] = lambda name, plan: None,
    trained: Callable[[str, Epoch], object] = lambda name, epoch: None,
    interrupted: Callable[[], bool] = lambda: False,
) -> NetworkComparison:
    """Train each architecture in a folder of ``out``, judge all alike, and write the page ``out/report.html``.

    All have the same ``settings`` but for the architecture, so the same seed, photos and epochs or minutes. Every tenth
    photo of each person is held out, unless ``settings.validation.every`` is another number. Runs that ``out`` holds
    with these settings are not trained again; an interrupted one goes on. UsageError where ``out`` holds runs with
    other settings, or a setting does not fit an architecture; UnknownNameError for an unknown architecture.
    """
    if not architectures:
        raise UsageError("a comparison needs an architecture or more.")
    if not settings.validation.every:
        settings = replace(settings, validation=Validation(every=EVERY))
    wanted = [replace(settings, architecture=name) for name in dict.fromkeys(architectures)]
    sizes = [crop_size(each) for each in wanted]
    folder, labeled = Path(out), read_labeled_photos(source, exclude=exclude)
    networks: list[ComparedNetwork] = []
    for each, size in zip(wanted, sizes, strict=True):
        points = architecture(each.architecture).face_points(size)
        data = prepare(labeled, size=size, points=points, detector=detector, aligned=aligned, progress=progress)
        parts = split(data, each.validation, seed=each.seed, ails=each.stop.ails)
        network = _run(folder / each.architecture, each, data, parts, Callbacks(planned, trained, interrupted))
        if network is None:
            break
        networks.append(network)
    finished = len(networks) == len(wanted)
    comparison = NetworkComparison(
        folder=folder,
        settings=settings,
        people=len(np.unique(data.labels[parts.train])),
        train_photos=len(parts.train),
        test_photos=len(parts.held_out),
        networks=tuple(networks),
        classifier=_train_classifier(source, folder / CLASSIFIER, settings.seed, exclude) if finished else None,
        notes=data.notes,
    )
    if networks:
        page(comparison, crops=_select_crops(comparison, data)).write(folder / REPORT)
    return comparison


@dataclass(frozen=True, slots=True)
class Callbacks:
    """What is called during the runs; see :func:`compare_networks`."""

    planned: Callable[[str, Plan], object]
    trained: Callable[[str, Epoch], object]
    interrupted: Callable[[], bool]


def _run(
    folder: Path, settings: Settings, data: Crops, parts: TrainingSplit, callbacks: Callbacks
) -> ComparedNetwork | None:
    """Return the result that the folder holds, or train, or go on with training; None where that is interrupted."""
    name, begun = settings.architecture, is_run(folder)
    if begun and settings_of(folder) != settings:
        raise UsageError(f"{folder} holds a run with other settings: name another folder by --out.")
    stored = _read_result(folder / RESULT, data)
    if begun and stored is not None:
        return stored
    run = train_on_crops(
        data,
        folder,
        settings,
        resume=begun,
        planned=lambda plan: callbacks.planned(name, plan),
        trained=lambda epoch: callbacks.trained(name, epoch),
        interrupted=callbacks.interrupted,
    )
    if run.interrupted:
        return None
    network = _judge(run, name, data, parts)
    content = {"data": data.digest(), "network": asdict(network)}
    atomic.write_text(folder / RESULT, dump_json(content, indent=1, allow_nan=True) + "\n")
    return network


def _judge(run: NetworkRun, name: str, data: Crops, parts: TrainingSplit) -> ComparedNetwork:
    network = ComparedNetwork(
        architecture=name,
        parameters=run.plan.parameters,
        seconds=sum(epoch.seconds for epoch in run.epochs),
        epochs=run.epochs,
        illness="" if run.illness is None else str(run.illness),
    )
    if run.row is None:
        return network
    model = run.folder / run.row.file
    session = Session(model)
    train, held_out = (_embed(session, data.pixels, rows) for rows in (parts.train, parts.held_out))
    named = nearest_mean(train, data.labels[parts.train], held_out)
    wrong = tuple(
        WrongAnswer(data.photos[row], data.people[data.labels[row]], data.people[name])
        for row, name in zip(parts.held_out, named, strict=True)
        if data.labels[row] != name
    )
    tested = len(parts.held_out)
    return replace(network, file_bytes=model.stat().st_size, right=tested - len(wrong), tested=tested, wrong=wrong)


def _embed(session: Session, pixels: RGB, rows: Rows) -> Floats:
    """Return embeddings ``(n, d)`` of length 1 of rows of the crops."""
    batches = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
    return np.concatenate([unit(session.run(np.stack([pixels[row] for row in batch]))[0]) for batch in batches])


def _read_result(path: Path, data: Crops) -> ComparedNetwork | None:
    """Return the result of a finished run with these crops; None where there is none that is whole."""
    try:
        content = parse_json(input_files.read_file(path, most=input_files.LISTS))
        if content["data"] != data.digest():
            return None
        network = content["network"]
        network["epochs"] = tuple(Epoch(**epoch) for epoch in network["epochs"])
        network["wrong"] = tuple(WrongAnswer(**answer) for answer in network["wrong"])
        return ComparedNetwork(**network)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _train_classifier(
    source: str | os.PathLike[str], folder: Path, seed: int, exclude: Sequence[str]
) -> ComparedClassifier:
    begun = time.perf_counter()
    try:
        run = train_classifier(source, options=ClassifierOptions(seed=seed), exclude=exclude)
    except (UsageError, WeightsError) as error:  # no faces in these photos, or scikit-learn is missing
        return ComparedClassifier(report=None, seconds=time.perf_counter() - begun, reason=str(error))
    seconds = time.perf_counter() - begun
    return ComparedClassifier(report=run.report, seconds=seconds, file_bytes=(run.save(folder) / FILE).stat().st_size)


def _select_crops(comparison: NetworkComparison, data: Crops) -> dict[str, RGB]:
    """Return the crops of the photos that a network got wrong, by path."""
    wanted = {answer.photo for network in comparison.networks for answer in network.wrong}
    return {photo: data.pixels[row] for row, photo in enumerate(data.photos) if photo in wanted}
