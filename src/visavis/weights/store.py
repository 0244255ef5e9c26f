"""Where weight files lie: the cache, the user's folders, installed packages; and downloading as the last resort."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from visavis.cache import cache_dir
from visavis.errors import WeightsError
from visavis.weights.spec import WeightSpec

DOWNLOAD_TIMEOUT_S = 30


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
    """Raise WeightsError unless the file's SHA-256 is the one in the row."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != spec.sha256:
        raise WeightsError(
            f"{path} is not the published {spec.name}: its SHA-256 is {found}, expected {spec.sha256}; "
            "delete it and run again, or put the right file in a folder named by VISAVIS_WEIGHTS."
        )


def weights_dir() -> Path:
    """Folder of the cache that downloaded weight files go to."""
    return cache_dir() / "weights"


def _places(spec: WeightSpec) -> Iterator[Path]:
    yield weights_dir() / spec.file
    for folder in os.environ.get("VISAVIS_WEIGHTS", "").split(os.pathsep):
        if folder:
            yield Path(folder) / spec.file
    if spec.package and spec.member:
        # find_spec of a top-level name looks the package up without importing it.
        package = find_spec(spec.package)
        for folder in (package and package.submodule_search_locations) or ():
            yield Path(folder) / spec.member


def _download(spec: WeightSpec) -> Path:
    package = f"package {spec.package}, " if spec.package else ""
    where = f"({package}a folder of VISAVIS_WEIGHTS, or {weights_dir()})"
    if os.environ.get("VISAVIS_OFFLINE", "") not in ("", "0"):
        raise WeightsError(f"{spec.file} is not on this machine {where} and VISAVIS_OFFLINE forbids to download it.")
    import pooch
    import requests

    try:
        found = pooch.retrieve(
            spec.url,
            known_hash=f"sha256:{spec.sha256}",
            fname=spec.file,
            path=weights_dir(),
            downloader=pooch.HTTPDownloader(timeout=DOWNLOAD_TIMEOUT_S),
        )
    except (requests.RequestException, OSError) as error:
        raise WeightsError(
            f"{spec.file} is not on this machine {where} and could not be downloaded from {spec.url}: {error}."
        ) from error
    except ValueError as error:  # pooch's word for a wrong hash; it keeps nothing
        raise WeightsError(
            f"what {spec.url} sent is not the published {spec.name} (its SHA-256 is not {spec.sha256})."
        ) from error
    return Path(found)
