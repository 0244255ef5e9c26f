"""Cells of a terminal table: shorten and wrap texts by the width they take on screen."""

from __future__ import annotations

CHARACTERS_A_CELL = 8
"""Most characters in one cell: a letter may have several accents."""
LONGEST = 5_000
"""Characters of a text from which on its middle is left out: a name in a file may have millions."""


def bound(text: str, ellipsis: str = "…") -> str:
    """Return the text, or its beginning and its end if it has more than ``LONGEST`` characters."""
    return text if len(text) <= LONGEST else text[: LONGEST // 2] + ellipsis + text[-LONGEST // 2 :]


def shorten_end(text: str, width: int, ellipsis: str = "…") -> str:
    """Cut the end of a text so that it takes at most ``width`` cells."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(width - cell_len(ellipsis), 0)).rstrip() + ellipsis[:width]


def shorten_middle(text: str, width: int, ellipsis: str = "…") -> str:
    """Cut the middle of a text to at most ``width`` cells; keep more of the end, where file names are."""
    from rich.cells import cell_len

    if cell_len(text) <= width:
        return text
    room = max(width - cell_len(ellipsis), 0)
    head, tail = _cut_start(text, room // 3), ""
    for char in reversed(text):
        if cell_len(head) + cell_len(char + tail) > room:
            break
        tail = char + tail
    return head + ellipsis[:width] + tail


def _cut_start(text: str, width: int) -> str:
    """Return the longest beginning of a text that fits in ``width`` cells."""
    from rich.cells import cell_len

    most = min(len(text), CHARACTERS_A_CELL * width)
    end = next((n for n in range(most, 0, -1) if cell_len(text[:n]) <= width), 0)
    return text[:end]


def wrap(text: str, width: int) -> list[str]:
    """Break a text into lines of at most ``width`` cells, between words if possible."""
    from rich.cells import cell_len

    lines, line = [], ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if cell_len(joined) <= width:
            line = joined
            continue
        lines += [line] if line else []
        while cell_len(word) > width:
            start = _cut_start(word, width) or word[0]
            lines.append(start)
            word = word.removeprefix(start)  # noqa: PLW2901 - the rest of the word
        line = word
    return [*lines, line] if line else lines
