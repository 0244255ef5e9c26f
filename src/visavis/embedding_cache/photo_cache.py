"""Cache of the faces found in a photo, by the hash of its bytes: a second evaluation reads instead of computing.

Each model key (see ``model_key.py``) has an SQLite file of its own, so results of different models never mix. A damaged
or missing file only costs the time to compute its content again. Files use WAL, and a group of photos is one
transaction: ``kill -9`` loses the group that was being computed, and two processes may use one file. Each row carries a
checksum, since SQLite does not notice a changed byte within a row.
"""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Self

import numpy as np

from visavis import defaults, permissions
from visavis._closing import Closing
from visavis.atomic import has_room
from visavis.cache import cache_dir, check_trusted
from visavis.embedding_cache.model_key import model_key
from visavis.errors import WeightsError, reason_of
from visavis.pipeline import Recognizer
from visavis.types import Face, Floats, PhotoFaces, Quality

FORMAT = 1
"""Format of the rows, a part of the key."""
BUSY_SECONDS = 20
ERASING_SECONDS = 5
"""How long a removal waits for others to end reading what was removed."""
KEPT_FILES = 12
"""Files kept, one a model key; the least recently used one is deleted for a new one."""

HASHES_PER_QUERY = 256
"""Hashes in one statement, which SQLite limits."""

PARTS = len(fields(Quality))
COLUMNS = "sha256, width, height, faces, dimension, numbers, checksum"

SCHEMA = """
create table if not exists key (text text not null);
create table if not exists photos (
    sha256 text primary key, width integer not null, height integer not null,
    faces integer not null, dimension integer not null, numbers blob not null, checksum integer not null
) without rowid;
"""


@dataclass(frozen=True, slots=True, eq=False)
class CachedPhoto:
    """Faces found in a photo of ``width`` x ``height``, with their quality and embeddings ``(n, d)``."""

    width: int
    height: int
    faces: tuple[Face, ...]
    quality: tuple[Quality, ...]
    embeddings: Floats

    @classmethod
    def of(cls, answer: PhotoFaces) -> Self:
        """Take the cached fields from an answer; raises ValueError for one without a photo or embeddings."""
        if answer.photo is None or answer.embeddings is None:
            raise ValueError(f"nothing was embedded of {answer.name}")
        return cls(answer.photo.width, answer.photo.height, answer.faces, answer.quality, answer.embeddings)


