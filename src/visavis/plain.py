"""Results as plain values: dictionaries that JSON can hold, and flat rows for tables (``pandas.DataFrame(rows)``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from os import PathLike, fspath
from typing import Any

import numpy as np

from visavis._show import Shown

SIDES = ("x1", "y1", "x2", "y2")
PICTURES = "crops"
"""Field of pictures, which are no plain values."""
_SCALARS = frozenset((str, int, float, bool, type(None)))
"""Types whose values stay as they are: most of those of a report, where the checks of all other types take longest."""


class Plain(Shown):
    """Base class that adds ``to_dict`` and ``rows`` to a dataclass."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name, in values that JSON can hold: arrays and tuples as lists, times in ISO 8601."""
        return _fields_of(self)

    def rows(self) -> list[dict[str, Any]]:
        """Return flat rows: a box as x1, y1, x2, y2, notes in one text, and no lists of candidates or the like."""
        return [flat(self.to_dict())]


def plain(value: Any) -> Any:
    """Return a value in types that JSON can hold; pixels and embeddings become nested lists."""
    if type(value) in _SCALARS:
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return value.to_dict() if isinstance(value, Plain) else _fields_of(value)
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return _plain_single(value)


def _plain_single(value: Any) -> Any:
    """Return a value that holds no others."""
    if isinstance(value, date):  # datetime too
        return value.isoformat()
    return fspath(value) if isinstance(value, PathLike) else value


def _fields_of(value: Any) -> dict[str, Any]:
    return {item.name: plain(getattr(value, item.name)) for item in fields(value) if item.name != PICTURES}


def flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return one level of scalars: see :meth:`Plain.rows`."""
    row: dict[str, Any] = {}
    for key, value in values.items():
        if key == "box":
            row |= dict(zip(SIDES, value or [None] * 4, strict=True))
        elif isinstance(value, Mapping):
            row |= {f"{key}_{name}": item for name, item in flat(value).items()}
        elif not isinstance(value, list):
            row[key] = value
        elif key == "notes":
            row[key] = " ".join(value)
    return row
