"""Imported models of users: a folder for each, with a row and the network's files; stored whole or not at all.

A name belongs to one file forever, since galleries and tables of thresholds identify a model by its name: another file
needs another name. The folder is not in the cache, since it cannot be made or downloaded again.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from visavis import atomic, permissions
from visavis.cache import check_trusted, data_dir
from visavis.errors import UnknownNameError, UsageError, WeightsError, reason_of
from visavis.weights.model_row import NAME, ModelRow, is_inside, read_row
from visavis.weights.readers.onnx_outline import external_files
from visavis.weights.store import sha256

ROW, NETWORK, CALIBRATION = "model.toml", "network", "calibration.json"


def models_dir() -> Path:
    """Return the folder ``models`` in the folder of ``VISAVIS_CACHE``, or in the platform's data folder."""
    return data_dir() / "models"


def names() -> list[str]:
    """Return the names of all imported models."""
    try:
        folders = [path.name for path in models_dir().iterdir() if NAME.fullmatch(path.name)]
    except OSError:
        return []
    return sorted(name for name in folders if has(name))


def has(name: str) -> bool:
    """Return whether a model of that name was imported."""
    return NAME.fullmatch(name) is not None and (models_dir() / name / ROW).is_file()


def row(name: str) -> ModelRow:
    """Return the row of an imported model; WeightsError where it is damaged."""
    path = models_dir() / name / ROW
    check_trusted(models_dir())
    try:
        stored = read_row(path)
    except UsageError as error:
        raise WeightsError(f"{error} Delete {path.parent} and import the model again.") from error
    if stored.name != name or stored.sha256 is None:
        raise WeightsError(f"{path} is not the row of {name}: delete {path.parent} and import the model again.")
    return stored


def calibration(name: str) -> Path | None:
    """Return the table of thresholds that was imported with a model; None where there was none."""
    path = models_dir() / name / CALIBRATION
    return path if has(name) and path.is_file() else None


def network(stored: ModelRow) -> Path:
    """Return the checked file of an imported model's network."""
    folder = models_dir() / stored.name / NETWORK
    for name, expected in ((stored.file, stored.sha256), *stored.data):
        path = folder / name
        if not path.is_file() or sha256(path) != expected:
            raise WeightsError(
                f"{path} is not the file that was imported: delete {folder.parent} and import the model again."
            )
    return folder / stored.file


def pin_row(described: ModelRow, folder: Path) -> ModelRow:
    """Return the row with the hashes of its files, which lie in ``folder``; UsageError for files of other hashes."""
    path = folder / described.file
    if not path.is_file():
        raise UsageError(f"{described.name}: there is no file {path}.")
    if folder.resolve() not in path.resolve().parents:
        raise UsageError(f"{path} is a link out of its folder: copy the file there.")
    digest = sha256(path)
    if described.sha256 not in (None, digest):
        raise UsageError(f"{path} is not the file that the row means: its SHA-256 is {digest}, not {described.sha256}.")
    hashes = tuple((name, sha256(_find_beside(path, name))) for name in external_files(path))
    if described.data and described.data != hashes:
        raise UsageError(f"{path} reads other files than the row means.")
    return replace(described, sha256=digest, data=hashes)


def keep(pinned_row: ModelRow, source: Path, *, table: Path | None = None) -> ModelRow:
    """Store a row with hashes, the network at ``source`` and a table of thresholds, if there is one.

    Storing the same model again changes nothing.
    Returns the row as it is stored. UsageError where another model has the name.
    """
    stored = replace(pinned_row, file=f"{pinned_row.name}.onnx")
    place = models_dir() / stored.name
    if not has(stored.name):
        try:
            _put(stored, source, place, table)
        except OSError as error:
            if not has(stored.name):  # else another process was faster
                raise WeightsError(
                    f"the model cannot be kept in {place.parent}: {reason_of(error)}; name another by VISAVIS_CACHE."
                ) from error
    if row(stored.name) != stored:
        raise UsageError(
            f"another model is called {stored.name} already: change the name, or delete {place} "
            "if no gallery and no table of thresholds goes by it."
        )
    return stored


def remove(name: str) -> Path:
    """Delete an imported model, also a damaged one; return the deleted folder.

    UnknownNameError where no model of that name was imported, WeightsError where its folder cannot be deleted.
    """
    place = models_dir() / name
    if not has(name):
        near = get_close_matches(name, names(), n=3, cutoff=0.5) or names()
        there = f"there are: {', '.join(near)}." if near else "there are none."
        raise UnknownNameError(f"no model of your own is called {name!r}; {there}")
    try:
        atomic.remove_folder(place)
    except OSError as error:
        raise WeightsError(f"{place} cannot be deleted: {reason_of(error)}.") from error
    return place


def export(stored: ModelRow, folder: Path) -> Path:
    """Write the row and the files of a stored model to a folder, for another machine; return the row's path."""
    path = network(stored)
    try:
        for name in (stored.file, *(name for name, _ in stored.data)):
            permissions.make_folder((folder / name).parent)
            atomic.copy(path.parent / name, folder / name)
        target = folder / f"{stored.name}.toml"
        atomic.write_text(target, stored.text())
    except OSError as error:
        raise UsageError(f"{folder} cannot be written to: {reason_of(error)}.") from error
    return target


def _put(stored: ModelRow, source: Path, place: Path, table: Path | None) -> None:
    permissions.make_folder(place.parent)
    with atomic.new_folder(place) as folder:
        (folder / NETWORK).mkdir(parents=True)
        shutil.copyfile(source, folder / NETWORK / stored.file)
        for name, _ in stored.data:
            (folder / NETWORK / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source.parent / name, folder / NETWORK / name)
        (folder / ROW).write_text(stored.text(), encoding="utf-8")
        if table is not None:
            shutil.copyfile(table, folder / CALIBRATION)


def _find_beside(path: Path, name: str) -> Path:
    """Return a file that the network at ``path`` reads; UsageError for a file outside the network's folder."""
    folder, target = path.parent.resolve(), (path.parent / name).resolve()
    if not is_inside(name) or folder not in target.parents:
        raise UsageError(f"{path} wants to read {name!r}, which is outside its own folder: that is refused.")
    if not target.is_file():
        raise UsageError(f"{path} reads its weights from {name}, which is not beside it.")
    return target
