"""Tables in pages, renewed by what measured them: Markdown between ``<!-- measured: NAME -->`` and ``<!-- end -->``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table

END = "<!-- end -->"


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table that ends with a line break."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def markdown_of(table: Table) -> str:
    """Return what a table of the terminal holds as a Markdown table."""
    cells = zip(*([str(cell) for cell in column.cells] for column in table.columns), strict=True)
    return markdown([str(column.header) for column in table.columns], list(cells))


def write_blocks(page: Path, blocks: Mapping[str, str]) -> None:
    """Replace the blocks of a page by their names; KeyError if the page has no block of a name."""
    text = page.read_text(encoding="utf-8")
    for name, body in blocks.items():
        before, mark, rest = text.partition(f"<!-- measured: {name} -->\n")
        if not mark:
            raise KeyError(f"{page} has no block {name}")
        old, _, after = rest.partition(END)
        indent = old[len(old.rstrip(" ")) :]
        text = before + mark + body + indent + END + after
    page.write_text(text, encoding="utf-8")


def decimal(value: float, digits: int = 4) -> str:
    """Write a share without the zero in front: .9489."""
    return "1" if value == 1 else f"{value:.{digits}f}".replace("0.", ".", 1)


def scientific(value: float) -> str:
    """Write a rate with two digits: 1.2e-3."""
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}" if value else "0"
