"""File written by ``embed``: one row per face, as NumPy arrays or as a Parquet table."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from visavis import atomic
from visavis.errors import MissingExtraError

if TYPE_CHECKING:
    from visavis.types import Face, Floats, PhotoFaces

ENDINGS = (".npz", ".parquet")


class FaceTable:
    """Faces with their embeddings, collected photo by photo and written at the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parquet = path.suffix.lower() == ".parquet"
        if self._parquet:
            _import_pyarrow()  # fail before the work, not after it
        self._photos: list[str] = []
        self._faces: list[Face] = []
        self._embeddings: list[Floats] = []

    def add(self, photo: PhotoFaces) -> list[int]:
        """Add a photo's faces; return their row numbers in the file."""
        first = len(self._faces)
        if photo.faces and photo.embeddings is not None:
            self._photos += [photo.name] * len(photo.faces)
            self._faces += photo.faces
            self._embeddings.append(photo.embeddings)
        return list(range(first, len(self._faces)))

    def write(self, *, dimension: int) -> None:
        """Write the file, without rows if there was no face."""
        photo = np.array(self._photos, dtype=np.str_)
        box = np.array([face.box for face in self._faces], np.float32).reshape(-1, 4)
        score = np.array([face.score for face in self._faces], np.float32)
        embedding = np.concatenate([np.empty((0, dimension), np.float32), *self._embeddings])
        if self._parquet:
            atomic.write(self._path, lambda file: _write_parquet(file, photo.tolist(), box, score, embedding))
        else:
            atomic.write(
                self._path, lambda file: np.savez(file, photo=photo, box=box, score=score, embedding=embedding)
            )


def _write_parquet(file: BinaryIO, photo: list[str], box: Floats, score: Floats, embedding: Floats) -> None:
    """Write columns photo (string), box (list of 4 floats), score (float), embedding (list of d floats)."""
    arrow, parquet = _import_pyarrow()

    def to_lists(values: Floats) -> object:
        return arrow.FixedSizeListArray.from_arrays(arrow.array(values.ravel()), values.shape[1])

    table = arrow.table(
        {
            "photo": arrow.array([_make_utf8(path) for path in photo], arrow.string()),
            "box": to_lists(box),
            "score": score,
            "embedding": to_lists(embedding),
        }
    )
    parquet.write_table(table, file)


def _make_utf8(path: str) -> str:
    """Return a path with the bytes that are not UTF-8 escaped, as tables show them: Parquet holds UTF-8 alone."""
    return path.encode("utf-8", "backslashreplace").decode()


def _import_pyarrow() -> tuple[ModuleType, ModuleType]:
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise MissingExtraError("Parquet files need pyarrow: pip install 'visavis[parquet]'.") from error
