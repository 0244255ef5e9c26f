r"""Foreign text made safe to print: file names, names of people, notes, and messages that quote them; numbers too.

A terminal runs control sequences (``\x1b]0;title\x07``), bidi controls reorder letters, and characters without width
make different names look equal. All that is printed or written into a page passes through these functions.
"""

from __future__ import annotations

import math
import re
from functools import cache

CONTROLS = "\x00-\x1f\x7f-\x9f\u2028\u2029"
"""Control characters of ASCII, and C1: a terminal reads U+009B as ESC [. Separators of lines and paragraphs."""
BIDI_ORDER = "\u202a-\u202e\u2066-\u2069"
"""Characters that change the order of the text around them: embeddings, overrides and isolates."""
INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u2065\u206a-\u206f\u3164\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Characters without width or picture: joiners, direction marks, fillers, variation selectors, tags."""
PREPENDED = "\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd\U00013430-\U0001343f"
"""Format characters that change how the following characters are drawn."""
NOT_TEXT = "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
"""Bytes of a file name that are not UTF-8, and code points that are no characters."""

JOINING = "\u0620-\u06d3\u0750-\u077f\u08a0-\u08c9\u0900-\u0dff\u1000-\u109f\u1780-\u17b3\u17b6-\u17d3\u1820-\u18aa"
"""Letters and marks of scripts that are spelled with joiners: Arabic, Indic, Burmese, Khmer, Mongolian."""
PICTOGRAPHS = "\u2190-\u21ff\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"

_PLAIN = re.compile(r"[ -~]*")


def make_printable(text: str, *, keep: str = "") -> str:
    r"""Return the text with control, bidi, zero-width and invalid characters as ``\xNN``, ``\uNNNN``, ``\UNNNNNNNN``.

    ``keep`` holds characters that stay, such as a newline. Letters, marks and spaces of all scripts stay, and joiners
    where a script is spelled with them, or between pictographs.
    """
    if _PLAIN.fullmatch(text):
        return text
    return _foreign().sub(lambda match: match[0] if match[1] is None or match[0] in keep else _escape(match[0]), text)


def dump_json(value: object, *, indent: int | None = None, allow_nan: bool = False) -> str:
    """Return ``value`` as JSON that is safe to print: letters of all scripts stay, and what is foreign is escaped.

    Raises ValueError for NaN and infinity, which JSON lacks, unless ``allow_nan``.
    """
    import json

    text = json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=allow_nan)
    if _PLAIN.fullmatch(text):
        return text
    # Outside of its strings JSON has one control character at most, the newline of ``indent``.
    return _foreign().sub(lambda match: match[0] if match[1] in (None, "\n") else json.dumps(match[0])[1:-1], text)


def significant(value: float | None, digits: int = 6) -> float | None:
    """Round to ``digits`` significant digits; return None for None, NaN and infinity, which JSON lacks."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.{digits}g}")


def round_interval(interval: tuple[float, float] | None) -> list[float | None] | None:
    """Round the ends of an interval for JSON, with None for infinity."""
    return interval and [significant(end, 4) for end in interval]


@cache
def _foreign() -> re.Pattern[str]:
    """Match a character to be escaped, as group 1, or a joiner that stays."""
    joiner = f"(?<=[{JOINING}])[\u200c\u200d](?=[{JOINING}])"
    between_pictographs = f"(?<=[{PICTOGRAPHS}\ufe0f])\u200d(?=[{PICTOGRAPHS}])|(?<=[{PICTOGRAPHS}])[\ufe0e\ufe0f]"
    return re.compile(f"{joiner}|{between_pictographs}|([{CONTROLS}{BIDI_ORDER}{INVISIBLE}{PREPENDED}{NOT_TEXT}])")


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
