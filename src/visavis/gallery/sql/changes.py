"""Changes of a gallery: their numbers, their random tokens, and the template ids that they give.

A number alone does not identify a change: after a backup is restored, other changes get the same numbers. The
table ``changes`` has the token of each number, so an index of an earlier state is updated only where that is in the
history of this database. The number and the token of a change in one integer are its *state*: 36 bits and 27.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from visavis.errors import GalleryError
from visavis.gallery.sql.schema import CHANGES, META, REMOVALS, TEMPLATES, TOKEN_BITS, make_token

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""New ids begin at the number of microseconds since then, which grows faster than any gallery: see :func:`next_id`."""
LAST_CHANGE = 1 << (63 - TOKEN_BITS)
LAST_ID = 1 << 62
"""Numbers that no gallery reaches, below those that a database can store."""

BEGUN, OWN, LEAST_ID = "visavis_begun", "visavis_own", "visavis_least_id"
"""Keys of ``Connection.info``: the state of the running transaction, that of the last one which this connection
committed, and the least id of a new template."""


def make_state(change: int, token: int | None) -> int:
    """Return number and token of a change as one integer, which grows with the number."""
    return change << TOKEN_BITS | (token or 0)


def change_of(state: int) -> int:
    """Return the number of the change of a state."""
    return state >> TOKEN_BITS


def begin_change(conn: Connection) -> int:
    """Return the number of a new change. No other transaction makes one meanwhile: the store has one writer."""
    before = conn.execute(select(META.c.change, META.c.token)).one()
    if make_state(*before) not in (conn.info.get(BEGUN), conn.info.get(OWN)):
        conn.info[LEAST_ID] = _microseconds()
    if before.change >= LAST_CHANGE:
        raise GalleryError(f"change {before.change} of the gallery is not a possible number: restore a copy of it.")
    token = make_token()
    change = int(before.change) + 1
    conn.execute(update(META).values(change=change, token=token))
    conn.execute(insert(CHANGES).values(change=change, token=token))
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


def disown(conn: Connection) -> None:
    """Let the next change begin with new ids: this transaction stores ids that were given elsewhere."""
    conn.info.pop(BEGUN, None)
    conn.info.pop(OWN, None)


def next_id(conn: Connection) -> int:
    """Return the least id that a template may get, inside a transaction that has begun a change.

    An id is never given twice, not even after a backup was restored, which does not contain the latest ids. So ids
    continue those of the last change only where this connection made it; otherwise they begin with the time.
    """
    highest_ids = (select(func.max(TEMPLATES.c.id)), select(func.max(REMOVALS.c.template_id)))
    highest = max(int(conn.execute(query).scalar() or 0) for query in highest_ids)
    if highest >= LAST_ID:
        raise GalleryError(f"template {highest} of the gallery is not a possible id: restore a copy of it.")
    return max(1 + highest, int(conn.info.get(LEAST_ID, 1)))


def contains(conn: Connection, state: int) -> bool:
    """Return whether a state is one of this database's history."""
    change = change_of(state)
    token = conn.execute(select(CHANGES.c.token).where(CHANGES.c.change == change)).scalar()
    return isinstance(token, int) and make_state(change, token) == state


def _microseconds() -> int:
    return max((datetime.now(UTC) - EPOCH) // timedelta(microseconds=1), 1)
