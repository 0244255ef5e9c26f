"""The file that ``embed`` writes: a row a face, as NumPy arrays or as a Parquet table."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from visavis.cli._files import write_whole
from visavis.errors import MissingExtraError

if TYPE_CHECKING:
    from visavis.types import Face, Floats, PhotoFaces

ENDINGS = (".npz", ".parquet")


class FaceTable:
    """Faces with their embeddings, gathered photo by photo, written whole at the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parquet = path.suffix.lower() == ".parquet"
        if self._parquet:
            _pyarrow()  # to be missed before the work, not after it
        self._photos: list[str] = []
        self._faces: list[Face] = []
        self._embeddings: list[Floats] = []

    def add(self, one: PhotoFaces) -> list[int]:
        """Take a photo's faces; return the rows they will stand in."""
        first = len(self._faces)
        if one.faces and one.embeddings is not None:
            self._photos += [one.name] * len(one.faces)
            self._faces += one.faces
            self._embeddings.append(one.embeddings)
        return list(range(first, len(self._faces)))

    def write(self, *, dimension: int) -> None:
        """Write the file, with no rows where there was no face."""
        photo = np.array(self._photos, dtype=np.str_)
        box = np.array([face.box for face in self._faces], np.float32).reshape(-1, 4)
        score = np.array([face.score for face in self._faces], np.float32)
        embedding = np.concatenate([np.empty((0, dimension), np.float32), *self._embeddings])
        if self._parquet:
            write_whole(self._path, lambda file: _write_parquet(file, photo.tolist(), box, score, embedding))
        else:
            write_whole(self._path, lambda file: np.savez(file, photo=photo, box=box, score=score, embedding=embedding))


def _write_parquet(file: BinaryIO, photo: list[str], box: Floats, score: Floats, embedding: Floats) -> None:
    """Columns photo (string), box (list of 4 floats), score (float), embedding (list of d floats)."""
    arrow, parquet = _pyarrow()

    def rows(values: Floats) -> object:
        return arrow.FixedSizeListArray.from_arrays(arrow.array(values.ravel()), values.shape[1])

    table = arrow.table(
        {
            "photo": arrow.array(photo, arrow.string()),
            "box": rows(box),
            "score": score,
            "embedding": rows(embedding),
        }
    )
    parquet.write_table(table, file)


def _pyarrow() -> tuple[ModuleType, ModuleType]:
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise MissingExtraError("Parquet files need pyarrow: pip install 'visavis[parquet]'.") from error
