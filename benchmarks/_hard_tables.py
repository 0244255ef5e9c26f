"""Tables of what ``hard_photos.py`` measured, from its JSON, so that an earlier run prints the same way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
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
        console.print(text.title, style="bold")
        if len(text.columns) <= 3:  # long names: figures stand below them
            for name, *values in text.rows:
                console.print(name, f"    {'  now  '.join(values)}", sep="\n")
            console.print()
            continue
        shown = Table(box=None, padding=(0, 1, 0, 0))
        for number, column in enumerate(text.columns):
            shown.add_column(column, justify="right" if number else "left", no_wrap=True)
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


def write_page(page: Path, figures: Figures) -> None:
    """Renew the tables between the marks ``<!-- hard_photos: NAME -->`` and ``<!-- end -->`` of a page.

    Tables whose group was not measured stay as they are.
    """
    text = page.read_text(encoding="utf-8")
    for name, table in page_tables(figures).items():
        start = f"<!-- hard_photos: {name} -->\n"
        before, mark, rest = text.partition(start)
        if mark:
            text = before + mark + table + "<!-- end -->" + rest.partition("<!-- end -->")[2]
    page.write_text(text, encoding="utf-8")


def page_tables(figures: Figures) -> dict[str, str]:
    """Return the tables of the page in Markdown, by the names of their marks."""
    made = {}
    rows = figures["rows"]
    for group in dict.fromkeys(row["group"] for row in rows.values()):
        made[group] = _markdown(PAGE_COLUMNS, [_page_row(*item) for item in rows.items() if item[1]["group"] == group])
    others = _others(figures)
    if others:
        made["people"] = _markdown(("photos as they are", "measured"), list(others.items()))
    if groups := figures.get("groups"):
        columns = ("faces in the photo", "photos", "nearest face, threshold of one face", "`--any-face`")
        made["groups"] = _markdown(
            columns,
            [
                (size, str(one["photos"]), share(one["threshold of one face"]), share(one["any face"]))
                for size, one in groups.items()
            ],
        )
    facts = figures["environment"]
    about = f"detector `{facts['detector']}`, model `{facts['model']}`, threshold {facts['threshold']:.4f}"
    people = f"; {facts['people']} people of LFW, two photos each" if "people" in facts else ""
    made["measured"] = f"Measured on {facts['date'][:10]}: {about} (a FAR of {facts['far']:g}){people}.\n"
    return made


PAGE_COLUMNS = (
    "both photos",
    "face found",
    "strangers pass (95 %)",
    "own pairs missed (95 %)",
    "strangers pass, one photo hard",
    "own missed, one hard",
    "landmarks off",
    "quality",
    "noted",
)


def _page_row(name: str, row: Figures) -> tuple[str, ...]:
    return (
        name,
        share(row["found"], 3),
        f"{rate(row['strangers_pass'])} of {row['strangers_pass']['trials']:,}",
        f"{rate(row['own_missed'], 3)} of {row['own_missed']['trials']}",
        share(row["strangers_pass_with_plain"]["share"]),
        share(row["own_missed_with_plain"]["share"], 3),
        share(row["landmarks_off"], 3),
        share(row["quality"], 2),
        share(row.get("noted"), 3),
    )


def _markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines).replace("|  |", "| |")


def _others(figures: Figures) -> dict[str, str]:
    """Lines of photos as they are: words -> figure."""
    lines: dict[str, str] = {}
    if lfw := figures.get("lfw"):
        right = f"{share(lfw['accuracy'])} (standard error {share(lfw['error'])})"
        lines[f"LFW view 1, {lfw['pairs']} pairs: accuracy"] = right
        lines[f"LFW view 1, {lfw['photos']} photos: without a face"] = str(lfw["without a face"])
    for name in ("stars", "stars_stretched"):
        if stars := figures.get(name):
            lines |= _stars(stars)
    for kind, one in figures.get("relatives", {}).items():
        lines[f"{kind}: pairs that pass"] = _counted(one)
    for kind, one in figures.get("sunglasses", {}).items():
        if kind != "photos":
            lines[f"{kind}: strangers pass"] = _counted(one["strangers_pass"], 4)
            lines[f"{kind}: own pairs missed"] = _counted(one["own_missed"])
    return lines


def _stars(stars: Figures) -> dict[str, str]:
    about = "film stars" if stars.get("stretch", 1) == 1 else f"film stars, squares {stars['stretch']:g} x as high"
    counts = f"{stars['people']}, {stars['photos']}, {stars['impostor_pairs']:,}"
    lines = {f"{about}: people, photos, stranger pairs": counts}
    for far, one in stars["tar"].items():
        lines[f"{about}: TAR at FAR {far}"] = with_interval(one["tar"], one["interval"], 3)
    if stars["far"] is not None:
        promised = f"{stars['far_promised']:g}"
        lines[f"{about}: FAR, {promised} promised"] = with_interval(stars["far"], stars["far_interval"])
        lines[f"{about}: TAR there"] = share(stars["tar_at_promised"], 3)
    return {**lines, f"{about}: without a face": str(stars["without a face"])}


def _counted(one: Figures, digits: int = 2) -> str:
    if not one["trials"]:
        return "-"
    return f"{one['count']} of {one['trials']:,}: {with_interval(one['share'], one['interval'], digits)}"


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
