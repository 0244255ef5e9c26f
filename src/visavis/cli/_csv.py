"""CSV output: JSON keys as columns, one row per face (RFC 4180, UTF-8, with a header row).

A column is a key, or a path of keys joined by dots: ``quality_parts.size``. The corners of a ``box`` and the points of
``landmarks`` have their own columns. Lists of variable length (candidates, notes) and metadata are one cell of JSON.
Null is an empty cell. Foreign characters are escaped, as in tables, except line breaks and tabs.

Texts that a spreadsheet would run are escaped: see :mod:`visavis.csv_text`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from visavis.csv_text import format_row, format_text
from visavis.printable import dump_json

BOX = ("x1", "y1", "x2", "y2")
LANDMARKS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
POINT = ("x", "y")
BOX_COLUMNS = tuple(f"box.{side}" for side in BOX)
LANDMARK_COLUMNS = tuple(f"landmarks.{point}.{axis}" for point in LANDMARKS for axis in POINT)
_PLACES: Mapping[str, int] = {name: place for names in (BOX, LANDMARKS, POINT) for place, name in enumerate(names)}
"""Index of each named part of a column in its JSON list."""


def header(columns: Sequence[str]) -> str:
    """Return the header row."""
    return format_row(columns)


def lines(line: Mapping[str, object], columns: Sequence[str]) -> Iterator[str]:
    """Yield the rows of one answer: one row per item of ``faces``, numbered from 1 as ``face``, or a single row."""
    faces = line.get("faces")
    rows: Iterable[Mapping[str, object]] = [{}]
    if isinstance(faces, Sequence) and faces:
        rows = [{"face": number, **face} for number, face in enumerate(faces, 1)]
    for row in rows:
        values = {**line, **row}
        if isinstance(own := row.get("notes"), list) and isinstance(shared := line.get("notes"), list):
            values["notes"] = [*shared, *own]
        yield format_row([_format_cell(_get_value(values, column.split("."))) for column in columns])


def _get_value(value: object, path: Sequence[str]) -> object:
    """Follow a path through objects by key, and through boxes and landmarks by the names of their parts."""
    for name in path:
        if isinstance(value, Mapping):
            value = value.get(name)
        elif isinstance(value, Sequence) and not isinstance(value, str):
            value = value[_PLACES[name]]
        else:
            return None
    return value


def _format_cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return format_text(value)
    return dump_json(value)
