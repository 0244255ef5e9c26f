"""Train a network on labeled photos, from detection to a model.

>>> run = train_network("people/", "run", Settings(minutes=10))  # doctest: +SKIP
>>> visavis.Recognizer(embedder="run")                           # doctest: +SKIP
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from visavis.defaults import DETECTOR
from visavis.errors import UsageError
from visavis.evaluate.data.templates import ShowProgress
from visavis.train import run_folder
from visavis.train.architectures import architecture, crop_size
from visavis.train.config import Settings
from visavis.train.crops import Crops, prepare, prepare_records
from visavis.train.health import Epoch
from visavis.train.initial_weights import InitialWeights, check_architecture, read_initial_weights
from visavis.train.labeled_photos import read_labeled_photos
from visavis.train.network_run import NetworkRun, Plan, train_on_crops
from visavis.train.recordio import find_record_file, read_record_file
from visavis.train.validation_split import describe_both, find_people_in_both


def train_network(  # noqa: PLR0913 - options, all by name
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    settings: Settings | None = None,
    *,
    init: str | os.PathLike[str] | InitialWeights | None = None,
    resume: bool = False,
    aligned: bool = False,
    detector: str = DETECTOR,
    exclude: Sequence[str] = (),
    license: str = "",
    progress: ShowProgress | None = None,
    planned: Callable[[Plan], object] = lambda plan: None,
    trained: Callable[[Epoch], object] = lambda epoch: None,
    interrupted: Callable[[], bool] = lambda: False,
) -> NetworkRun:
    """Train a network on a folder a person, a CSV, or MXNet's ``train.rec``, in the new folder ``out``.

    ``settings`` default to those of the paper, and of the weights ``init`` to begin with: the folder of an earlier run,
    or the name of a model. ``resume`` goes on with the run in ``out`` and its settings. With ``aligned`` the photos are
    crops of faces already. ``license`` is that of the photos, for the model's description. ``progress`` shows the
    detection of faces, ``planned`` is called before the first step, ``trained`` after each epoch; ``interrupted`` is
    asked after each step. The result is a model by the name of the folder.

    Raises UsageError where the data, the settings or the folder cannot be used, UnknownNameError for an unknown
    architecture or ``init``, MissingExtraError without PyTorch.
    """
    folder = Path(out)
    initial = read_initial_weights(init) if isinstance(init, str | os.PathLike) else init
    if resume:
        settings = run_folder.settings_of(folder)
    else:
        settings = settings or (Settings() if initial is None else initial.settings)
        run_folder.check_new(folder)
        if initial is not None:
            check_architecture(initial, settings)
    return train_on_crops(
        _prepare(source, settings, exclude=exclude, detector=detector, aligned=aligned, progress=progress),
        folder,
        settings,
        resume=resume,
        initial=initial,
        license=license,
        planned=planned,
        trained=trained,
        interrupted=interrupted,
    )


def _prepare(
    source: str | os.PathLike[str],
    settings: Settings,
    *,
    exclude: Sequence[str],
    detector: str,
    aligned: bool,
    progress: ShowProgress | None,
) -> Crops:
    size = crop_size(settings)
    if records := find_record_file(source):
        if settings.validation.test:
            raise UsageError("--test goes with folders and CSV, not with a RecordIO file.")
        return prepare_records(read_record_file(records), size=size, progress=progress)
    data = prepare(
        read_labeled_photos(source, exclude=exclude),
        size=size,
        points=architecture(settings.architecture).face_points(size),
        detector=detector,
        aligned=aligned,
        test=read_labeled_photos(settings.validation.test) if settings.validation.test else None,
        progress=progress,
    )
    if not settings.stop.ails and (both := find_people_in_both(data)):
        return replace(data, notes=(*data.notes, f"{describe_both(both)} Their training photos are left out."))
    return data
