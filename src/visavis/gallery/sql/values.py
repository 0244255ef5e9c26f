"""Check the values that a gallery's file holds, which another program may have written: their types, sizes and forms.

SQLite stores any value in any column. What is wrong is a GalleryError with the name of the value, before anything is
computed from it or shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any, cast

import numpy as np
from sqlalchemy import Column, Dialect, Label, MetaData, Text, type_coerce
from sqlalchemy.types import TypeDecorator, TypeEngine

from visavis.errors import GalleryError, UsageError
from visavis.gallery.check_text import NAME_LENGTH, check_metadata
from visavis.model_names import is_model_name
from visavis.types import Floats

LONGEST_TEXT = 1 << 16
"""Characters of a path, and of any other text without a limit of its own."""
LONGEST_TABLE = 1 << 24
"""Characters of a table of thresholds as JSON."""
LARGEST_SIDE = 1 << 31
"""Pixels from which on a side of a box is not one."""
UNIT_TOLERANCE = 1e-4
"""Difference from 1 up to which a stored embedding has length 1."""
LARGEST_NUMBER = (1 << 63) - 1
"""The largest whole number that SQLite and PostgreSQL hold."""
KEY = re.compile(r"[0-9a-f]{32}")


def damaged(what: str) -> GalleryError:
    """Return the error of a value that is not what it should be."""
    return GalleryError(f"the gallery is damaged or was altered: {what}. Restore a copy of it.")


def check_text(value: object, what: str, *, most: int = LONGEST_TEXT) -> None:
    """Raise GalleryError for what is no text of up to ``most`` characters."""
    if not isinstance(value, str):
        raise damaged(f"{what} is not text")
    if len(value) > most:
        raise damaged(f"{what} has {len(value):,} characters, at most {most:,} are possible")


def check_number(value: object, what: str) -> None:
    """Raise GalleryError for what is no whole number from 0 to the largest that a database holds."""
    if not isinstance(value, int) or not 0 <= value <= LARGEST_NUMBER:
        raise damaged(f"{what} is not a whole number from 0 to {LARGEST_NUMBER}")


def check_quality(value: object) -> None:
    """Raise GalleryError for what is no finite number that a database holds."""
    if not isinstance(value, (int, float)) or not abs(value) <= LARGEST_NUMBER:  # NaN too
        raise damaged("a quality score is not a number")


def check_box(value: object) -> None:
    """Raise GalleryError for what is not four sides of a box."""
    if not isinstance(value, list) or len(value) != 4 or not all(map(_is_side, value)):
        raise damaged("a box is not four numbers")


def _is_side(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < LARGEST_SIDE


def check_landmarks(value: object) -> None:
    """Raise GalleryError for what are no five points."""
    if not isinstance(value, list) or len(value) != 10 or not all(map(_is_side, value)):
        raise damaged("landmarks are not ten numbers of pixels")


def check_day(value: object) -> None:
    """Raise GalleryError for what is no day."""
    try:
        date.fromisoformat(cast("str", value))
    except (TypeError, ValueError) as error:
        raise damaged("a day is not like 2026-11-26") from error


def check_time(value: object) -> None:
    """Raise GalleryError for what is no time with its offset."""
    try:
        time = datetime.fromisoformat(cast("str", value))
    except (TypeError, ValueError) as error:
        raise damaged("a time is not like 2026-11-26T08:00:00.000+00:00") from error
    if time.tzinfo is None:
        raise damaged("a time has no offset from UTC")


def check_details(value: object) -> None:
    """Raise GalleryError for what is no metadata of a person, by the rule for new metadata."""
    if not isinstance(value, dict):
        raise damaged("the metadata of a person is not an object")
    try:
        check_metadata(value)
    except (UsageError, RecursionError) as error:
        raise damaged(str(error).rstrip(".")) from error


def check_key(value: object) -> None:
    """Raise GalleryError for what is no key of a gallery: it becomes a part of names in other databases."""
    if not isinstance(value, str) or not KEY.fullmatch(value):
        raise damaged("the key of the gallery is not 32 digits")


def check_model(value: object) -> None:
    """Raise GalleryError for what is no name of a model, such as a path."""
    check_text(value, "the name of a model")
    if not is_model_name(value):
        raise damaged(f"{repr(value)[:100]} is not the name of a model")


TEXTS = ("folded", "note", "consent", "photo", "photo_sha256", "sha256", "status", "action", "detail", "actor")
NUMBERS = ("change", "cluster", "dimension", "keep_crops", "person_id", "token")
"""Columns of the tables; those with a check of their own are below."""

Check = Callable[[object], None]

CHECKS: dict[str, Check] = {
    "name": lambda value: check_text(value, "a name", most=NAME_LENGTH),
    "calibration": lambda value: check_text(value, "the table of thresholds", most=LONGEST_TABLE),
    "model": check_model,
    "key": check_key,
    "created": check_time,
    "at": check_time,
    "expires": check_time,
    "consented": check_day,
    "metadata": check_details,
    "box": check_box,
    "crop_box": check_box,
    "landmarks": check_landmarks,
    "quality": check_quality,
    **{name: partial(check_text, what=f"the {name} of a record") for name in TEXTS},
    **{name: partial(check_number, what=f"the {name} of a record") for name in NUMBERS},
}
"""By the name of a column, in any table."""


class Checked(TypeDecorator[Any]):
    """A type of a column whose values are checked when they are read; NULL is refused if it is ``required``."""

    impl = Text
    cache_ok = True

    def __init__(self, inner: TypeEngine[Any], check: Check, *, required: bool = False) -> None:
        super().__init__()
        self.inner, self.check, self.required = inner, check, required
        self.__dict__["impl"] = inner

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """Return a function that converts and checks a value; GalleryError for what cannot be converted, too."""
        convert, check, required = super().result_processor(dialect, coltype), self.check, self.required

        def process(value: Any) -> Any:
            if value is None:
                if required:
                    raise damaged("a value is missing")
                return None
            try:
                value = value if convert is None else convert(value)
            except (ValueError, TypeError, RecursionError) as error:
                raise damaged("a value is not of the type of its column") from error
            if value is not None:
                check(value)
            return value

        return process


def check_when_read(tables: MetaData) -> None:
    """Let the columns of all tables check their values."""
    for table in tables.tables.values():
        for column in table.columns:
            if check := CHECKS.get(column.name):
                column.type = Checked(column.type, check, required=not column.nullable)


def optional(column: Column[Any]) -> Label[Any]:
    """Return a column as a part of a query that has NULL for it if there is no row: an outer join, a maximum."""
    checked = cast("Checked", column.type)
    return type_coerce(column, Checked(checked.inner, checked.check)).label(column.name)


def decode_embeddings(blobs: Sequence[object], dimension: int, ids: Sequence[int]) -> Floats:
    """Read blobs of little-endian float32 as rows ``(n, dimension)``, the embeddings of templates ``ids (n,)``.

    Raises GalleryError with the id for another type or size, and for values that are not finite or not of length 1.
    """
    for template, blob in zip(ids, blobs, strict=True):
        if not isinstance(blob, bytes) or len(blob) != 4 * dimension:
            raise GalleryError(f"template {template} is not an embedding of {dimension} values: check the gallery.")
    rows = np.frombuffer(b"".join(cast("Sequence[bytes]", blobs)), "<f4").astype(np.float32, copy=False)
    embeddings: Floats = rows.reshape(len(blobs), dimension)
    if len(wrong := find_wrong_lengths(embeddings)):
        raise GalleryError(f"template {ids[wrong[0]]} is not an embedding of length 1: check the gallery.")
    return embeddings


def find_wrong_lengths(embeddings: Floats) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Return the places of the rows ``(n, d)`` that are not of length 1, or not finite."""
    with np.errstate(all="ignore"):
        lengths = np.sqrt(np.einsum("nd,nd->n", embeddings, embeddings))
        return np.flatnonzero(~(np.abs(lengths - 1) <= UNIT_TOLERANCE))
