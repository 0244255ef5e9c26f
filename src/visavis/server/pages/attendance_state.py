"""Whether the page of a day has something new to show: asked every few seconds by each browser that shows it."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from visavis.attendance.kiosk.refused_days import find_newest
from visavis.server.pages.attendance_scope import Scope

STATE_HEADER = "x-state"
"""The state that a browser shows: the same state is answered by 204, without computing a day."""
LOOK_AGAIN = timedelta(hours=1)
"""How often the look of a page that stays open is logged."""


def find_state(scope: Scope) -> str:
    """Return a text that changes with each record of the site, with each refusal at a door, and every minute.

    It is a digest: it says nothing about what others record.
    """
    newest = scope.site.ledger.newest()
    with scope.site.database.read() as conn:
        parts = (newest, *find_newest(conn), f"{scope.now:%Y-%m-%d %H:%M}", scope.visitor.name)
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:16]
