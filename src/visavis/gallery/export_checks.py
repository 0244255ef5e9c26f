"""Check an export before anything of it is stored: all that ``enroll`` checks, and that its parts belong together.

An export may come from other people. Its arrays are looked at before they are unpacked, so that a small file cannot
take the memory of the machine.
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Collection, Mapping, Sequence
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from visavis.compare import parse_calibration
from visavis.errors import GalleryError, UsageError
from visavis.gallery.check_input import clean_name, make_details
from visavis.gallery.index import Ids
from visavis.gallery.sql.changes import LAST_ID
from visavis.gallery.sql.records import LONGEST_EMBEDDING
from visavis.gallery.sql.values import CHECKS, find_wrong_lengths
from visavis.types import Floats

COMPRESSION = 50
"""Bytes that one byte of a file of arrays may become; embeddings compress little."""
OPTIONAL = {"consent", "consented", "metadata", "person_id", "photo_sha256", "box", "quality", "cluster"}
"""Columns that may be empty."""
STATUSES = {"ok", "no_face"}

ArchiveRow = Mapping[str, Any]


def read_arrays(file: BinaryIO, names: Collection[str]) -> dict[str, NDArray[Any]]:
    """Return the arrays of these names of a file of NumPy.

    Raises ValueError, or an error of zipfile or zlib, for another file, for other arrays, and for one that becomes far
    larger when it is unpacked.
    """
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if sorted(member.filename for member in members) != sorted(f"{name}.npy" for name in names):
            raise ValueError(f"its arrays are not {' and '.join(sorted(names))}")
        for member in members:
            if member.file_size > COMPRESSION * max(member.compress_size, 1):
                raise ValueError(f"{member.compress_size:,} bytes of it would become {member.file_size:,}")
            _check_header(archive, member)
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in names}


def _check_header(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Raise ValueError unless an array has the size that its header says, and holds numbers."""
    with archive.open(member) as file, warnings.catch_warnings():
        warnings.simplefilter("error")  # numpy warns of headers that Python 2 wrote, and parses them
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError(f"{member.filename} is not an array of numbers")
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        size = dtype.itemsize
        for side in shape:
            size *= side
        if dtype.kind not in "iuf" or size + file.tell() != member.file_size:
            raise ValueError(f"{member.filename} is not an array of numbers of its size")


def check_rows(rows: Mapping[str, Sequence[ArchiveRow]]) -> None:
    """Raise UsageError for a row that a gallery could not have: another type, size or form of a value."""
    for name, own in rows.items():
        for row in own:
            try:
                _check_row(name, row)
            except (GalleryError, UsageError, TypeError, ValueError) as error:
                raise UsageError(f"{name} {str(row.get('id'))[:20]}: {error}") from error
        if len({row["id"] for row in own}) < len(own):
            raise UsageError(f"two {name} have the same id.")
    if len({row["sha256"] for row in rows["photos"]}) < len(rows["photos"]):
        raise UsageError("two photos have the same hash.")


def _check_row(name: str, row: ArchiveRow) -> None:
    for column, value in row.items():
        if column == "id" or value is None:
            continue
        CHECKS[column](value)
    if missing := [column for column, value in row.items() if value is None and column not in OPTIONAL]:
        raise UsageError(f"{missing[0]} is empty.")
    number = row["id"]
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < LAST_ID:
        raise UsageError("the id is not a whole number above 0.")
    if name == "people":
        if clean_name(row["name"]) != row["name"]:
            raise UsageError(f"a name must have no outer spaces and be in composed form, got {row['name']!r}.")
        make_details(note=row["note"], consent=row["consent"], metadata=row["metadata"])
    elif name == "photos" and row["status"] not in STATUSES:
        raise UsageError(f"the status is not {' or '.join(sorted(STATUSES))}.")


def check_consistency(rows: Mapping[str, Sequence[ArchiveRow]], ids: Ids, embeddings: Floats) -> None:
    """Raise UsageError unless records and embeddings belong together and all embeddings are of length 1."""
    people = {row["id"] for row in rows["people"]}
    owners = {row["person_id"] for row in rows["templates"]} - {None}
    if (
        embeddings.ndim != 2
        or ids.ndim != 1
        or embeddings.shape[1] > LONGEST_EMBEDDING
        or [row["id"] for row in rows["templates"]] != ids.tolist()
        or len(embeddings) != len(ids)
    ):
        raise UsageError("records and embeddings are not of the same templates.")
    if owners != people:
        raise UsageError("templates and people do not belong together.")
    if len(find_wrong_lengths(embeddings)):
        raise UsageError("not all embeddings are of length 1.")


def check_rejections(rows: Mapping[str, Sequence[ArchiveRow]], negatives: Floats, embeddings: Floats) -> None:
    """Raise UsageError unless rejections are of people of the export, with embeddings ``(r, d)`` of length 1."""
    people = {row["id"] for row in rows["people"]}
    if negatives.ndim != 2 or len(negatives) != len(rows["rejections"]):
        raise UsageError("rejections and their embeddings do not belong together.")
    if len(negatives) and negatives.shape[1:] != embeddings.shape[1:]:
        raise UsageError("the embeddings of rejections are of another length.")
    if not {row["person_id"] for row in rows["rejections"]} <= people:
        raise UsageError("rejections and people do not belong together.")
    if len(find_wrong_lengths(negatives)):
        raise UsageError("not all embeddings of rejections are of length 1.")


def check_thresholds(calibration: object, model: object) -> None:
    """Raise UsageError unless the export has a possible model, and no table of thresholds or one of its model."""
    try:
        CHECKS["model"](model)
    except GalleryError as error:
        raise UsageError(str(error)) from error
    if calibration is not None and parse_calibration(calibration).model != model:
        raise UsageError("its table of thresholds is of another model.")
