"""API keys: created, listed, rotated and revoked; of a key only the hash of its secret is stored.

A key is ``vv_ID_SECRET``. The secret has 256 random bits, so that one SHA-256 is enough: there is nothing to guess.
"""

from __future__ import annotations

import getpass
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from visavis.errors import UnknownNameError, UsageError
from visavis.gallery.check_text import NAME_LENGTH, check_text
from visavis.server.roles import OF_EMPLOYEES, check_role, uses_galleries
from visavis.server.state import tables
from visavis.server.state.database import StateDatabase
from visavis.server.types import ApiKey, KeyOwner, NewKey
from visavis.sql_database import now

PREFIX = "vv"
KEY_ID = re.compile("[0-9a-f]{12}")
KEYS, OWNERS = tables.KEYS, tables.KEY_EMPLOYEES


class Keys:
    """The keys of a server's database."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def create(
        self,
        name: str,
        role: str,
        *,
        galleries: Sequence[str] | None = None,
        owner: KeyOwner | None = None,
        actor: str,
    ) -> NewKey:
        """Create a key; ``owner`` is the employee that it is for.

        Raises UsageError for an unknown role, a name that another key has, and galleries or an owner that a key of the
        role cannot have.
        """
        check_reach(role, galleries, None if owner is None else owner.employee)
        with self._database.write() as conn:
            new = self._insert(conn, name, role, galleries, actor)
            if owner is not None:
                key_id = _find(conn, name).id
                values = {"key_id": key_id, "employee": owner.employee, "first_record": owner.first_record}
                conn.execute(insert(OWNERS).values(values))
            return new

    def list(self) -> list[ApiKey]:
        """Return all keys, also revoked ones, in the order of their names."""
        with self._database.read() as conn:
            return [read_key(row) for row in conn.execute(select_keys().order_by(KEYS.c.name))]

    def find_owner(self, name: str) -> KeyOwner | None:
        """Return the employee that the key of a name is for; None where it is for none."""
        query = select(OWNERS.c.employee, OWNERS.c.first_record).join(KEYS, KEYS.c.id == OWNERS.c.key_id)
        with self._database.read() as conn:
            row = conn.execute(query.where(KEYS.c.name == name)).one_or_none()
        return None if row is None else KeyOwner(row.employee, row.first_record)

    def rotate(self, name: str, *, actor: str) -> NewKey:
        """Give a key a new secret: the old one is refused at once. Raises UnknownNameError."""
        with self._database.write() as conn:
            row = _find(conn, name)
            secret = secrets.token_urlsafe(32)
            changes = {"secret_hash": _hash(secret), "revoked": None}
            conn.execute(update(KEYS).where(KEYS.c.id == row.id).values(changes))
            conn.execute(delete(tables.SESSIONS).where(tables.SESSIONS.c.key_id == row.id))
            self._database.log(conn, actor, "rotate key", name)
            return NewKey(name, row.role, _format(row.id, secret))

    def revoke(self, name: str, *, actor: str) -> None:
        """Refuse a key from now on, and end the sessions that began with it. Raises UnknownNameError."""
        with self._database.write() as conn:
            row = _find(conn, name)
            conn.execute(update(KEYS).where(KEYS.c.id == row.id).values(revoked=now()))
            conn.execute(delete(tables.SESSIONS).where(tables.SESSIONS.c.key_id == row.id))
            self._database.log(conn, actor, "revoke key", name)

    def find(self, text: str) -> ApiKey | None:
        """Return the key of this text; None where it is wrong or revoked. Secrets are compared in constant time."""
        prefix, _, rest = text.partition("_")
        key_id, _, secret = rest.partition("_")
        if prefix != PREFIX or not secret or KEY_ID.fullmatch(key_id) is None:
            return None
        with self._database.read() as conn:
            row = conn.execute(select_keys().where(KEYS.c.id == key_id)).one_or_none()
        expected = row.secret_hash if row is not None else _hash("")
        is_right = hmac.compare_digest(_hash(secret), expected)
        return read_key(row) if row is not None and is_right and row.revoked is None else None

    def any_usable(self) -> bool:
        """Return whether there is a key that is not revoked."""
        with self._database.read() as conn:
            return _any_usable(conn)

    def any_made(self) -> bool:
        """Return whether a key was ever made, also one that was revoked: until then this machine's users need none."""
        with self._database.read() as conn:
            return conn.execute(select(KEYS.c.id).limit(1)).first() is not None

    def has_setup_code(self) -> bool:
        """Return whether a one-time code waits for its use: it was printed, and there is no usable key yet."""
        with self._database.read() as conn:
            return conn.execute(select(tables.SETUP.c.code_hash)).first() is not None and not _any_usable(conn)

    def make_setup_code(self) -> str | None:
        """Return a new one-time code for an administrator's key, instead of an older one; None with a usable key."""
        with self._database.write() as conn:
            if _any_usable(conn):
                return None
            code = "-".join(f"{secrets.randbelow(10_000):04d}" for _ in range(4))
            conn.execute(delete(tables.SETUP))
            conn.execute(insert(tables.SETUP).values(code_hash=_hash(code), created=now()))
            return code

    def use_setup_code(self, code: str, name: str) -> NewKey | None:
        """Return the first administrator's key for the one-time code, which ends with it; None for a wrong code.

        A wrong code takes no lock of the database.
        """
        with self._database.read() as conn:
            expected = conn.execute(select(tables.SETUP.c.code_hash)).scalar()
        if expected is None or not hmac.compare_digest(_hash(code), expected):
            return None
        with self._database.write() as conn:
            if not conn.execute(delete(tables.SETUP).where(tables.SETUP.c.code_hash == expected)).rowcount:
                return None  # another request was first
            return self._insert(conn, name, "admin", None, "setup")

    def _insert(self, conn: Connection, name: str, role: str, galleries: Sequence[str] | None, actor: str) -> NewKey:
        check_text(name, "a name of a key", most=NAME_LENGTH, one_line=True)
        if not name.strip():
            raise UsageError("a key needs a name.")
        key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        values = {
            "id": key_id, "name": name, "role": role, "secret_hash": _hash(secret), "created": now(),
            "created_by": actor, "galleries": None if galleries is None else json.dumps(list(galleries)),
        }  # fmt: skip
        try:
            conn.execute(insert(KEYS).values(values))
        except IntegrityError as error:
            raise UsageError(f"there is a key {name!r} already: choose another name, or rotate it.") from error
        conn.execute(delete(tables.SETUP))
        self._database.log(conn, actor, "create key", f"{name} ({role})")
        return NewKey(name, role, _format(key_id, secret))


