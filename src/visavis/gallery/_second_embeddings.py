"""Make embeddings of a second model for the faces of a gallery: of kept crops, else of the photos by path and hash.

Each block of faces is stored in a transaction of its own, so that a process that is killed loses one block at most; the
next one goes on with the faces that are missing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from sqlalchemy import Connection, Row

from visavis import compare, defaults
from visavis.boxes import SAME_FACE, overlaps
from visavis.errors import ImageError
from visavis.gallery._indexed_photos import read_file
from visavis.gallery._open_gallery import OpenGallery
from visavis.gallery.check_input import normalize_embeddings
from visavis.gallery.kept_crops import open_crop
from visavis.gallery.migration_types import Progress
from visavis.gallery.sql import records, second_set
from visavis.gallery.sql.crops import KINDS, FaceKind, read_crop
from visavis.types import RGB, Floats, PhotoFaces

if TYPE_CHECKING:
    from visavis.pipeline import Recognizer

BLOCK = 64
"""Faces that are embedded, and stored, at a time."""
PHOTOS = 8
"""Photos in memory at a time."""

NO_PHOTO = "no photo is known of it, and no crop was kept"
GONE = "the photo is not at its path"
REPLACED = "another photo is at its path"
NO_FACE = "the face is not found in the photo"
UNREADABLE = "the photo cannot be read"

LostIds = dict[tuple[FaceKind, int], str]
"""By kind and id of a face: why no embedding can be made of it."""


class InterruptedFillError(Exception):
    """Ends the work between two blocks, or before the switch, from within."""


class _Made(NamedTuple):
    """Embeddings by the id of the face, and why others have none."""

    embeddings: dict[int, Floats]
    lost: dict[int, str]

    def normalize(self) -> Self:
        """Return embeddings of length 1, as enrolling stores them."""
        rows = normalize_embeddings(np.stack([*self.embeddings.values()]), None)
        return self._replace(embeddings=dict(zip(self.embeddings, rows, strict=True)))


def fill(opened: OpenGallery, former: str, recognizer: Recognizer, progress: Progress, known_lost: LostIds) -> LostIds:
    """Embed all faces that the second set lacks; return those of which that is not possible.

    These include ``known_lost``, of an earlier pass, which are not tried again.
    Raises InterruptedFillError where ``progress`` returns False, GalleryError where the gallery is no longer of
    ``former``.
    """
    lost = {**known_lost}
    model = recognizer.model
    with opened.database.read() as conn:
        done, total = second_set.count_faces(conn, model)
    for kind in KINDS:
        last = 0
        while True:
            if not progress(done, max(done, total)):  # more where faces are enrolled meanwhile
                raise InterruptedFillError
            with opened.database.read() as conn:
                rows = second_set.read_missing(conn, kind, model, after=last, limit=BLOCK)
            if not rows:
                break
            made = _embed([row for row in rows if (kind, row.id) not in known_lost], recognizer)
            if made.embeddings:
                made = made.normalize()
                with opened.database.write() as conn:
                    records.require_model(conn, former)
                    second_set.store(conn, kind, model, made.embeddings)
            lost |= {(kind, face_id): reason for face_id, reason in made.lost.items()}
            last, done = rows[-1].id, done + len(made.embeddings)
    return lost


def _embed(rows: Sequence[Row[Any]], recognizer: Recognizer) -> _Made:
    made = _embed_photos([row for row in rows if row.picture is None], recognizer)
    inputs: dict[int, RGB] = {}
    for row in rows:
        if row.picture is not None:
            picture, face = open_crop(read_crop(row), row.id)
            inputs[row.id] = recognizer.embedder.crops(picture, [face])
    if inputs:
        embeddings = recognizer.embedder.embed(np.concatenate([*inputs.values()]))
        made.embeddings.update(zip(inputs, compare.check_computed(embeddings, recognizer.model), strict=True))
    return made


def _embed_photos(rows: Sequence[Row[Any]], recognizer: Recognizer) -> _Made:
    """Detect the faces of photos again, and embed those at the boxes that the gallery has."""
    made = _Made({}, {row.id: NO_PHOTO for row in rows if row.photo_sha256 is None})
    by_photo: dict[str, list[Row[Any]]] = {}
    for row in rows:
        if row.photo_sha256 is not None:
            by_photo.setdefault(row.photo_sha256, []).append(row)
    digests = [*by_photo]
    for start in range(0, len(digests), PHOTOS):
        photos: list[bytes] = []
        faces: list[list[Row[Any]]] = []
        for digest in digests[start : start + PHOTOS]:
            data, reason = _read_photo({row.photo for row in by_photo[digest]}, digest)
            if data is None:
                made.lost.update((row.id, reason) for row in by_photo[digest])
            else:
                photos.append(data)
                faces.append(by_photo[digest])
        side = min((_least_side(row) for of_photo in faces for row in of_photo), default=defaults.MIN_FACE)
        for answer, of_photo in zip(recognizer.represent(photos, min_face=side), faces, strict=True):
            _match(answer, of_photo, made)
    return made


def _read_photo(paths: set[str], digest: str) -> tuple[bytes | None, str]:
    """Return the bytes of the photo of this hash, which lies at one of these paths; or None and why there is none."""
    reason = NO_PHOTO
    for path in sorted(paths):
        if not os.path.isfile(path):  # noqa: PTH113 - a name such as "bytes", a URL or a stranger of a video is no path
            reason = GONE if Path(path).is_absolute() else reason
            continue
        try:
            data = read_file(path)
        except ImageError:
            reason = UNREADABLE
            continue
        if sha256(data).hexdigest() == digest:
            return data, ""
        reason = REPLACED
    return None, reason


def _least_side(row: Row[Any]) -> float:
    """Return the size of the smallest face to look for: a box may come out a little smaller than before."""
    if row.box is None:
        return defaults.MIN_FACE
    x1, y1, x2, y2 = row.box
    return float(max(1.0, min(defaults.MIN_FACE, 0.8 * min(x2 - x1, y2 - y1))))


def _match(answer: PhotoFaces, rows: Sequence[Row[Any]], made: _Made) -> None:
    """Give each face of a photo the embedding of the detection that overlaps its box most; without a box, the largest.

    Landmarks are not stored, so the photo's faces are detected again.
    """
    if answer.embeddings is None or not answer.faces:
        made.lost.update((row.id, NO_FACE if answer.status == "no_face" else UNREADABLE) for row in rows)
        return
    boxes = np.array([face.box for face in answer.faces], np.float32)
    for row in rows:
        place = answer.largest
        if row.box is not None:
            shares = overlaps(np.array([row.box], np.float32), boxes)[0]
            place = int(shares.argmax())
            if shares[place] < SAME_FACE:
                made.lost[row.id] = NO_FACE
                continue
        made.embeddings[row.id] = answer.embeddings[place]


def list_missing(conn: Connection, model: str) -> Iterator[tuple[FaceKind, int]]:
    """Yield the faces without an embedding of the second model."""
    for kind in KINDS:
        yield from ((kind, face_id) for face_id in second_set.read_missing_ids(conn, kind, model))
