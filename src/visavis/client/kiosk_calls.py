"""Calls of a kiosk: frames of who stands before it, punches by PIN and badge, and undo."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal
from urllib.parse import quote

from visavis.attendance.kiosk.types import KioskAnswer, KioskDescription
from visavis.client._photos import make_form
from visavis.client._requests import GalleryRequests, require_uploads
from visavis.client.parse import parse
from visavis.images import Source

KioskDirection = Literal["in", "out"]


class KioskCalls(GalleryRequests):
    """Methods of :class:`visavis.Client` for a key of the role kiosk.

    Ids are 32 hexadecimal digits, drawn at random where none is given; a punch can be sent again with its id.
    """

    def describe_kiosk(self) -> KioskDescription:
        """Return the settings of the kiosks of the server's site."""
        return parse(KioskDescription, self._connection.send("GET", "/kiosk"))

    def punch_by_face(
        self,
        frames: Source | Iterable[Source],
        *,
        direction: KioskDirection | None = None,
        punch_id: str | None = None,
        attempt: str | None = None,
    ) -> KioskAnswer:
        """Record the punch of the person that all frames show, or return advice, or that the person is unknown.

        ``attempt`` is the same for all frames of a person who stands before the kiosk. A ``direction`` of None follows
        from the last punch.
        """
        params = {"punch_id": punch_id or _draw_id(), "attempt": attempt or _draw_id(), "direction": direction}
        files = make_form("photo", require_uploads(frames)[0])
        return parse(KioskAnswer, self._connection.send("POST", "/kiosk/frames", files=files, params=params))

    def follow_challenge(
        self, challenge: str, frames: Source | Iterable[Source], milliseconds: Sequence[int]
    ) -> KioskAnswer:
        """Send further frames of a challenge; return what the person has to do, or the punch once it is passed.

        ``milliseconds`` are those since the challenge began, for each frame.
        """
        files = make_form("photo", require_uploads(frames)[0])
        path = f"/kiosk/challenges/{quote(challenge, safe='')}/frames"
        params = {"times": ",".join(map(str, milliseconds))}
        return parse(KioskAnswer, self._connection.send("POST", path, files=files, params=params))

    def send_waiting_frames(
        self,
        frames: Source | Iterable[Source],
        *,
        punch_id: str,
        waited: Mapping[str, object],
        direction: KioskDirection | None = None,
    ) -> KioskAnswer:
        """Record the punch of the person in frames that waited for a connection; the answer has no name.

        ``waited`` says when they were ``made`` and are ``sent``, in milliseconds since 1970, and their ``signature``.
        """
        params = {"punch_id": punch_id, **waited, "direction": direction}
        files = make_form("photo", require_uploads(frames)[0])
        return parse(KioskAnswer, self._connection.send("POST", "/kiosk/frames/waited", files=files, params=params))

    def punch_by_pin(
        self,
        number: str,
        pin: str,
        *,
        direction: KioskDirection | None = None,
        punch_id: str | None = None,
        waited: Mapping[str, object] | None = None,
    ) -> KioskAnswer:
        """Record the punch of an employee by number and PIN.

        ``waited`` is for a punch that waited for a connection: when it was ``made`` and ``sent``, in milliseconds since
        1970, and its ``signature``.
        """
        order = {"number": number, "pin": pin, "direction": direction, "waited": waited}
        return self._send_punch(punch_id, order)

    def punch_by_badge(
        self,
        badge: str,
        *,
        direction: KioskDirection | None = None,
        punch_id: str | None = None,
        waited: Mapping[str, object] | None = None,
    ) -> KioskAnswer:
        """Record the punch of an employee by badge: see :meth:`punch_by_pin`."""
        return self._send_punch(punch_id, {"badge": badge, "direction": direction, "waited": waited})

    def undo_punch(self, punch_id: str) -> None:
        """Make a punch void that this kiosk has just recorded."""
        self._connection.send("POST", f"/kiosk/punches/{quote(punch_id, safe='')}/undo")

    def read_signing_key(self) -> bytes:
        """Return the key with which this kiosk signs punches that wait for a connection."""
        return bytes.fromhex(self._connection.send("POST", "/kiosk/signing-key")["key"])

    def _send_punch(self, punch_id: str | None, order: Mapping[str, object]) -> KioskAnswer:
        content = {"id": punch_id or _draw_id(), **order}
        return parse(KioskAnswer, self._connection.send("POST", "/kiosk/punches", json=content))


def _draw_id() -> str:
    return secrets.token_hex(16)
