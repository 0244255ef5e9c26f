"""Tables that fit the terminal: file names and people stay whole, other columns are reduced in order.

If the table is wider than the terminal, each :class:`Column` declares how it is reduced:

1. Columns with a ``drop`` number are reduced first, the lowest number first: each is cut to ``least`` characters if
   that is enough, and left out if not.
2. If the others are still too wide, the ``lead`` column (the photo) gets lines of its own, above its rows.
3. Without a lead column, the cells of ``fold`` columns wrap, and the columns are printed in several blocks.
4. A cell that is wider than the terminal by itself is shortened in the middle.

The message of a :class:`Row` (why a photo gave no answer) takes the rest of the row, or lines of its own below it. It
is never cut. Without a width, as in a file or a pipe, nothing is cut or left out, and each row is one line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from visavis.cli._text_width import bound, shorten_end, shorten_middle, wrap
from visavis.printable import make_printable

GAP = 2
"""Spaces between two columns."""
INDENT = 2
"""Spaces before a line that belongs to the line above."""
FOLD_LEAST = 16
"""Least width of a column that folds."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its title, and how it is reduced if the terminal is too narrow.

    A column with ``drop`` 0 always stays; of the others, the one with the lowest number is left out first, unless it is
    enough to cut its cells to ``least`` characters or more (0: never cut). The cells of a ``lead`` column can have
    lines of their own; the cells of a ``fold`` column can wrap.
    """

    title: str
    drop: int = 0
    least: int = 0
    lead: bool = False
    fold: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """Cells of a row, of which the last may be missing, and a message that is longer than a column."""

    cells: Sequence[str]
    message: str = ""


STANDARD: Mapping[str, Column] = {
    column.title: column
    for column in (
        Column("photo", lead=True),
        Column("file", fold=True),
        Column("folder", fold=True),
        *(Column(title) for title in ("", "face", "row", "rank", "cluster", "status", "problem")),
        *(Column(title) for title in ("person", "name", "who", "template", "photos", "answer", "step")),
        *(Column(title) for title in ("distance", "quality", "points")),
        Column("since", drop=1),
        Column("size", drop=1),
        Column("within", drop=1),
        Column("box", drop=2),
        Column("score", drop=3),
        Column("probability", drop=4),
        Column("threshold", drop=5),
    )
}
"""Columns of several commands, by title."""


def make_columns(titles: Sequence[str | Column]) -> list[Column]:
    """Return the columns of a table: a title stands for its standard column, or else for one that always stays.

    The last column folds if it has no title: it holds remarks, or the values of keys.
    """
    columns = [STANDARD.get(column) or Column(column) if isinstance(column, str) else column for column in titles]
    if columns and not columns[-1].title:
        columns[-1] = replace(columns[-1], fold=True)
    return columns


def render(columns: Sequence[Column], rows: Iterable[Row], *, width: int | None, ascii_only: bool = False) -> list[str]:
    """Lay out a table in lines of at most ``width`` cells of the terminal (None: unlimited).

    With ``ascii_only``, draw rule and ellipsis in ASCII.
    """
    drawing = _Drawing("-" if ascii_only else "─", "..." if ascii_only else "…", width)
    table = [Row([make_printable(cell) for cell in row.cells], make_printable(row.message)) for row in rows]
    if width is not None:
        table = [Row([bound(cell) for cell in row.cells], bound(row.message)) for row in table]
    widths = _measure_widths(columns, table)
    if width is None:
        return drawing.plain(columns, widths, table)
    kept = _drop(columns, widths, table, width)
    if _sum_widths(kept) <= width:
        return drawing.plain(columns, kept, table)
    lead = next((index for index in kept if columns[index].lead), None)
    if lead is not None:
        others = {index: cells for index, cells in widths.items() if index != lead}
        others = _fold(columns, _drop(columns, others, table, width - INDENT), width - INDENT)
        return drawing.under_leads(columns, lead, _squeeze(others, width - INDENT), table)
    first, *more_blocks = (_squeeze(block, width) for block in _split_blocks(_fold(columns, kept, width), width))
    lines = drawing.plain(columns, first, table)
    for block in more_blocks:
        _, *indexes = block
        filled_rows = [
            Row(row.cells) for row in table if any("".join(row.cells[index : index + 1]) for index in indexes)
        ]
        lines += ["", *drawing.plain(columns, block, filled_rows)]
    return lines


# ------------------------------------------------------------------------------------------ widths of the columns


def _measure_widths(columns: Sequence[Column], rows: Sequence[Row]) -> dict[int, int]:
    """Return the full width of each column that is not empty, by index."""
    from rich.cells import cell_len

    widths = {index: cell_len(column.title) for index, column in enumerate(columns)}
    for row in rows:
        for index, cell in enumerate(row.cells):
            widths[index] = max(widths[index], cell_len(cell))
    return {index: width for index, width in widths.items() if width}


def _sum_widths(widths: Mapping[int, int]) -> int:
    return sum(widths.values()) + GAP * max(len(widths) - 1, 0)


def _drop(columns: Sequence[Column], widths: Mapping[int, int], rows: Sequence[Row], room: int) -> dict[int, int]:
    """Cut and leave out columns in their order until the rest fits, or only columns without ``drop`` remain.

    Columns without content in any row go first.
    """
    remaining = dict(widths)
    filled = {index for row in rows for index, cell in enumerate(row.cells) if cell.strip(" -")}
    order = sorted(
        (index for index in remaining if columns[index].drop), key=lambda i: (i in filled, columns[i].drop, -i)
    )
    for index in order:
        excess = _sum_widths(remaining) - room
        if excess <= 0:
            break
        least = columns[index].least
        if least and index in filled and remaining[index] - excess >= least:
            remaining[index] -= excess
        else:
            del remaining[index]
    return remaining


def _fold(columns: Sequence[Column], widths: dict[int, int], room: int) -> dict[int, int]:
    """Narrow the columns that fold."""
    narrowed = dict(widths)
    for index in reversed(widths):
        if columns[index].fold:
            narrowed[index] = max(
                narrowed[index] - max(_sum_widths(narrowed) - room, 0), min(FOLD_LEAST, narrowed[index])
            )
    return narrowed


def _split_blocks(widths: Mapping[int, int], room: int) -> Iterator[dict[int, int]]:
    """Yield blocks of columns that fit, each with the first column and at least one other."""
    (first, first_width), *others = widths.items()
    block = {first: first_width}
    for index, width in others:
        if len(block) > 1 and _sum_widths({**block, index: width}) > room:
            yield block
            block = {first: first_width}
        block[index] = width
    yield block


def _squeeze(widths: Mapping[int, int], room: int) -> dict[int, int]:
    """Narrow the widest columns to one width, until all fit."""
    narrowed = dict(widths)
    while _sum_widths(narrowed) > room and max(narrowed.values()) > 1:
        narrowed[max(narrowed, key=lambda index: narrowed[index])] -= 1
    return narrowed


# ------------------------------------------------------------------------------------------ lines


@dataclass(frozen=True, slots=True)
class _Drawing:
    rule: str
    ellipsis: str
    width: int | None

    def plain(self, columns: Sequence[Column], widths: Mapping[int, int], rows: Sequence[Row]) -> list[str]:
        """Return header, rule, and the lines of each row."""
        lines = self._format_header(columns, widths)
        for row in rows:
            lines += self._format_cells(columns, widths, row.cells, message=row.message)
        return lines

    def under_leads(
        self, columns: Sequence[Column], lead: int, widths: Mapping[int, int], rows: Sequence[Row]
    ) -> list[str]:
        """Lay out rows below the cell of the lead column; do not repeat an equal cell."""
        indent = " " * INDENT
        lines = [columns[lead].title, *(indent + line for line in self._format_header(columns, widths))]
        inner = _Drawing(self.rule, self.ellipsis, None if self.width is None else self.width - INDENT)
        before = ""
        for row in rows:
            photo = row.cells[lead] if lead < len(row.cells) else ""
            if photo and photo != before:
                lines.append(photo if self.width is None else shorten_middle(photo, self.width, self.ellipsis))
            before = photo
            cells = [cell for index, cell in enumerate(row.cells) if index in widths]
            if row.message and not any(cell.strip(" -") for cell in cells):
                cells = []
            others = ["" if index == lead else cell for index, cell in enumerate(row.cells)] if cells else []
            lines += [indent + line for line in inner._format_cells(columns, widths, others, message=row.message)]
        return lines

    def _format_header(self, columns: Sequence[Column], widths: Mapping[int, int]) -> list[str]:
        titles = [column.title for column in columns]
        if not any(titles[index] for index in widths):
            return []
        return [*self._format_cells(columns, widths, titles), self.rule * _sum_widths(widths)]

    def _format_cells(
        self, columns: Sequence[Column], widths: Mapping[int, int], cells: Sequence[str], *, message: str = ""
    ) -> list[str]:
        """Lay out one row, in several lines if cells fold or the message needs them."""
        from rich.cells import cell_len

        parts = {
            index: self._fit(cells[index] if index < len(cells) else "", width, columns[index])
            for index, width in widths.items()
        }
        lines = []
        for number in range(max(map(len, parts.values()), default=0)):
            texts = [(texts[number] if number < len(texts) else "", widths[index]) for index, texts in parts.items()]
            lines.append((" " * GAP).join(text + " " * (width - cell_len(text)) for text, width in texts).rstrip())
        if not message:
            return lines
        if not any(lines):
            return self._wrap_message(message, 0)
        return self._add_message(lines, message, self._find_message_start(parts, widths))

    def _add_message(self, lines: list[str], message: str, start: int) -> list[str]:
        from rich.cells import cell_len

        if self.width is not None and start + cell_len(message) > self.width:
            return lines + self._wrap_message(message, INDENT)
        return [*lines[:-1], lines[-1] + " " * (start - cell_len(lines[-1])) + message]

    def _find_message_start(self, parts: Mapping[int, Sequence[str]], widths: Mapping[int, int]) -> int:
        """Return the start of the column after the last filled cell of a row."""
        indexes = [*parts]
        last = max((place for place, index in enumerate(indexes) if any(parts[index])), default=0)
        return sum(widths[index] + GAP for index in indexes[: last + 1])

    def _wrap_message(self, message: str, indent: int) -> list[str]:
        if self.width is None:
            return [" " * indent + message]
        return [" " * indent + line for line in wrap(message, self.width - indent)]

    def _fit(self, text: str, width: int, column: Column) -> list[str]:
        """Fit a cell into its width, in one or more lines."""
        from rich.cells import cell_len

        if cell_len(text) <= width:
            return [text]
        if column.fold:
            return wrap(text, width)
        shorten = shorten_end if column.drop else shorten_middle
        return [shorten(text, width, self.ellipsis)]
