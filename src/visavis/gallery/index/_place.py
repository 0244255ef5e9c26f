"""Where an engine is and how it shall search, read off the text behind its name: ``URL?index=hnsw&ef=200``."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import parse_qsl, urlencode

from visavis.errors import UsageError


def parted(place: str, known: Collection[str]) -> tuple[str, dict[str, str]]:
    """Part a place into its URL, without the ``known`` options, and these options; either may be missing."""
    url, _, query = place.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    left = [(key, value) for key, value in pairs if key not in known]
    return f"{url}?{urlencode(left, safe='/')}" if left else url, {key: value for key, value in pairs if key in known}


def number(options: dict[str, str], name: str, default: int, *, top: int) -> int:
    """Return an option that is a number of 1 to ``top``; UsageError where it is something else."""
    text = options.get(name, str(default))
    if not text.isdecimal() or not 1 <= int(text) <= top:
        raise UsageError(f"{name}={text} of the index means nothing: write a number from 1 to {top}.")
    return int(text)


def choice(options: dict[str, str], name: str, there: Collection[str]) -> str:
    """Return an option that is one of several, the first where it is missing; UsageError where it is none of them."""
    text = options.get(name, next(iter(there)))
    if text not in there:
        raise UsageError(f"{name}={text} of the index means nothing: write one of {', '.join(there)}.")
    return text