class EmbeddingCache(Closing):
    """Faces and embeddings that one recognizer has computed. Use it in a ``with`` block, from one thread.

    If nothing can be stored (a folder that is not writable, a full disk, or models given as objects, whose names do not
    tell how they were made), the cache stays empty, the work goes on, and ``notes`` states the reason once.
    """

    def __init__(self, recognizer: Recognizer, *, min_face: float = defaults.MIN_FACE) -> None:
        self.notes: list[str] = []
        self._recognizer, self._min_face = recognizer, min_face
        self._connection: sqlite3.Connection | None = None
        self._renewed = False
        if not recognizer.by_name:
            self.notes.append("nothing is remembered of models that are given as objects: give registered names.")
            return
        self._key = f"{FORMAT} {model_key(recognizer, min_face=min_face)}"
        self.path = _file_path(recognizer.model, self._key)
        with self._handle_errors():
            check_trusted(self.path.parent)
            permissions.make_folder(self.path.parent)
            permissions.warn_if_readable([self.path.parent], contents="faces of photos")
            if not self.path.exists():
                _make_room(self.path.parent)
            self._open()

    def serves(self, recognizer: Recognizer, *, min_face: float) -> bool:
        """Tell whether the cache was opened for this recognizer and ``min_face``."""
        return recognizer is self._recognizer and min_face == self._min_face

    def recall(self, hashes: Iterable[str]) -> dict[str, CachedPhoto]:
        """Return the cached photos with these SHA-256 (hex); the others are left out."""
        photos: dict[str, CachedPhoto] = {}
        requested = list(hashes)
        if self._connection is None:
            return photos
        with self._handle_errors():
            for start in range(0, len(requested), HASHES_PER_QUERY):
                batch = requested[start : start + HASHES_PER_QUERY]
                marks = ", ".join("?" * len(batch))
                rows = self._connection.execute(f"select {COLUMNS} from photos where sha256 in ({marks})", batch)
                photos |= {row[0]: _unpack_row(row) for row in rows}
        return photos

    def keep(self, photos: Mapping[str, CachedPhoto]) -> None:
        """Store photos by their SHA-256, in one transaction."""
        if self._connection is None or not photos:
            return
        rows = [_pack_row(sha256, photo) for sha256, photo in photos.items()]
        marks = ", ".join("?" * len(rows[0]))
        with self._handle_errors():
            self._connection.execute("begin immediate")
            self._connection.executemany(f"insert or replace into photos ({COLUMNS}) values ({marks})", rows)
            self._connection.execute("commit")

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> None:
        self._file = _file_id(self.path)
        self._connection = _open_file(self.path, self._key)
        self._file = _file_id(self.path)

    @contextmanager
    def _handle_errors(self) -> Iterator[None]:
        """Recreate a damaged file once; stop caching after any other error."""
        try:
            yield
        except sqlite3.ProgrammingError:  # such as use from a second thread: the file is intact
            raise
        except sqlite3.Error as error:
            if _is_damage(error) and not self._renewed:
                self._renew()
            else:
                self._give_up(str(error) if has_room(self.path.parent) else "the disk is full")
        except WeightsError as error:
            self._give_up(str(error))
        except OSError as error:
            self._give_up(reason_of(error))

    def _renew(self) -> None:
        unchanged = _file_id(self.path) == self._file  # else another process has recreated it
        self.close()
        self._renewed = True
        self.notes.append(f"{self.path} was damaged: it is made anew.")
        with self._handle_errors():
            if unchanged:
                _remove(self.path)
            self._open()

    def _give_up(self, why: str) -> None:
        self.close()
        self.notes.append(f"what is found in photos is not remembered, {self.path} cannot be used: {why}.")


def _file_path(model: str, key: str) -> Path:
    return cache_dir() / "embeddings" / f"{_file_name(model)}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.db"


def _file_name(model: str) -> str:
    return re.sub(r"[^\w.@-]", "_", model)


def forget(model: str) -> None:
    """Delete the cached embeddings of a model, for any number of views; ``model`` is its name without these."""
    files = re.compile(rf"{re.escape(_file_name(model))}(@\d+)?-[0-9a-f]{{16}}\.db(-wal|-shm|-journal)?")
    folder = cache_dir() / "embeddings"
    for path in folder.iterdir() if folder.is_dir() else ():
        if files.fullmatch(path.name):
            path.unlink(missing_ok=True)


