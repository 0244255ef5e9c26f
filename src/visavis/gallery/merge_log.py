"""What the audit log says of a merge: which person, and which templates were moved."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

_FORM = re.compile(r"(?P<count>\d+) templates of person (?P<person>\d+)(?:: (?P<ids>[\d -]+))?")


class LoggedMerge(NamedTuple):
    """A merge of the person ``source``; ``template_ids`` is None where an older version has not logged them."""

    source: int
    template_ids: tuple[int, ...] | None


def describe_merge(source: int, template_ids: Sequence[int]) -> str:
    """Return the detail of a merge: ids that follow each other are written as 3-7."""
    detail = f"{len(template_ids)} templates of person {source}"
    ids = " ".join(_write_ranges(template_ids))
    return f"{detail}: {ids}" if ids else detail


def read_merge(detail: str) -> LoggedMerge | None:
    """Return the merge of a detail; None for another text."""
    match = _FORM.fullmatch(detail)
    if match is None:
        return None
    ids = None if match["ids"] is None else tuple(_read_ranges(match["ids"]))
    return LoggedMerge(int(match["person"]), () if ids is None and match["count"] == "0" else ids)


def _write_ranges(ids: Iterable[int]) -> Iterable[str]:
    for _, run in groupby(enumerate(sorted(ids)), key=lambda entry: entry[1] - entry[0]):
        numbers = [number for _, number in run]
        yield str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]}-{numbers[-1]}"


def _read_ranges(text: str) -> Iterable[int]:
    for part in text.split():
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)
