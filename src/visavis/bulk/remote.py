"""Photos at URLs, by fsspec: s3://, gs://, sftp://, https://, zip://*::file.zip and all else that it knows."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from visavis import images
from visavis.bulk.types import Outcome
from visavis.errors import MissingExtraError, MissingImageError, UnreadableImageError, UsageError
from visavis.images import PHOTO_ENDINGS

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


def is_url(source: str) -> bool:
    """Tell a URL from the name of a file."""
    return "://" in source


def walk(url: str) -> Iterator[str | Outcome]:
    """Yield the URLs of all photos below ``url``, sorted within a folder; of ``url`` itself if it is a photo."""
    system, path = _opened(url)
    if _is_photo(path):
        yield url
        return
    try:
        if not system.isdir(path):
            yield Outcome(url, "missing", message=f"there is no folder {images.shown(url)}.")
            return
        for folder, _, files in system.walk(path, on_error="raise"):
            for name in sorted(files):
                if _is_photo(name):
                    yield _full_url(url, system, f"{folder.rstrip('/')}/{name}")
    except _errors() as error:
        yield Outcome(url, "unreadable", message=f"the folder {images.shown(url)} cannot be listed: {_told(error)}.")


def read(url: str) -> bytes:
    """Read the encoded bytes of the photo at ``url``; raises ImageError."""
    what = images.shown(url)
    try:
        system, path = _opened(url)
        with system.open(path, "rb") as stream:
            return images.encoded(stream, name=url)
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


def _is_photo(path: str) -> bool:
    name = path.rpartition("/")[2].partition("?")[0]
    return "." + name.rpartition(".")[2].lower() in PHOTO_ENDINGS and not name.startswith(".")


def _full_url(url: str, system: AbstractFileSystem, path: str) -> str:
    """Name a file found below ``url`` so that it can be opened by that name alone."""
    _, chained, rest = url.partition("::")
    if chained:
        return f"{_scheme(url)}://{path.lstrip('/')}::{rest}"
    return str(system.unstrip_protocol(path))


def _errors() -> tuple[type[Exception], ...]:
    """What reading may raise: most is OSError, of HTTP it is aiohttp's own."""
    aiohttp: Any = sys.modules.get("aiohttp")  # where nobody has imported it, nobody can raise its errors
    own = () if aiohttp is None else (aiohttp.ClientError,)
    return (OSError, ValueError, EOFError, *own)


def _told(error: Exception) -> str:
    """Return what an error says, as part of a sentence."""
    return (" ".join(str(error).split()) or type(error).__name__).rstrip(".")[:300]
