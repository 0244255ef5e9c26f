"""A report as a table whose columns say what they hold, so that every form shows the same figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from visavis.plain import Plain

ColumnKind = Literal["text", "date", "time", "minutes", "number"]
ReportValue = str | int | float | date | datetime | None


@dataclass(frozen=True, slots=True)
class ReportColumn(Plain):
    """A column: ``key`` names it in JSON and CSV, ``title`` for readers.

    ``minutes`` are whole minutes, shown as hours and minutes.
    """

    key: str
    title: str
    kind: ColumnKind = "text"


@dataclass(frozen=True, slots=True)
class ReportTable:
    """A report; ``legend`` explains codes and figures. Each row has a value for each column."""

    title: str
    columns: tuple[ReportColumn, ...]
    rows: tuple[tuple[ReportValue, ...], ...]
    legend: tuple[str, ...] = ()

    def records(self) -> list[dict[str, ReportValue]]:
        """Return the rows by the keys of the columns."""
        keys = [column.key for column in self.columns]
        return [dict(zip(keys, row, strict=True)) for row in self.rows]
