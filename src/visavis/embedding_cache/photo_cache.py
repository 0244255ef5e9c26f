"""What was found in a photo, kept by the hash of its bytes: a second evaluation reads instead of computing.

One SQLite file a model key (see ``model_key.py``), so that what one model found is never taken for another's. It
is a cache: whatever is wrong with a file costs the time to compute its content again and nothing else. Files run in
WAL, a group of photos a transaction: ``kill -9`` loses the group that was being computed, and two processes may use
one file. Each row carries a checksum, since SQLite does not notice a changed byte within a row.
"""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from visavis.cache import cache_dir
from visavis.embedding_cache.model_key import model_key
from visavis.pipeline import Recognizer
from visavis.types import Face, Floats, PhotoFaces, Quality

FORMAT = 1
"""Of the rows: part of the key."""
BUSY_SECONDS = 20
KEPT_FILES = 12
"""Model keys that are remembered; the one that was used longest ago makes room for a new one."""

QUESTIONS = 256
"""Hashes in one statement: SQLite bounds them."""

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
class Found:
    """All that was found in a photo of ``width`` x ``height``: faces, their quality, and embeddings ``(n, d)``."""

    width: int
    height: int
    faces: tuple[Face, ...]
    quality: tuple[Quality, ...]
    embeddings: Floats

    @classmethod
    def of(cls, answer: PhotoFaces) -> Self:
        """Take what is to be kept off an answer with embeddings, of a photo that could be read."""
        if answer.photo is None or answer.embeddings is None:
            raise ValueError(f"nothing was embedded of {answer.name}")
        return cls(answer.photo.width, answer.photo.height, answer.faces, answer.quality, answer.embeddings)


class EmbeddingCache:
    """What one recognizer has found in photos so far. Use it in a ``with`` block, from one thread.

    Where nothing can be kept (a folder that cannot be written, a full disk, models given as objects, whose names do
    not say how they were made), nothing is remembered, the work goes on, and ``notes`` says why, once.
    """

    def __init__(self, recognizer: Recognizer, *, min_face: float = 20) -> None:
        self.notes: list[str] = []
        self._recognizer, self._min_face = recognizer, min_face
        self._connection: sqlite3.Connection | None = None
        self._renewed = False
        if not recognizer.by_name:
            self.notes.append("nothing is remembered of models that are given as objects: give registered names.")
            return
        self._key = f"{FORMAT} {model_key(recognizer, min_face=min_face)}"
        self.path = _path(recognizer.model, self._key)
        with self._expecting_trouble():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if not self.path.exists():
                _make_room(self.path.parent)
            self._open()

    def serves(self, recognizer: Recognizer, *, min_face: float) -> bool:
        """Tell whether this is what that recognizer has found, of faces from that size on."""
        return recognizer is self._recognizer and min_face == self._min_face

    def recall(self, hashes: Iterable[str]) -> dict[str, Found]:
        """Return what is known of photos with these SHA-256 (hex); the others are left out."""
        found: dict[str, Found] = {}
        wanted = list(hashes)
        if self._connection is None:
            return found
        with self._expecting_trouble():
            for start in range(0, len(wanted), QUESTIONS):
                asked = wanted[start : start + QUESTIONS]
                marks = ", ".join("?" * len(asked))
                rows = self._connection.execute(f"select {COLUMNS} from photos where sha256 in ({marks})", asked)
                found |= {row[0]: _unpacked(row) for row in rows}
        return found

    def keep(self, found: Mapping[str, Found]) -> None:
        """Remember, all in one transaction."""
        if self._connection is None or not found:
            return
        rows = [_packed(sha256, one) for sha256, one in found.items()]
        marks = ", ".join("?" * len(rows[0]))
        with self._expecting_trouble():
            self._connection.execute("begin immediate")
            self._connection.executemany(f"insert or replace into photos ({COLUMNS}) values ({marks})", rows)
            self._connection.execute("commit")

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> None:
        self._file = _identity(self.path)
        self._connection = _opened(self.path, self._key)
        self._file = _identity(self.path)

    @contextmanager
    def _expecting_trouble(self) -> Iterator[None]:
        """Make a damaged file anew, once; give up remembering for any other fault."""
        try:
            yield
        except sqlite3.ProgrammingError:  # as from a second thread: no fault of the file
            raise
        except sqlite3.Error as error:
            if _is_damage(error) and not self._renewed:
                self._renew()
            else:
                self._give_up(str(error))
        except OSError as error:
            self._give_up(error.strerror or str(error))

    def _renew(self) -> None:
        ours = _identity(self.path) == self._file  # else another process has made it anew already
        self.close()
        self._renewed = True
        self.notes.append(f"{self.path} was damaged: it is made anew.")
        with self._expecting_trouble():
            if ours:
                _remove(self.path)
            self._open()

    def _give_up(self, why: str) -> None:
        self.close()
        self.notes.append(f"what is found in photos is not remembered, {self.path} cannot be used: {why}.")


