"""Texts in the cells of a terminal: escaped, shortened and wrapped by the width at which they are shown."""

from __future__ import annotations

import unicodedata

BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that make a terminal show text in another order than it has."""


def printable(text: str) -> str:
    """Escape what a terminal would obey, or show as something else than it is: control and bidi characters."""
    return "".join(
        char.encode("unicode_escape").decode()
        if char in BIDI_CONTROLS or unicodedata.category(char) in {"Cc", "Zl", "Zp"}
        else char
        for char in text
    )


def shorten_end(text: str, width: int, ellipsis: str = "…") -> str:
    """Cut a text at its end to at most ``width`` cells."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(width - cell_len(ellipsis), 0)).rstrip() + ellipsis[:width]


def shorten_middle(text: str, width: int, ellipsis: str = "…") -> str:
    """Cut a text in its middle to at most ``width`` cells; more of its end is kept, where files have their names."""
    from rich.cells import cell_len

    if cell_len(text) <= width:
        return text
    room = max(width - cell_len(ellipsis), 0)
    head, tail = _starting(text, room // 3), ""
    for char in reversed(text):
        if cell_len(head) + cell_len(char + tail) > room:
            break
        tail = char + tail
    return head + ellipsis[:width] + tail


def _starting(text: str, width: int) -> str:
    """Return as much of the beginning of a text as has room in ``width`` cells."""
    from rich.cells import cell_len

    end = next((n for n in range(len(text), 0, -1) if cell_len(text[:n]) <= width), 0)
    return text[:end]


def wrap(text: str, width: int) -> list[str]:
    """Break a text into lines of at most ``width`` cells, between words where that is possible."""
    from rich.cells import cell_len

    lines, line = [], ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if cell_len(joined) <= width:
            line = joined
            continue
        lines += [line] if line else []
        while cell_len(word) > width:
            start = _starting(word, width) or word[0]
            lines.append(start)
            word = word.removeprefix(start)  # noqa: PLW2901 - what is left of it
        line = word
    return [*lines, line] if line else lines
