"""Export a gallery to two files, JSON and NumPy's npz, and import it elsewhere. Import runs no code from them."""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from sqlalchemy import Connection, Table, insert, select, update

from visavis import atomic, input_files, permissions
from visavis.encryption import Cipher, KeyFile, read_key
from visavis.errors import UsageError, fault_of, reason_of
from visavis.gallery._index_sync import read_added
from visavis.gallery._open_gallery import OpenGallery
from visavis.gallery.export_checks import (
    ArchiveRow,
    check_consistency,
    check_rejections,
    check_rows,
    check_thresholds,
    read_arrays,
)
from visavis.gallery.index import Ids
from visavis.gallery.names import fold_name
from visavis.gallery.sql import changes, records, rejections
from visavis.gallery.sql.schema import META, PEOPLE, PHOTOS, REJECTIONS, TEMPLATES
from visavis.gallery.sql.values import decode_embeddings
from visavis.printable import dump_json
from visavis.structured_text import parse_json
from visavis.types import Floats
from visavis.weights.readers import npy

RECORDS, EMBEDDINGS = "gallery.json", "embeddings.npz"
MOST_RECORDS, HEAD_BYTES = 1 << 30, 100
"""Most bytes of the records, of four million templates, and the bytes at their beginning that are checked first."""
SEALED = ".sealed"
"""Ending of encrypted files."""
FORMAT, VERSION = "visavis gallery export", 3
FILES = {
    1: ("vectors.npz", ("ids", "vectors")),
    2: (EMBEDDINGS, ("ids", "embeddings")),
    VERSION: (EMBEDDINGS, ("ids", "embeddings", "rejections")),
}
"""By version: the file of arrays, and their names: ids and embeddings of templates, embeddings of rejections."""

_COLUMNS: dict[str, tuple[Table, tuple[str, ...]]] = {
    "people": (PEOPLE, tuple(column.name for column in PEOPLE.c if column.name != "folded")),
    "templates": (TEMPLATES, tuple(c.name for c in TEMPLATES.c if c.name not in {"embedding", "model", "change"})),
    "photos": (PHOTOS, tuple(column.name for column in PHOTOS.c if column.name != "model")),
    "rejections": (REJECTIONS, tuple(column.name for column in REJECTIONS.c if column.name != "embedding")),
}

FAULTS = (*npy.FAULTS, KeyError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError, struct.error)
"""Errors of reading files that are not JSON, or not arrays of NumPy."""


@dataclass(frozen=True, slots=True, eq=False)
class Export:
    """The content of an export; ``embeddings (n, d)`` are of ``templates``, in their order.

    ``negatives (r, d)`` are the embeddings of ``rejections``.
    """

    model: str
    calibration: object
    people: Sequence[ArchiveRow]
    templates: Sequence[ArchiveRow]
    photos: Sequence[ArchiveRow]
    rejections: Sequence[ArchiveRow]
    embeddings: Floats
    negatives: Floats


def export_gallery(opened: OpenGallery, folder: Path, key_file: KeyFile = None) -> None:
    """Do as :meth:`visavis.gallery.Gallery.export`."""
    cipher = read_key(key_file)
    with opened.database.read() as conn:
        _write(conn, folder, cipher or opened.database.cipher)


def import_gallery(opened: OpenGallery, folder: Path, key_file: KeyFile = None) -> None:
    """Do as :meth:`visavis.gallery.Gallery.import_from`."""
    export = _read(folder, read_key(key_file) or opened.database.cipher)
    with opened.database.write() as conn:
        _store(conn, export, model=opened.model)
        opened.log(conn, "import", None, f"{len(export.people)} people, {len(export.templates)} templates")


def read_model(folder: Path, cipher: Cipher | None = None) -> str:
    """Return the model of an export's embeddings; UsageError if the folder is no export."""
    return _read(folder, cipher).model


