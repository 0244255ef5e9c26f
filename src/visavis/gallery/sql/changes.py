"""Changes of a gallery: their numbers, their random tokens, and the template ids that they give.

A number alone does not identify a change: after a backup is restored, other changes get the same numbers. The
table ``changes`` has the token of each number, so an index of an earlier state is updated only where that is in the
history of this database. The number and the token of a change in one integer are its *state*: 36 bits and 27.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Column, Connection, Select, func, insert, select, update

from visavis.errors import GalleryError
from visavis.gallery.sql.id_mark import IdMark
from visavis.gallery.sql.schema import CHANGES, META, REMOVALS, TEMPLATES, TOKEN_BITS, make_token

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""New ids begin at the number of milliseconds since then, which grows faster than galleries: see :func:`next_id`."""
LAST_CHANGE = 1 << (63 - TOKEN_BITS)
LAST_ID = 1 << 62
"""Numbers that no gallery reaches, below those that a database can store."""

BEGUN, OWN, LEAST_ID, MARK = "visavis_begun", "visavis_own", "visavis_least_id", "visavis_mark"
"""Keys of ``Connection.info``: the state of the running transaction, that of the last one which this connection
committed, the least id of a new template, and the :class:`IdMark`, if the gallery is in a file."""


_READ_STATE, _READ_KEY = select(META.c.change, META.c.token, META.c.key), select(META.c.key)
_SET_STATE, _ADD_CHANGE = update(META), insert(CHANGES)
"""Statements of every enrollment: building one takes as long as executing it."""


def make_state(change: int, token: int | None) -> int:
    """Return number and token of a change as one integer, which grows with the number."""
    return change << TOKEN_BITS | (token or 0)


def change_of(state: int) -> int:
    """Return the number of the change of a state."""
    return state >> TOKEN_BITS


def begin_change(conn: Connection) -> int:
    """Return the number of a new change. No other transaction makes one meanwhile: the store has one writer."""
    before = conn.execute(_READ_STATE).one()
    if make_state(before.change, before.token) not in (conn.info.get(BEGUN), conn.info.get(OWN)):
        marked = _read_mark(conn, before.key)
        conn.info[LEAST_ID] = _milliseconds() if marked is None else marked + 1
    if before.change >= LAST_CHANGE:
        raise GalleryError(f"change {before.change} of the gallery is not a possible number: restore a copy of it.")
    token = make_token()
    change = int(before.change) + 1
    conn.execute(_SET_STATE, {"change": change, "token": token})
    conn.execute(_ADD_CHANGE, {"change": change, "token": token})
    conn.info[BEGUN] = make_state(change, token)
    return change


def own(conn: Connection) -> None:
    """Let the ids of the next change continue those of the last one: this transaction has created the gallery."""
    conn.info[BEGUN] = make_state(*conn.execute(select(META.c.change, META.c.token)).one())


def end_transaction(info: MutableMapping[Any, Any], *, committed: bool) -> None:
    """Remember in ``Connection.info`` the change that a transaction made, or not where it was rolled back."""
    begun = info.pop(BEGUN, None)
    if committed and begun is not None:
        info[OWN] = begun


def keep_mark(conn: Connection, highest: int | None = None) -> None:
    """Keep the highest template id that the gallery has given where a restored backup does not bring it back.

    Without ``highest`` the mark of a gallery that has none becomes that of its templates.
    """
    mark, key = conn.info.get(MARK), conn.execute(_READ_KEY).scalar_one()
    if mark is not None and (highest is not None or mark.read(key) is None):
        mark.write(key, _highest_id(conn) if highest is None else highest)


def _read_mark(conn: Connection, key: str) -> int | None:
    mark: IdMark | None = conn.info.get(MARK)
    return None if mark is None else mark.read(key)


def disown(conn: Connection) -> None:
    """Let the next change begin with new ids: this transaction stores ids that were given elsewhere."""
    conn.info.pop(BEGUN, None)
    conn.info.pop(OWN, None)
    keep_mark(conn, max(_milliseconds(), _highest_id(conn)))


def next_id(conn: Connection) -> int:
    """Return the least id that a template may get, inside a transaction that has begun a change.

    An id is never given twice, not even after a backup was restored, which does not contain the latest ids. So ids
    continue those of the records only where this connection made the last change, else they follow the mark beside the
    gallery; where there is none they begin with the time.
    """
    after_highest = next_after("template", _highest_id(conn))
    return max(after_highest, int(conn.info.get(LEAST_ID, 1)))


def _highest_id(conn: Connection) -> int:
    """Return the highest id of the templates that are stored or were removed; 0 where there is none."""
    return find_highest_id(conn, TEMPLATES.c.id, REMOVALS.c.template_id)


def find_highest_id(conn: Connection, *columns: Column[int]) -> int:
    """Return the highest id in any of these columns; 0 where there is none."""
    return max(int(highest or 0) for highest in conn.execute(_select_highest(*columns)).one())


@cache
def _select_highest(*columns: Column[int]) -> Select[Any]:
    """Return the statement for the highest values of columns; in a query of its own, each is the end of an index."""
    return select(*(select(func.max(column)).scalar_subquery() for column in columns))


def next_after(what: str, highest: int) -> int:
    """Return the id that follows the highest; GalleryError for one beyond those possible."""
    if highest >= LAST_ID:
        raise GalleryError(f"{what} {highest} of the gallery is not a possible id: restore a copy of it.")
    return 1 + highest


def contains(conn: Connection, state: int) -> bool:
    """Return whether a state is one of this database's history."""
    change = change_of(state)
    token = conn.execute(select(CHANGES.c.token).where(CHANGES.c.change == change)).scalar()
    return isinstance(token, int) and make_state(change, token) == state


def _milliseconds() -> int:
    return max((datetime.now(UTC) - EPOCH) // timedelta(milliseconds=1), 1)