def _is_damage(error: sqlite3.Error) -> bool:
    """Tell whether a file is damaged, as opposed to inaccessible, locked or full.

    The primary codes are those of sqlite.org/rescode.html. The plain SQLITE_ERROR is a statement that does not fit the
    tables. An error without a code is raised by this module, or by the driver about a value.
    """
    code = getattr(error, "sqlite_errorcode", None)
    return code is None or code & 0xFF in {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def _file_id(path: Path) -> tuple[int, int] | None:
    """Return device and inode, which tell files of the same name apart; None if there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _open_file(path: Path, key: str) -> sqlite3.Connection:
    permissions.create_file(path)
    connection = connect(path)
    try:
        _execute_with_retries(connection, "pragma journal_mode=wal")
        connection.execute("pragma synchronous=normal")  # a power failure may lose the last rows but damages nothing
        connection.executescript(f"begin immediate; {SCHEMA}")
        (stored,) = connection.execute("select group_concat(text) from key").fetchone()
        if stored is None:
            connection.execute("insert into key values (?)", (key,))
        connection.execute("commit")
        if stored not in (None, key):
            raise sqlite3.DatabaseError("the file is of another key")
        with suppress(sqlite3.OperationalError):  # others use the file: the next process erases the traces
            _erase_traces(connection, patience=0)
        os.utime(path)
    except BaseException:
        connection.close()
        raise
    return connection


def connect(path: Path) -> sqlite3.Connection:
    """Open an existing file, whose removed rows are overwritten; raises sqlite3.Error."""
    uri = f"{path.absolute().as_uri()}?mode=rw"
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    connection.execute("pragma secure_delete=on")
    return connection


def forget_rows(connection: sqlite3.Connection, sha256s: Sequence[str]) -> int:
    """Remove photos without a trace; return how many there were. Raises sqlite3.Error."""
    removed = 0
    connection.execute("begin immediate")
    for start in range(0, len(sha256s), HASHES_PER_QUERY):
        batch = sha256s[start : start + HASHES_PER_QUERY]
        marks = ", ".join("?" * len(batch))
        removed += connection.execute(f"delete from photos where sha256 in ({marks})", batch).rowcount
    if removed:
        connection.execute("pragma user_version=1")
    connection.execute("commit")
    _erase_traces(connection, patience=ERASING_SECONDS)
    return removed


def _erase_traces(connection: sqlite3.Connection, *, patience: float) -> None:
    """Rewrite a file from which photos were removed: free space and the log hold copies of rows.

    The mark of such a file stays until that is done, also where this process is killed before.
    """
    if not connection.execute("pragma user_version").fetchone()[0]:
        return
    connection.execute("vacuum")
    deadline = time.monotonic() + patience
    while connection.execute("pragma wal_checkpoint(truncate)").fetchone()[0]:
        if time.monotonic() > deadline:
            raise sqlite3.OperationalError("other processes keep reading what was removed")
        time.sleep(0.02)
    connection.execute("pragma user_version=0")


def _execute_with_retries(connection: sqlite3.Connection, statement: str) -> None:
    """Run a statement that SQLite itself does not retry while another process runs the same."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute(statement)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _make_room(folder: Path) -> None:
    """Delete the least recently used files: each edit of the code and each update leaves one behind."""
    with suppress(OSError):  # another process deletes it too, or has it open, which Windows forbids
        files = sorted(folder.glob("*.db"), key=lambda path: path.stat().st_mtime)
        for path in files[: max(len(files) - KEPT_FILES + 1, 0)]:
            _remove(path)


def _remove(path: Path) -> None:
    """Delete an SQLite file, its log first: a log alone is ignored, a file without its log may be inconsistent."""
    for ending in ("-wal", "-shm", ""):
        path.with_name(path.name + ending).unlink(missing_ok=True)


def _pack_row(sha256: str, photo: CachedPhoto) -> tuple[str, int, int, int, int, bytes, int]:
    n, dimension = len(photo.faces), photo.embeddings.shape[1]
    doubles = [[face.score, *astuple(quality)] for face, quality in zip(photo.faces, photo.quality, strict=True)]
    floats = [np.concatenate([face.box, face.landmarks.ravel()]) for face in photo.faces]
    numbers = b"".join(
        [
            np.array(doubles, "<f8").tobytes(),
            np.array(floats, "<f4").tobytes(),
            photo.embeddings.astype("<f4").tobytes(),
        ]
    )
    head = (sha256, photo.width, photo.height, n, dimension)
    return (*head, numbers, _checksum(head, numbers))


def _unpack_row(row: tuple[str, int, int, int, int, bytes, int]) -> CachedPhoto:
    *head, numbers, checksum = row
    _, width, height, n, dimension = row[:5]
    if not isinstance(numbers, bytes) or checksum != _checksum(tuple(head), numbers):
        raise sqlite3.DatabaseError("a row is not what was written")
    doubles = np.frombuffer(numbers, "<f8", n * (1 + PARTS)).reshape(n, 1 + PARTS)
    floats = np.frombuffer(numbers, "<f4", offset=doubles.nbytes)
    places, embeddings = floats[: n * 14].reshape(n, 14), floats[n * 14 :].reshape(n, dimension)
    faces = [
        Face(place[:4], float(numbers[0]), place[4:].reshape(5, 2))
        for place, numbers in zip(places, doubles, strict=True)
    ]
    quality = tuple(Quality(*parts) for parts in doubles[:, 1:].tolist())
    return CachedPhoto(width, height, tuple(faces), quality, embeddings)


def _checksum(head: tuple[object, ...], numbers: bytes) -> int:
    return zlib.crc32(numbers, zlib.crc32(repr(head).encode()))
