"""Weights to begin a run with: those of an earlier run, or of a model whose file has named arrays."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from visavis.embedders.recipes import RECIPES
from visavis.errors import UnknownNameError, UsageError
from visavis.train import checkpoints
from visavis.train.architectures import ARCHITECTURES, LAYER
from visavis.train.config import Settings
from visavis.train.crops import Crops
from visavis.train.run_folder import is_run, learned_by, provenance_of, settings_of
from visavis.train.validation_split import TrainingSplit
from visavis.types import Floats
from visavis.weights import store
from visavis.weights.model_row import read_row
from visavis.weights.user_models import ROW

KERNEL = f"{LAYER}.kernel"
UNREADABLE = (RuntimeError, KeyError, TypeError, ValueError, AttributeError, IndexError)
"""What is raised for a state of another form."""


@dataclass(frozen=True, slots=True, eq=False)
class InitialWeights:
    """Arrays by name, of a network of this ``architecture`` for crops of ``size`` (0: the architecture's own).

    ``dimension`` is the length of its embeddings. ``learned`` are the photos, as absolute paths, that they are known to
    have been trained on. ``origin`` names the model, its license and its photos.
    """

    source: str
    arrays: Mapping[str, Floats]
    architecture: str
    size: int
    dimension: int
    origin: str
    learned: frozenset[str] = frozenset()

    @property
    def settings(self) -> Settings:
        """The default settings of a run that begins with these weights."""
        return Settings(architecture=self.architecture, size=self.size, dimension=self.dimension)

    def fit(self, first: Mapping[str, Floats], seed: int) -> dict[str, Floats]:
        """Return the arrays ``first`` with those of the same name and shape replaced.

        A model has no layer LAYER: it is the identity then, or a projection that keeps angles as far as its length
        allows, so that a run begins with what the model already distinguishes. UsageError where nothing fits.
        """
        fitting = {
            name: array for name, array in self.arrays.items() if name in first and array.shape == first[name].shape
        }
        if not fitting:
            raise UsageError(f"{self.source} holds no array of the architecture {self.architecture}: it was altered.")
        if KERNEL not in self.arrays:
            fitting[KERNEL] = project(first[KERNEL].shape, seed)
        return {**first, **fitting}


def read_initial_weights(source: str | os.PathLike[str]) -> InitialWeights:
    """Return the weights of the run in a folder, or of a built-in model.

    Raises UnknownNameError where there is neither, UsageError or WeightsError where its files cannot be used.
    """
    name = os.fspath(source)
    if is_run(Path(name)):
        return _read_run(Path(name))
    if name in RECIPES:
        return _read_model(name)
    raise UnknownNameError(
        f"{name} is neither the folder of a run nor a model to begin with; the models are: "
        f"{', '.join(model for each in ARCHITECTURES.values() for model in each.models)}."
    )


def check_architecture(initial: InitialWeights, settings: Settings) -> None:
    """Raise UsageError where a run has another architecture than the weights to begin with."""
    if settings.architecture != initial.architecture:
        raise UsageError(
            f"{initial.source} is of the architecture {initial.architecture}, not {settings.architecture}: leave the "
            "architecture out."
        )


def check_not_learned(data: Crops, parts: TrainingSplit, learned: Collection[str]) -> None:
    """Raise UsageError where a photo that is held out was learned before: its rates would look too good."""
    both = [data.photos[row] for row in parts.held_out if learned and os.path.realpath(data.photos[row]) in learned]
    if both:
        raise UsageError(
            f"{len(both):,} of the photos held out were learned by the run to begin with, the first {both[0]}: their "
            "rates would look too good. Hold out the same people in both runs, by the same seed, or by --test."
        )


def project(shape: tuple[int, ...], seed: int) -> Floats:
    """Return a matrix ``(n, d)`` with orthonormal columns, or, from ``n`` columns on, the identity and zeros."""
    features, dimension = shape
    if dimension >= features:
        return np.eye(features, dimension, dtype=np.float32)
    normal = np.random.default_rng([seed, 4]).normal(size=(features, dimension))
    return np.linalg.qr(normal)[0].astype(np.float32)


def _read_run(folder: Path) -> InitialWeights:
    state = checkpoints.load(folder)
    if state is None:
        raise UsageError(f"{folder} holds no checkpoint of a run to begin with.")
    try:
        arrays = {name: value.numpy() for name, value in state["network"].items()}
    except UNREADABLE as error:
        raise UsageError(f"{folder / checkpoints.NEWEST} does not hold a network, or was altered.") from error
    settings, provenance = settings_of(folder), provenance_of(folder)
    row = read_row(folder / ROW) if (folder / ROW).is_file() else None
    return InitialWeights(
        source=str(folder),
        arrays=arrays,
        architecture=settings.architecture,
        size=settings.size,
        dimension=settings.dimension,
        origin=f"{folder.resolve().name if row is None else row.name} ({provenance.terms})",
        learned=learned_by(folder),
    )


def _read_model(name: str) -> InitialWeights:
    recipe = RECIPES[name]
    network = next(each for each in ARCHITECTURES.values() if name in each.models)
    row = recipe.row()
    return InitialWeights(
        source=name,
        arrays=recipe.weights(store.find(row)),
        architecture=network.name,
        size=0,
        dimension=network.features,
        origin=f"{name} ({row.license}; trained on {row.trained_on})",
    )
