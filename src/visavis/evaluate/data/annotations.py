"""Read annotation files, of WIDER FACE's text format or a table: photos with the boxes of their faces.

WIDER FACE (Yang, Luo, Loy, Tang 2016), as in ``wider_face_val_bbx_gt.txt``: the name of a photo, the number of its
faces, then a line a face: ``x1 y1 w h blur expression illumination invalid occlusion pose``. A photo without a face has
the number 0 and one line of zeros. The table (a name that ends in .csv) has the columns ``photo,x1,y1,x2,y2`` and
optionally ``ignore``, and a line a face; a photo without a face has one line with empty coordinates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visavis.csv_files import read_table
from visavis.errors import UsageError
from visavis.images import shown
from visavis.text_files import errors_in, find_photo, malformed, read_text
from visavis.types import Floats

COORDINATE_LIMIT = 1e9
"""Limit of coordinates, above the side of every photo in pixels."""
INVALID = 7
"""Column of a line of WIDER FACE that is 1 for a face that its authors could not judge."""
DIGITS = 9
"""Digits of a number of faces."""
COLUMNS = 10
CORNERS = ("x1", "y1", "x2", "y2")
YES, NO = {"1", "true", "yes"}, {"", "0", "false", "no"}


@dataclass(frozen=True, slots=True, eq=False)
class Annotated:
    """A photo and its faces: ``boxes (n, 4)`` as x1, y1, x2, y2, and ``ignored (n,)``.

    Detecting an ignored face is neither right nor wrong.
    """

    photo: str
    boxes: Floats
    ignored: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if self.boxes.shape != (len(self.ignored), 4):
            raise ValueError(f"boxes must be ({len(self.ignored)}, 4) as ignored is, got {self.boxes.shape}")

    @property
    def heights(self) -> Floats:
        """Heights of the boxes in pixels ``(n,)``."""
        heights: Floats = self.boxes[:, 3] - self.boxes[:, 1]
        return heights


@dataclass(frozen=True, slots=True)
class _Box:
    """Box on one line of a file."""

    corners: tuple[float, ...]
    ignored: bool


def read_annotations(path: Path, photos: Path | None = None, *, min_height: float = 0) -> tuple[Annotated, ...]:
    """Read a file of a format that its name decides; ``photos`` is the folder of the photos (default: the file's).

    Ignored faces are those marked so (``invalid`` or ``ignore``), those less than ``min_height`` pixels high, and boxes
    without an area, of which WIDER FACE has some. Raises UsageError, which names the line.
    """
    text = read_text(path)
    entries = _read_csv(text) if path.suffix.lower() == ".csv" else _read_wider(text.splitlines())
    folder = path.parent if photos is None else photos
    annotated: dict[str, list[_Box]] = {}
    with errors_in(path):
        for name, boxes in entries:
            annotated.setdefault(str(find_photo(folder, name)), []).extend(boxes)
    if not annotated:
        raise UsageError(f"{shown(str(path))} names no photos.")
    return tuple(_make_annotated(photo, boxes, min_height) for photo, boxes in annotated.items())


def _make_annotated(photo: str, boxes: Sequence[_Box], min_height: float) -> Annotated:
    corners = np.array([box.corners for box in boxes], np.float32).reshape(-1, 4)
    width, height = (corners[:, 2:] - corners[:, :2]).T
    marked = np.array([box.ignored for box in boxes], np.bool_)
    return Annotated(photo, corners, marked | (height < min_height) | (width <= 0) | (height <= 0))


# ------------------------------------------------------------------------------------------------- WIDER FACE


def _read_wider(lines: list[str]) -> Iterator[tuple[str, list[_Box]]]:
    filled = [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip()]
    names: set[str] = set()
    start = 0
    while start < len(filled):
        number, name = filled[start]
        if name in names:
            raise malformed(number, f"{shown(name)} comes a second time.")
        names.add(name)
        count = _read_count(filled, start)
        rows = filled[start + 2 : start + 2 + count]
        if len(rows) < count:
            raise malformed(filled[-1][0], f"the file ends before the last of the {count} faces of {shown(name)}.")
        yield name, [_parse_wider_box(*row) for row in rows]
        start += 2 + count
        start += count == 0 and start < len(filled) and set(filled[start][1].split()) == {"0"}


def _read_count(filled: list[tuple[int, str]], start: int) -> int:
    number, name = filled[start]
    if start + 1 == len(filled):
        raise malformed(number, f"the number of faces of {shown(name)} is missing.")
    number, text = filled[start + 1]
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS):
        raise malformed(number, f"expected the number of faces of {shown(name)}, got {shown(text)}.")
    return int(text)


def _parse_wider_box(number: int, line: str) -> _Box:
    parts = line.split()
    if len(parts) != COLUMNS:
        raise malformed(number, f"a face has {COLUMNS} numbers (x1 y1 w h and six marks), got {shown(line)}.")
    x, y, width, height = _parse_numbers(number, parts[:4])
    return _Box((x, y, x + width, y + height), ignored=parts[INVALID] == "1")


def _parse_numbers(number: int, parts: Iterable[str]) -> list[float]:
    texts = list(parts)
    try:
        values = [float(text) for text in texts]
    except ValueError:
        values = []
    if not values or not all(abs(value) <= COORDINATE_LIMIT for value in values):
        raise malformed(number, f"expected four numbers for a box, got {shown(' '.join(texts))}.")
    return values


# ------------------------------------------------------------------------------------------------------ table


def _read_csv(text: str) -> Iterator[tuple[str, list[_Box]]]:
    for number, cells in read_table(text, ("photo", *CORNERS), optional=("ignore",)):
        if not cells["photo"]:
            raise malformed(number, "there is no photo, which is the name of a file.")
        yield cells["photo"], _parse_table_row(number, cells)


def _parse_table_row(number: int, cells: Mapping[str, str]) -> list[_Box]:
    corners, mark = [cells[name] for name in CORNERS], cells.get("ignore", "").lower()
    if not any(corners) and not mark:
        return []
    x1, y1, x2, y2 = _parse_numbers(number, corners)
    if x2 < x1 or y2 < y1:
        raise malformed(number, f"the box ends before it begins: {' '.join(corners)}.")
    if mark not in YES | NO:
        raise malformed(number, f"ignore is 0 or 1, got {shown(mark)}.")
    return [_Box((x1, y1, x2, y2), ignored=mark in YES)]
