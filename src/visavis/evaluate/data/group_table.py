"""Read a table of the groups of people or photos, and assign the groups to templates.

The first column of the CSV is headed ``person`` or ``photo``; every other column is a way of grouping (sex, age band,
skin tone ...), with its name in the head and the groups in its cells. An empty cell means no group.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from visavis.csv_files import CsvRow, read_rows
from visavis.errors import UsageError
from visavis.evaluate.data.photo_ends import match_photos
from visavis.images import shown
from visavis.images.photo_files import nfc
from visavis.text_files import errors_in, malformed, read_text

KINDS = ("person", "photo")
MOST_GROUPS = 100
"""Most different cells in a column: more are names or numbers, not groups."""


@dataclass(frozen=True, slots=True)
class GroupTable:
    """Content of a file: ``kind`` is "person" or "photo", ``rows`` holds the cells of each by name."""

    kind: str
    columns: tuple[str, ...]
    rows: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Placed:
    """Groups of templates.

    ``groups`` holds, by column, the group of each template ("": none). ``unlisted`` are people (or photos) missing in
    the table, ``unknown`` those of the table that are missing in the data; both are sorted.
    """

    groups: Mapping[str, tuple[str, ...]]
    unlisted: tuple[str, ...]
    unknown: tuple[str, ...]


def read_groups(path: Path) -> GroupTable:
    """Read a table of groups. Raises UsageError, which names the line."""
    text = read_text(path)
    with errors_in(path):
        rows = read_rows(text)
        line, head = next(rows, (1, []))
        if len(head) < 2 or head[0].lower() not in KINDS or len({*head, ""}) <= len(head):
            raise malformed(line, "the head must be person or photo, then one or more ways of grouping, all different.")
        cells = dict(_read_groups(rows, len(head)))
    table = GroupTable(head[0].lower(), tuple(head[1:]), cells)
    _check_groups(table, path)
    return table


def place(table: GroupTable, photos: Sequence[str], names: Sequence[str]) -> Placed:
    """Find the groups of templates by their ``photos`` or by the ``names`` of their people.

    A photo of the table is one of ``photos`` or the end of its path (``ann/1.jpg`` of ``people/ann/1.jpg``). Raises
    UsageError if such an end fits several photos, and if no row fits.
    """
    if table.kind == "person":
        labels = [nfc(name) for name in names]
        keys = [name if name in table.rows else None for name in labels]
    else:
        labels = [*photos]
        matches = match_photos(photos, table.rows, table="the table of groups")
        keys = [matches[photo] for photo in photos]
    if not any(key is not None for key in keys):
        raise UsageError(f"the table of groups names no {table.kind} that is there: it begins {_format_first(table)}.")
    none = ("",) * len(table.columns)
    cells = [none if key is None else table.rows[key] for key in keys]
    groups = {column: tuple(row[n] for row in cells) for n, column in enumerate(table.columns)}
    unlisted = {label for label, key in zip(labels, keys, strict=True) if key is None}
    return Placed(groups, tuple(sorted(unlisted)), tuple(sorted(table.rows.keys() - set(keys))))


def _read_groups(rows: Iterator[CsvRow], width: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    names: set[str] = set()
    for number, row in rows:
        cells = [nfc(cell) for cell in row]
        if len(cells) != width or not cells[0]:
            raise malformed(number, f"expected {width} cells, the first a name, got {len(cells)}.")
        if cells[0] in names:
            raise malformed(number, f"{shown(cells[0])} comes a second time.")
        names.add(cells[0])
        yield cells[0], tuple(cells[1:])


def _check_groups(table: GroupTable, path: Path) -> None:
    if not table.rows:
        raise UsageError(f"{shown(str(path))} names no {table.kind}.")
    for n, column in enumerate(table.columns):
        different = len({cells[n] for cells in table.rows.values()})
        if different > MOST_GROUPS:
            raise UsageError(
                f"{shown(str(path))}: column {shown(column)} holds {different} different values, which are no groups: "
                f"join them to at most {MOST_GROUPS}, or leave the column out."
            )


def _format_first(table: GroupTable) -> str:
    return shown(next(iter(table.rows)))
