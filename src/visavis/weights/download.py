"""Download of a weight file: from its address or a mirror, resumed if interrupted, put in place whole or not at all.

Incomplete data lie beside the place of the file: in ``NAME.RANDOM.part`` while a process writes to it, in
``NAME.part`` after it stopped. A process renames the part before it resumes, so no two processes write to one. The
server is asked for the rest on condition that its file is unchanged (``If-Range``), by the entity tag that it sent:
``NAME.part.tag``.

Not by pooch, which starts again from the first byte and does not pin a file of unknown hash.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from visavis import atomic, permissions
from visavis.errors import WeightsError, reason_of
from visavis.weights.row import WeightSpec

if TYPE_CHECKING:
    import requests

TIMEOUT_S = 30
"""Seconds without a byte after which a server is abandoned."""
ABANDONED_S = 4 * TIMEOUT_S
"""Seconds without a write after which a part belongs to a process that died."""
BLOCK = 1 << 16
"""Bytes that are read at once: when a connection breaks, the last block is lost."""
TRIES = 3
"""How often a server is asked for the rest, as long as data came each time."""

PLAUSIBLE = 4
"""How many times larger or smaller than in its row a file of unknown hash may be."""

DownloadProgress = Callable[[WeightSpec, int, int | None], None]
"""Called with the row, the number of bytes received, and their total if the server states it."""

_progress: list[DownloadProgress] = []


@contextmanager
def progress_to(progress: DownloadProgress) -> Iterator[None]:
    """Call ``progress`` for each received block while the context lasts."""
    _progress.append(progress)
    try:
        yield
    finally:
        _progress.remove(progress)


def download(row: WeightSpec, folder: Path) -> Path:
    """Download the file of a row into ``folder``; its hash is that of the row, where that is known.

    Raises NotFetchedError with the failure of each address, WeightsError where nothing can be written.
    """
    target, failures = folder / row.file, []
    for url in (row.url, *row.mirrors):
        try:
            _fetch_from(url, row, target)
        except _FailedError as failure:
            failures.append(str(failure))
        else:
            return target
    raise NotFetchedError("; ".join(dict.fromkeys(failures)))


class NotFetchedError(WeightsError):
    """The file was at none of the addresses; the message gives the reasons in a few words, as part of a sentence."""


class _FailedError(Exception):
    """The reason why an address did not serve the file."""


def _fetch_from(url: str, row: WeightSpec, target: Path) -> None:
    import requests

    archive = url.endswith(".zip")
    name = f"{target.name}.zip" if archive else target.name
    try:
        permissions.make_folder(target.parent)
        part = _claim_part(target.parent, name)
        try:
            _complete(url, row, part)
            if archive:
                _unpack(url, row, part)
            _check(url, row, part)
            atomic.move(part, target)
        except BaseException as error:
            _release_part(part, name, keep=not isinstance(error, _WrongError))
            raise
        _tag_path(part).unlink(missing_ok=True)
    except requests.RequestException as error:
        raise _FailedError(_describe_failure(url, error)) from error
    except OSError as error:
        raise unwritable(target.parent, error) from error


def unwritable(folder: Path, error: OSError) -> WeightsError:
    """Return the error for a folder of the cache that cannot be written."""
    return WeightsError(f"{folder} cannot be written: {reason_of(error)}; set VISAVIS_CACHE to another folder.")


def _describe_failure(url: str, error: requests.RequestException) -> str:
    """Say in a few words why a server sent no file."""
    import requests

    host = urlsplit(url).netloc
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"{host} answered {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.exceptions.SSLError):
        return f"the certificate of {host} could not be verified"
    if isinstance(error, requests.exceptions.ProxyError):
        return f"the proxy could not reach {host}"
    if isinstance(error, requests.exceptions.ReadTimeout):
        return f"{host} sent nothing for {TIMEOUT_S} seconds"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return f"the connection to {host} broke"
    return f"{host} cannot be reached"


class _WrongError(_FailedError):
    """The received data are not the published file, so none of them are kept."""


def plausible(size: int, row: WeightSpec) -> bool:
    """Return whether a file of this size can be that of a row, whose size may be approximate."""
    return row.size / PLAUSIBLE < size < row.size * PLAUSIBLE


def _check(url: str, row: WeightSpec, part: Path) -> None:
    """Check a part by its hash, or, if that is unknown, by its size, so that no web page is taken for weights."""
    size = part.stat().st_size
    if not (row.pinned or plausible(size, row)):
        raise _WrongError(
            f"what {url} sent is not the published {row.name}: it has {size:,} bytes, not about {row.size:,}"
        )
    with part.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if row.pinned and digest != row.sha256:
        raise _WrongError(f"what {url} sent is not the published {row.name} (its SHA-256 is not {row.sha256})")


def _unpack(url: str, row: WeightSpec, part: Path) -> None:
    """Replace an archive by its member with the name of the file, in any of its folders."""
    member = part.with_suffix(".member")
    try:
        with zipfile.ZipFile(part) as archive:
            paths = [path for path in archive.namelist() if path.rpartition("/")[2] == row.file]
            if len(paths) != 1:
                raise _WrongError(f"the archive at {url} holds {len(paths)} files {row.file}")
            if archive.getinfo(paths[0]).file_size > row.size * PLAUSIBLE:
                raise _WrongError(f"{row.file} in the archive at {url} is far too large")
            with archive.open(paths[0]) as source, member.open("xb") as out:
                shutil.copyfileobj(source, out, BLOCK)
        member.replace(part)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise _WrongError(f"what {url} sent is no archive that can be read: {error}") from error
    finally:
        member.unlink(missing_ok=True)


# --- the parts


def _new_part(target: Path) -> Path:
    """Return a random path for a part of ``target``."""
    return target.with_name(f"{target.name}.{token_hex(8)}.part")


def delete_parts(target: Path) -> None:
    """Delete the parts of a file that is complete, except those that other processes write to."""
    folder, name = target.parent, target.name
    for path in (folder / f"{name}.part", folder / f"{name}.part.tag", *_find_abandoned(folder, name)):
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _claim_part(folder: Path, name: str) -> Path:
    """Return this process's own part: an abandoned one, renamed, or a new path."""
    own = _new_part(folder / name)
    for part in (folder / f"{name}.part", *_find_abandoned(folder, name)):
        with suppress(OSError):
            if part.is_symlink():  # data would be written to where it points
                continue
            part.rename(own)
            with suppress(OSError):
                _tag_path(part).rename(_tag_path(own))
            return own
    permissions.create_file(own)
    return own


