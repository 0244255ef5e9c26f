"""Photos at URLs, by fsspec: s3://, gs://, sftp://, https://, zip://*::file.zip and all others that it supports."""

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
    """Return whether ``source`` is a URL, not a file name."""
    return "://" in source


def walk(url: str, *, exclude: Sequence[str] = ()) -> Iterator[str | Outcome]:
    """Yield ``url`` if it is a photo, else the URLs of the photos below it that ``photo_files`` accepts."""
    try:
        system, path = _open(url)
        if photo_files.is_photo_name(_name(path)):
            yield url
            return
        if not system.isdir(path):
            exists = system.exists(path)
            yield url if exists else Outcome(url, "missing", message=f"{images.shown(url)} does not exist.")
            return
        for folder, names in _list_folders(system, path, exclude):
            for name in names:
                yield _full_url(url, system, f"{folder}/{name}")
    except UsageError:
        raise
    except _errors() as error:
        yield Outcome(
            url, "unreadable", message=f"the folder {images.shown(url)} cannot be listed: {_error_text(error)}."
        )


def read(url: str) -> bytes:
    """Read the encoded bytes of the photo at ``url``; raises ImageError."""
    what = images.shown(url)
    try:
        system, path = _open(url)
        with system.open(path, "rb") as stream:
            return images.encoded(stream, name=url)
    except (ImageError, UsageError):  # some of these are also OSError or ValueError
        raise
    except FileNotFoundError as error:
        raise MissingImageError(f"{what} does not exist.") from error
    except _errors() as error:
        raise UnreadableImageError(f"{what} cannot be read: {_error_text(error)}.") from error


def _open(url: str) -> tuple[AbstractFileSystem, str]:
    """Return the file system of a URL, and the path inside it."""
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise MissingExtraError(
            f"photos at {_scheme(url)}:// take the package fsspec: pip install 'visavis[remote]'."
        ) from error
    try:
        system, path = url_to_fs(url)
    except ImportError as error:  # fsspec knows the scheme, and names the missing package
        raise MissingExtraError(
            f"photos at {_scheme(url)}:// take another package, installed by pip: {_error_text(error)}."
        ) from error
    except ValueError as error:
        raise UsageError(f"{images.shown(url)} is no place of photos: {_error_text(error)}.") from error
    return system, path


def _scheme(url: str) -> str:
    return url.partition("://")[0]


def _list_folders(system: AbstractFileSystem, path: str, exclude: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield each folder below ``path`` with the names of its photos."""
    top: str | None = None
    for path_below, folders, files in system.walk(path, on_error="raise"):
        folder = path_below.rstrip("/")
        top = folder if top is None else top
        relative = folder[len(top) :].lstrip("/")
        kept = [
            name
            for name in sorted(folders)
            if not photo_files.is_passed_over(name) and not _is_excluded(relative, name, exclude)
        ]
        folders[:] = kept  # the walk visits only these
        names = (name for name in sorted(files) if photo_files.is_photo_name(_name(name)))
        yield folder, [name for name in names if not _is_excluded(relative, name, exclude)]


def _is_excluded(folder: str, name: str, exclude: Sequence[str]) -> bool:
    return photo_files.is_excluded(f"{folder}/{name}".lstrip("/"), exclude)


def _name(path: str) -> str:
    """Return the name of a file, without the query of a URL."""
    return path.rpartition("/")[2].partition("?")[0]


def _full_url(url: str, system: AbstractFileSystem, path: str) -> str:
    """Return the full URL of a file below ``url``, which opens it by itself."""
    _, chained, rest = url.partition("::")
    if chained:
        return f"{_scheme(url)}://{path.lstrip('/')}::{rest}"
    return str(system.unstrip_protocol(path))


def _errors() -> tuple[type[Exception], ...]:
    """Return the errors of reading: mostly OSError; for HTTP those of aiohttp, for archives of zipfile and tarfile."""
    packages = (
        _error_of("aiohttp", "ClientError"),
        _error_of("zipfile", "BadZipFile"),
        _error_of("tarfile", "TarError"),
    )
    return (OSError, ValueError, EOFError, *(error for error in packages if error is not None))


def _error_of(module: str, name: str) -> type[Exception] | None:
    """Return an error class by name; None while its module is not imported, since nothing can raise it then."""
    error: type[Exception] | None = getattr(sys.modules.get(module), name, None)
    return error


def _error_text(error: Exception) -> str:
    """Return the message of an error, as part of a sentence."""
    return (" ".join(str(error).split()) or type(error).__name__).rstrip(".")[:300]
