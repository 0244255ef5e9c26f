"""Find copies of pictures: the same file or crop several times, and nearly equal crops of different people.

Of copies that belong to one person the first is used. Copies that belong to two people are left out: one of the labels
is wrong, and which one cannot be known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis.train.labeled_photos import Labels, list_few
from visavis.types import RGB

THUMB = 8
"""Side in pixels of the gray thumbnails that nearly equal crops are looked for with."""
NEAR = 6.0
"""Crops are nearly equal up to this root mean square difference in gray levels (0 to 255): a copy in JPEG of quality 50
differs by about 4, another photo of the same face by 20."""
FLAT = 4.0
"""Thumbnails with a smaller standard deviation show nothing (a wall, black) and are not compared."""
COMPARED = 50_000
"""Greatest number of crops among which nearly equal ones are looked for; the time grows with the square."""
ROWS, COLUMNS = 512, 8192
"""Sides of the blocks of distances, which bound the memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Screening:
    """Which photos are used ``(n,)``, and sentences with counts on the others."""

    used: NDArray[np.bool_]
    notes: tuple[str, ...]


def screen_copies(
    keys: Sequence[str] | Sequence[bytes], labels: Labels, used: NDArray[np.bool_], show: Callable[[int], str]
) -> Screening:
    """Leave out copies among the ``used (n,)`` photos: those with the same key, such as a hash (empty: no copy).

    ``show`` returns the name of a photo in notes, by its row.
    """
    used, repeated, contradicting = used.copy(), 0, list[str]()
    for rows in _group_equal(keys, used):
        if len(set(labels[rows].tolist())) > 1:
            used[rows] = False
            contradicting.append(" = ".join(map(show, rows[:3])))
        else:
            used[rows[1:]] = False
            repeated += len(rows) - 1
    notes = []
    if contradicting:
        count = "1 picture is" if len(contradicting) == 1 else f"{len(contradicting):,} pictures are"
        notes.append(f"{count} in the folders of several people, and left out: {list_few(contradicting)}.")
    if repeated:
        copies = "1 photo is a copy" if repeated == 1 else f"{repeated:,} photos are copies"
        notes.append(f"{copies} of another photo of the same person, and left out.")
    return Screening(used, tuple(notes))


def screen_near_copies(
    pixels: RGB, thumbs: NDArray[np.uint8], labels: Labels, used: NDArray[np.bool_], show: Callable[[int], str]
) -> Screening:
    """Leave out ``used (n,)`` crops ``pixels (n, s, s, 3)`` that are nearly equal to one of another person."""
    rows = np.flatnonzero(used)
    if len(rows) > COMPARED:
        return Screening(used, (f"nearly equal pictures were not looked for: there are more than {COMPARED:,}.",))
    partners = find_near_copies(pixels, thumbs, labels, rows)
    if not partners:
        return Screening(used, ())
    used = used.copy()
    used[list(partners)] = False
    pairs = [f"{show(row)} = {show(partner)}" for row, partner in partners.items() if row < partner]
    count = "1 crop is" if len(partners) == 1 else f"{len(partners):,} crops are"
    return Screening(used, (f"{count} nearly equal to one of another person, and left out: {list_few(pairs)}.",))


def make_thumb(crop: RGB) -> NDArray[np.uint8]:
    """Return the gray thumbnail ``(THUMB * THUMB,)`` of a crop."""
    from visavis.opencv import cv2

    gray = cv2.cvtColor(np.ascontiguousarray(crop), cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(gray, (THUMB, THUMB), interpolation=cv2.INTER_AREA), np.uint8).reshape(-1)


def find_near_copies(pixels: RGB, thumbs: NDArray[np.uint8], labels: Labels, rows: NDArray[np.intp]) -> dict[int, int]:
    """Return for each of the ``rows`` that is nearly equal to another one of another person, that row.

    Averaging contracts differences: thumbnails of nearly equal crops differ by at most ``NEAR`` too. So candidates are
    found with thumbnails, and only candidates are compared in full.
    """
    values = thumbs[rows].astype(np.float32)
    shown = values.std(axis=1) >= FLAT
    nearest = _nearest_of_others(values[shown], labels[rows[shown]], (NEAR + 0.5) * THUMB)
    pairs = {int(rows[shown][row]): int(rows[shown][other]) for row, other in nearest}
    near = {row: other for row, other in pairs.items() if _difference(pixels[row], pixels[other]) <= NEAR}
    return dict(sorted((near | {other: row for row, other in near.items()}).items()))


def _nearest_of_others(values: NDArray[np.float32], labels: Labels, limit: float) -> Iterator[tuple[int, int]]:
    """Yield each row of ``values (n, d)`` with the nearest one of another label, if it is within ``limit`` (L2).

    Rows are sorted by their first principal component: those farther than ``limit`` along it are not compared.
    """
    if not len(values):
        return
    centered = values - values.mean(axis=0)
    axis = np.linalg.eigh(centered.T @ centered)[1][:, -1]
    order = np.argsort(centered @ axis, kind="stable")
    place, values, labels = (centered @ axis)[order], centered[order], labels[order]
    squares = np.square(values).sum(axis=1)
    for start in range(0, len(values), ROWS):
        block = slice(start, min(start + ROWS, len(values)))
        low, high = np.searchsorted(place, [place[block.start] - limit, place[block.stop - 1] + limit])
        best, nearest = np.full(block.stop - start, limit**2, np.float32), np.full(block.stop - start, -1)
        for left in range(low, high, COLUMNS):
            part = slice(left, min(left + COLUMNS, high))
            apart = squares[block, None] + squares[part] - 2 * values[block] @ values[part].T
            apart[labels[block, None] == labels[part]] = np.inf
            columns = apart.argmin(axis=1)
            distances = np.take_along_axis(apart, columns[:, None], axis=1)[:, 0]
            nearer = distances <= best
            best[nearer], nearest[nearer] = distances[nearer], columns[nearer] + left
        for row in np.flatnonzero(nearest >= 0).tolist():
            yield int(order[start + row]), int(order[nearest[row]])


def _difference(x: RGB, y: RGB) -> float:
    """Return the root mean square difference of two crops in gray levels."""
    weights = np.array([0.299, 0.587, 0.114], np.float32)
    return float(np.sqrt(np.square((x.astype(np.float32) - y) @ weights).mean()))


def _group_equal(keys: Sequence[str] | Sequence[bytes], used: NDArray[np.bool_]) -> Iterator[list[int]]:
    """Yield the rows of each key that comes several times among the used ones."""
    rows: dict[str | bytes, list[int]] = defaultdict(list)
    for row in np.flatnonzero(used).tolist():
        if keys[row]:
            rows[keys[row]].append(row)
    return (same for same in rows.values() if len(same) > 1)