def _path(model: str, key: str) -> Path:
    return cache_dir() / "embeddings" / f"{_file_name(model)}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.db"


def _file_name(model: str) -> str:
    return re.sub(r"[^\w.@-]", "_", model)


def forget(model: str) -> None:
    """Delete the embeddings remembered of a model, with any number of views; ``model`` is its name without these."""
    files = re.compile(rf"{re.escape(_file_name(model))}(@\d+)?-[0-9a-f]{{16}}\.db(-wal|-shm|-journal)?")
    folder = cache_dir() / "embeddings"
    for path in folder.iterdir() if folder.is_dir() else ():
        if files.fullmatch(path.name):
            path.unlink(missing_ok=True)


def _is_damage(error: sqlite3.Error) -> bool:
    """Tell a file that is not as it was written from one that cannot be reached, locked or grown.

    By the primary codes of sqlite.org/rescode.html. The plain SQLITE_ERROR is a statement that does not fit: tables of
    another form. An error without a code is this module's own, or the driver's about a value.
    """
    code = getattr(error, "sqlite_errorcode", None)
    return code is None or code & 0xFF in {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def _identity(path: Path) -> tuple[int, int] | None:
    """Tell one file from another of the same name."""
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_dev, facts.st_ino


def _opened(path: Path, key: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        _patiently(connection, "pragma journal_mode=wal")
        connection.execute("pragma synchronous=normal")  # loss of power may lose the last rows and damages nothing
        connection.executescript(f"begin immediate; {SCHEMA}")
        (known,) = connection.execute("select group_concat(text) from key").fetchone()
        if known is None:
            connection.execute("insert into key values (?)", (key,))
        connection.execute("commit")
        if known not in (None, key):
            raise sqlite3.DatabaseError("the file is of another key")
        os.utime(path)
    except BaseException:
        connection.close()
        raise
    return connection


def _patiently(connection: sqlite3.Connection, statement: str) -> None:
    """Run what SQLite does not wait for by itself while another process does the same."""
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
    """Forget the keys that were used longest ago: each edit of the code and each update leaves one behind."""
    with suppress(OSError):  # another process does the same, or has it open, which Windows does not bear
        files = sorted(folder.glob("*.db"), key=lambda path: path.stat().st_mtime)
        for path in files[: max(len(files) - KEPT_FILES + 1, 0)]:
            _remove(path)


def _remove(path: Path) -> None:
    """Delete a file of SQLite's, its log first: a log without its file is nothing, the other way round it may lie."""
    for ending in ("-wal", "-shm", ""):
        path.with_name(path.name + ending).unlink(missing_ok=True)


def _packed(sha256: str, one: Found) -> tuple[str, int, int, int, int, bytes, int]:
    n, dimension = len(one.faces), one.embeddings.shape[1]
    doubles = [[face.score, *astuple(quality)] for face, quality in zip(one.faces, one.quality, strict=True)]
    floats = [np.concatenate([face.box, face.landmarks.ravel()]) for face in one.faces]
    numbers = b"".join(
        [
            np.array(doubles, "<f8").tobytes(),
            np.array(floats, "<f4").tobytes(),
            one.embeddings.astype("<f4").tobytes(),
        ]
    )
    head = (sha256, one.width, one.height, n, dimension)
    return (*head, numbers, _checksum(head, numbers))


def _unpacked(row: tuple[str, int, int, int, int, bytes, int]) -> Found:
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
    return Found(width, height, tuple(faces), quality, embeddings)


def _checksum(head: tuple[object, ...], numbers: bytes) -> int:
    return zlib.crc32(numbers, zlib.crc32(repr(head).encode()))
