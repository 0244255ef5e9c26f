"""Punches that waited in a kiosk without a connection: their signatures, and their times by the server's clock."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from visavis.attendance.site import Site
from visavis.errors import UsageError

LEAST_ERROR = 5
"""Seconds by which a clock may be wrong without a note: the request takes some time too."""

SET_BACK = timedelta(minutes=2)
"""By how much the clock may have been set back while a punch waited: it then counts as made when it was sent."""


@dataclass(frozen=True, slots=True)
class QueuedPunch:
    """A punch that waited: its texts as the kiosk had them, and the times by its clock, in milliseconds since 1970.

    ``made`` is when it was made, ``sent`` when it was sent. ``signature`` is in hexadecimal.
    """

    id: str
    made: int
    sent: int
    number: str
    pin: str
    badge: str
    direction: str
    signature: str

    @property
    def signed_text(self) -> str:
        """What the kiosk has signed: all but the time of sending, a line each."""
        return "\n".join((self.id, str(self.made), self.number, self.pin, self.badge, self.direction))


def check_signature(site: Site, queued: QueuedPunch, *, kiosk: str) -> None:
    """Raise UsageError where a punch was not signed with the key of this kiosk."""
    expected = hmac.digest(site.key.derive_kiosk_key(kiosk), queued.signed_text.encode(), "sha256").hex()
    if not hmac.compare_digest(expected.encode(), queued.signature.encode()):
        raise UsageError("this punch does not have the signature of this kiosk.")


def correct_time(queued: QueuedPunch, now: datetime, *, most_days: int) -> tuple[datetime, str]:
    """Return when a punch was made by the clock of the server, and a note for the ledger.

    How long it waited is measured by the kiosk's clock, which may be wrong, but not go wrong meanwhile.
    Raises UsageError for a punch that is older than ``most_days``, or was made after it was sent.
    """
    waited = timedelta(milliseconds=queued.sent - queued.made)
    if not -SET_BACK <= waited <= timedelta(days=most_days):
        raise UsageError(
            f"a punch can wait for {most_days} days at most: an administrator can record it (visavis attendance punch)."
        )
    waited = max(waited, timedelta())
    error = round((datetime.fromtimestamp(queued.sent / 1000, UTC) - now).total_seconds())
    note = f"waited {round(waited.total_seconds())} s at the kiosk without a connection"
    if abs(error) > LEAST_ERROR:
        note += f", whose clock was {abs(error)} s {'ahead' if error > 0 else 'behind'}"
    return now - waited, note
