"""Output of a command: answers to standard output, notes and progress to standard error."""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

import typer

from visavis.cli import _csv as csv_text
from visavis.cli._table import Column, Row, make_columns, render
from visavis.errors import UsageError, ended_once
from visavis.printable import dump_json, make_printable

if TYPE_CHECKING:
    from visavis.types import Face, PhotoFaces
    from visavis.weights.row import WeightSpec

T = TypeVar("T")
UNREADABLE = frozenset({"missing", "unreadable", "too_large"})
"""Statuses of a photo that could not be read."""


class Output:
    """Prints answers: JSON Lines or CSV at once, or rows of a table at the end.

    ``csv`` has the columns of the CSV, or is None for no CSV. Raise UsageError if ``json`` is set too.
    """

    def __init__(self, *columns: str | Column, json: bool, csv: Sequence[str] | None = None) -> None:
        if json and csv is not None:
            raise UsageError("--json and --csv exclude each other.")
        self._columns = make_columns(columns)
        self._json = json
        self._csv = csv
        self._header_written = False
        self._rows: list[Row] = []

    def answer(self, line: Mapping[str, object], *rows: Sequence[str] | Row) -> None:
        """Add one answer, in all its forms."""
        if self._json:
            write(_format_json(line) + "\n")
        elif self._csv is not None:
            self._write_csv(csv_text.lines(line, self._csv))
        else:
            self._rows += (row if isinstance(row, Row) else Row(row) for row in rows)

    def line(self, text: str) -> None:
        """Print a line of text at once, where answers are rows of a table."""
        if not self._json and self._csv is None:
            write(_make_encodable(make_printable(text), sys.stdout.encoding or "utf-8") + "\n")

    def progress(self, answers: Iterable[T], total: int) -> Iterator[T]:
        """Yield ``answers`` under a progress bar, visible only on a terminal with no other output."""
        noted = answers if self._json else _print_notes(answers)
        return _show_bar(noted, total) if total > 1 and self.shows_progress else iter(noted)

    def downloads(self) -> AbstractContextManager[None]:
        """Show a bar for each file downloaded during the block, where ``progress`` would show one."""
        return _show_downloads() if self.shows_progress else nullcontext()

    @property
    def shows_progress(self) -> bool:
        """Whether standard error is a terminal, and answers are not printed to it meanwhile."""
        streams = self._json or self._csv is not None
        return sys.stderr.isatty() and not (streams and sys.stdout.isatty())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Print the table; after an interrupt, with the rows so far."""
        if self._rows:
            write(_format_table(self._columns, self._rows))
        if self._csv is not None and error is None:
            self._write_csv(())

    def _write_csv(self, lines: Iterable[str]) -> None:
        """Write lines of CSV, with the header before the first."""
        if not self._header_written and self._csv is not None:
            if isinstance(sys.stdout, io.TextIOWrapper):
                sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="")
            write(csv_text.header(self._csv))
            self._header_written = True
        for line in lines:
            write(line)


def write(text: str) -> None:
    """Write to standard output and flush, so that a reader sees each line at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


def note(text: str) -> None:
    """Print a message on standard error, in one line; go on where that has no room."""
    with suppress(OSError):
        typer.echo(f"visavis: {ended_once(make_printable(text))}", err=True)


def confirm(question: str, *, abort: bool = False) -> bool:
    """Ask at the terminal, return whether the answer is yes; with ``abort``, end the command if not."""
    return typer.confirm(make_printable(question), abort=abort, err=True)


def decimals(values: Iterable[float], digits: int = 2) -> list[float]:
    """Round values such as pixel coordinates for output."""
    return [round(float(value), digits) for value in values]


def short(value: float | None, form: str = ".4f") -> str:
    """Format a number for a table."""
    return "-" if value is None else format(value, form)


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def iso_time(time: datetime | None) -> str | None:
    """Format a time in ISO 8601, without an offset if it has none."""
    return None if time is None else time.isoformat()


def photo_line(photo: PhotoFaces, faces: Sequence[Mapping[str, object]], **keys: object) -> dict[str, object]:
    """Return the JSON line of a photo: name, status, faces, and a message unless the status is "ok"."""
    line: dict[str, object] = {
        "photo": photo.name,
        "status": photo.status,
        "captured": iso_time(photo.captured),
        **keys,
    }
    line["faces"] = list(faces)
    if photo.notes:
        line["notes"] = list(photo.notes)
    return line if photo.status == "ok" else {**line, "message": photo.message}


def _print_notes(answers: Iterable[T]) -> Iterator[T]:
    """Yield answers, and print the notes of their photos."""
    from visavis.types import PhotoFaces

    for answer in answers:
        if isinstance(answer, PhotoFaces):
            for text in answer.notes:
                note(f"{answer.name}: {text}")
        yield answer


def box_text(face: Face) -> str:
    """Format a box in whole pixels."""
    return " ".join(f"{value:.0f}" for value in face.box)


def exit_code(statuses: Iterable[str], *, yes: bool) -> int:
    """Return 0 for yes, 1 for no, 2 if no photo could be read."""
    if all(status in UNREADABLE for status in statuses):
        return 2
    return 0 if yes else 1


def _format_json(line: Mapping[str, object]) -> str:
    text = dump_json(line)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # an output encoding that is not Unicode
        text = json.dumps(line, allow_nan=False)
    return text


def _format_table(columns: Sequence[Column], rows: Iterable[Row]) -> str:
    """Format a table as wide as the terminal; into a file or a pipe, nothing is cut."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    encoding = sys.stdout.encoding or "utf-8"
    encodable_rows = [
        Row([_make_encodable(cell, encoding) for cell in row.cells], _make_encodable(row.message, encoding))
        for row in rows
    ]
    lines = render(columns, encodable_rows, width=width, ascii_only=_make_encodable("─…", encoding) != "─…")
    return "\n".join(lines) + "\n"


def _make_encodable(text: str, encoding: str) -> str:
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _show_bar(answers: Iterable[T], total: int) -> Iterator[T]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    progress = Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,  # answers stay on standard output
    )
    with progress:
        yield from progress.track(answers, total=total)


@contextmanager
def _show_downloads() -> Iterator[None]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

    from visavis.weights.download import progress_to

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    progress = Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False)
    tasks: dict[str, TaskID] = {}

    def update(row: WeightSpec, received: int, total: int | None) -> None:
        if row.name not in tasks:
            tasks[row.name] = progress.add_task(row.file)
        progress.update(tasks[row.name], completed=received, total=total)

    with progress, progress_to(update):
        yield
