"""Tail-gaters: people without a name who pass a door together with an employee."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from visavis.attendance.passages.types import PassageDirection, PassageOutcome

TAILGATING_SECONDS = 3.0
"""Seconds between two passages from which on each has opened the door alone."""
EMPLOYEE: frozenset[PassageOutcome] = frozenset(("recorded", "already"))


@dataclass(frozen=True, slots=True)
class PassageResult:
    """A passage, and what became of it."""

    id: str
    at: datetime
    direction: PassageDirection
    outcome: PassageOutcome


def find_tailgaters(passages: Iterable[PassageResult], seconds: float = TAILGATING_SECONDS) -> list[str]:
    """Return the ids of strangers who went the same way as an employee up to ``seconds`` before or after, in order.

    The passages are those of one door. An employee may hold the door for who goes first: both orders count.
    """
    ordered = sorted(passages, key=lambda passage: (passage.at, passage.id))
    employees = [passage for passage in ordered if passage.outcome in EMPLOYEE]
    near = timedelta(seconds=seconds)
    return [
        passage.id
        for passage in ordered
        if passage.outcome == "stranger"
        and any(each.direction == passage.direction and abs(each.at - passage.at) <= near for each in employees)
    ]
