"""A receiver of signed events: it refuses wrong signatures, stale times and replays.

What a signature is over, and in which headers it arrives, is the receiver's ``Scheme``.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from attendance.peers.http_peer import Answer, Peer, Request


@dataclass(frozen=True)
class Scheme:
    """Where the time and the signature are: hexadecimal HMAC-SHA256 over time, separator and body."""

    timestamp_header: str = "x-timestamp"
    signature_header: str = "x-signature"
    prefix: str = "sha256="
    separator: bytes = b"."

    def sign(self, secret: bytes, timestamp: str, body: bytes) -> str:
        signed = timestamp.encode() + self.separator + body
        return self.prefix + hmac.new(secret, signed, hashlib.sha256).hexdigest()


class Webhook(Peer):
    """Accepts each event once; ``event_id`` returns what makes an event the same as an earlier one."""

    def __init__(
        self,
        secret: bytes,
        scheme: Scheme = Scheme(),
        *,
        event_ids: Callable[[Any], list[str]] = lambda event: [event["id"]],
        tolerance: float = 300,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.secret, self.scheme, self.event_ids = secret, scheme, event_ids
        self.tolerance, self.clock = tolerance, clock
        self.accepted: list[Any] = []
        """Bodies that were accepted, in the order they arrived."""
        self.repeated: list[Any] = []
        """Bodies whose events had all been accepted before: they are answered with 200 and not stored."""
        self._signatures: set[str] = set()
        self._ids: set[str] = set()
        super().__init__()

    def answer(self, request: Request) -> Answer:
        timestamp = request.headers.get(self.scheme.timestamp_header, "")
        signature = request.headers.get(self.scheme.signature_header, "")
        if request.method != "POST":
            return _refuse(405, "only POST")
        if not timestamp.isascii() or not timestamp.isdigit():
            return _refuse(400, "no time in seconds since 1970")
        if not hmac.compare_digest(signature.encode(), self.scheme.sign(self.secret, timestamp, request.body).encode()):
            return _refuse(401, "wrong signature")
        if abs(self.clock() - int(timestamp)) > self.tolerance:
            return _refuse(401, "stale time")
        if signature in self._signatures:
            return _refuse(409, "replay")
        self._signatures.add(signature)
        return self._accept(json.loads(request.body))

    def _accept(self, body: Any) -> Answer:
        ids = self.event_ids(body)
        if ids and self._ids.issuperset(ids):
            self.repeated.append(body)
        else:
            self.accepted.append(body)
            self._ids.update(ids)
        return Answer(200, b'{"ok": true}')


def _refuse(status: int, reason: str) -> Answer:
    return Answer(status, json.dumps({"error": reason}).encode())
