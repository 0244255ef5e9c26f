"""Signed webhooks, as the specification "Standard Webhooks" has them: the id, the time and the body are signed.

A receiver refuses a time that is more than five minutes off, and an id that it has had is a repetition.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections import Counter

from visavis.attendance.integrations.connection import TargetConnection, excerpt
from visavis.attendance.integrations.errors import RefusedRecordError, RejectedError
from visavis.attendance.integrations.targets import Target
from visavis.attendance.types import LedgerChange
from visavis.errors import UsageError
from visavis.printable import dump_json

PREFIX = "whsec_"
LEAST_KEY_BYTES = 24
NO_RECEIVER = frozenset({404, 405, 410})
"""Answers of an address at which no webhooks are received: they say nothing about the event."""


def read_key(secret: str) -> bytes:
    """Return the key of a secret: ``whsec_`` and base64, or any text. Raises UsageError for a short one."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True) if secret.startswith(PREFIX) else b""
    except binascii.Error as error:
        raise UsageError("the key of a webhook is whsec_ and base64, or any text.") from error
    key = key or secret.encode()
    if len(key) < LEAST_KEY_BYTES:
        raise UsageError(f"the key of a webhook has at least {LEAST_KEY_BYTES} bytes: openssl rand -base64 32")
    return key


def sign(key: bytes, event_id: str, timestamp: int, body: bytes) -> str:
    """Return the header ``webhook-signature`` of a body that is sent at a time, in seconds since 1970."""
    digest = hmac.digest(key, f"{event_id}.{timestamp}.".encode() + body, "sha256")
    return "v1," + base64.b64encode(digest).decode()


def make_id(change: LedgerChange) -> str:
    """Return the id of the event of a change: the same in every try, and of no other change of any site."""
    return "evt_" + hashlib.sha256(f"{change.punch_id}\n{change.number}".encode()).hexdigest()[:32]


def make_body(change: LedgerChange) -> bytes:
    """Return the event of a change as JSON; ``punch`` is null where the punch is void."""
    punch = None if change.punch is None else change.punch.to_dict()
    event = {"type": f"attendance.{change.kind}", "change": change.number, "punch_id": change.punch_id, "punch": punch}
    return dump_json(event).encode()


class WebhookDelivery:
    """Delivers each change of the ledger as an event."""

    def __init__(self, target: Target, connection: TargetConnection, key: bytes) -> None:
        self._target, self._connection, self._key = target, connection, key
        self.counts: Counter[str] = Counter()

    def deliver(self, change: LedgerChange) -> None:
        """Send the event of a change; any answer of the kind 2xx confirms it. Raises RefusedRecordError."""
        if change.punch is not None and not self._target.covers(change.punch):
            return
        event_id, body, timestamp = make_id(change), make_body(change), int(time.time())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": event_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(self._key, event_id, timestamp, body),
        }
        answer = self._connection.send("POST", "", data=body, headers=headers)
        if answer.status in NO_RECEIVER:
            raise RejectedError(f"nothing receives webhooks at this address: it answered {answer.status}.")
        if answer.status >= 400:
            raise RefusedRecordError(f"it answered {answer.status}: {excerpt(answer.body)}")
        self.counts["created"] += 1
