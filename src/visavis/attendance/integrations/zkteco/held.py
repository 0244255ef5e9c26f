"""Times of the lines that are held: punches may still come of them, or were lost with them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from visavis.attendance.integrations.zkteco.lines import MalformedLineError, parse_line
from visavis.attendance.integrations.zkteco.receive import resolve_time
from visavis.attendance.integrations.zkteco.terminals import HeldLine, read_states, read_terminals
from visavis.attendance.site import Site


@dataclass(frozen=True, slots=True)
class HeldPunch:
    """A line of a terminal of which no punch was made, by the time of the punch."""

    terminal: str
    at: datetime


def find_earliest_held(site: Site, after: datetime) -> HeldPunch | None:
    """Return the first punch after a time that a line which is held may be of; None without any."""
    zones = {terminal.name: terminal.zone for terminal in read_terminals(site).values()}
    punches = [
        HeldPunch(state.name, at)
        for state in read_states(site)
        for at in (_estimate_time(line, zones[state.name]) for line in state.held)
        if at > after
    ]
    return min(punches, key=lambda punch: punch.at, default=None)


def _estimate_time(line: HeldLine, zone: str) -> datetime:
    """Return the time of a line; when it was received, where it says none or a later one."""
    try:
        return min(resolve_time(parse_line(line.line).time, zone, line.received), line.received)
    except (MalformedLineError, OverflowError):
        return line.received