def _write(conn: Connection, folder: Path, cipher: Cipher | None) -> None:
    """Write an export, completely or not at all."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there already and not empty: name a new folder.")
    meta, own = records.read_meta(conn), records.read_calibration(conn)
    content: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "model": meta.model,
        "calibration": None if own is None else json.loads(own),
        **{name: list(_read_rows(conn, name)) for name in _COLUMNS},
    }
    ids, embeddings = _read_embeddings(conn, meta.dimension or 0)
    expired = set(rejections.find_expired(conn))
    content["rejections"] = [row for row in content["rejections"] if row["id"] not in expired]
    negatives = _read_negatives(conn, meta.dimension or 0, without=expired)
    try:
        permissions.make_folder(folder.parent)
        with atomic.new_folder(folder) as part:
            text = dump_json(content, indent=1, allow_nan=True) + "\n"
            with _create_file(part, RECORDS, cipher) as file:
                file.write(text.encode("utf-8"))
            with _create_file(part, EMBEDDINGS, cipher) as file:
                np.savez(file, ids=ids, embeddings=embeddings, rejections=negatives)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {reason_of(error)}.") from error


def _read(folder: Path, cipher: Cipher | None) -> Export:
    """Read an export; UsageError if the folder is no export, or not complete."""
    if cipher is None and (folder / f"{RECORDS}{SEALED}").is_file():
        raise UsageError(f"{folder} is an encrypted export: name its key file by --export-key.")
    try:
        content = _read_records(folder, cipher)
        version = content.get("version") if isinstance(content, dict) else None
        file_name, names = FILES.get(version if isinstance(version, int) else VERSION, FILES[VERSION])
        with _open_file(folder, file_name, cipher) as file:
            arrays = read_arrays(file, names)
    except OSError as error:
        raise UsageError(f"{folder} is no export of a gallery: {error.strerror} ({error.filename}).") from error
    except FAULTS as error:
        raise UsageError(f"{folder} is no export of a gallery that can be read: {fault_of(error)}.") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise UsageError(f"{folder} is no export of a gallery.")
    if not isinstance(version, int) or version not in FILES:
        raise UsageError(f"{folder} was written by a newer visavis: upgrade visavis.")
    permissions.warn_if_readable([folder], contents="names and faces")
    if "rejections" not in names:
        content["rejections"] = []
    rows = {name: _check_rows(folder, name, content.get(name)) for name in _COLUMNS}
    model, calibration, embeddings = content.get("model"), content.get("calibration"), arrays[names[1]]
    negatives = arrays.get("rejections", np.empty((0, *embeddings.shape[1:]), np.float32))
    try:
        check_rows(rows)
        check_consistency(rows, arrays["ids"], embeddings)
        check_rejections(rows, negatives, embeddings)
        check_thresholds(calibration, model)
    except UsageError as error:
        raise UsageError(f"{folder}: {error}") from error
    return Export(
        str(model),
        calibration,
        **rows,
        embeddings=embeddings.astype(np.float32),
        negatives=negatives.astype(np.float32),
    )


@contextmanager
def _create_file(folder: Path, name: str, cipher: Cipher | None) -> Iterator[BinaryIO]:
    """Yield a new file of an export to write to; with a cipher it is encrypted, and never plain on the disk."""
    if cipher is None:
        with (folder / name).open("xb") as file:
            yield file
        return
    plain = BytesIO()
    yield plain
    plain.seek(0)
    with (folder / f"{name}{SEALED}").open("xb") as file:
        cipher.seal_file(plain, file, name.encode())


def _open_file(folder: Path, name: str, cipher: Cipher | None) -> BinaryIO:
    """Open a file of an export, decrypted if it is encrypted; raises OSError, ValueError for another key."""
    sealed = folder / f"{name}{SEALED}"
    if cipher is None or not sealed.is_file():
        return input_files.open_file(folder / name)
    with input_files.open_file(sealed) as file:
        return cipher.open_file(file, name.encode())


def _read_records(folder: Path, cipher: Cipher | None) -> object:
    """Return the JSON of an export; raises OSError, ValueError for what is none, before much of it is read."""
    with _open_file(folder, RECORDS, cipher) as file:
        if not file.read(HEAD_BYTES).lstrip().startswith(b"{"):
            raise ValueError(f"{RECORDS} is not JSON")
        file.seek(0)
        text = file.read(MOST_RECORDS + 1)
    if len(text) > MOST_RECORDS:
        raise ValueError(f"{RECORDS} has more than {MOST_RECORDS >> 20} MiB")
    return parse_json(text)


def _store(conn: Connection, export: Export, *, model: str) -> None:
    """Store an export in an empty gallery; UsageError if the gallery is not empty, or of another model."""
    records.require_model(conn, model)
    if export.model != model:
        raise UsageError(f"the export holds embeddings of {export.model}, and this gallery is of {model}.")
    if any(records.count_records(conn)):
        raise UsageError("only an empty gallery takes in an export: its people would come twice, or under other ids.")
    change = changes.begin_change(conn)
    if len(export.embeddings):
        records.set_dimension(conn, export.embeddings.shape[1])
    blobs = (embedding.astype("<f4").tobytes() for embedding in export.embeddings)
    table_rows = {
        "people": [{**row, "folded": fold_name(str(row["name"]))} for row in export.people],
        "templates": [
            {**row, "model": model, "change": change, "embedding": blob}
            for row, blob in zip(export.templates, blobs, strict=True)
        ],
        "photos": [{**row, "model": model} for row in export.photos],
        "rejections": [
            {**row, "embedding": embedding.astype("<f4").tobytes()}
            for row, embedding in zip(export.rejections, export.negatives, strict=True)
        ],
    }
    for name, rows in table_rows.items():
        if rows:
            table = _COLUMNS[name][0]
            conn.execute(insert(table), list(rows))
            records.restart_id_sequence(conn, table)
    calibration = None if export.calibration is None else json.dumps(export.calibration)
    conn.execute(update(META).values(calibration=calibration))
    changes.disown(conn)


def _read_rows(conn: Connection, name: str) -> Iterator[dict[str, Any]]:
    table, columns = _COLUMNS[name]
    query = select(*(table.c[column] for column in columns)).order_by(table.c.id)
    for row in conn.execute(query, execution_options={"yield_per": records.BLOCK_ROWS}):
        yield dict(row._mapping)


def _read_embeddings(conn: Connection, dimension: int) -> tuple[Ids, Floats]:
    """Return ids ``(n,)`` and embeddings ``(n, d)`` of all templates, by id."""
    blocks = list(read_added(conn, 0, dimension)) if dimension else []
    ids = np.concatenate([np.empty(0, np.int64), *(block.ids for block in blocks)])
    embeddings = np.concatenate([np.empty((0, dimension), np.float32), *(block.embeddings for block in blocks)])
    order = np.argsort(ids)
    return ids[order], embeddings[order]


def _read_negatives(conn: Connection, dimension: int, *, without: set[int]) -> Floats:
    """Return the embeddings ``(r, d)`` of all rejections but some, by id."""
    query = select(REJECTIONS.c.id, REJECTIONS.c.embedding).order_by(REJECTIONS.c.id)
    rows = [row for row in conn.execute(query) if row.id not in without]
    return decode_embeddings([row.embedding for row in rows], dimension, [row.id for row in rows])


def _check_rows(folder: Path, name: str, rows: object) -> list[ArchiveRow]:
    """Return the rows of a table; UsageError if their columns are wrong."""
    columns = set(_COLUMNS[name][1])
    if not isinstance(rows, list) or not all(isinstance(row, dict) and set(row) == columns for row in rows):
        raise UsageError(f"{folder}: the {name} of the export are not what they should be.")
    return cast("list[ArchiveRow]", rows)
