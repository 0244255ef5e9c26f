"""Read who is on in a video and when: a CSV with the columns ``person,from,to`` and optionally a box.

A row says that the face of a person can be seen from one time to another, ends included: seconds from the first frame
by the presentation time stamps, or ``m:ss`` and ``h:mm:ss`` with any decimals. A person who leaves and returns has
several rows. With the columns ``x1,y1,x2,y2`` each row also says where the face is: in pixels of the upright picture,
for the whole time of the row, so that a face that moves has many short rows. A person who is not in the gallery counts
as a stranger.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from visavis.csv_files import read_table
from visavis.errors import UsageError
from visavis.images import shown
from visavis.images.photo_files import nfc
from visavis.text_files import errors_in, malformed, read_text

FaceBox = tuple[float, float, float, float]

COLUMNS = ("person", "from", "to")
CORNERS = ("x1", "y1", "x2", "y2")
LONGEST_S, COORDINATE_LIMIT = 1e9, 1e9
"""Above every time in seconds, and above the side of every picture in pixels."""
PARTS_OF_TIME = 3
"""Hours, minutes and seconds."""


@dataclass(frozen=True, slots=True)
class Presence:
    """The face of ``person`` can be seen from ``start`` to ``end`` (seconds, both included), in ``box`` if it is known.

    ``box`` is x1, y1, x2, y2 in pixels of the upright picture.
    """

    person: str
    start: float
    end: float
    box: FaceBox | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end < math.inf:
            raise ValueError(f"a presence is from 0 or later to its end, got {self.start} to {self.end}")


def read_video_truth(path: Path) -> tuple[Presence, ...]:
    """Read the rows of a file, in their order; UsageError, which names the line.

    Either all rows have a box or none: with boxes on some rows alone, a face without a box
    would look like a false face.
    """
    text = read_text(path)
    with errors_in(path):
        rows = tuple(_read_rows(text))
    if not rows:
        raise UsageError(f"{shown(str(path))} names no person.")
    return rows


def _read_rows(text: str) -> Iterator[Presence]:
    with_boxes: bool | None = None
    for number, cells in read_table(text, COLUMNS, optional=CORNERS):
        if not cells["person"]:
            raise malformed(number, "there is no person, which is a name.")
        start, end = (_parse_time(number, cells[name]) for name in ("from", "to"))
        if end < start:
            raise malformed(number, f"the time ends before it begins: {cells['from']} to {cells['to']}.")
        box = _parse_box(number, cells)
        if with_boxes is not None and with_boxes != (box is not None):
            raise malformed(number, "either every row has a box (x1, y1, x2, y2) or none has one.")
        with_boxes = box is not None
        yield Presence(nfc(cells["person"]), start, end, box)


def _parse_time(number: int, text: str) -> float:
    """Return the seconds that ``12.5``, ``0:12.5`` or ``0:00:12.5`` stands for."""
    parts = text.split(":")
    try:
        values = [float(part) for part in parts]
    except ValueError:
        values = []
    if not values or len(values) > PARTS_OF_TIME or not all(0 <= value <= LONGEST_S for value in values):
        raise malformed(number, f"a time is seconds, m:ss or h:mm:ss from the first frame, got {shown(text)}.")
    seconds = 0.0
    for value in values:
        seconds = 60 * seconds + value
    return seconds


def _parse_box(number: int, cells: Mapping[str, str]) -> FaceBox | None:
    corners: Sequence[str] = [cells.get(name, "") for name in CORNERS]
    if not any(corners):
        return None
    try:
        x1, y1, x2, y2 = (float(corner) for corner in corners)
    except ValueError:
        x1 = y1 = x2 = y2 = math.nan
    if not all(abs(corner) <= COORDINATE_LIMIT for corner in (x1, y1, x2, y2)):
        raise malformed(number, f"expected four numbers for a box, got {shown(' '.join(corners))}.")
    if x2 <= x1 or y2 <= y1:
        raise malformed(number, f"the box ends before it begins: {' '.join(corners)}.")
    return x1, y1, x2, y2
