"""Punches that waited in a kiosk without a connection: their signatures, and their times by the server's clock."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from visavis.attendance.absences import add_outage, has_outage
from visavis.attendance.site import Site
from visavis.attendance.types import Outage
from visavis.errors import UsageError

LEAST_ERROR = 5
"""Seconds by which a clock may be wrong without a note: the request takes some time too."""

LEAST_STEP = timedelta(minutes=1)
"""By how much the error of a kiosk's clock may change while a punch waits, before the clock counts as set."""
MINUTE = timedelta(minutes=1)
SET_BACK = timedelta(minutes=2)
"""By how much the clock may have been set back while a punch waited: it then counts as made when it was sent."""


@dataclass(frozen=True, slots=True)
class QueuedPunch:
    """A punch that waited: its texts as the kiosk had them, and the times by its clock, in milliseconds since 1970.

    ``made`` is when it was made, ``sent`` when it was sent. ``signature`` is in hexadecimal. ``frames`` are the SHA-256
    of its frames, in hexadecimal. ``offset`` is the server's clock less that of the kiosk, in milliseconds, when the
    kiosk last reached it before the punch; None: not known.
    """

    id: str
    made: int
    sent: int
    number: str
    pin: str
    badge: str
    direction: str
    signature: str
    frames: tuple[str, ...] = ()
    offset: int | None = None

    @property
    def signed_text(self) -> str:
        """What the kiosk has signed: all but the time of sending, a line each."""
        texts = (self.id, str(self.made), self.number, self.pin, self.badge, self.direction, *self.frames)
        return "\n".join(texts if self.offset is None else (*texts, str(self.offset)))


def check_signature(site: Site, queued: QueuedPunch, *, kiosk: str) -> None:
    """Raise UsageError where a punch was not signed with the key of this kiosk."""
    expected = hmac.digest(site.key.derive_kiosk_key(kiosk), queued.signed_text.encode(), "sha256").hex()
    if not hmac.compare_digest(expected.encode(), queued.signature.encode()):
        raise UsageError("this punch does not have the signature of this kiosk.")


def correct_time(queued: QueuedPunch, now: datetime, *, most_days: int) -> tuple[datetime, str]:
    """Return when a punch was made by the clock of the server, and a note for the ledger.

    How long it waited is measured by the kiosk's clock, which may be wrong; where the clock was set meanwhile, by its
    error before. Raises UsageError for a punch that is older than ``most_days``, or was made after it was sent.
    """
    sent = datetime.fromtimestamp(queued.sent / 1000, UTC)
    waited = timedelta(milliseconds=queued.sent - queued.made)
    step = timedelta()
    if queued.offset is not None:
        step = sent + timedelta(milliseconds=queued.offset) - now
        if abs(step) > LEAST_STEP:
            waited -= step
    if not -SET_BACK <= waited <= timedelta(days=most_days):
        raise UsageError(
            f"a punch can wait for {most_days} days at most: an administrator can record it (visavis attendance punch)."
        )
    waited = max(waited, timedelta())
    error = round((sent - now).total_seconds())
    note = f"waited {round(waited.total_seconds())} s at the kiosk without a connection"
    if abs(step) > LEAST_STEP:
        way = "forward" if step > timedelta() else "back"
        note += f", whose clock was set {way} by {round(abs(step).total_seconds())} s meanwhile"
    elif abs(error) > LEAST_ERROR:
        note += f", whose clock was {abs(error)} s {'ahead' if error > 0 else 'behind'}"
    return now - waited, note


def mark_undecided(site: Site, punch_id: str, at: datetime, *, kiosk: str) -> None:
    """Note that an employee who is not known may have punched at a time, so that no employee is called absent for it.

    Days whose shifts it touches are undecided for those without punches. It is noted once for each punch of a kiosk,
    with the time of the first call.
    """
    outage_id = hashlib.sha256(f"{kiosk} {punch_id}".encode()).hexdigest()[:12]
    reason = f"a face that waited without a connection was not recognized ({punch_id})"
    with site.ledger.write(actor=kiosk) as writer:
        if not has_outage(writer.conn, outage_id):
            add_outage(writer, Outage(kiosk, at, at + MINUTE, reason), outage_id=outage_id)
