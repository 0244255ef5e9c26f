"""The forms of a report: text, JSON, CSV, XLSX and a page to print, all made of the values of one table."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from importlib import resources
from typing import Any

from visavis.attendance.days.explain import format_minutes
from visavis.attendance.reports.types import ColumnKind, ReportTable, ReportValue
from visavis.csv_text import format_row, format_text
from visavis.errors import MissingExtraError
from visavis.plain import plain
from visavis.printable import make_printable

XLSX_FORMATS: Mapping[ColumnKind, str] = {"date": "yyyy-mm-dd", "time": "yyyy-mm-dd hh:mm", "minutes": "[h]:mm"}
SHEET_TITLE = 31
"""Most characters of the name of a sheet; some characters are not allowed in it."""


def to_text(value: ReportValue, kind: ColumnKind) -> str:
    """Return a value for readers: minutes as 7:42, a time as 08:12, nothing as an empty text."""
    if value is None:
        return ""
    if kind == "minutes" and isinstance(value, int):
        return format_minutes(value)
    if kind == "time" and isinstance(value, datetime):
        return f"{value:%H:%M}"
    if kind == "number":
        return f"{value:g}"
    return make_printable(str(value))


def to_cells(table: ReportTable) -> Iterator[list[str]]:
    """Yield the rows as texts for readers."""
    kinds = [column.kind for column in table.columns]
    for row in table.rows:
        yield [to_text(value, kind) for value, kind in zip(row, kinds, strict=True)]


def to_records(table: ReportTable) -> list[dict[str, Any]]:
    """Return the rows as values of JSON: minutes as whole numbers, times in ISO 8601."""
    return [{key: plain(value) for key, value in record.items()} for record in table.records()]


def to_csv(table: ReportTable) -> str:
    """Return CSV with the keys as header: minutes as 7:42, times in ISO 8601 with their offset."""
    kinds = [column.kind for column in table.columns]
    lines = [format_row([column.key for column in table.columns])]
    for row in table.rows:
        lines.append(format_row([_csv_cell(value, kind) for value, kind in zip(row, kinds, strict=True)]))
    return "".join(lines)


def to_xlsx(table: ReportTable) -> bytes:
    """Return a workbook of Excel with typed cells: durations, dates, times of the place, numbers.

    Raises MissingExtraError where openpyxl is not installed.
    """
    try:
        from openpyxl import Workbook
        from openpyxl.cell import WriteOnlyCell
        from openpyxl.styles import Font
    except ImportError as error:
        raise MissingExtraError("XLSX needs openpyxl: pip install 'visavis[attendance]'.") from error
    book = Workbook(write_only=True)
    sheet = book.create_sheet("".join(sign for sign in table.title if sign not in r"[]:*?/\\")[:SHEET_TITLE])
    sheet.freeze_panes = "D2"
    heads = [WriteOnlyCell(sheet, column.title) for column in table.columns]
    for head in heads:
        head.font = Font(bold=True)
    sheet.append(heads)
    for row in table.rows:
        cells = []
        for value, column in zip(row, table.columns, strict=True):
            cell = WriteOnlyCell(sheet, _xlsx_value(value, column.kind))
            if isinstance(value, str):
                cell.data_type = "s"  # a text that begins like a formula stays text
            elif column.kind in XLSX_FORMATS:
                cell.number_format = XLSX_FORMATS[column.kind]
            cells.append(cell)
        sheet.append(cells)
    for line in table.legend:
        sheet.append([make_printable(line)])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def to_page(table: ReportTable, *, place: str = "") -> str:
    """Return a page of HTML to print, without external files; ``place`` is the name of the site."""
    import jinja2

    source = resources.files("visavis.attendance.reports").joinpath("page.html.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(source).render(
        title=make_printable(table.title),
        place=make_printable(place),
        columns=table.columns,
        rows=list(to_cells(table)),
        legend=[make_printable(line) for line in table.legend],
    )


def to_bytes(table: ReportTable, form: str, *, place: str = "") -> bytes:
    """Return the file of a report in the form ``csv``, ``xlsx`` or ``html``: see the functions above."""
    if form == "xlsx":
        return to_xlsx(table)
    text = to_csv(table) if form == "csv" else to_page(table, place=place)
    return text.encode("utf-8", "backslashreplace")


def _csv_cell(value: ReportValue, kind: ColumnKind) -> str:
    if isinstance(value, str):
        return format_text(value)
    return value.isoformat() if isinstance(value, datetime) else to_text(value, kind)


def _xlsx_value(value: ReportValue, kind: ColumnKind) -> Any:
    if isinstance(value, str):
        return make_printable(value)
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    return timedelta(minutes=value) if kind == "minutes" and isinstance(value, int) else value
