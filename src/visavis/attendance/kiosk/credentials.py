"""PIN and badge of employees who cannot be, or do not want to be, recognized by the face."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import string
from contextlib import suppress
from typing import Any, Literal

from sqlalchemy import Connection, Row, delete, insert, select, update

from visavis.attendance.employees import find_employee, read_employees
from visavis.attendance.kiosk.refusals import begin_try, end_try
from visavis.attendance.ledger.records import EVENT
from visavis.attendance.ledger.writing import LedgerWriter
from visavis.attendance.site import Site
from visavis.attendance.tables import CREDENTIALS
from visavis.attendance.types import Employee
from visavis.errors import UsageError

CredentialFault = Literal["wrong", "blocked"]
"""Why a PIN or a badge is not taken: it is wrong, or there were too many wrong ones."""
PIN_DIGITS = (4, 12)
DRAWN_DIGITS = 6
BADGE_LENGTH = 64
"""Most characters of a badge number."""
SALT_BYTES = 16
COST = {"n": 2**14, "r": 8, "p": 1}
"""Of scrypt: 16 MiB and about 50 ms for a PIN."""
_NO_PIN = bytes(SALT_BYTES + 32)
"""Compared with where there is no such number, so that the answer takes as long."""


def draw_pin() -> str:
    """Return a PIN of ``DRAWN_DIGITS`` random digits that is not easily guessed."""
    while True:
        pin = "".join(secrets.choice(string.digits) for _ in range(DRAWN_DIGITS))
        with suppress(UsageError):
            return _check_pin(pin)


def set_pin(site: Site, number: str, pin: str | None, *, actor: str) -> None:
    """Give an employee a PIN of 4 to 12 digits, or take it away (None).

    Raises UnknownNameError; UsageError for another text.
    """
    stored = None if pin is None else _hash_pin(_check_pin(pin), os.urandom(SALT_BYTES))
    with site.ledger.write(actor=actor) as writer:
        _store(writer, number, {"pin": stored}, action="set PIN" if pin else "remove PIN")


def set_badge(site: Site, number: str, badge: str | None, *, actor: str) -> None:
    """Give an employee a badge, or take it away (None). UsageError for a badge that another employee has."""
    mark = None if badge is None else site.key.mark_badge(_check_badge(badge))
    with site.ledger.write(actor=actor) as writer:
        if mark is not None:
            owner = writer.conn.execute(select(CREDENTIALS.c.employee).where(CREDENTIALS.c.badge == mark)).scalar()
            if owner not in (None, number):
                raise UsageError("another employee has this badge.")
        _store(writer, number, {"badge": mark}, action="set badge" if badge else "remove badge")


def find_by_pin(site: Site, number: str, pin: str, *, kiosk: str, attempt: str) -> Employee | CredentialFault:
    """Return the employee of a number if the PIN is right; else why not, the same whether or not the number exists.

    A wrong one is counted, once for each ``attempt``; another PIN with the id of an attempt is another one.
    """
    mark = _mark_attempt(site, attempt, number, pin)
    if not begin_try(site, mark, kiosk=kiosk, number=number):
        return "blocked"
    with site.database.read() as conn:
        stored = conn.execute(select(CREDENTIALS.c.pin).where(CREDENTIALS.c.employee == number)).scalar()
        employees = read_employees(conn, [number])
    expected = stored or _NO_PIN
    given = _hash_pin(pin[: PIN_DIGITS[1] + 1], expected[:SALT_BYTES])
    is_right = hmac.compare_digest(given, expected)
    if not (is_right and employees):
        return "wrong"
    end_try(site, mark)
    return employees[0]


def find_by_badge(site: Site, badge: str, *, kiosk: str, attempt: str) -> Employee | CredentialFault:
    """Return the employee of a badge; else why not. A wrong one is counted as a wrong PIN is."""
    mark = _mark_attempt(site, attempt, badge)
    if not begin_try(site, mark, kiosk=kiosk):
        return "blocked"
    with site.database.read() as conn:
        badge_mark = site.key.mark_badge(badge.strip())
        number = conn.execute(select(CREDENTIALS.c.employee).where(CREDENTIALS.c.badge == badge_mark)).scalar()
        employees = [] if number is None else read_employees(conn, [number])
    if not employees:
        return "wrong"
    end_try(site, mark)
    return employees[0]


def list_credentials(conn: Connection, number: str) -> tuple[str, ...]:
    """Return which credentials an employee has: "pin", "badge"."""
    row: Row[Any] | None = conn.execute(select(CREDENTIALS).where(CREDENTIALS.c.employee == number)).one_or_none()
    return () if row is None else tuple(name for name in ("pin", "badge") if getattr(row, name) is not None)


def _mark_attempt(site: Site, attempt: str, *typed: str) -> str:
    """Return what the database holds of an attempt: the kiosk draws its id, and could draw one for many PINs."""
    return site.key.mark_number("\n".join((attempt, *typed)))


def _store(writer: LedgerWriter, number: str, values: dict[str, Any], *, action: str) -> None:
    find_employee(writer.conn, number)
    is_it = CREDENTIALS.c.employee == number
    if not writer.conn.execute(update(CREDENTIALS).where(is_it).values(values)).rowcount:
        writer.conn.execute(insert(CREDENTIALS).values({"employee": number, **values}))
    writer.conn.execute(delete(CREDENTIALS).where(is_it, CREDENTIALS.c.pin.is_(None), CREDENTIALS.c.badge.is_(None)))
    writer.append(EVENT, {"employee": number, "detail": json.dumps({"action": action})})


def _check_pin(pin: str) -> str:
    least, most = PIN_DIGITS
    if not (pin.isascii() and pin.isdigit() and least <= len(pin) <= most):
        raise UsageError(f"a PIN has {least} to {most} digits.")
    if len({*pin}) == 1 or pin in "0123456789" or pin in "9876543210":
        raise UsageError("this PIN is easily guessed: use other digits.")
    return pin


def _check_badge(badge: str) -> str:
    text = badge.strip()
    if not text.isprintable() or not 0 < len(text) <= BADGE_LENGTH:
        raise UsageError(f"a badge number has 1 to {BADGE_LENGTH} characters.")
    return text


def _hash_pin(pin: str, salt: bytes) -> bytes:
    """Return the salt and the hash of a PIN."""
    return salt + hashlib.scrypt(pin.encode(), salt=salt, dklen=32, **COST)