def _find_abandoned(folder: Path, name: str) -> Iterator[Path]:
    parts = re.compile(rf"{re.escape(name)}\.[0-9a-f]{{16}}\.part")
    for path in folder.iterdir() if folder.is_dir() else ():
        with suppress(OSError):
            if parts.fullmatch(path.name) and time.time() - path.stat().st_mtime > ABANDONED_S:
                yield path


def _release_part(part: Path, name: str, *, keep: bool) -> None:
    """Keep a part for the next process if it can be resumed, else delete it."""
    with suppress(OSError):
        if keep and _tag_path(part).is_file() and part.stat().st_size:
            _tag_path(part).replace(part.with_name(f"{name}.part.tag"))
            part.replace(part.with_name(f"{name}.part"))
    for path in (part, _tag_path(part)):
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _tag_path(part: Path) -> Path:
    return part.with_name(f"{part.name}.tag")


# --- the connection


def _complete(url: str, row: WeightSpec, part: Path) -> None:
    """Request data until the file is complete; again after a broken connection, as long as it brought data."""
    import requests

    for attempt in range(TRIES):
        before = part.stat().st_size if part.is_file() else 0
        try:
            _receive(url, row, part)
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError, requests.Timeout):
            resumable = _tag_path(part).is_file() and part.is_file() and part.stat().st_size > before
            if not resumable or attempt == TRIES - 1:
                raise
        else:
            return


def _receive(url: str, row: WeightSpec, part: Path) -> None:
    """Make one request: for the rest if the file is unchanged, else for the whole file."""
    import requests

    headers = {"Accept-Encoding": "identity"}
    have = part.stat().st_size if part.is_file() else 0
    if have and (tag := _read_tag(part, url)):
        headers |= {"Range": f"bytes={have}-", "If-Range": tag}
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            _tag_path(part).unlink(missing_ok=True)  # there is no rest: start again
            part.unlink(missing_ok=True)
            raise requests.ConnectionError(f"{url} has no rest to send")
        response.raise_for_status()
        resumed = response.status_code == requests.codes.partial_content
        have = have if resumed else 0
        _write_tag(part, url, response)
        total = _read_total(response, have)
        with open(part, "ab" if resumed else "wb", opener=permissions.open_without_link) as file:
            for block in response.iter_content(BLOCK):
                file.write(block)
                have += len(block)
                for progress in _progress:
                    progress(row, have, total)
    if total is not None and have != total:
        raise requests.exceptions.ChunkedEncodingError(f"the connection broke after {have} of {total} bytes")


def _read_total(response: requests.Response, have: int) -> int | None:
    length = response.headers.get("Content-Length", "")
    return have + int(length) if length.isdigit() else None


def _read_tag(part: Path, url: str) -> str:
    """Return the entity tag of the file that the part belongs to; empty if it is of another address."""
    try:
        address, _, mark = _tag_path(part).read_text(encoding="utf-8").partition("\n")
    except (OSError, UnicodeDecodeError):
        return ""
    return mark if address == url else ""


def _write_tag(part: Path, url: str, response: requests.Response) -> None:
    """Keep the server's entity tag if it is a strong one: without it a download cannot be resumed."""
    mark = response.headers.get("ETag", "")
    if mark.startswith('"') and "\n" not in mark:
        atomic.write_text(_tag_path(part), f"{url}\n{mark}")
    else:
        _tag_path(part).unlink(missing_ok=True)
