"""Text files that users write: read at once, with errors that name the file or its line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from visavis.errors import UsageError
from visavis.images import shown


def read_text(path: Path) -> str:
    """Return the text without a byte order mark; UsageError where the file cannot be read or is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{shown(str(path))} is no text in UTF-8.") from error
    except OSError as error:
        raise UsageError(f"{shown(str(path))} cannot be read: {error.strerror or error}.") from error


def malformed(number: int, what: str) -> UsageError:
    """Return the error of a line, counted from 1."""
    return UsageError(f"line {number}: {what}")


def json_lines(text: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Yield number and object of each non-empty line; UsageError for a line without an object."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise malformed(number, f"this is no JSON: {shown(line)}.") from error
        if not isinstance(value, dict):
            raise malformed(number, f"expected an object with photo and cluster, got {shown(line)}.")
        yield number, value
