"""Sessions of pages: begun with a key, ended by signing out, by time, or with the key.

A browser holds the token of its session in a cookie; the database holds the SHA-256 of it. The token has 256 random
bits, so there is nothing to guess. A session ends ``IDLE`` after its last request and ``LONGEST`` after its begin, by
times that are stored: a server that starts again extends none. That of a kiosk lasts ``LONGEST_KIOSK``: its page stays
open day and night, and its key can do nothing but record punches.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, insert, or_, select, update

from visavis.server.roles import KIOSK
from visavis.server.state import tables
from visavis.server.state.database import StateDatabase
from visavis.server.state.keys import read_key, select_keys
from visavis.server.types import ApiKey

IDLE = timedelta(hours=1)
LONGEST = timedelta(hours=12)
LONGEST_KIOSK = timedelta(days=400)
"""As long as browsers keep a cookie at most."""
PRECISION = timedelta(minutes=1)
"""Time between requests that are written down as the last one: a session may end so much before ``IDLE``."""
SESSIONS = tables.SESSIONS


@dataclass(frozen=True, slots=True)
class PageSession:
    """A session: the ``key`` that it began with, and the token that each of its changing requests carries."""

    key: ApiKey
    csrf: str


class Sessions:
    """The sessions of a server's database."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def begin(self, key: ApiKey) -> str:
        """Begin a session of a key; return its token, which is drawn here and never taken from a request."""
        token, at = secrets.token_urlsafe(32), _now()
        with self._database.write() as conn:
            conn.execute(delete(SESSIONS).where(_ended(at)))
            values = {"token_hash": _hash(token), "key_id": key.id, "begun": _write(at), "used": _write(at)}
            conn.execute(insert(SESSIONS).values(values))
            self._database.log(conn, key.name, "sign in")
        return token

    def find(self, token: str, *, is_use: bool = True) -> PageSession | None:
        """Return the session of a token, and note that it is used; None where it has ended, or its key was revoked.

        ``is_use=False`` is for what goes on without the user, such as a stream: it keeps no session alive.
        """
        at = _now()
        with self._database.read() as conn:
            row = conn.execute(
                select_keys()
                .add_columns(SESSIONS.c.token_hash, SESSIONS.c.used)
                .join(SESSIONS, tables.KEYS.c.id == SESSIONS.c.key_id)
                .where(SESSIONS.c.token_hash == _hash(token), ~_ended(at), tables.KEYS.c.revoked.is_(None))
            ).one_or_none()
        if row is None:
            return None
        if is_use and row.used < _write(at - PRECISION):
            with self._database.write() as conn:
                is_same = (SESSIONS.c.token_hash == row.token_hash) & ~_ended(at)
                conn.execute(update(SESSIONS).where(is_same).values(used=_write(at)))
        return PageSession(read_key(row), make_csrf_token(token))

    def end(self, token: str) -> None:
        """End a session; one that has ended stays so."""
        with self._database.write() as conn:
            is_it = SESSIONS.c.token_hash == _hash(token)
            key_id = select(SESSIONS.c.key_id).where(is_it).scalar_subquery()
            name = conn.execute(select(tables.KEYS.c.name).where(tables.KEYS.c.id == key_id)).scalar()
            if name is not None:
                conn.execute(delete(SESSIONS).where(is_it))
                self._database.log(conn, name, "sign out")


def make_csrf_token(token: str) -> str:
    """Return what proves that a request was made by a page of the session: pages of other sites cannot read it."""
    return hmac.new(token.encode(), b"csrf", hashlib.sha256).hexdigest()


def _ended(at: datetime) -> ColumnElement[bool]:
    kiosks = select(tables.KEYS.c.id).where(tables.KEYS.c.role == KIOSK)
    is_over = or_(SESSIONS.c.used < _write(at - IDLE), SESSIONS.c.begun < _write(at - LONGEST))
    return or_(and_(is_over, SESSIONS.c.key_id.not_in(kiosks)), SESSIONS.c.begun < _write(at - LONGEST_KIOSK))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _now() -> datetime:
    return datetime.now(UTC)


def _write(time: datetime) -> str:
    return time.isoformat(timespec="microseconds")
