"""The folder of a run: what it began with (``settings.json``) and its log; checkpoints and the model lie there too."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from importlib import metadata
from pathlib import Path
from typing import Any

from visavis import atomic, input_files, permissions
from visavis.errors import UsageError, reason_of
from visavis.printable import dump_json
from visavis.structured_text import parse_json
from visavis.train.config import Settings, parse
from visavis.train.crops import Crops
from visavis.train.health import Epoch
from visavis.train.validation_split import TrainingSplit

SETTINGS, LOG, REPORT = "settings.json", "log.csv", "report.html"


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a model comes from: the ``license`` of its photos, and the weights that it began with, if any.

    ``learned`` are the photos, as absolute paths, that those weights had been trained on before, as far as known.
    """

    license: str = ""
    initial: str = ""
    learned: frozenset[str] = frozenset()

    @property
    def terms(self) -> str:
        """The license of the photos, and that of the weights to begin with."""
        return (self.license or "not stated") + (f"; begun with {self.initial}" if self.initial else "")


def is_run(folder: Path) -> bool:
    """Return whether the folder holds a run."""
    return (folder / SETTINGS).is_file()


def check_new(folder: Path) -> None:
    """Raise UsageError for a folder that holds a run or other files, or where nothing can be written."""
    if (folder / SETTINGS).exists():
        raise UsageError(f"{folder} holds a run already: go on with it by --resume, or name another folder.")
    if folder.is_dir() and any(folder.iterdir()):
        raise UsageError(f"{folder} holds other files: name a new folder.")
    place = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not place.is_dir() or not os.access(place, os.W_OK):
        raise UsageError(f"{folder} cannot be written to: {place} is no folder, or is read-only.")


def write_settings(
    folder: Path, settings: Settings, data: Crops, parts: TrainingSplit, provenance: Provenance, torch_version: str
) -> None:
    """Make the folder of a new run, with its settings, its data and what of that is held out."""
    content = {
        "settings": settings.table(),
        "data": data.digest(),
        "people": sorted({data.people[label] for label in data.labels[[*parts.train, *parts.held_out]]}),
        "photos": list(data.photos),
        "held_out": [data.photos[row] for row in parts.held_out],
        "learned": sorted(provenance.learned | {os.path.realpath(data.photos[row]) for row in parts.train}),
        "learned_before": sorted(provenance.learned),
        "license": provenance.license,
        "initial": provenance.initial,
        "visavis": metadata.version("visavis"),
        "torch": torch_version,
        "numpy": metadata.version("numpy"),
    }
    try:
        permissions.make_folder(folder)
        atomic.write_text(folder / SETTINGS, dump_json(content, indent=1, allow_nan=True) + "\n")
    except OSError as error:
        raise UsageError(f"{folder} cannot be written to: {reason_of(error)}.") from error


def settings_of(folder: Path) -> Settings:
    """Return the settings that a run began with; UsageError where the folder holds none."""
    try:
        return parse(_read(folder)["settings"], Settings())
    except (TypeError, AttributeError) as error:
        raise UsageError(f"{folder / SETTINGS} is not the file that a run writes.") from error


def provenance_of(folder: Path) -> Provenance:
    """Return the provenance that a run began with; UsageError where the folder holds no run."""
    content = _read(folder)
    return Provenance(
        license=str(content.get("license", "")),
        initial=str(content.get("initial", "")),
        learned=_read_paths(folder, content, "learned_before"),
    )


def learned_by(folder: Path) -> frozenset[str]:
    """Return the photos, as absolute paths, that a run has learned from, also before; UsageError where it has none."""
    return _read_paths(folder, _read(folder), "learned")


def check_same_data(folder: Path, data: Crops) -> None:
    """Raise UsageError where these are not the pictures that the run was trained on."""
    if _read(folder)["data"] != data.digest():
        raise UsageError(f"the pictures are not those that {folder} was trained on: begin a new run.")


def write_log(folder: Path, epochs: Sequence[Epoch]) -> None:
    """Write a row per epoch to ``log.csv``."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(epochs[0].row()), lineterminator="\n")
    writer.writeheader()
    writer.writerows(epoch.row() for epoch in epochs)
    atomic.write_text(folder / LOG, text.getvalue())


def read_log(folder: Path) -> list[Epoch]:
    """Return the epochs that a run has logged so far, none before its first; UsageError where the log is damaged."""
    path = folder / LOG
    if not path.is_file():
        return []
    try:
        text = input_files.read_file(path, most=input_files.LISTS).decode()
        return [_parse_epoch(row) for row in csv.DictReader(io.StringIO(text))]
    except (OSError, ValueError, TypeError, KeyError, csv.Error) as error:
        raise UsageError(f"{path} is not the log that a run writes.") from error


def _parse_epoch(row: dict[str, str]) -> Epoch:
    names = [item.name for item in fields(Epoch)]
    values: dict[str, Any] = {name: float(row[name]) if row[name] else None for name in names}
    return Epoch(**{**values, "epoch": int(row["epoch"]), "step": int(row["step"])})


def _read(folder: Path) -> dict[str, Any]:
    try:
        content = parse_json(input_files.read_file(folder / SETTINGS, most=input_files.LISTS))
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder} holds no run to go on with.") from error
    if not isinstance(content, dict) or not {"settings", "data"} <= content.keys():
        raise UsageError(f"{folder / SETTINGS} is not the file that a run writes.")
    return content


def _read_paths(folder: Path, content: dict[str, Any], key: str) -> frozenset[str]:
    paths = content.get(key)
    if not isinstance(paths, list):
        raise UsageError(f"{folder / SETTINGS} does not say which photos were learned: train that run again.")
    return frozenset(map(str, paths))
