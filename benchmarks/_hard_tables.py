"""Tables of what ``hard_photos.py`` measured, from its JSON, so that an earlier run prints the same way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

WIDTH = 80

Figures = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TextTable:
    """A table of words: the first column is text, all others are numbers."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(figures: Figures, before: Figures | None = None) -> Iterator[TextTable]:
    """Yield the tables of a run, and those that set it beside an earlier run."""
    rows = figures["rows"]
    if rows:
        yield _rates(rows)
        yield _faces(rows)
    if rows and before:
        yield _rows_beside(before["rows"], rows)
    others = {name: value for run in (before, figures) if run for name, value in _others(run).items()}
    if others:
        now = _others(figures)
        earlier = _others(before) if before else {}
        columns = ("photos as they are", "before", "now") if before else ("photos as they are", "now")
        yield TextTable(
            "Film stars and LFW view 1",
            columns,
            tuple((name, *((earlier.get(name, "-"),) if before else ()), now.get(name, "-")) for name in others),
        )


def print_tables(figures: Figures, before: Figures | None = None) -> None:
    """Print the tables in ``WIDTH`` columns, and what they depend on."""
    console = Console(width=WIDTH, highlight=False)
    for text in tables(figures, before):
        shown = Table(title=text.title, title_justify="left", title_style="bold", box=None, padding=(0, 1, 0, 0))
        for number, column in enumerate(text.columns):
            shown.add_column(column, justify="right" if number else "left", no_wrap=not number)
        for row in text.rows:
            shown.add_row(*row)
        console.print(shown, "")
    for key, value in figures["environment"].items():
        console.print(f"{key}: {value}", soft_wrap=True)


def _rates(rows: Figures) -> TextTable:
    return TextTable(
        "Both photos hard (95 % intervals); then one hard, one as it is",
        ("photos", "strangers pass", "own missed", "strangers", "missed"),
        tuple(
            (
                name,
                rate(row["strangers_pass"]),
                rate(row["own_missed"], 3),
                share(row["strangers_pass_with_plain"]["share"]),
                share(row["own_missed_with_plain"]["share"], 3),
            )
            for name, row in rows.items()
        ),
    )


def _faces(rows: Figures) -> TextTable:
    return TextTable(
        "Photos with a face, pairs of them, quality, landmark error",
        ("photos", "found", "strangers", "own", "quality", "landmarks", "off > .1"),
        tuple(
            (
                name,
                share(row["found"], 3),
                str(row["strangers_pass"]["trials"]),
                str(row["own_missed"]["trials"]),
                share(row["quality"], 2),
                share(row["landmark_error"], 3),
                share(row["landmarks_off"], 3),
            )
            for name, row in rows.items()
        ),
    )


def _rows_beside(before: Figures, now: Figures) -> TextTable:
    def pair(name: str, *keys: str, digits: int = 3) -> tuple[str, str]:
        return _value(before.get(name), keys, digits), _value(now[name], keys, digits)

    return TextTable(
        "Before and now",
        ("photos", "found", "now", "strangers", "now", "missed", "now", "off > .1", "now"),
        tuple(
            (
                name,
                *pair(name, "found"),
                *pair(name, "strangers_pass", "share", digits=4),
                *pair(name, "own_missed", "share"),
                *pair(name, "landmarks_off"),
            )
            for name in now
        ),
    )


def _value(row: Any, keys: Sequence[str], digits: int) -> str:
    for key in keys:
        row = None if row is None else row[key]
    return share(row, digits)


def _others(figures: Figures) -> dict[str, str]:
    """Lines of the film stars and of LFW's pairs: words -> figure."""
    lines: dict[str, str] = {}
    if stars := figures.get("stars"):
        about = f"film stars ({stars['people']}; {stars['photos']} photos)"
        for far, one in stars["tar"].items():
            lines[f"{about}: TAR at FAR {far}"] = with_interval(one["tar"], one["interval"], 3)
        if stars["far"] is not None:
            promised = f"{stars['far_promised']:g}"
            lines[f"{about}: FAR, {promised} promised"] = with_interval(stars["far"], stars["far_interval"])
            lines[f"{about}: TAR there"] = share(stars["tar_at_promised"], 3)
        lines[f"{about}: photos without a face"] = str(stars["without a face"])
    if lfw := figures.get("lfw"):
        right = f"{share(lfw['accuracy'])} (standard error {share(lfw['error'])})"
        lines[f"LFW view 1, {lfw['pairs']} pairs: accuracy"] = right
        lines[f"LFW view 1, {lfw['photos']} photos: without a face"] = str(lfw["without a face"])
    return lines


def rate(one: Figures, digits: int = 4) -> str:
    """Write a rate with its interval."""
    return with_interval(one["share"], one["interval"], digits)


def with_interval(value: float | None, interval: Sequence[float] | None, digits: int = 4) -> str:
    """Write a share and the ends of its interval: ``.0014 (.0009-.0021)``."""
    if interval is None:
        return share(value, digits)
    low, high = (share(end, digits) for end in interval)
    return f"{share(value, digits)} ({low}-{high})"


def share(value: float | None, digits: int = 4) -> str:
    """Write a share of 1 without the leading zero; a dash where there is none."""
    if value is None:
        return "-"
    return f"{value:.{digits}f}".removeprefix("0")
