"""Punches from the lines that a terminal sends: each once, however often it is sent.

A line of which no punch can be made is kept with the reason, and costs only itself: the terminal would otherwise send
all of them again, for ever. A time ahead of this machine's clock is one of a clock that is wrong: it is kept, and no
punch is made of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, insert, select

from visavis.attendance.integrations.zkteco.lines import MalformedLineError, TerminalLine, parse_line, split_lines
from visavis.attendance.integrations.zkteco.terminals import Terminal, note_clock, note_contact, read_terminals
from visavis.attendance.site import Site
from visavis.attendance.tables import HELD
from visavis.attendance.types import Punch
from visavis.errors import UnknownNameError, UsageError
from visavis.images import shown
from visavis.plain import Plain
from visavis.printable import make_printable
from visavis.sql_database import now

CLOCK_TOLERANCE = timedelta(minutes=2)
MOST_HELD = 10_000
"""Lines of a terminal that are kept for a person; further ones are dropped."""
NO_EMPLOYEE = "no employee has this number"
"""Reason of lines that are tried again at each upload."""


@dataclass(frozen=True, slots=True)
class UploadReport(Plain):
    """How many lines of an upload became punches, were punches already, and are held."""

    added: int
    repeated: int
    held: int


def receive(site: Site, terminal: Terminal, body: bytes, *, at: datetime) -> UploadReport:
    """Add the punches of an upload that arrived ``at`` a time; and those of held lines whose employee now exists."""
    note_contact(site, terminal.serial, upload=now())
    waiting = _read_waiting(site, terminal.serial)
    fresh = split_lines(body)
    punches, held = _make_punches(site, terminal, dict.fromkeys([*waiting, *fresh]), at)
    _note_clock(site, terminal, [punches[text] for text in fresh if text in punches], held, at)
    added, refused = _add(site, terminal, punches)
    held |= refused
    _store_held(site, terminal.serial, held, settled=[text for text in waiting if text not in held])
    new = sum(text not in waiting for text in held)
    return UploadReport(added, len(punches) - len(refused) - added, new)


def retry_held(site: Site, *, at: datetime) -> None:
    """Add the punches of held lines of all terminals whose employee now exists."""
    for terminal in read_terminals(site).values():
        waiting = _read_waiting(site, terminal.serial)
        punches, held = _make_punches(site, terminal, waiting, at)
        _, refused = _add(site, terminal, punches)
        _store_held(site, terminal.serial, held | refused, settled=[text for text in punches if text not in refused])


def clear_held(site: Site, name: str) -> None:
    """Delete the held lines of a terminal; UnknownNameError where there is none of the name."""
    serials = [terminal.serial for terminal in read_terminals(site).values() if terminal.name == name]
    if not serials:
        raise UnknownNameError(f"there is no terminal {shown(name)} in site.toml.")
    with site.database.write() as conn:
        conn.execute(delete(HELD).where(HELD.c.serial.in_(serials)))


def _make_punches(
    site: Site, terminal: Terminal, lines: Iterable[str], at: datetime
) -> tuple[dict[str, Punch], dict[str, str]]:
    """Return the punches of lines, and the reasons of the lines of which none can be made."""
    numbers = {employee.number for employee in site.employees()}
    punches, held = {}, {}
    for text in lines:
        try:
            punches[text] = _make_punch(terminal, parse_line(text), numbers, at)
        except MalformedLineError as error:
            held[text] = str(error)
    return punches, held


def _make_punch(terminal: Terminal, line: TerminalLine, numbers: Collection[str], at: datetime) -> Punch:
    try:
        time = resolve_time(line.time, terminal.zone, at)
    except OverflowError as error:  # the first or the last day of the calendar
        raise MalformedLineError("there is no such time") from error
    if time - at > CLOCK_TOLERANCE:
        raise MalformedLineError(f"the clock of the terminal is ahead by {_format(time - at)} or more")
    if line.pin not in numbers:
        raise MalformedLineError(NO_EMPLOYEE)
    return Punch(
        id=make_id(terminal.serial, line),
        employee=line.pin,
        at=time,
        zone=terminal.zone,
        direction=line.direction,
        device=terminal.name,
        method=line.method,
    )


def make_id(serial: str, line: TerminalLine) -> str:
    """Return the id of the punch of a line: that of the same line whenever it is sent."""
    identity = f"{serial}\n{line.pin}\n{line.time.isoformat()}\n{line.status}"
    return "zk-" + hashlib.sha256(identity.encode()).hexdigest()[:32]


def resolve_time(time: datetime, zone: str, at: datetime) -> datetime:
    """Return a local time with its offset; ``at`` is when it arrived.

    Of the two times that a local time has when clocks are set back, it is the later one unless that was still to come.
    A local time that there is none of, when clocks are set forward, is that of a clock that was not.
    """
    local = time.replace(tzinfo=ZoneInfo(zone), fold=1)
    later, earlier = local.astimezone(UTC), local.replace(fold=0).astimezone(UTC)
    exists = later.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == time
    chosen = later if exists and later <= at + CLOCK_TOLERANCE else earlier
    return chosen.astimezone(ZoneInfo(zone))


def _add(site: Site, terminal: Terminal, punches: dict[str, Punch]) -> tuple[int, dict[str, str]]:
    """Add punches; return how many are new, and the lines that are refused, with the reason."""
    actor = f"terminal {terminal.name}"
    try:
        return len(site.ledger.add(punches.values(), actor=actor)), {}
    except UsageError:
        pass  # one of them: each for itself
    added, refused = 0, {}
    for text, punch in punches.items():
        try:
            added += len(site.ledger.add([punch], actor=actor))
        except UsageError as error:
            if not site.ledger.history(punch_id=punch.id):  # else it is there, from before the settings were changed
                refused[text] = str(error)
    return added, refused


def _note_clock(site: Site, terminal: Terminal, punches: Sequence[Punch], held: dict[str, str], at: datetime) -> None:
    """Note an error of the clock: a time ahead of ours, or a single punch that is late, as it is sent at once."""
    ahead = [
        resolve_time(parse_line(text).time, terminal.zone, at) - at
        for text, reason in held.items()
        if reason.startswith("the clock")
    ]
    if ahead:
        note_clock(site, terminal.serial, round(max(ahead).total_seconds()))
    elif len(punches) == 1:
        late = at - punches[0].at
        note_clock(site, terminal.serial, -round(late.total_seconds()) if late > CLOCK_TOLERANCE else 0)


def _read_waiting(site: Site, serial: str) -> list[str]:
    query = select(HELD.c.line).where(HELD.c.serial == serial, HELD.c.reason == NO_EMPLOYEE)
    with site.database.read() as conn:
        return [*conn.execute(query.order_by(HELD.c.received, HELD.c.line)).scalars()]


def _store_held(site: Site, serial: str, held: dict[str, str], *, settled: Iterable[str]) -> None:
    gone = [*settled]
    if not held and not gone:
        return
    with site.database.write() as conn:
        for text in gone:
            conn.execute(delete(HELD).where(HELD.c.serial == serial, HELD.c.line == text))
        stored = {*conn.execute(select(HELD.c.line).where(HELD.c.serial == serial)).scalars()}
        count = conn.execute(select(func.count()).select_from(HELD).where(HELD.c.serial == serial)).scalar_one()
        fresh = {make_printable(text, keep="\t"): reason for text, reason in held.items()}
        rows = [
            {"serial": serial, "line": text, "reason": reason, "received": now()}
            for text, reason in fresh.items()
            if text not in stored
        ][: max(MOST_HELD - count, 0)]
        if rows:
            conn.execute(insert(HELD), rows)


def _format(time: timedelta) -> str:
    seconds = round(time.total_seconds())
    return f"{seconds // 3600} h {seconds % 3600 // 60} min" if seconds >= 3600 else f"{seconds // 60} min"
