"""CSV files that users write, all read in one way.

- Commas, semicolons or tabs separate the cells: the one that the first line has most of, outside quotes; or the one
  that a line ``sep=;`` before the first names, which Excel understands.
- A cell may be quoted (RFC 4180), and has no spaces around it. Rows without content are passed over.
- A row is named by the line that it begins on. A quote that is not closed, text behind a closed quote, a NUL byte and a
  cell of more than 131,072 characters are errors.
- Columns come in any order and among others; their names are in any case.

For the encoding see :mod:`visavis.text_files`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence

from visavis.images import shown
from visavis.text_files import malformed

DELIMITERS = ";,\t"
QUOTED = re.compile(r'"[^"]*"')
FAULTS = {
    "unexpected end of data": "a quote opens in this row and is not closed",
    "field larger than field limit": "a cell has more than 131,072 characters",
    "expected after": "text follows a closed quote; a quote within a cell is written twice",
}
"""Faults by a part of the message of Python's reader."""

CsvRow = tuple[int, list[str]]
"""The number of the line on which a row begins, and its cells."""


def read_rows(text: str) -> Iterator[CsvRow]:
    """Yield the rows that have content; UsageError, which names the line, for what is no CSV."""
    if "\0" in text:
        number = text.count("\n", 0, text.index("\0")) + 1
        raise malformed(number, "this is no CSV: it has a NUL byte. Save it as UTF-8.")
    first = next((line for line in text.splitlines() if line.strip()), "")
    if re.fullmatch("sep=.", first.strip("\r\n"), re.IGNORECASE):
        delimiter, text = first[4], text.replace(first, "", 1)
    else:
        delimiter = max(DELIMITERS, key=QUOTED.sub("", first).count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    while True:
        number = reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            raise malformed(number, f"this is no CSV: {_describe(error)}.") from error
        if any(cells):
            yield number, cells


def read_table(text: str, needed: Sequence[str], optional: Sequence[str] = ()) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the line and the cells of each row below the head, by the names of the needed and optional columns.

    UsageError, which names the line, unless the head has the needed columns and none of them twice, and each row has as
    many cells as the head.
    """
    for number, cells, width in _read_columns(text, needed, optional):
        if width is not None:
            raise malformed(number, f"expected {width[0]} cells, got {width[1]}.")
        yield number, cells


def read_table_with_gaps(text: str, needed: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield rows as :func:`read_table`, with "" for the cells that a row lacks and without those beyond the head."""
    for number, cells, _ in _read_columns(text, needed, ()):
        yield number, cells


def _read_columns(
    text: str, needed: Sequence[str], optional: Sequence[str]
) -> Iterator[tuple[int, dict[str, str], tuple[int, int] | None]]:
    """Yield line, cells by column, and the numbers of cells expected and read if they differ."""
    rows = read_rows(text)
    line, first = next(rows, (1, []))
    head = [cell.lower() for cell in first]
    columns = [name for name in (*needed, *optional) if name in head]
    if not set(needed) <= set(head) or any(head.count(name) > 1 for name in columns):
        raise malformed(line, f"the head must have the columns {_join(needed)}, got {shown(','.join(head))}.")
    for number, cells in rows:
        while len(cells) > len(head) and not cells[-1]:  # spreadsheets fill rows up
            cells.pop()
        filled = cells + [""] * (len(head) - len(cells))
        differs = None if len(cells) == len(head) else (len(head), len(cells))
        yield number, {name: filled[head.index(name)] for name in columns}, differs


def _join(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _describe(error: csv.Error) -> str:
    return next((fault for part, fault in FAULTS.items() if part in str(error)), str(error))