def check_reach(role: str, galleries: Sequence[str] | None, employee: str | None) -> None:
    """Raise UsageError for an unknown role, and for galleries or an employee that a key of the role cannot have."""
    check_role(role)
    if galleries is not None and not uses_galleries(role):
        raise UsageError(f"a key of the role {role} reaches no gallery: name none.")
    if employee is None and role in OF_EMPLOYEES:
        raise UsageError(f"a key of the role {role} belongs to an employee: give the employee number.")
    if employee is not None and role not in OF_EMPLOYEES:
        raise UsageError(f"a key of the role {role} belongs to no employee: give no employee number.")


def select_keys() -> Select[Any]:
    """Select the columns of keys, and the employees that they are for, for :func:`read_key`."""
    return select(KEYS, OWNERS.c.employee).outerjoin(OWNERS, OWNERS.c.key_id == KEYS.c.id)


def user_name() -> str:
    """Return the name of this process's user, for the log."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user id without a name
        return "command line"


def _any_usable(conn: Connection) -> bool:
    return conn.execute(select(KEYS.c.id).where(KEYS.c.revoked.is_(None)).limit(1)).first() is not None


def _find(conn: Connection, name: str) -> Row[tuple[str, ...]]:
    row = conn.execute(select(KEYS).where(KEYS.c.name == name)).one_or_none()
    if row is None:
        raise UnknownNameError(f"there is no key {name!r}: visavis keys list shows all.")
    return row


def _format(key_id: str, secret: str) -> str:
    return f"{PREFIX}_{key_id}_{secret}"


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def read_key(row: Row[Any]) -> ApiKey:
    """Return the key of a row with the columns of :func:`select_keys`."""
    galleries = None if row.galleries is None else tuple(json.loads(row.galleries))
    return ApiKey(row.id, row.name, row.role, galleries, row.created, row.created_by, row.revoked, row.employee)
