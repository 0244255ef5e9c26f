"""Where weight files lie: the cache, the user's folders, installed packages; and downloading as the last resort."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from importlib.machinery import PathFinder
from pathlib import Path

from visavis.cache import cache_dir
from visavis.errors import WeightsError
from visavis.weights import download
from visavis.weights.row import WeightSpec


def locate(spec: WeightSpec) -> Path | None:
    """First place that has a file of this name: cache, ``VISAVIS_WEIGHTS``, an installed package. Never downloads."""
    return next((path for path in _places(spec) if path.is_file()), None)


def find(spec: WeightSpec) -> Path:
    """Return the checked file, downloaded if it is nowhere.

    Raises WeightsError where the hash is wrong, where it would have to be downloaded and cannot be, or where its
    licence was not accepted (:func:`consent`).
    """
    consent(spec)
    path = locate(spec) or _download(spec)
    check(path, spec)
    return path


def consent(spec: WeightSpec) -> None:
    """Raise WeightsError where the licence forbids some uses and was not accepted: by ``accept``, or the environment.

    ``VISAVIS_ACCEPT_LICENCE=1`` accepts what is used while it is set, and that is remembered.
    """
    if not spec.non_commercial or _accepted(spec):
        return
    if os.environ.get("VISAVIS_ACCEPT_LICENCE", "") in ("", "0"):
        raise WeightsError(
            f"{spec.name} has a licence that does not allow every use ({spec.licence}): accept it once, by "
            "--accept-licence or by VISAVIS_ACCEPT_LICENCE=1."
        )
    accept(spec)


def accept(spec: WeightSpec) -> None:
    """Remember in the cache that the licence of this file was accepted; it is asked for again if it changes."""
    path = _acceptance(spec)
    # Where nothing can be remembered, it is asked for again.
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(spec.licence, encoding="utf-8")


def _accepted(spec: WeightSpec) -> bool:
    try:
        return _acceptance(spec).read_text(encoding="utf-8") == spec.licence
    except (OSError, UnicodeDecodeError):
        return False


def _acceptance(spec: WeightSpec) -> Path:
    return cache_dir() / "licences" / f"{spec.name}.txt"


def check(path: Path, spec: WeightSpec) -> None:
    """Raise WeightsError unless the file's SHA-256 is the one in the row, or the one it was pinned to."""
    expected = spec.sha256 or pin_of(path)
    found = expected and sha256(path)
    if found != expected:
        published = "the published" if spec.pinned else "what was first downloaded as"
        raise WeightsError(
            f"{path} is not {published} {spec.name}: its SHA-256 is {found}, expected {expected}; "
            "delete it and run again, or put the right file in a folder named by VISAVIS_WEIGHTS."
        )


def digest(spec: WeightSpec) -> str:
    """SHA-256 of the file that is in use: the row's, else the one it was pinned to, else that of the file there is.

    The file is looked for, and downloaded, only where the row does not say. Raises what :func:`find` does.
    """
    if spec.pinned:
        return spec.sha256
    path = locate(spec) or find(spec)
    return pin_of(path) or sha256(path)


def pin_of(path: Path) -> str:
    """SHA-256 that a file of unknown hash had when it was first downloaded; empty where it was not."""
    try:
        return _pin(path).read_text(encoding="utf-8").partition(" ")[0]
    except (OSError, UnicodeDecodeError):
        return ""


def pin(path: Path, sha256: str) -> None:
    """Write down the file's hash beside it, as sha256sum does: from now on another file is an error."""
    part = _pin(path).with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(f"{sha256}  {path.name}\n", encoding="utf-8")
    part.replace(_pin(path))


def put(spec: WeightSpec, source: Path, *, sha256: str) -> Path:
    """Copy a weight file of that hash into the cache, pinned where the row tells no hash; whole or not at all.

    Raises WeightsError where its licence was not accepted, where another file is there under the row's name, and
    where nothing can be written. A damaged file that is there is replaced.
    """
    consent(spec)
    target = weights_dir() / spec.file
    try:
        held = spec.sha256 or pin_of(target) or _sha256_of(target)
        there = _sha256_of(target)
        if there and sha256 != held:
            raise WeightsError(
                f"{target} is another {spec.name} than {source}: its SHA-256 is {held}, not {sha256}; delete it first "
                "if it is not the right one."
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        if there != sha256:
            _copy(source, target, sha256=sha256, pinned=spec.pinned)
        elif not (spec.pinned or pin_of(target)):
            pin(target, sha256)
    except OSError as error:
        raise WeightsError(
            f"{source} cannot be copied to {target.parent}: {error.strerror}; name another folder by VISAVIS_CACHE."
        ) from error
    download.forget_parts(target)
    return target


def _copy(source: Path, target: Path, *, sha256: str, pinned: bool) -> None:
    """Put a whole copy in place; its pin is there first, so that it never lies there without one."""
    part = download.new_part(target)
    try:
        shutil.copyfile(source, part)
        if _sha256_of(part) != sha256:
            raise WeightsError(f"{source} was changed while it was copied: run again.")
        if not pinned:
            pin(target, sha256)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _sha256_of(path: Path) -> str:
    """SHA-256, or "" where there is no file."""
    return sha256(path) if path.is_file() else ""


def _pin(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def weights_dir() -> Path:
    """Folder of the cache that downloaded weight files go to."""
    return cache_dir() / "weights"


def _places(spec: WeightSpec) -> Iterator[Path]:
    yield weights_dir() / spec.file
    for folder in os.environ.get("VISAVIS_WEIGHTS", "").split(os.pathsep):
        if folder:
            yield Path(folder) / spec.file
    if spec.package and spec.package.isidentifier() and spec.member:
        # Looked up on the path, and nowhere else: nothing is imported, and modules in memory under that name (visavis
        # has some of its own, in compat/) do not count.
        package = PathFinder.find_spec(spec.package)
        for folder in (package and package.submodule_search_locations) or ():
            yield Path(folder) / spec.member


def _download(spec: WeightSpec) -> Path:
    package = f"package {spec.package}, " if spec.package else ""
    missing = (
        f"{spec.file} (licence: {spec.licence}) is not on this machine "
        f"({package}a folder of VISAVIS_WEIGHTS, or {weights_dir()})"
    )
    if os.environ.get("VISAVIS_OFFLINE", "") not in ("", "0"):
        raise WeightsError(f"{missing} and VISAVIS_OFFLINE forbids to download it from {spec.url}.")
    try:
        path = download.download(spec, weights_dir())
        if not spec.pinned:
            pin(path, sha256(path))
    except (WeightsError, OSError) as error:
        raise WeightsError(f"{missing}, and {error}") from error
    return path
