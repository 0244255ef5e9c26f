"""Pairs of a check-in and its check-out, as Odoo has them; here those of a site without rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from visavis.attendance.types import Punch

REPEATED = timedelta(seconds=60)
"""A punch this soon after another one of the same direction repeats it."""


@dataclass(frozen=True, slots=True)
class CheckPair:
    """A check-in, and its check-out; None: that may still come."""

    check_in: Punch
    check_out: Punch | None


@dataclass(slots=True)
class Pairing:
    """The pairs of the punches of a person, by time, and the punches that are in none, each with the reason."""

    pairs: list[CheckPair] = field(default_factory=list)
    unpaired: list[tuple[Punch, str]] = field(default_factory=list)


def pair_punches(punches: Iterable[Punch], *, longest: timedelta, now: datetime) -> Pairing:
    """CheckPair the punches of a person, sorted by time.

    An unspecified punch is a check-out where a check-in is open, else a check-in. A check-in has its check-out within
    ``longest``; until then it is open. No time is made up: a punch without its other half is in no pair, so that a
    forgotten check-out does not turn the next check-in into one.
    """
    pairing, entered, last = Pairing(), None, None
    for punch in punches:
        if last is not None and _repeats(punch, last):
            continue
        last = punch
        if entered is not None and measure(entered.at, punch.at) > longest:
            pairing.unpaired.append((entered, _no_end(longest)))
            entered = None
        if entered is None and punch.direction == "out":
            pairing.unpaired.append((punch, "there is no check-in before this check-out"))
        elif entered is None:
            entered = punch
        elif punch.direction == "in":
            pairing.unpaired.append((entered, "there is no check-out before the next check-in"))
            entered = punch
        else:
            pairing.pairs.append(CheckPair(entered, punch))
            entered = None
    if entered is not None and measure(entered.at, now) <= longest:
        pairing.pairs.append(CheckPair(entered, None))
    elif entered is not None:
        pairing.unpaired.append((entered, _no_end(longest)))
    return pairing


def find_anchor(punches: Sequence[Punch], since: datetime, longest: timedelta) -> datetime:
    """Return the time from which pairs are compared: of the last punch up to ``since`` that begins anew.

    A punch begins anew where none was in the time ``longest`` before it: no pair reaches over that gap.
    """
    anchor, last = min([since, *(punch.at for punch in punches[:1])]), None
    for punch in punches:
        if punch.at > since:
            break
        if last is not None and measure(last, punch.at) > longest:
            anchor = punch.at
        last = punch.at
    return anchor


def measure(start: datetime, end: datetime) -> timedelta:
    """Return the time that passes: the difference of two times of one zone would be that of the clocks on the wall."""
    return end.astimezone(UTC) - start.astimezone(UTC)


def _repeats(punch: Punch, last: Punch) -> bool:
    same = punch.direction in {last.direction, "unspecified"}
    return punch.at == last.at or (same and measure(last.at, punch.at) <= REPEATED)


def _no_end(longest: timedelta) -> str:
    return f"there is no check-out within {longest.total_seconds() / 3600:g} hours"
