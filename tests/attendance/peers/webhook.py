"""A receiver of signed events, as the specification "Standard Webhooks" describes it.

It refuses wrong signatures and times that are off; an id that it has had is answered and not processed again, and one
that comes back with another body is refused.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

from attendance.peers.http_peer import Answer, Peer, Request

TOLERANCE_S = 300


class Webhook(Peer):
    """Accepts each event once."""

    def __init__(self, secret: bytes, *, clock: Callable[[], float] = time.time) -> None:
        self.secret, self.clock = secret, clock
        self.events: dict[str, bytes] = {}
        """Bodies by the id of the event, in the order in which they came first."""
        self.repeated: list[str] = []
        """Ids that came again."""
        super().__init__()

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(body) for body in self.events.values()]

    def answer(self, request: Request) -> Answer:
        event, sent, signatures = (
            request.headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")
        )
        if request.method != "POST":
            return _refuse(405, "only POST")
        if not event or not sent.isascii() or not sent.isdigit():
            return _refuse(400, "no id, or no time in seconds since 1970")
        expected = sign(self.secret, event, sent, request.body).encode()
        if not any(hmac.compare_digest(expected, signature.encode()) for signature in signatures.split(" ")):
            return _refuse(401, "wrong signature")
        if abs(self.clock() - int(sent)) > TOLERANCE_S:
            return _refuse(401, "stale time")
        if event in self.events:
            if self.events[event] != request.body:
                return _refuse(409, "another event had this id")
            self.repeated.append(event)
        self.events[event] = request.body
        return Answer(200, b'{"ok": true}')


def sign(secret: bytes, event: str, timestamp: str, body: bytes) -> str:
    """Return the signature of an event: base64 of HMAC-SHA256 over its id, its time and its body."""
    digest = hmac.new(secret, f"{event}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def _refuse(status: int, reason: str) -> Answer:
    return Answer(status, json.dumps({"error": reason}).encode())
