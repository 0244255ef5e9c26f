"""Parse the place of an index, the text behind the engine's name: ``URL?index=hnsw&ef=200``."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import parse_qsl, urlencode

from visavis.errors import UsageError


def split_place(place: str, names: Collection[str]) -> tuple[str, dict[str, str]]:
    """Split a place into its URL, without the options ``names``, and these options; either may be missing."""
    url, _, query = place.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    others = [(key, value) for key, value in pairs if key not in names]
    return f"{url}?{urlencode(others, safe='/')}" if others else url, {
        key: value for key, value in pairs if key in names
    }


def number(options: dict[str, str], name: str, default: int, *, top: int) -> int:
    """Return an option that is a number from 1 to ``top``; raise UsageError for anything else."""
    text = options.get(name, str(default))
    if not text.isdecimal() or not 1 <= int(text) <= top:
        raise UsageError(f"{name}={text} of the index means nothing: write a number from 1 to {top}.")
    return int(text)


def choice(options: dict[str, str], name: str, choices: Collection[str]) -> str:
    """Return an option that is one of ``choices``, by default the first; raise UsageError for anything else."""
    text = options.get(name, next(iter(choices)))
    if text not in choices:
        raise UsageError(f"{name}={text} of the index means nothing: write one of {', '.join(choices)}.")
    return text
