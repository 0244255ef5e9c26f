"""What a command prints: answers to standard output, notes and progress to standard error."""

from __future__ import annotations

import io
import json
import math
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

import typer

from visavis.cli import _csv as csv_text
from visavis.cli._table import Column, Row, columns_of, render
from visavis.errors import UsageError, ended_once

if TYPE_CHECKING:
    from visavis.types import Face, PhotoFaces
    from visavis.weights.row import WeightSpec

T = TypeVar("T")

UNREADABLE = frozenset({"missing", "unreadable", "too_large"})
"""The statuses of a photo that could not even be looked at."""


class Output:
    """Takes a command's answers: JSON Lines or CSV, flushed as they come, or rows of a table printed at the end.

    ``csv`` are the columns of the CSV, None where none is wanted. UsageError where ``json`` is wanted too.
    """

    def __init__(self, *columns: str | Column, json: bool, csv: Sequence[str] | None = None) -> None:
        if json and csv is not None:
            raise UsageError("--json and --csv exclude each other.")
        self._columns = columns_of(columns)
        self._json = json
        self._csv = csv
        self._header_written = False
        self._rows: list[Row] = []

    def answer(self, line: Mapping[str, object], *rows: Sequence[str] | Row) -> None:
        """Take one answer, in all its forms."""
        if self._json:
            write(_json_text(line) + "\n")
        elif self._csv is not None:
            self._write_csv(csv_text.lines(line, self._csv))
        else:
            self._rows += (row if isinstance(row, Row) else Row(row) for row in rows)

    def progress(self, answers: Iterable[T], total: int) -> Iterator[T]:
        """Pass ``answers`` through under a progress bar, shown only on a terminal that is otherwise quiet."""
        noted = answers if self._json else _noting(answers)
        return _bar(noted, total) if total > 1 and self.shows_progress else iter(noted)

    def downloads(self) -> AbstractContextManager[None]:
        """Show a bar for each file that is downloaded while the block lasts, where ``progress`` would show one."""
        return _download_bars() if self.shows_progress else nullcontext()

    @property
    def shows_progress(self) -> bool:
        """Whether standard error is a terminal, and one that is not busy with the answers."""
        streams = self._json or self._csv is not None
        return sys.stderr.isatty() and not (streams and sys.stdout.isatty())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Print the table: after an interrupt, with the rows there are."""
        if self._rows:
            write(_table_text(self._columns, self._rows))
        if self._csv is not None and error is None:
            self._write_csv(())

    def _write_csv(self, lines: Iterable[str]) -> None:
        """Write lines of CSV, the header before the first of all."""
        if not self._header_written and self._csv is not None:
            if isinstance(sys.stdout, io.TextIOWrapper):
                sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="")
            write(csv_text.header(self._csv))
            self._header_written = True
        for line in lines:
            write(line)


def write(text: str) -> None:
    """Write to standard output at once, so that a reader sees each line when it is known."""
    sys.stdout.write(text)
    sys.stdout.flush()


def note(text: str) -> None:
    """Say something beside the answer, on standard error."""
    typer.echo(f"visavis: {ended_once(text)}", err=True)


def decimals(values: Iterable[float], digits: int = 2) -> list[float]:
    """Pixel coordinates and the like, rounded for print."""
    return [round(float(value), digits) for value in values]


def significant(value: float | None, digits: int = 6) -> float | None:
    """Round to ``digits`` significant digits; None where there is none (JSON knows no NaN)."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.{digits}g}")


def short(value: float | None, form: str = ".4f") -> str:
    """Write a figure for a table."""
    return "-" if value is None else format(value, form)


def percent(value: float | None) -> str:
    """Write a probability for people to read: never as a certainty."""
    if value is None:
        return "-"
    return ">99.9%" if value > 0.999 else "<0.1%" if value < 0.001 else f"{value:.1%}"


def iso_time(time: datetime | None) -> str | None:
    """Write a time as ISO 8601 does, without an offset where it has none."""
    return None if time is None else time.isoformat()


def photo_line(one: PhotoFaces, faces: Sequence[Mapping[str, object]], **more: object) -> dict[str, object]:
    """Build the line of a photo: name, status, faces and, where something is wrong, a message."""
    line: dict[str, object] = {"photo": one.name, "status": one.status, "captured": iso_time(one.captured), **more}
    line["faces"] = list(faces)
    if one.notes:
        line["notes"] = list(one.notes)
    return line if one.status == "ok" else {**line, "message": one.message}


def _noting(answers: Iterable[T]) -> Iterator[T]:
    """Pass answers through, and say beside the table what is to be noted of their photos."""
    from visavis.types import PhotoFaces

    for answer in answers:
        if isinstance(answer, PhotoFaces):
            for text in answer.notes:
                note(f"{answer.name}: {text}")
        yield answer


def box_text(face: Face) -> str:
    """Box in whole pixels."""
    return " ".join(f"{value:.0f}" for value in face.box)


def exit_code(statuses: Iterable[str], *, yes: bool) -> int:
    """0 yes, 1 no, 2 where not one photo could be read."""
    if all(status in UNREADABLE for status in statuses):
        return 2
    return 0 if yes else 1


def _json_text(line: Mapping[str, object]) -> str:
    text = json.dumps(line, ensure_ascii=False, allow_nan=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # a file name that is not text, or an output that is not Unicode
        text = json.dumps(line, allow_nan=False)
    return text


def _table_text(columns: Sequence[Column], rows: Iterable[Row]) -> str:
    """Lay out a table as wide as the terminal; into a file or a pipe nothing is cut that a reader may look for."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    encoding = sys.stdout.encoding or "utf-8"
    shown = [Row([_encodable(cell, encoding) for cell in row.cells], _encodable(row.message, encoding)) for row in rows]
    lines = render(columns, shown, width=width, ascii_only=_encodable("─…", encoding) != "─…")
    return "\n".join(lines) + "\n"


def _encodable(text: str, encoding: str) -> str:
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _bar(answers: Iterable[T], total: int) -> Iterator[T]:
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
def _download_bars() -> Iterator[None]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

    from visavis.weights.download import progress_to

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    progress = Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False)
    tasks: dict[str, TaskID] = {}

    def told(row: WeightSpec, have: int, total: int | None) -> None:
        if row.name not in tasks:
            tasks[row.name] = progress.add_task(row.file)
        progress.update(tasks[row.name], completed=have, total=total)

    with progress, progress_to(told):
        yield
