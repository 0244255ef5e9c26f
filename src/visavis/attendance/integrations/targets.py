"""Targets of deliveries in ``site.toml``: a table ``[targets.NAME]`` each, with the secret elsewhere.

A secret is in a file of its own, or in an environment variable, and is read when a connection is made: it is neither in
the configuration nor in what is printed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from visavis._checks import check_number
from visavis.attendance.local_time import read_zone
from visavis.attendance.settings import FILE
from visavis.attendance.site import Site
from visavis.attendance.types import Punch
from visavis.errors import UnknownNameError, UsageError
from visavis.images import shown
from visavis.permissions import warn_if_readable
from visavis.printable import make_printable
from visavis.text_files import errors_in, read_text

TargetKind = Literal["frappe", "odoo", "webhook"]
OdooProtocol = Literal["json2", "xmlrpc"]
COMMON = frozenset({"kind", "url", "key_file", "key_variable", "first_day"})
OPTIONS: Mapping[str, frozenset[str]] = {
    "frappe": COMMON | {"zone", "employee_field", "shift_types"},
    "odoo": COMMON | {"employee_field", "protocol", "database", "user", "longest_hours"},
    "webhook": COMMON,
}
"""Keys of a table, by its kind."""
EMPLOYEE_FIELDS = {"frappe": "attendance_device_id", "odoo": "barcode", "webhook": ""}
SECRET_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Target:
    """Where punches are sent.

    ``employee_field`` is the field of the target's employees that holds our employee number. Changes of punches before
    ``first_day`` are not sent. ``zone`` is the time zone of a Frappe site. ``longest_hours`` is the longest time
    between a check-in and its check-out.
    """

    name: str
    kind: TargetKind
    url: str
    zone: str
    key_file: Path | None = None
    key_variable: str = ""
    first_day: date | None = None
    employee_field: str = ""
    shift_types: tuple[str, ...] = ()
    protocol: OdooProtocol = "json2"
    database: str = ""
    user: str = ""
    longest_hours: float = 16.0

    def covers(self, punch: Punch) -> bool:
        """Return whether changes of a punch are sent."""
        return self.first_day is None or punch.at.date() >= self.first_day

    def read_secret(self) -> str:
        """Return the secret; raises UsageError where there is none, or a header cannot hold it."""
        secret = self._read_variable() if self.key_file is None else self._read_file(self.key_file)
        in_header = self.kind == "frappe" or (self.kind == "odoo" and self.protocol == "json2")
        if in_header and not (secret.isascii() and secret.isprintable()):
            raise UsageError(f"target {self.name}: the key is one line of ASCII, with nothing after it.")
        return secret

    def _read_variable(self) -> str:
        secret = os.environ.get(self.key_variable, "").strip()
        if not secret:
            raise UsageError(f"target {self.name}: the environment variable {self.key_variable} is not set.")
        return secret

    def _read_file(self, path: Path) -> str:
        secret = read_text(path, most=SECRET_BYTES).strip()
        if not secret:
            raise UsageError(f"target {self.name}: {shown(str(path))} is empty: write the key into it.")
        warn_if_readable([path], contents=f"the key of {self.name}")
        return secret


def find_target(site: Site, name: str) -> Target:
    """Return a target of a site; raises UnknownNameError where there is none of the name."""
    targets = read_targets(site)
    if name not in targets:
        names = ", ".join(targets) or "none: add [targets.NAME] to site.toml"
        raise UnknownNameError(f"there is no target {shown(name)}; the targets are {names}.")
    return targets[name]


def read_targets(site: Site) -> dict[str, Target]:
    """Return the targets of a site by name. Raises UsageError, which names the file."""
    tables = site.settings.tables.get("targets", {})
    with errors_in(site.folder / FILE):
        if not all(isinstance(table, dict) for table in tables.values()):
            raise UsageError("targets are tables: write [targets.NAME].")
        return {name: _read_target(name, table, site.folder, site.zone) for name, table in tables.items()}


def _read_target(name: str, table: Mapping[str, Any], folder: Path, zone: str) -> Target:
    place = f"[targets.{make_printable(name)}]"
    kind: Any = table.get("kind")
    if kind not in get_args(TargetKind):
        raise UsageError(f"{place} needs kind = {_list(get_args(TargetKind))}.")
    for key in table:
        if key not in OPTIONS[kind]:
            hint = (
                " The key is in a file of its own: key_file." if key in {"key", "token", "secret", "password"} else ""
            )
            raise UsageError(f"{place} has no key {shown(key)}: the keys are {', '.join(sorted(OPTIONS[kind]))}.{hint}")
    values: dict[str, Any] = {
        key: _text(place, key, table) for key in ("zone", "employee_field", "database", "user") if key in table
    }
    target = Target(
        name=name,
        kind=kind,
        url=_read_url(place, table),
        **({"zone": zone, "employee_field": EMPLOYEE_FIELDS[kind]} | values),
        **_read_secret_place(place, table, folder),
        first_day=_read_day(place, table),
        shift_types=_read_shift_types(place, table),
        protocol=table.get("protocol", "json2"),
        longest_hours=check_number(table.get("longest_hours", 16), "longest_hours is a number", least=1, most=48),
    )
    _check(place, target)
    return target


def _check(place: str, target: Target) -> None:
    read_zone(target.zone)
    if target.protocol not in get_args(OdooProtocol):
        raise UsageError(f"{place}: protocol is {_list(get_args(OdooProtocol))}.")
    if target.protocol == "xmlrpc" and not (target.database and target.user):
        raise UsageError(f"{place}: XML-RPC needs database and user.")


def _read_url(place: str, table: Mapping[str, Any]) -> str:
    url = _text(place, "url", table)
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url or "@" in parts.netloc or parts.query or parts.fragment:
        raise UsageError(f"{place}: url is an address such as https://erp.example.com, without a user or a password.")
    return url.rstrip("/")


def _read_secret_place(place: str, table: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    if ("key_file" in table) == ("key_variable" in table):
        raise UsageError(f"{place} needs either key_file or key_variable: where the key is.")
    if "key_file" in table:
        return {"key_file": folder / _text(place, "key_file", table)}
    return {"key_variable": _text(place, "key_variable", table)}


def _read_day(place: str, table: Mapping[str, Any]) -> date | None:
    day = table.get("first_day")
    if day is None or type(day) is date:  # a datetime is a date too
        return day
    raise UsageError(f"{place}: first_day is a day, such as 2026-01-01, without quotation marks.")


def _read_shift_types(place: str, table: Mapping[str, Any]) -> tuple[str, ...]:
    names = table.get("shift_types", [])
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise UsageError(f"{place}: shift_types is a list of names, such as ['Day', 'Night'].")
    return tuple(names)


def _text(place: str, key: str, table: Mapping[str, Any]) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value:
        raise UsageError(f"{place}: {key} is text.")
    return value


def _list(names: tuple[str, ...]) -> str:
    return " or ".join(f"'{name}'" for name in names)
