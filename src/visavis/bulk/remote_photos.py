"""Photos at URLs, by fsspec: s3://, gs://, sftp://, https://, zip://*::file.zip and all else that it knows."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from visavis import images
from visavis.bulk.types import Outcome
from visavis.errors import ImageError, MissingExtraError, MissingImageError, UnreadableImageError, UsageError
from visavis.images import photo_files

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


def is_url(source: str) -> bool:
    """Tell a URL from the name of a file."""
    return "://" in source


def walk(url: str, *, exclude: Sequence[str] = ()) -> Iterator[str | Outcome]:
    """Yield the URLs of the photos below ``url`` that ``photo_files`` chooses; ``url`` if it is a photo."""
    try:
        system, path = _opened(url)
        if photo_files.is_photo_name(_name(path)):
            yield url
            return
        if not system.isdir(path):
            found = system.exists(path)
            yield url if found else Outcome(url, "missing", message=f"{images.shown(url)} does not exist.")
            return
        for folder, names in _listed(system, path, exclude):
            for name in names:
                yield _full_url(url, system, f"{folder}/{name}")
    except UsageError:
        raise
    except _errors() as error:
        yield Outcome(url, "unreadable", message=f"the folder {images.shown(url)} cannot be listed: {_told(error)}.")


def read(url: str) -> bytes:
    """Read the encoded bytes of the photo at ``url``; raises ImageError."""
    what = images.shown(url)
    try:
        system, path = _opened(url)
        with system.open(path, "rb") as stream:
            return images.encoded(stream, name=url)
    except (ImageError, UsageError):  # some of them are OSError and ValueError too
        raise
    except FileNotFoundError as error:
        raise MissingImageError(f"{what} does not exist.") from error
    except _errors() as error:
        raise UnreadableImageError(f"{what} cannot be read: {_told(error)}.") from error


def _opened(url: str) -> tuple[AbstractFileSystem, str]:
    """Return the file system of a URL, and the path in it."""
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise MissingExtraError(
            f"photos at {_scheme(url)}:// take the package fsspec: pip install 'visavis[remote]'."
        ) from error
    try:
        system, path = url_to_fs(url)
    except ImportError as error:  # fsspec knows the scheme, and which package it takes
        raise MissingExtraError(
            f"photos at {_scheme(url)}:// take another package, installed by pip: {_told(error)}."
        ) from error
    except ValueError as error:
        raise UsageError(f"{images.shown(url)} is no place of photos: {_told(error)}.") from error
    return system, path


def _scheme(url: str) -> str:
    return url.partition("://")[0]


def _listed(system: AbstractFileSystem, path: str, exclude: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield each folder below ``path`` with the names of its photos."""
    top: str | None = None
    for found, folders, files in system.walk(path, on_error="raise"):
        folder = found.rstrip("/")
        top = folder if top is None else top
        relative = folder[len(top) :].lstrip("/")
        kept = [
            name
            for name in sorted(folders)
            if not photo_files.is_passed_over(name) and not _excluded(relative, name, exclude)
        ]
        folders[:] = kept  # the walk goes on into these alone
        names = (name for name in sorted(files) if photo_files.is_photo_name(_name(name)))
        yield folder, [name for name in names if not _excluded(relative, name, exclude)]


def _excluded(folder: str, name: str, exclude: Sequence[str]) -> bool:
    return photo_files.is_excluded(f"{folder}/{name}".lstrip("/"), exclude)


def _name(path: str) -> str:
    """Return the name of a file, without the query that an address may end with."""
    return path.rpartition("/")[2].partition("?")[0]


def _full_url(url: str, system: AbstractFileSystem, path: str) -> str:
    """Name a file found below ``url`` so that it can be opened by that name alone."""
    _, chained, rest = url.partition("::")
    if chained:
        return f"{_scheme(url)}://{path.lstrip('/')}::{rest}"
    return str(system.unstrip_protocol(path))


def _errors() -> tuple[type[Exception], ...]:
    """What reading may raise: most is OSError; of HTTP it is aiohttp's own, of archives zipfile's and tarfile's."""
    own = (_error_of("aiohttp", "ClientError"), _error_of("zipfile", "BadZipFile"), _error_of("tarfile", "TarError"))
    return (OSError, ValueError, EOFError, *(one for one in own if one is not None))


def _error_of(module: str, name: str) -> type[Exception] | None:
    """Return an error by name; where nobody has imported its module, nobody can raise it."""
    error: type[Exception] | None = getattr(sys.modules.get(module), name, None)
    return error


def _told(error: Exception) -> str:
    """Return what an error says, as part of a sentence."""
    return (" ".join(str(error).split()) or type(error).__name__).rstrip(".")[:300]
