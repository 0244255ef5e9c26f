"""Models that users imported: a folder each, with a row and the network's files; put there whole or not at all.

A name stands for one file for ever, since galleries and tables of thresholds know a model by its name: another file
needs another name. The folder is not in the cache: what is in a cache can be made or fetched again.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from visavis.errors import UnknownNameError, UsageError, WeightsError
from visavis.weights.model_row import NAME, ModelRow, read_row
from visavis.weights.readers.onnx_outline import external_files
from visavis.weights.store import sha256

ROW, NETWORK = "model.toml", "network"


def models_dir() -> Path:
    """``models`` in the folder named by ``VISAVIS_CACHE``, or in the platform's folder for data."""
    named = os.environ.get("VISAVIS_CACHE")
    if named:
        return Path(named) / "models"
    import platformdirs

    return platformdirs.user_data_path("visavis") / "models"


def names() -> list[str]:
    """Return the names of all imported models."""
    try:
        folders = [path.name for path in models_dir().iterdir() if NAME.fullmatch(path.name)]
    except OSError:
        return []
    return sorted(name for name in folders if has(name))


def has(name: str) -> bool:
    """Tell whether a model of that name was imported."""
    return NAME.fullmatch(name) is not None and (models_dir() / name / ROW).is_file()


def row(name: str) -> ModelRow:
    """Return the row of an imported model; WeightsError where it is damaged."""
    path = models_dir() / name / ROW
    try:
        found = read_row(path)
    except UsageError as error:
        raise WeightsError(f"{error} Delete {path.parent} and import the model again.") from error
    if found.name != name or found.sha256 is None:
        raise WeightsError(f"{path} is not the row of {name}: delete {path.parent} and import the model again.")
    return found


def network(found: ModelRow) -> Path:
    """Return the checked file of an imported model's network."""
    folder = models_dir() / found.name / NETWORK
    for name, expected in ((found.file, found.sha256), *found.data):
        path = folder / name
        if not path.is_file() or sha256(path) != expected:
            raise WeightsError(
                f"{path} is not the file that was imported: delete {folder.parent} and import the model again."
            )
    return folder / found.file


def pinned(wanted: ModelRow, folder: Path) -> ModelRow:
    """Return the row with the hashes of its files, which lie in ``folder``; UsageError for files of other hashes."""
    path = folder / wanted.file
    if not path.is_file():
        raise UsageError(f"{wanted.name}: there is no file {path}.")
    found = sha256(path)
    if wanted.sha256 not in (None, found):
        raise UsageError(f"{path} is not the file that the row means: its SHA-256 is {found}, not {wanted.sha256}.")
    hashes = tuple((name, sha256(_beside(path, name))) for name in external_files(path))
    if wanted.data and wanted.data != hashes:
        raise UsageError(f"{path} reads other files than the row means.")
    return replace(wanted, sha256=found, data=hashes)


def keep(pinned_row: ModelRow, source: Path) -> ModelRow:
    """Store a row with hashes and the network at ``source``; a second time the same is nothing new.

    Returns the row as it is stored. UsageError where another model has the name.
    """
    kept = replace(pinned_row, file=f"{pinned_row.name}.onnx")
    place = models_dir() / kept.name
    if not has(kept.name):
        try:
            _put(kept, source, place)
        except OSError as error:
            if not has(kept.name):  # else another process was quicker
                raise WeightsError(
                    f"the model cannot be kept in {place.parent}: {error.strerror}; name another by VISAVIS_CACHE."
                ) from error
    if row(kept.name) != kept:
        raise UsageError(
            f"another model is called {kept.name} already: change the name, or delete {place} "
            "if no gallery and no table of thresholds goes by it."
        )
    return kept


def remove(name: str) -> Path:
    """Delete an imported model, also one that is damaged; return the folder that is gone.

    UnknownNameError where none of that name was imported, WeightsError where its folder cannot be deleted.
    """
    place = models_dir() / name
    if not has(name):
        near = get_close_matches(name, names(), n=3, cutoff=0.5) or names()
        there = f"there are: {', '.join(near)}." if near else "there are none."
        raise UnknownNameError(f"no model of your own is called {name!r}; {there}")
    gone = place.with_name(f".{name}.{os.getpid()}.removed")
    try:
        place.rename(gone)  # at once: nobody finds half a model
        shutil.rmtree(gone)
    except OSError as error:
        raise WeightsError(f"{place} cannot be deleted: {error.strerror}.") from error
    return place


def export(kept: ModelRow, folder: Path) -> Path:
    """Write the row and the files of a kept model to a folder, for import elsewhere; return the row's path."""
    path = network(kept)
    try:
        for name in (kept.file, *(name for name, _ in kept.data)):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path.parent / name, folder / name)
        target = folder / f"{kept.name}.toml"
        target.write_text(kept.text(), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{folder} cannot be written to: {error.strerror}.") from error
    return target


def _put(kept: ModelRow, source: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", dir=place.parent) as temporary:
        folder = Path(temporary) / kept.name
        (folder / NETWORK).mkdir(parents=True)
        shutil.copyfile(source, folder / NETWORK / kept.file)
        for name, _ in kept.data:
            (folder / NETWORK / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source.parent / name, folder / NETWORK / name)
        (folder / ROW).write_text(kept.text(), encoding="utf-8")
        folder.rename(place)


def _beside(path: Path, name: str) -> Path:
    """Return a file that the network at ``path`` reads; UsageError where it would read outside its own folder."""
    folder, target = path.parent.resolve(), (path.parent / name).resolve()
    if not name or folder not in target.parents:
        raise UsageError(f"{path} wants to read {name!r}, which is outside its own folder: that is refused.")
    if not target.is_file():
        raise UsageError(f"{path} reads its weights from {name}, which is not beside it.")
    return target
