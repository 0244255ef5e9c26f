"""CSV of answers: the keys of the JSON as columns, a row a face (RFC 4180, UTF-8, a header row).

A column is a key, or a path of keys joined by dots: ``quality_parts.size``. The corners of a ``box`` and the points of
``landmarks`` have columns of their own. What has no fixed number of parts (candidates, notes, metadata) is one cell of
JSON. Null is an empty cell.

Spreadsheets run a text that begins like a formula. Such a text gets an apostrophe before it: ``=1+1`` is written
``'=1+1``. So does a text that has apostrophes before such a beginning, so that taking one apostrophe off gives the text
back.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20].", re.DOTALL)
"""How a text begins that a spreadsheet may run (OWASP, CSV Injection): also in full width. "-" alone is none."""

BOX = ("x1", "y1", "x2", "y2")
LANDMARKS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
POINT = ("x", "y")

BOX_COLUMNS = tuple(f"box.{side}" for side in BOX)
LANDMARK_COLUMNS = tuple(f"landmarks.{point}.{axis}" for point in LANDMARKS for axis in POINT)
_PLACES: Mapping[str, int] = {name: place for names in (BOX, LANDMARKS, POINT) for place, name in enumerate(names)}
"""Where in a list of the JSON a named part of a column is."""


def header(columns: Sequence[str]) -> str:
    """Return the first line."""
    return _line(columns)


def lines(line: Mapping[str, object], columns: Sequence[str]) -> Iterator[str]:
    """Yield the rows of one answer: one a face where it has ``faces``, numbered from 1 as ``face``, else one."""
    faces = line.get("faces")
    rows: Iterable[Mapping[str, object]] = [{}]
    if isinstance(faces, Sequence) and faces:
        rows = [{"face": number, **face} for number, face in enumerate(faces, 1)]
    for row in rows:
        values = {**line, **row}
        if isinstance(own := row.get("notes"), list) and isinstance(shared := line.get("notes"), list):
            values["notes"] = [*shared, *own]
        yield _line([_cell(_value(values, column.split("."))) for column in columns])


def _value(value: object, path: Sequence[str]) -> object:
    """Follow a path into objects by keys, and into boxes and landmarks by the names of their parts."""
    for name in path:
        if isinstance(value, Mapping):
            value = value.get(name)
        elif isinstance(value, Sequence) and not isinstance(value, str):
            value = value[_PLACES[name]]
        else:
            return None
    return value


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if FORMULA.match(value) else value
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _line(cells: Sequence[str]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerow(cells)
    return written.getvalue()
