"""The rule for texts that a gallery stores: names, actors, notes, consents and metadata, from wherever they come.

A text is valid Unicode of a bounded length, without control characters and without characters that reorder the text
around them. A name is one line; other texts may have line breaks and tabs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache

from visavis.errors import UsageError
from visavis.printable import BIDI_ORDER, CONTROLS, NOT_TEXT

NAME_LENGTH = 300
"""Most characters of a name, and of an actor."""
TEXT_LENGTH = 10_000
"""Most characters of a note, and of a consent."""
METADATA_LENGTH = 100_000
"""Most characters of a person's metadata as JSON."""
METADATA_DEPTH = 20
"""Most objects and lists within each other in metadata."""


def check_text(text: str, what: str, *, most: int, one_line: bool = False) -> str:
    """Return ``text``; ``what`` names it in messages ("a note").

    Raises UsageError for what is not text, has over ``most`` characters, is not valid Unicode, or has control or bidi
    characters. Without ``one_line``, line feeds, carriage returns and tabs are allowed.
    """
    if not isinstance(text, str):
        raise UsageError(f"{what} must be text, got {type(text).__name__}.")
    if len(text) > most:
        raise UsageError(f"{what} has {most:,} characters at most, got {len(text):,} ({text[:20]!r}...).")
    refused = next((match for match in _refused().finditer(text) if one_line or match[0] not in "\n\r\t"), None)
    if refused:
        form = "one line of text" if one_line else "text"
        around = text[max(refused.start() - 20, 0) : refused.end() + 20]
        raise UsageError(f"{what} must be {form} without control and bidi characters, got {around!r}: remove them.")
    return text


def is_unicode(text: str) -> bool:
    """Return whether a text is valid Unicode: names of files that are not in UTF-8 are not."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_metadata(metadata: Mapping[str, object]) -> dict[str, object]:
    """Return metadata as what JSON makes of it.

    Raises UsageError for what JSON cannot hold, for more than ``METADATA_LENGTH`` characters of JSON, for objects and
    lists nested deeper than ``METADATA_DEPTH``, and for keys and texts that :func:`check_text` refuses.
    """
    _check_depth(metadata)
    try:
        text = json.dumps(dict(metadata), allow_nan=False, ensure_ascii=False)
        copy: dict[str, object] = json.loads(text)
    except (TypeError, ValueError) as error:
        raise UsageError(f"metadata must be what JSON can hold: {error}.") from error
    if len(text) > METADATA_LENGTH:
        raise UsageError(f"metadata has {METADATA_LENGTH:,} characters of JSON at most, got {len(text):,}.")
    _check_texts(copy)
    return copy


def _check_depth(metadata: object) -> None:
    level = [metadata]
    for _ in range(METADATA_DEPTH):
        level = [item for holder in level for item in _list_items(holder)]
        if not level:
            return
    raise UsageError(f"metadata has {METADATA_DEPTH} objects and lists within each other at most.")


def _list_items(holder: object) -> list[object]:
    """Return the objects and lists directly within an object or a list."""
    items = holder.values() if isinstance(holder, Mapping) else holder if isinstance(holder, (list, tuple)) else ()
    return [item for item in items if isinstance(item, (Mapping, list, tuple))]


def _check_texts(value: object) -> None:
    """Check the keys and texts within a value of JSON."""
    if isinstance(value, str):
        check_text(value, "a text in metadata", most=METADATA_LENGTH)
    elif isinstance(value, dict):
        for key, item in value.items():
            check_text(key, "a key in metadata", most=NAME_LENGTH, one_line=True)
            _check_texts(item)
    elif isinstance(value, list):
        for item in value:
            _check_texts(item)


@cache
def _refused() -> re.Pattern[str]:
    return re.compile(f"[{CONTROLS}{BIDI_ORDER}{NOT_TEXT}]")
