"""Parse JSON and TOML that other people wrote, at a cost that the size of the text bounds.

Python's parsers accept what later code fails at: whole numbers that no float can hold and that cannot be printed. The
parser of TOML takes memory by the square of the parts of a key: 60 kB with 30,000 dots took 3.6 GB. What no file of
visavis needs is refused here, so that the readers of files need not think of it. Every fault is a ValueError that says
what is wrong; the caller names the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

NUMBER_DIGITS = 300
"""Most digits of a whole number; from 309 on a float cannot hold it."""
TOML_BYTES = 1 << 18
"""Most bytes of a TOML file."""
TOML_DEPTH = 20
"""Most parts of a key of TOML, and most lists and tables within each other in a value."""

_TOO_LONG = f"a whole number has more than {NUMBER_DIGITS} digits"
_TEXTS_AND_COMMENTS = re.compile(
    r'"""(?:[^\\]|\\.)*?(?:"{3,5}|\\?\Z)|\'\'\'.*?(?:\'{3,5}|\Z)|"(?:[^"\\\n]|\\.)*"?|\'[^\'\n]*\'?|#[^\n]*', re.DOTALL
)
"""A text without its end matches too, so that the search is done once."""
_BETWEEN_KEYS = re.compile(r"[=\n\[\]{},]")
_BRACKETS = re.compile(r"[\[\]{}]")


def parse_json(text: str | bytes, *, parse_constant: Callable[[str], Any] | None = None) -> Any:
    """Return the value of a JSON text in UTF-8; ``parse_constant`` is called for NaN and infinities, as by Python.

    A whole number of more than ``NUMBER_DIGITS`` digits becomes a float, mostly an infinity, as ``1e400`` does. Raises
    ValueError for what is not JSON or is nested too deeply.
    """
    try:
        text = text if isinstance(text, str) else text.decode()
        return json.loads(text, parse_int=_parse_whole, parse_constant=parse_constant)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def parse_toml(text: str) -> dict[str, Any]:
    """Return the tables of a TOML text.

    Raises ValueError for what is not TOML, has more than ``TOML_BYTES`` characters, more than ``TOML_DEPTH`` parts in a
    key or levels in a value, or a whole number of more than ``NUMBER_DIGITS`` digits.
    """
    import tomllib

    if len(text) > TOML_BYTES:
        raise ValueError(f"it has more than {TOML_BYTES:,} characters")
    _check_depth(_TEXTS_AND_COMMENTS.sub("_", text))
    try:
        content = tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    _check_numbers(content)
    return content


def _parse_whole(digits: str) -> float:
    """Return a whole number; an infinity for one that no float can hold, as Python reads 1e400."""
    return int(digits) if len(digits) <= NUMBER_DIGITS else float(digits)


def _check_depth(structure: str) -> None:
    """Raise ValueError for TOML without its texts and comments that has long keys, or values that are nested deeply."""
    if any(part.count(".") >= TOML_DEPTH for part in _BETWEEN_KEYS.split(structure)):
        raise ValueError(f"a key has more than {TOML_DEPTH} parts")
    depth = 0
    for bracket in _BRACKETS.findall(structure):
        depth += 1 if bracket in "[{" else -1
        if depth > TOML_DEPTH:
            raise ValueError(f"it has more than {TOML_DEPTH} lists and tables within each other")


def _check_numbers(value: object) -> None:
    """Raise ValueError for a whole number of TOML that is too long; its parser takes any in hexadecimal."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            _check_numbers(item)
    elif isinstance(value, int) and abs(value) >= 10**NUMBER_DIGITS:
        raise ValueError(_TOO_LONG)
