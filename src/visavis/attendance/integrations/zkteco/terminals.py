"""The terminals that may send punches: ``[zkteco.NAME]`` in ``site.toml``; and what is known of each."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, select, update

from visavis.attendance.integrations.zkteco.contacts import find_complete, note_time
from visavis.attendance.local_time import read_zone
from visavis.attendance.settings import FILE
from visavis.attendance.site import Site
from visavis.attendance.tables import HELD, TERMINALS
from visavis.errors import UsageError
from visavis.images import shown
from visavis.plain import Plain
from visavis.printable import make_printable
from visavis.sql_database import write_time
from visavis.text_files import errors_in

KEYS = ("serial", "addresses", "zone")
MOST_SECONDS = 2**31 - 1
"""What the column of the clock holds in PostgreSQL; clocks that were never set are farther off."""
_SERIAL = re.compile(r"[A-Za-z0-9_-]{1,40}")

AddressRange = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Terminal:
    """A terminal: ``name`` is the device of its punches, ``zone`` the time zone of its clock."""

    name: str
    serial: str
    addresses: tuple[AddressRange, ...]
    zone: str

    def may_come_from(self, address: str) -> bool:
        """Return whether an IP address is one of the terminal's."""
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        return any(ip.version == network.version and ip in network for network in self.addresses)


@dataclass(frozen=True, slots=True)
class HeldLine(Plain):
    """A line of a terminal of which no punch was made, and why."""

    line: str
    reason: str
    received: datetime


@dataclass(frozen=True, slots=True)
class TerminalState(Plain):
    """A terminal: when it was last in contact and last sent punches, and the lines that wait for a person.

    ``clock_seconds`` is how far its clock was ahead when that last could be seen, negative where it was behind.
    """

    name: str
    serial: str
    contact: datetime | None
    upload: datetime | None
    clock_seconds: int | None
    clock_noted: datetime | None
    held: tuple[HeldLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Contact:
    """The time up to which a terminal has sent its punches, None where that is not yet clear.

    ``is_back`` is whether it has just come back, and may still be sending what it recorded meanwhile.
    """

    serial: str
    time: datetime | None
    is_back: bool


def read_terminals(site: Site) -> dict[str, Terminal]:
    """Return the terminals of a site by serial number; without any, none is let in. Raises UsageError."""
    terminals: dict[str, Terminal] = {}
    with errors_in(site.folder / FILE):
        for name, table in site.settings.tables.get("zkteco", {}).items():
            terminal = _read_terminal(name, table, site.zone)
            if terminal.serial in terminals:
                raise UsageError(f"two terminals have the serial number {terminal.serial}.")
            terminals[terminal.serial] = terminal
    return terminals


def _read_terminal(name: str, table: Any, zone: str) -> Terminal:
    place = f"[zkteco.{make_printable(name)}]"
    if not isinstance(table, Mapping):
        raise UsageError(f"a terminal is a table: write {place}.")
    for key in table:
        if key not in KEYS:
            raise UsageError(f"{place} has no key {shown(key)}: the keys are {', '.join(KEYS)}.")
    serial, zone = table.get("serial"), table.get("zone", zone)
    if not isinstance(serial, str) or not _SERIAL.fullmatch(serial):
        raise UsageError(f"{place} needs serial: the serial number that the terminal shows.")
    if not isinstance(zone, str):
        raise UsageError(f"{place}: zone is text.")
    read_zone(zone)
    return Terminal(name, serial, _read_addresses(place, table.get("addresses")), zone)


def _read_addresses(place: str, value: object) -> tuple[AddressRange, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
        raise UsageError(f"{place} needs addresses: a list such as ['192.168.1.201'], or of networks.")
    try:
        return tuple(ipaddress.ip_network(item) for item in value)
    except ValueError as error:
        raise UsageError(f"{place}: addresses: {error}.") from error


def note_contact(site: Site, serial: str, *, at: datetime | None = None, **values: object) -> None:
    """Store that a terminal was in contact, now or ``at`` a time in UTC, and other columns of it."""
    at = at or datetime.now(UTC)
    values = {"contact": write_time(at), **values}
    this = TERMINALS.c.serial == serial
    with site.database.write() as conn:
        note_time(conn, serial, _time(conn.execute(select(TERMINALS.c.contact).where(this)).scalar()), at)
        if not conn.execute(update(TERMINALS).where(this).values(values)).rowcount:
            conn.execute(insert(TERMINALS).values({"serial": serial, **values}))


def read_stamp(site: Site, serial: str) -> str:
    """Return what a terminal called its last upload; "0" before the first: it then sends all that it has."""
    with site.database.read() as conn:
        return conn.execute(select(TERMINALS.c.stamp).where(TERMINALS.c.serial == serial)).scalar() or "0"


def store_stamp(site: Site, serial: str, stamp: str) -> None:
    """Store what a terminal calls an upload that was recorded."""
    note_contact(site, serial, stamp=stamp)


def note_clock(site: Site, serial: str, seconds: int) -> None:
    """Store how far the clock of a terminal is ahead."""
    bounded = max(-MOST_SECONDS, min(seconds, MOST_SECONDS))
    note_contact(site, serial, clock_seconds=bounded, clock_noted=write_time(datetime.now(UTC)))


def read_states(site: Site) -> list[TerminalState]:
    """Return the terminals of a site with what is known of them."""
    with site.database.read() as conn:
        rows = {row.serial: row for row in conn.execute(select(TERMINALS))}
        held: dict[str, list[HeldLine]] = {}
        for row in conn.execute(select(HELD).order_by(HELD.c.received, HELD.c.line)):
            line = HeldLine(row.line, row.reason, datetime.fromisoformat(row.received))
            held.setdefault(row.serial, []).append(line)
    states = []
    for serial, terminal in read_terminals(site).items():
        stored, lines = rows.get(serial), tuple(held.get(serial, ()))
        times = [_time(getattr(stored, name, None)) for name in ("contact", "upload", "clock_noted")]
        seconds = None if stored is None else stored.clock_seconds
        states.append(TerminalState(terminal.name, serial, times[0], times[1], seconds, times[2], lines))
    return states


def find_oldest_contact(site: Site) -> Contact | None:
    """Return the time up to which a terminal has sent all punches, the earliest of all; None without terminals."""
    serials = read_terminals(site)
    if not serials:
        return None
    with site.database.read() as conn:
        last = {row.serial: _time(row.contact) for row in conn.execute(select(TERMINALS))}
        contacts = [Contact(serial, *find_complete(conn, serial, last.get(serial))) for serial in serials]
    least = datetime.min.replace(tzinfo=UTC)
    return min(contacts, key=lambda item: item.time or least)


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
