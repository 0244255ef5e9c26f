"""Kept crops, and the rows that belong to a face and are removed with it: functions that take an open connection.

A face is a template or a rejection; each kind has a table of crops and one of embeddings of a second model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import Connection, Row, Table, delete, func, insert, select, update

from visavis.gallery.sql.schema import (
    CROPS,
    META,
    REJECTION_CROPS,
    REJECTIONS,
    SECOND_REJECTIONS,
    SECOND_TEMPLATES,
    TEMPLATES,
)
from visavis.gallery.types import FaceCrop


class FaceKind(NamedTuple):
    """The tables of a kind of faces, and the name of the kind."""

    name: str
    faces: Table
    crops: Table
    second: Table


TEMPLATE = FaceKind("template", TEMPLATES, CROPS, SECOND_TEMPLATES)
REJECTION = FaceKind("rejection", REJECTIONS, REJECTION_CROPS, SECOND_REJECTIONS)
KINDS = (TEMPLATE, REJECTION)
_READ_KEEPING = select(META.c.keep_crops)


def keeps_crops(conn: Connection) -> bool:
    """Return whether the crops of new faces are kept."""
    return bool(conn.execute(_READ_KEEPING).scalar_one())


def set_keeping(conn: Connection, *, keep: bool) -> None:
    """Keep the crops of new faces from now on, or remove all crops and keep none."""
    conn.execute(update(META).values(keep_crops=int(keep)))
    if not keep:
        for kind in KINDS:
            conn.execute(delete(kind.crops))


def count_crops(conn: Connection) -> int:
    """Return the number of crops."""
    return sum(conn.execute(select(func.count()).select_from(kind.crops)).scalar_one() for kind in KINDS)


def store_crops(conn: Connection, kind: FaceKind, crops: Mapping[int, FaceCrop | None]) -> None:
    """Store the crops of new faces, by id, if the gallery keeps crops."""
    rows = [
        {
            "face_id": face_id,
            "crop_box": [float(side) for side in crop.box],
            "landmarks": [float(side) for side in crop.landmarks.ravel()],
            "picture": crop.picture,
        }
        for face_id, crop in crops.items()
        if crop is not None
    ]
    if rows and keeps_crops(conn):
        conn.execute(insert(kind.crops), rows)


def read_crop(row: Row[Any]) -> FaceCrop:
    """Return the crop of a row with the columns of a table of crops."""
    landmarks = np.array(row.landmarks, np.float32).reshape(5, 2)
    return FaceCrop(row.picture, np.array(row.crop_box, np.float32), landmarks)


def remove_attached(conn: Connection, kind: FaceKind, ids: Sequence[int]) -> None:
    """Remove the crops and second embeddings of faces that are to be removed; as many ids as fit into a statement."""
    for table in (kind.crops, kind.second):
        conn.execute(delete(table).where(table.c.face_id.in_(ids)))
