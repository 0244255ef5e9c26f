"""The settings of a run: defaults, a TOML file, and options of the command line, in this order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from visavis.errors import UsageError
from visavis.structured_text import TOML_BYTES, parse_toml
from visavis.text_files import read_text
from visavis.train.augment import Augmentation

LOSSES = ("softmax", "triplet", "contrastive", "arcface", "cosface")
DISTANCES = ("squared_l2", "l2", "l1", "chi2")
MINERS = ("random", "all", "semi-hard", "batch-hard", "offline")
MARGINS = {"triplet": 0.2, "contrastive": 1.0, "arcface": 0.5, "cosface": 0.35, "softmax": 0.0}
"""Margins of the papers; that of ArcFace is in radians."""
CHOICES: dict[str, tuple[str, ...]] = {
    "loss": LOSSES,
    "distance": DISTANCES,
    "miner": MINERS,
    "optimizer.name": ("adamw", "sgd"),
    "schedule.name": ("cosine", "steps", "constant"),
}
LEAST: dict[str, float] = {
    "size": 32, "dimension": 2, "people": 2, "pictures": 1, "epochs": 1, "renew": 1, "optimizer.rate": 1e-9,
}  # fmt: skip
"""Least values of numbers that may not be 0; of all others it is 0."""
MOST: dict[str, float] = {"size": 1024, "dimension": 8192, "people": 10_000, "pictures": 1000}
"""Greatest values of numbers that memory depends on; of all others it is 1e9."""


@dataclass(frozen=True, slots=True)
class Optimizer:
    """``rate`` is the learning rate; ``clip`` the greatest norm of the gradient (0: any); ``momentum`` is of SGD."""

    name: str = "adamw"
    rate: float = 1e-3
    momentum: float = 0.9
    weight_decay: float = 1e-4
    clip: float = 5.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """See :func:`visavis.train.schedule.factor`; ``drops`` are parts of all steps."""

    name: str = "cosine"
    warm_up: float = 0.05
    drops: tuple[float, ...] = (0.5, 0.75)
    drop: float = 0.1


@dataclass(frozen=True, slots=True)
class Validation:
    """Held out: this part of the ``people``, or with ``every`` > 0 every so many-th picture of each person instead.

    ``test`` is a folder or CSV of other people, which takes the place of both.
    """

    people: float = 0.2
    every: int = 0
    test: str = ""


@dataclass(frozen=True, slots=True)
class Stopping:
    """When to stop: after ``patience`` epochs without a better validation (0: never), and whether at what ``ails``."""

    patience: int = 0
    ails: bool = True


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of a run.

    Batches have ``people`` P with ``pictures`` K each, for softmax, ArcFace and CosFace P * K pictures at random.
    ``margin`` (None: that of the paper) and ``scale`` belong to the loss, ``renew`` to the miner "offline": its
    triplets are chosen anew every so many epochs. ``minutes`` > 0 takes the place of ``epochs``. ``frozen`` are the
    first parts of names of layers that are not trained.
    """

    architecture: str = "small_cnn"
    size: int = 0
    dimension: int = 128
    loss: str = "triplet"
    distance: str = "squared_l2"
    margin: float | None = None
    scale: float = 32.0
    miner: str = "semi-hard"
    renew: int = 1
    people: int = 16
    pictures: int = 4
    epochs: int = 20
    minutes: float = 0.0
    seed: int = 0
    frozen: tuple[str, ...] = ()
    compile: bool = False
    optimizer: Optimizer = field(default_factory=Optimizer)
    schedule: Schedule = field(default_factory=Schedule)
    augment: Augmentation = field(default_factory=Augmentation)
    validation: Validation = field(default_factory=Validation)
    stop: Stopping = field(default_factory=Stopping)

    @property
    def loss_margin(self) -> float:
        """The margin: the given one, or the paper's."""
        return MARGINS[self.loss] if self.margin is None else self.margin

    @property
    def by_people(self) -> bool:
        """Whether the loss compares pictures, so that batches are composed of people."""
        return self.loss in ("triplet", "contrastive")

    def table(self) -> dict[str, Any]:
        """Return the settings as a table of plain values, as :func:`parse` reads it."""
        return asdict(self)


def read(path: Path, base: Settings = Settings()) -> Settings:
    """Read settings from a TOML file; what it leaves out is as in ``base``. UsageError names a wrong key or value."""
    text = read_text(path, most=TOML_BYTES)
    try:
        table = parse_toml(text)
    except ValueError as error:
        raise UsageError(f"{path} is not TOML: {error}.") from error
    try:
        return parse(table, base)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error


def parse(table: Mapping[str, Any], base: Settings) -> Settings:
    """Return ``base`` with the values of a table; UsageError for an unknown key, a wrong type or a wrong value."""
    settings: Settings = _parse(base, table, "")
    if settings.loss == "contrastive" and settings.miner == "offline":
        raise UsageError("offline mining chooses triplets: it belongs to the loss triplet.")
    return settings


def _parse(base: Any, table: Mapping[str, Any], place: str) -> Any:
    types = get_type_hints(type(base))
    names = {item.name for item in fields(base)}
    for key in table:
        if key not in names:
            raise UsageError(f"{place}{key} is no setting; there are: {', '.join(sorted(names))}.")
    values = {key: _parse_value(getattr(base, key), value, types[key], f"{place}{key}") for key, value in table.items()}
    return replace(base, **values)


def _parse_value(default: Any, value: Any, wanted: Any, name: str) -> Any:
    if is_dataclass(wanted):
        if not isinstance(value, Mapping):
            raise UsageError(f"{name} is a table: write [{name}].")
        return _parse(default, value, f"{name}.")
    if get_origin(wanted) is tuple:
        if not isinstance(value, list | tuple):
            raise UsageError(f"{name} is a list.")
        return tuple(_parse_plain(item, get_args(wanted)[0], name) for item in value)
    if isinstance(wanted, UnionType):
        return None if value is None else _parse_plain(value, get_args(wanted)[get_args(wanted)[0] is NoneType], name)
    return _parse_plain(value, wanted, name)


def _parse_plain(value: Any, wanted: type, name: str) -> Any:
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not wanted:
        raise UsageError(f"{name} must be {_describe(wanted)}, got {str(value)[:40]!r}.")
    if isinstance(value, int | float) and wanted is not bool:
        least = LEAST.get(name, 0)
        if name == "size" and value == 0:
            return value
        most = MOST.get(name, 1e9)
        if not least <= value <= most:
            end = f"to {most:.12g}" if name in MOST else "on"
            raise UsageError(f"{name} must be a number from {least:g} {end}, got {value:g}.")
    if name in CHOICES and value not in CHOICES[name]:
        raise UsageError(f"{name} must be one of {', '.join(CHOICES[name])}, got {value!r}.")
    return value


def _describe(wanted: type) -> str:
    return {int: "a whole number", float: "a number", bool: "true or false", str: "text"}[wanted]
